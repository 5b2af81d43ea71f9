// SPDX-License-Identifier: Apache-2.0
// The name that a client's hello asks for, before OpenSSL has looked at it: what a ticket may do depends on the site
// that it is for, and OpenSSL opens tickets first. Pure function of the hello; workers, in the handshake. RFC 6066 §3.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "tls/openssl_ptr.h"

namespace viaduct::tls {

// The host name in the content of a server_name extension; absent where it has none or is malformed, which OpenSSL will
// refuse. A view into `extension`.
std::optional<std::string_view> server_name_of(std::span<const unsigned char> extension);

// That of the hello which `ssl` is reading. REQUIRES: called from its client hello callback, during which the name
// lives.
std::optional<std::string_view> hello_server_name(SSL& ssl);

}  // namespace viaduct::tls
