// SPDX-License-Identifier: Apache-2.0
// The rows of a route and of its match. Those of a route without name and match also stand in sites and in `defaults`,
// from where routes inherit them. Pure functions; any thread.
#pragma once

#include "config/draft.h"
#include "config/key_table.h"

namespace viaduct::config {

// What only a route has (name, match), and the keys that it may inherit.
Table<RouteDraft> route_keys();
// The keys that routes inherit from sites and defaults.
Table<RouteDraft> inherited_route_keys();

}  // namespace viaduct::config
