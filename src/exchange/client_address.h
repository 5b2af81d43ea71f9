// SPDX-License-Identifier: Apache-2.0
// Who the client is when proxies that we trust stand between: the rightmost address of X-Forwarded-For that is not one
// of theirs. A pure function.
#pragma once

#include "base/ip.h"
#include "http/fields.h"

namespace viaduct::exchange {

// Entries of X-Forwarded-For that are looked at, from the right; behind more of them the last one seen is taken.
inline constexpr int kForwardedEntriesMax = 32;

// The client's address as seen from `peer`. Only when `peer` is in `trusted` are the fields believed; an entry that is
// no address ends the walk, and the one to its right is taken.
base::IpAddress find_client_ip(const base::IpAddress& peer, const base::CidrSet& trusted, const http::Fields& fields);

}  // namespace viaduct::exchange
