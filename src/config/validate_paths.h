// SPDX-License-Identifier: Apache-2.0
// Checks that no path of a config is to be two things: the sockets of listeners, admin.socket and the logs. What cannot
// be bound or written beside the other would fail at the start, under every spelling of the path. Reports to the
// Reading. Cold path; one thread.
#pragma once

#include "config/draft.h"
#include "config/reading.h"

namespace viaduct::config {

void validate_paths(const ConfigDraft& draft, Reading& reading);

}  // namespace viaduct::config
