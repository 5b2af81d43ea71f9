// SPDX-License-Identifier: Apache-2.0
#include "tls/client_context.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/ip.h"
#include "tls/key_pair.h"
#include "tls/tls_error.h"

namespace viaduct::tls {
namespace {

// The server chooses; the fastest first for those that follow the client. OpenSSL's own list behind, since an old
// server is better called with an old suite than not at all.
constexpr const char* kCipherSuites12 = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:DEFAULT";

// OpenSSL's security levels. 2: keys of 2048 bits and more, as every public authority issues them. 0, without
// verification: what is not looked at need not be strong.
constexpr int kSecurityLevel = 2;
constexpr int kSecurityLevelUnverified = 0;

// RFC 7301 §3.1: each name behind its length.
constexpr std::string_view kAlpnHttp1 = "\x08http/1.1";
constexpr std::string_view kAlpnHttp2AndHttp1 = "\x02h2\x08http/1.1";

base::Result<void> set_trust(SSL_CTX& context, const std::string& ca) {
  if (ca.empty()) {
    if (SSL_CTX_set_default_verify_paths(&context) == 1) return {};
    return base::fail("cannot use the system's certificate authorities: " + take_openssl_error());
  }
  const auto authorities = load_certificates(ca);
  if (!authorities.has_value()) return std::unexpected(authorities.error());
  X509_STORE* store = SSL_CTX_get_cert_store(&context);
  for (const X509Ptr& authority : *authorities) {
    if (X509_STORE_add_cert(store, authority.get()) != 1) return base::fail(ca + ": " + take_openssl_error());
  }
  // What stands in the file is trusted as it is: an authority below a root, or the server's own certificate.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

base::Result<void> set_client_certificate(SSL_CTX& context, const config::UpstreamTls& tls) {
  if (tls.cert.empty()) return {};
  const auto pair = load_key_pair(tls.cert, tls.key);
  if (!pair.has_value()) return std::unexpected(pair.error());
  const auto used = use_key_pair(context, *pair);
  if (!used.has_value()) return base::fail(tls.cert + ": " + used.error().message);
  return {};
}

// The slot holds copies that no connection shares: OpenSSL marks the session of a connection as not to be resumed, in
// TLS 1.3 as soon as it was, and what it derives from that one inherits the mark.
int on_new_session(SSL* ssl, SSL_SESSION* session) {
  if (SSL_SESSION_is_resumable(session) == 1) {
    static_cast<SessionSlot*>(SSL_get_app_data(ssl))->keep(SslSessionPtr(SSL_SESSION_dup(session)));
  }
  return 0;  // the reference stays OpenSSL's
}

void resume(SSL& ssl, const SessionSlot& slot) {
  if (slot.empty()) return;
  const SslSessionPtr session(SSL_SESSION_dup(slot.session()));
  SSL_set_session(&ssl, session.get());
}

void expect_name(SSL& ssl, const std::string& name) {
  X509_VERIFY_PARAM* param = SSL_get0_param(&ssl);
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const auto address = base::IpAddress::parse(name);
  const int done = address ? X509_VERIFY_PARAM_set1_ip_asc(param, address->to_string().c_str())
                           : X509_VERIFY_PARAM_set1_host(param, name.data(), name.size());
  if (done == 1 && !name.empty()) return;
  // Without a name OpenSSL would accept any certificate; with one that nobody can have it accepts none.
  CHECK(X509_VERIFY_PARAM_set1_host(param, "?", 1) == 1);
}

std::string without_final_dot(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  return name;
}

}  // namespace

ServerNames ServerNames::of(const config::UpstreamTls& tls, const config::Server& server) {
  const std::string host = server.is_unix ? "localhost" : without_final_dot(server.host);
  ServerNames names;
  names.sni = tls.sni.empty() ? host : without_final_dot(tls.sni);
  names.verify_name = tls.verify_name.empty() ? names.sni : without_final_dot(tls.verify_name);
  if (base::IpAddress::parse(names.sni)) names.sni.clear();
  return names;
}

void SessionSlot::prepare(SSL_CTX& context, const ServerNames& names) {
  if (context_.get() == &context && names_ == names) return;
  session_.reset();
  SSL_CTX_up_ref(&context);
  context_.reset(&context);
  names_ = names;
}

base::Result<ClientContext> ClientContext::load(const config::UpstreamTls& tls) {
  ERR_clear_error();
  SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return base::fail("cannot set up TLS: " + take_openssl_error());
  set_common_options(*context);
  SSL_CTX_set_security_level(context.get(), tls.verify ? kSecurityLevel : kSecurityLevelUnverified);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), TLS1_3_VERSION);
  CHECK(SSL_CTX_set_cipher_list(context.get(), kCipherSuites12) == 1);
  SSL_CTX_set_verify(context.get(), tls.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (tls.verify) TRY(set_trust(*context, tls.ca));
  TRY(set_client_certificate(*context, tls));
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), on_new_session);
  return ClientContext(std::move(context), tls.verify);
}

SslPtr ClientContext::new_session(const ServerNames& names, SessionSlot& slot, Alpn alpn) const {
  SslPtr ssl(SSL_new(context_.get()));
  CHECK(ssl != nullptr);
  SSL_set_app_data(ssl.get(), &slot);
  SSL_set_connect_state(ssl.get());
  if (!names.sni.empty()) {
    // SSL_set_tlsext_host_name() without the old cast in its macro; OpenSSL copies the name.
    SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(names.sni.c_str()));
  }
  if (verify_) expect_name(*ssl, names.verify_name);
  const std::string_view wire = alpn == Alpn::kHttp1 ? kAlpnHttp1 : kAlpnHttp2AndHttp1;
  SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(wire.data()),
                      static_cast<unsigned>(wire.size()));
  slot.prepare(*context_, names);
  resume(*ssl, slot);
  return ssl;
}

}  // namespace viaduct::tls
