// SPDX-License-Identifier: Apache-2.0
// What an operator may order about upstreams while they run, through the admin socket: no more requests to a server
// (`drain`), requests to it again (`undrain`); requests of an upstream wait (`hold`) until it has been deployed
// (`release`); and how much the error log says (`log-level`). What is ordered about upstreams outlives reloads and
// upgrades, not the end of the service. Main thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "config/types.h"
#include "upstream/server_state.h"

namespace viaduct::daemon {

// How long `hold` lasts where it is not said, and at most: a deployment that is forgotten must not hold for ever.
inline constexpr base::Duration kHoldDefault = std::chrono::seconds(30);
inline constexpr base::Duration kHoldMax = std::chrono::minutes(10);

// Carries `command` out; the answer begins with "ok" or "error: ". Absent: it is none of these commands.
//   drain UPSTREAM SERVER · undrain UPSTREAM SERVER · hold UPSTREAM [TIME] · release UPSTREAM · log-level LEVEL
std::optional<std::string> carry_out_order(std::string_view command, const config::Config& config,
                                           upstream::StateTable& states, base::MonoTime now);
// The commands by which another process is in the same state: what is drained and held of the upstreams of `config`.
std::vector<std::string> orders_in_force(const config::Config& config, upstream::StateTable& states,
                                         base::MonoTime now);

}  // namespace viaduct::daemon
