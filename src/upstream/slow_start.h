// SPDX-License-Identifier: Apache-2.0
// The share of a server that has come back from being unhealthy or left out: it grows in even steps, so that a server
// with cold caches is not given everything at once, and one that is still broken is given little. Pure; any thread.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "upstream/server_state.h"

namespace viaduct::upstream {

// Shares are hundredths of the weight in the config.
inline constexpr std::uint32_t kFullShare = 100;
// What a server begins with.
inline constexpr std::uint32_t kFirstShare = 10;

// The share at `now`, which grows from kFirstShare to kFullShare in `slow_start`; with 0, and for a server that was
// never away, kFullShare.
std::uint32_t share_of(const ServerState& state, base::Duration slow_start, base::MonoTime now);

}  // namespace viaduct::upstream
