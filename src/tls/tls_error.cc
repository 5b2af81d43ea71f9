// SPDX-License-Identifier: Apache-2.0
#include "tls/tls_error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <string_view>

#include "base/format.h"
#include "tls/certificate.h"
#include "tls/client_auth.h"

namespace viaduct::tls {
namespace {

using base::format;
using http::Reason;

// How many names of a certificate a message shows.
constexpr std::size_t kNamesShownMax = 5;
// The reason code of a received alert is its number behind this.
constexpr int kAlertOffset = SSL_AD_REASON_OFFSET;

// Alerts that refuse a handshake for the other side's certificate, or for what it may do with it.
constexpr std::array kRefusals = {
    SSL_AD_HANDSHAKE_FAILURE,   SSL_AD_BAD_CERTIFICATE,     SSL_AD_UNSUPPORTED_CERTIFICATE,
    SSL_AD_CERTIFICATE_REVOKED, SSL_AD_CERTIFICATE_EXPIRED, SSL_AD_CERTIFICATE_UNKNOWN,
    SSL_AD_UNKNOWN_CA,          SSL_AD_ACCESS_DENIED,       SSL_AD_CERTIFICATE_REQUIRED,
};

constexpr std::string_view kBrokenTls = "what the client sent does not follow TLS";

// What OpenSSL's reasons mean in practice, seen from either side. Empty: nothing better than OpenSSL's own words.
struct Explanation {
  int reason;
  std::string_view as_server;
  std::string_view as_client;
  Reason word = Reason::kTlsFailed;  // of the failure, where we are the server
};
constexpr std::array kExplanations = {
    Explanation{SSL_R_HTTP_REQUEST, "the client speaks plain HTTP on a TLS port", "", Reason::kTlsPlainHttp},
    Explanation{SSL_R_HTTPS_PROXY_REQUEST, "the client takes this TLS port for a plain HTTP proxy", "",
                Reason::kTlsPlainHttp},
    Explanation{SSL_R_WRONG_VERSION_NUMBER, "what the client sent is not TLS",
                "the server does not speak TLS on this port (http:// in place of https://?)", Reason::kTlsInvalid},
    Explanation{SSL_R_NO_SHARED_CIPHER, "the client offers no cipher suite that is allowed here", "",
                Reason::kTlsNoSharedCipher},
    Explanation{SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
                "the client cannot verify the kind of certificate that is served (ECDSA alone? add an RSA certificate)",
                "", Reason::kTlsNoSharedCipher},
    Explanation{SSL_R_NO_SUITABLE_KEY_SHARE, "the client offers no group for the key exchange that is known here", "",
                Reason::kTlsNoSharedGroup},
    Explanation{SSL_R_NO_APPLICATION_PROTOCOL, "the client offers no HTTP version that is served here (ALPN)", "",
                Reason::kTlsNoProtocol},
    Explanation{SSL_R_PACKET_LENGTH_TOO_LONG, kBrokenTls, "", Reason::kTlsInvalid},
    Explanation{SSL_R_UNEXPECTED_MESSAGE, kBrokenTls, "", Reason::kTlsInvalid},
    Explanation{SSL_R_LENGTH_MISMATCH, kBrokenTls, "", Reason::kTlsInvalid},
    Explanation{SSL_R_BAD_EXTENSION, kBrokenTls, "", Reason::kTlsInvalid},
    Explanation{SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE,
                "the client shows no certificate, which this site wants (client_auth)", "",
                Reason::kTlsClientCertificateMissing},
    Explanation{SSL_R_BAD_SIGNATURE, "the client does not have the key of the certificate that it shows", "",
                Reason::kTlsClientCertificateRefused},
    Explanation{SSL_R_EXCESSIVE_MESSAGE_SIZE, "", "", Reason::kTlsInvalid},
    Explanation{kAlertOffset + SSL_AD_PROTOCOL_VERSION, "", "the server refuses TLS 1.2 and 1.3, which are offered",
                Reason::kTlsVersion},
    Explanation{kAlertOffset + SSL_AD_HANDSHAKE_FAILURE, "",
                "the server refuses the handshake: no common cipher suite, or it wants another name (tls.sni)"},
    Explanation{kAlertOffset + SSL_AD_UNRECOGNIZED_NAME, "",
                "the server does not know the name it is asked for (tls.sni)"},
    Explanation{kAlertOffset + SSL_AD_CERTIFICATE_REQUIRED, "",
                "the server wants a client certificate (tls.cert and tls.key)"},
    Explanation{kAlertOffset + SSL_AD_BAD_CERTIFICATE, "the client refuses our certificate: bad certificate",
                "the server refuses our client certificate: bad certificate", Reason::kTlsCertificateRefused},
    Explanation{kAlertOffset + SSL_AD_CERTIFICATE_EXPIRED, "the client refuses our certificate: expired",
                "the server refuses our client certificate: expired", Reason::kTlsCertificateRefused},
    Explanation{kAlertOffset + SSL_AD_CERTIFICATE_UNKNOWN, "the client refuses our certificate",
                "the server refuses our client certificate", Reason::kTlsCertificateRefused},
    Explanation{kAlertOffset + SSL_AD_UNSUPPORTED_CERTIFICATE, "the client refuses our certificate: of no use to it",
                "the server refuses our client certificate: of no use to it", Reason::kTlsCertificateRefused},
    Explanation{kAlertOffset + SSL_AD_CERTIFICATE_REVOKED, "the client refuses our certificate: revoked",
                "the server refuses our client certificate: revoked", Reason::kTlsCertificateRefused},
    Explanation{kAlertOffset + SSL_AD_UNKNOWN_CA, "the client refuses our certificate: it does not trust the issuer",
                "the server refuses our client certificate: it does not trust the issuer",
                Reason::kTlsCertificateRefused},
};

// OpenSSL's reason where `error` comes from its TLS, else 0.
int tls_reason(unsigned long error) {
  return ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
}

// OpenSSL 3.0 has no name for the one that TLS 1.3 brought.
std::string_view alert_name(int alert) {
  return alert == SSL_AD_CERTIFICATE_REQUIRED ? "certificate required" : SSL_alert_desc_string_long(alert);
}

// What of the queue tells most: its oldest error, unless the newest one is TLS's own word for what an older one of
// another part, such as a signature's, came to.
unsigned long most_telling_error() {
  const unsigned long oldest = ERR_peek_error();
  const int newest_reason = tls_reason(ERR_peek_last_error());
  const bool is_known = newest_reason == SSL_R_CERTIFICATE_VERIFY_FAILED ||
                        std::ranges::find(kExplanations, newest_reason, &Explanation::reason) != kExplanations.end();
  return tls_reason(oldest) == 0 && is_known ? ERR_peek_last_error() : oldest;
}

// The word for the failure of a server's handshake. `error`: 0 where TLS found nothing wrong.
Reason word_of(unsigned long error, bool has_gone) {
  if (error == 0) return has_gone ? Reason::kTlsClosed : Reason::kTlsFailed;
  const int reason = tls_reason(error);
  if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_VERSION_TOO_LOW) return Reason::kTlsVersion;
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) return Reason::kTlsClientCertificateRefused;
  const auto* row = std::ranges::find(kExplanations, reason, &Explanation::reason);
  if (row != kExplanations.end() && row->word != Reason::kTlsFailed) return row->word;
  return reason > kAlertOffset ? Reason::kTlsClientAlert : Reason::kTlsFailed;
}

