// SPDX-License-Identifier: Apache-2.0
// Where the listener option redirect_to_https leads. route/router says which requests it spares.
// A pure function; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"

namespace viaduct::exchange {

// The authority without its port; an IPv6 literal keeps its brackets.
std::string_view without_port(std::string_view authority);

// The request for `target` at `authority` over TLS, in `arena`: scheme, host without port, `port` where it is not 443,
// target as received.
std::string_view https_location(std::string_view authority, std::string_view target, std::uint16_t port,
                                base::Arena& arena);

}  // namespace viaduct::exchange
