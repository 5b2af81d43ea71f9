// SPDX-License-Identifier: Apache-2.0
// Addresses as a config writes them: where a listener binds, where a server of an upstream is. Errors are "what is
// wrong; what to do". Pure functions; any thread.
#pragma once

#include <string>
#include <vector>

#include "base/ip.h"
#include "config/types.h"
#include "config/units.h"

namespace viaduct::config {

// "0.0.0.0:80", "[::]:443", "unix:/path", or ":443" for both families, IPv6 first. Port 0 lets the kernel choose.
Parsed<std::vector<base::SocketAddress>> parse_listener_address(const std::string& text);
// "127.0.0.1:9180" or "[::1]:9180".
Parsed<base::SocketAddress> parse_socket_address(const std::string& text);
// "10.0.0.2", "10.0.0.2:5353", "2001:db8::2" or "[2001:db8::2]:5353"; port 53 where there is none.
Parsed<base::SocketAddress> parse_name_server(const std::string& text);
// "http://host[:port]", "https://host[:port]" or "unix:/path", or "srv+http://name" and "srv+https://name"; fills url,
// tls, host, port, service and is_unix of a Server.
Parsed<Server> parse_server_url(const std::string& text);
// "10.0.0.0/8" or one address.
Parsed<base::Cidr> parse_cidr(const std::string& text);

}  // namespace viaduct::config
