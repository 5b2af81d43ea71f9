// SPDX-License-Identifier: Apache-2.0
// What `check` and start say about routes together: two routes that could both win, a route that can never be reached,
// a callback route whose requests another one takes, an expression that does not compile. Knows the order of
// path_table.h and the readings of router.h, so that a config without such problems means the same in whatever order
// its routes stand (regexes apart). Cold path; pure.
#pragma once

#include <vector>

#include "config/problem.h"
#include "config/types.h"

namespace viaduct::route {

// All problems of the routes of `config`, in the order of its sites and routes; empty when there is none. When none of
// them is an error, Router::build succeeds.
std::vector<config::Problem> check_routes(const config::Config& config);

}  // namespace viaduct::route