std::string explanation_of(SSL& ssl, unsigned long error) {
  const bool is_server = SSL_is_server(&ssl) == 1;
  const int reason = tls_reason(error);
  if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_VERSION_TOO_LOW) {
    if (!is_server) return "the server speaks no TLS version from 1.2 on";
    return format(
        "the client offers TLS versions up to {:#06x} (0x0301 is TLS 1.0), which are not allowed here "
        "(tls.min_version)",
        static_cast<unsigned>(SSL_client_version(&ssl)));
  }
  const auto* row = std::ranges::find(kExplanations, reason, &Explanation::reason);
  if (row != kExplanations.end()) {
    const std::string_view text = is_server ? row->as_server : row->as_client;
    if (!text.empty()) return std::string(text);
  }
  const std::string_view who = is_server ? "client" : "server";
  if (reason > kAlertOffset) {
    return format("the {} ends the handshake: alert \"{}\"", who, alert_name(reason - kAlertOffset));
  }
  const char* text = ERR_reason_error_string(error);
  return format("the handshake with the {} failed: {}", who, text == nullptr ? "unknown error" : text);
}

// The name or address that the certificate had to have.
std::string expected_name(SSL& ssl) {
  X509_VERIFY_PARAM* param = SSL_get0_param(&ssl);
  if (const char* host = X509_VERIFY_PARAM_get0_host(param, 0); host != nullptr) return host;
  const std::unique_ptr<char, ReleaseWith<[](char* text) { OPENSSL_free(text); }>> address(
      X509_VERIFY_PARAM_get1_ip_asc(param));
  return address == nullptr ? "any name" : address.get();
}

// The certificate of `chain`, leaf first, whose time is not now.
const X509* certificate_out_of_time(const STACK_OF(X509) * chain, base::WallTime now) {
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const X509* certificate = sk_X509_value(chain, i);
    if (now < not_before_of(*certificate) || now > not_after_of(*certificate)) return certificate;
  }
  return nullptr;
}

std::string time_problem(const STACK_OF(X509) * chain, std::string_view who) {
  const base::WallTime now = std::chrono::system_clock::now();
  const X509* certificate = certificate_out_of_time(chain, now);
  if (certificate == nullptr) return format("a certificate of the {} is out of its time", who);
  const std::string whose = certificate == sk_X509_value(chain, 0) ? format("the {}'s certificate", who)
                                                                   : format("a certificate above the {}'s", who);
  const bool is_early = now < not_before_of(*certificate);
  return format("{} ({}) {} {}", whose, subject_text(*certificate), is_early ? "is not valid before" : "expired on",
                date_text(is_early ? not_before_of(*certificate) : not_after_of(*certificate)));
}

