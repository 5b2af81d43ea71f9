// SPDX-License-Identifier: Apache-2.0
// The rows of a site: hosts, certificates, deny, routes, and the route keys that its routes inherit. Pure functions;
// any thread.
#pragma once

#include "config/draft.h"
#include "config/key_table.h"

namespace viaduct::config {

Table<SiteDraft> site_keys();

}  // namespace viaduct::config
