// SPDX-License-Identifier: Apache-2.0
// The rows of what a route does on the way: allow, basic_auth, cors, headers, rate_limit, rewrite. Pure functions; any
// thread.
#pragma once

#include "config/key_table.h"
#include "config/key_types.h"
#include "config/types.h"

namespace viaduct::config {

Table<Allow> allow_keys();
Table<BasicAuth> basic_auth_keys();
Table<Cors> cors_keys();
Table<HeaderEdits> header_edit_keys();
Table<RateLimit> rate_limit_keys();
Type<Rewrite> rewrite();
// A list of address ranges; it replaces what was inherited. An empty one is an error where `remedy` says what to do.
Type<base::CidrSet> cidr_set(const std::string& remedy = {});

}  // namespace viaduct::config
