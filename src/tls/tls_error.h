// SPDX-License-Identifier: Apache-2.0
// Why a handshake failed, in a sentence that says what to do: which name was expected and which the certificate has,
// which date has passed, which issuer is not trusted, who refused what. Reads OpenSSL's error queue of this thread.
#pragma once

#include <memory>
#include <string>

#include "net/transport.h"
#include "tls/openssl_ptr.h"

namespace viaduct::tls {

// The oldest error in OpenSSL's queue as text, which is then emptied. "unknown error" when there is none.
std::string take_openssl_error();

// The failure of a handshake of `ssl`, server (reasons tls_…) or client (upstream_tls_failed,
// upstream_certificate_invalid). `socket_status` is kOk where TLS itself failed or the other side said close_notify,
// kTruncated when it closed the connection, kFailed with `error_number` when the socket broke. Empties the queue.
net::TransportError handshake_error(SSL& ssl, net::IoStatus socket_status, int error_number);

// The refusal that a server of TLS 1.3 tells only behind the handshake, because that ends for the client before the
// server has looked at the client's certificate (RFC 8446 §4.4.2.4, §6.2): a failure of the handshake, and of `ssl`
// nothing was processed. Null where the newest error is not an alert of that kind. REQUIRES: `ssl` is a client whose
// SSL_read failed before it gave a byte.
std::unique_ptr<const net::TransportError> late_refusal(SSL& ssl);
// The end of the connection of `ssl` because the other side asks for one renegotiation after another.
std::unique_ptr<const net::TransportError> renegotiation_flood(const SSL& ssl);

}  // namespace viaduct::tls
