// SPDX-License-Identifier: Apache-2.0
#include "tls/context.h"

#include <openssl/err.h>

#include <string>
#include <string_view>

#include "base/check.h"
#include "tls/tls_error.h"

namespace viaduct::tls {
namespace {

// AES-128 first: with the processor's help it is the fastest, and nobody breaks it. ChaCha20 moves to the front for
// clients that ask for it first, which have no such help.
constexpr const char* kCipherSuites13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

// Forward secrecy always. The last row is no AEAD: for clients of TLS 1.2 that have none (Java 7, for one); the payment
// platforms do not say what theirs can do.
constexpr const char* kCipherSuites12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA";

// Behind these where TLS 1.0 or 1.1 was asked for by name: such clients may know no elliptic curves at all.
constexpr const char* kCipherSuitesBefore12 = ":AES128-SHA:AES256-SHA";

constexpr const char* kGroups = "X25519:P-256:P-384";

// Sessions of one process are one another's, whichever site began them: the client's certificate is never asked for.
constexpr std::string_view kSessionIdContext = "viaduct";

// OpenSSL's security levels. 1: keys of 1024 bits and more, no signatures by SHA-1; weak keys of the operator's own are
// reported by cert_store. 0: TLS 1.0 and 1.1, which sign by SHA-1.
constexpr int kSecurityLevel = 1;
constexpr int kSecurityLevelBefore12 = 0;

struct AlpnList {
  std::string_view wire;  // each name behind its length, RFC 7301 §3.1
};
constexpr AlpnList kAlpnHttp1{"\x08http/1.1\x08http/1.0"};
constexpr AlpnList kAlpnHttp2AndHttp1{"\x02h2\x08http/1.1\x08http/1.0"};

const unsigned char* as_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// Takes the first protocol of ours that the client offers too.
// NOLINTNEXTLINE(readability-function-size): the signature is OpenSSL's
int select_alpn(SSL* ssl, const unsigned char** selected, unsigned char* selected_length, const unsigned char* offered,
                unsigned offered_length, void* /*unused*/) {
  const auto* list = static_cast<const AlpnList*>(SSL_get_app_data(ssl));
  unsigned char* found = nullptr;
  const int outcome = SSL_select_next_proto(&found, selected_length, as_bytes(list->wire),
                                            static_cast<unsigned>(list->wire.size()), offered, offered_length);
  if (outcome != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *selected = found;
  return SSL_TLSEXT_ERR_OK;
}

bool set_versions_and_ciphers(SSL_CTX& context, const config::ListenerTls& tls) {
  const bool allows_old = tls.min_version < config::TlsVersion::k1_2;
  SSL_CTX_set_security_level(&context, allows_old ? kSecurityLevelBefore12 : kSecurityLevel);
  const std::string ciphers = std::string(kCipherSuites12) + (allows_old ? kCipherSuitesBefore12 : "");
  return SSL_CTX_set_min_proto_version(&context, static_cast<int>(tls.min_version)) == 1 &&
         SSL_CTX_set_max_proto_version(&context, static_cast<int>(tls.max_version)) == 1 &&
         SSL_CTX_set_cipher_list(&context, ciphers.c_str()) == 1;
}

void set_sessions(SSL_CTX& context, bool tickets, TicketKeys& ticket_keys) {
  // No cache of ours: a ticket holds the whole session, so that any worker can resume it.
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(&context, as_bytes(kSessionIdContext),
                                 static_cast<unsigned>(kSessionIdContext.size()));
  SSL_CTX_set_max_early_data(&context, 0);  // 0-RTT can be replayed, and a callback must not be
  if (!tickets) {
    SSL_CTX_set_options(&context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(&context, 0);
    return;
  }
  // One: two are for clients that open connections side by side, and each costs 250 bytes in every handshake.
  SSL_CTX_set_num_tickets(&context, 1);
  SSL_CTX_set_timeout(&context, std::chrono::duration_cast<std::chrono::seconds>(TicketKeys::kTicketLifetime).count());
  ticket_keys.install(context);
}

}  // namespace

base::Result<SslCtxPtr> make_server_context(const config::ListenerTls& tls, TicketKeys& ticket_keys) {
  ERR_clear_error();
  SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return base::fail("cannot set up TLS: " + take_openssl_error());
  set_common_options(*context);
  SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  if (!set_versions_and_ciphers(*context, tls)) return base::fail("cannot set up TLS: " + take_openssl_error());
  set_sessions(*context, tls.session_tickets, ticket_keys);
  SSL_CTX_set_alpn_select_cb(context.get(), select_alpn, nullptr);
  return context;
}

SslPtr new_server_session(SSL_CTX& context, Alpn alpn) {
  SslPtr ssl(SSL_new(&context));
  const AlpnList& list = alpn == Alpn::kHttp1 ? kAlpnHttp1 : kAlpnHttp2AndHttp1;
  // OpenSSL's pointer is not const; select_alpn() reads alone.
  SSL_set_app_data(ssl.get(), const_cast<AlpnList*>(&list));
  SSL_set_accept_state(ssl.get());
  return ssl;
}

void set_common_options(SSL_CTX& context) {
  // A stream that ends without close_notify must be seen as cut off, hence never SSL_OP_IGNORE_UNEXPECTED_EOF; cleared
  // because the system's openssl.cnf may set options.
  SSL_CTX_clear_options(&context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_ALLOW_CLIENT_RENEGOTIATION |
                                      SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
  SSL_CTX_set_options(&context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  // Without SSL_MODE_ENABLE_PARTIAL_WRITE a write takes all that it is given, in as many records as the other side's
  // max_fragment_length (RFC 6066 §4) wants.
  SSL_CTX_set_mode(&context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(&context, 1);
  CHECK(SSL_CTX_set1_groups_list(&context, kGroups) == 1);
  CHECK(SSL_CTX_set_ciphersuites(&context, kCipherSuites13) == 1);
}

}  // namespace viaduct::tls
