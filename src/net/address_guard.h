// SPDX-License-Identifier: Apache-2.0
// Which addresses a name must not mean when its meaning came from the network: those of this machine and of its link,
// and those at which clouds hand out secrets. Whoever can answer for a name would otherwise choose what we call. Pure
// functions; any thread. Private ranges (RFC 1918, RFC 4193) are left alone, since upstreams live there. RFC 6890.
#pragma once

#include <string_view>

#include "base/ip.h"

namespace viaduct::net {

// What `address` is that no name may mean: "loopback", "link_local", "metadata", ...; empty when a name may mean it. An
// IPv4 address that is written into an IPv6 one (RFC 4291 §2.5.5, NAT64, 6to4) counts as what it is itself.
std::string_view forbidden_kind(const base::IpAddress& address);

}  // namespace viaduct::net
