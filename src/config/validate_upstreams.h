// SPDX-License-Identifier: Apache-2.0
// Checks of the upstreams: their servers, their TLS files, keys that contradict each other. Reports to the Reading.
// Cold path; one thread.
#pragma once

#include "config/draft.h"
#include "config/reading.h"

namespace viaduct::config {

void validate_upstreams(const ConfigDraft& draft, Reading& reading);

}  // namespace viaduct::config
