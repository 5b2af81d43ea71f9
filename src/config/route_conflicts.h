// SPDX-License-Identifier: Apache-2.0
// The routes of a site against each other: two that could both win, one that can never be reached, one that takes the
// requests of a callback route, one that `deny` covers. The rules are those that the router follows:
// exact beats regex, regex beats prefix, a longer prefix beats a shorter one, among equals more conditions come first,
// and regexes go in the order of the file. Reports to the Reading. Cold path; one thread.
#pragma once

#include <cstddef>

#include "config/draft.h"
#include "config/reading.h"

namespace viaduct::config {

// Checks the routes of the site at `site_index`.
void check_route_conflicts(const SiteDraft& site, std::size_t site_index, Reading& reading);

}  // namespace viaduct::config