// What is wrong with the other side's certificate.
std::string certificate_problem(SSL& ssl, long verify_result) {
  const bool is_server = SSL_is_server(&ssl) == 1;
  const std::string_view who = is_server ? "client" : "server";
  const std::string_view key = is_server ? "client_ca" : "tls.ca";
  const STACK_OF(X509)* chain = SSL_get0_verified_chain(&ssl);
  if (chain == nullptr || sk_X509_num(chain) == 0) {
    return format("the {}'s certificate is not accepted: {}", who, X509_verify_cert_error_string(verify_result));
  }
  const X509& leaf = *sk_X509_value(chain, 0);
  switch (verify_result) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return format("the server's certificate is for {}, not for {}, which is expected (tls.verify_name, tls.sni)",
                    certificate_names_text(leaf, kNamesShownMax), expected_name(ssl));
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: return time_problem(chain, who);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return format("the {}'s certificate ({}) is self-signed and not trusted here ({})", who, subject_text(leaf), key);
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return format("the {}'s certificate ({}) comes from an authority that is not trusted here: {} ({})", who,
                    subject_text(leaf), issuer_text(*sk_X509_value(chain, sk_X509_num(chain) - 1)), key);
    case X509_V_ERR_APPLICATION_VERIFICATION:  // by client_auth alone
      return format("the {}'s certificate ({}) is larger than {} bytes", who, subject_text(leaf),
                    kClientCertificateBytesMax);
    default:
      return format("the {}'s certificate ({}) is not accepted: {}", who, subject_text(leaf),
                    X509_verify_cert_error_string(verify_result));
  }
}

std::string socket_problem(SSL& ssl, net::IoStatus status, int error_number) {
  const std::string_view who = SSL_is_server(&ssl) == 1 ? "client" : "server";
  if (status != net::IoStatus::kFailed) return format("the {} closed the connection during the TLS handshake", who);
  return format("the connection broke during the TLS handshake with the {}: {}", who, std::strerror(error_number));
}

}  // namespace

std::string take_openssl_error() {
  const char* data = nullptr;
  int flags = 0;
  const unsigned long error = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags);
  const char* reason = ERR_SYSTEM_ERROR(error) ? std::strerror(ERR_GET_REASON(error)) : ERR_reason_error_string(error);
  std::string text = error == 0 || reason == nullptr ? "unknown error" : reason;
  if ((flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != '\0') text += format(" ({})", data);
  ERR_clear_error();
  return text;
}

net::TransportError handshake_error(SSL& ssl, net::IoStatus socket_status, int error_number) {
  const bool is_server = SSL_is_server(&ssl) == 1;
  const unsigned long error = most_telling_error();
  const bool has_gone = socket_status != net::IoStatus::kOk || (SSL_get_shutdown(&ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
  const long verify_result = SSL_get_verify_result(&ssl);
  net::TransportError failure;
  failure.reason = is_server ? word_of(error, has_gone) : http::Reason::kUpstreamTlsFailed;
  if (tls_reason(error) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    if (!is_server) failure.reason = http::Reason::kUpstreamCertificateInvalid;
    failure.error.message = certificate_problem(ssl, verify_result);
  } else if (error != 0) {
    failure.error.message = explanation_of(ssl, error);
  } else {
    failure.error.code = error_number;
    failure.error.message = socket_problem(ssl, socket_status, error_number);
  }
  ERR_clear_error();
  return failure;
}

std::unique_ptr<const net::TransportError> late_refusal(SSL& ssl) {
  const unsigned long error = most_telling_error();
  const int alert = tls_reason(error) - kAlertOffset;
  const bool is_refusal = std::ranges::find(kRefusals, alert) != kRefusals.end();
  if (!is_refusal || SSL_version(&ssl) != TLS1_3_VERSION) return nullptr;
  net::TransportError failure;
  failure.reason = Reason::kUpstreamTlsFailed;
  failure.error.message = format("{}; alert \"{}\"", explanation_of(ssl, error), alert_name(alert));
  return std::make_unique<const net::TransportError>(std::move(failure));
}

std::unique_ptr<const net::TransportError> renegotiation_flood(const SSL& ssl) {
  const bool is_server = SSL_is_server(&ssl) == 1;
  net::TransportError failure;
  failure.reason = is_server ? Reason::kRenegotiationFlood : Reason::kUpstreamInvalidResponse;
  failure.error.message = format("the {} asks for one renegotiation after another", is_server ? "client" : "server");
  return std::make_unique<const net::TransportError>(std::move(failure));
}

}  // namespace viaduct::tls
