// SPDX-License-Identifier: Apache-2.0
// Checks of each route by itself: its action and what that needs, its conditions, its filters; then of the routes of a
// site against each other (route_conflicts.h) and of callbacks (callback_rules.h). Reports to the Reading. Cold path;
// one thread.
#pragma once

#include "config/draft.h"
#include "config/reading.h"

namespace viaduct::config {

void validate_routes(const ConfigDraft& draft, Reading& reading);

}  // namespace viaduct::config
