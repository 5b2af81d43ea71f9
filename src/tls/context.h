// SPDX-License-Identifier: Apache-2.0
// What every TLS handshake of a listener has in common: versions, cipher suites, groups, session tickets and ALPN. The
// certificates are tls/cert_store's. Made while a snapshot is built, used by all workers; OpenSSL counts the references
// to a context, so that a connection outlives the snapshot that it came with. RFC 8446, RFC 5246, RFC 7301; which
// cipher suites and why: docs/adr/0010-tls-for-unknown-clients.md.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "config/types.h"
#include "tls/openssl_ptr.h"
#include "tls/ticket_keys.h"

namespace viaduct::tls {

// The protocols above TLS. RFC 7301.
enum class Alpn : std::uint8_t {
  kHttp1,          // as a server http/1.1 and http/1.0, as a client http/1.1
  kHttp2AndHttp1,  // h2 before these
};

// A context for the server's side without any certificate yet. `ticket_keys` must outlive the context and every
// connection made with it. TLS 1.0 and 1.1 work only when `tls` names them. Fails when OpenSSL does not know what is
// asked for, which its message tells.
[[nodiscard]] base::Result<SslCtxPtr> make_server_context(const config::ListenerTls& tls, TicketKeys& ticket_keys);

// The server's side of one connection, for TlsTransport. Keeps `context` alive. `alpn` says what the listener offers; a
// client that offers protocols of which none is ours is refused (RFC 7301 §3.2), one without ALPN is not.
SslPtr new_server_session(SSL_CTX& context, Alpn alpn);

// What client and server contexts share: no compression, no renegotiation, our groups and cipher
// suites of TLS 1.3, read-ahead, buffers given back.
void set_common_options(SSL_CTX& context);

}  // namespace viaduct::tls
