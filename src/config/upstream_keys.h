// SPDX-License-Identifier: Apache-2.0
// The rows of `upstreams`: the servers, how they are chosen, reached and watched. Pure functions; any thread.
// docs/GLOSSARY.md says what upstream and server mean.
#pragma once

#include <vector>

#include "config/key_table.h"
#include "config/key_types.h"
#include "config/types.h"

namespace viaduct::config {

Table<Upstream> upstream_keys();
// The map of names to upstreams, in the order of the file.
Type<std::vector<Upstream>> upstream_map();
// "round_robin", "least_requests", "hash client_ip", "hash path" or "hash header:NAME".
Type<Balance> balance();

}  // namespace viaduct::config
