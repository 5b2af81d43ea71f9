// SPDX-License-Identifier: Apache-2.0
// What may not stand on the way of a payment or messaging platform: on a callback route there is no redirect, no
// rewriting, no CORS, no rate limit, no passwords, no files and no fixed answer, written there or inherited, and no
// patience longer than the platform's; an address list that refuses is warned of. Reports to the Reading. Cold path;
// one thread.
#pragma once

#include "config/draft.h"
#include "config/inherited.h"
#include "config/reading.h"

namespace viaduct::config {

// Checks one route; one that is no callback passes.
void check_callback(const RouteDraft& route, const RoutePosition& position, Reading& reading);

}  // namespace viaduct::config
