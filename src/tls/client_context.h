// SPDX-License-Identifier: Apache-2.0
// How an upstream's servers are called by TLS: which certificates are trusted, what client certificate is shown, which
// names are sent and expected, and the session that the next connection resumes. A ClientContext is one an upstream,
// part of the snapshot and used by all workers; a SessionSlot is one a server and worker. RFC 8446, RFC 9525 (names).
#pragma once

#include <string>
#include <utility>

#include "base/error.h"
#include "config/types.h"
#include "tls/context.h"
#include "tls/openssl_ptr.h"

namespace viaduct::tls {

// The names of one server.
struct ServerNames {
  std::string sni;          // sent; empty for IP addresses (RFC 6066 §3)
  std::string verify_name;  // expected in the certificate: a host name or an IP address

  // verify_name defaults to sni, sni to the server's host; the host of a Unix socket is "localhost".
  static ServerNames of(const config::UpstreamTls& tls, const config::Server& server);
  bool operator==(const ServerNames&) const = default;
};

// The last session of one server, resumed by the next connection to it. One thread; must outlive the transports whose
// sessions were made with it.
class SessionSlot {
 public:
  SessionSlot() = default;
  SessionSlot(const SessionSlot&) = delete;
  SessionSlot& operator=(const SessionSlot&) = delete;

  bool empty() const { return session_ == nullptr; }
  SSL_SESSION* session() const { return session_.get(); }
  void keep(SslSessionPtr session) { session_ = std::move(session); }
  // Says what connections come next. Drops a session of another context or for other names: a resumed connection shows
  // no certificate, so it may only follow one whose certificate was judged in the same way.
  void prepare(SSL_CTX& context, const ServerNames& names);

 private:
  SslSessionPtr session_;
  SslCtxPtr context_;  // a reference, so that no later context has its address
  ServerNames names_;
};

class ClientContext {
 public:
  // Reads the files that `tls` names. The error names the file and what is wrong with it.
  [[nodiscard]] static base::Result<ClientContext> load(const config::UpstreamTls& tls);

  // The client's side of one connection, for TlsTransport; it may outlive this object. `slot` gives the session to
  // resume, if any, and takes the new one; it must outlive the transport. Thread-safe.
  SslPtr new_session(const ServerNames& names, SessionSlot& slot, Alpn alpn) const;

 private:
  ClientContext(SslCtxPtr context, bool verify) : context_(std::move(context)), verify_(verify) {}

  SslCtxPtr context_;
  bool verify_;
};

}  // namespace viaduct::tls
