// SPDX-License-Identifier: Apache-2.0
// The rows of what belongs to the daemon and not to a request: errors, logs, admin, process, resolver. Pure functions;
// any thread. Error pages are read when the config is, so that they can be sent when nothing else works.
#pragma once

#include <vector>

#include "config/draft.h"
#include "config/key_table.h"

namespace viaduct::config {

// The map of statuses to error pages, in the order of the file.
Type<std::vector<ErrorPage>> error_pages();
Table<Logs> log_keys();
Table<Admin> admin_keys();
Table<Process> process_keys();
Table<Resolver> resolver_keys();
// The names that may stand in ${...} of an access log template.
std::vector<std::string> access_log_fields();

}  // namespace viaduct::config
