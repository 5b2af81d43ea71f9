// SPDX-License-Identifier: Apache-2.0
// The rows of what a route does on the way: cors, headers, forwarded, rewrite, allow, rate_limit. Pure functions; any
// thread.
#pragma once

#include "config/key_table.h"
#include "config/key_types.h"
#include "config/types.h"

namespace viaduct::config {

Table<Allow> allow_keys();
Table<Cors> cors_keys();
Table<HeaderEdits> header_edit_keys();
Table<RateLimit> rate_limit_keys();
Type<Rewrite> rewrite();
// A list of address ranges; it replaces what was inherited.
Table<BasicAuth> basic_auth_keys();
Type<base::CidrSet> cidr_set(const std::string& remedy = {});

}  // namespace viaduct::config
