// SPDX-License-Identifier: Apache-2.0
// /metrics: everything that Prometheus gets to see, made anew for each scrape. docs/MONITORING.md lists the names.
// Routes without requests have no rows, so that ten thousand routes do not make a page of megabytes. Any thread.
#pragma once

#include <string>

#include "daemon/overview.h"

namespace viaduct::daemon {

// The text of observe::Exposition.
std::string metrics_page(const Overview& overview);

}  // namespace viaduct::daemon
