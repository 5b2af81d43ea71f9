// SPDX-License-Identifier: Apache-2.0
// Certificates of clients, on the server's side: which contexts ask for one, and by whose word it was believed. A
// connection begins with the default site's context and moves to that of the name that the client sends, before a
// ticket is looked at; what OpenSSL leaves behind then is moved here. Sessions of such contexts are never resumed, so
// that each certificate is looked at in its own handshake. RFC 8446 §4.3.2, RFC 5246 §7.4.4.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/types.h"
#include "tls/openssl_ptr.h"

namespace viaduct::tls {

// A client's certificate is refused where its DER is longer: servers get it in a field, and most take no more than 8
// KiB of them. Common ones have 1 to 2 KiB.
inline constexpr std::size_t kClientCertificateBytesMax = 5 * 1024;

// A word for these authorities: of their certificates alone, wherever and in whatever order they stand.
std::string authorities_id(const std::vector<X509Ptr>& authorities);

// Makes `context` ask for a certificate that one of `authorities` vouches for, and refuse clients whose certificate is
// not valid, or with kRequire those without one.
void ask_for_certificates(SSL_CTX& context, const std::vector<X509Ptr>& authorities, config::ClientAuth mode);

// Lets the handshake of `ssl` go on with `context`, its certificates and what it asks of the client.
void move_to_context(SSL& ssl, SSL_CTX& context);

// The authorities_id() by which the certificate of the client was verified; empty where it showed none. Lives as long
// as `ssl`.
std::string_view verified_by(const SSL& ssl);

// That certificate as the value of the field Client-Cert: ":" base64 of its DER ":" (RFC 9440 §2.1, RFC 8941 §3.3.5).
// REQUIRES: verified_by(ssl) is not empty.
std::string client_certificate_text(const SSL& ssl);

}  // namespace viaduct::tls
