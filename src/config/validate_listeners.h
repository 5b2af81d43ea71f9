// SPDX-License-Identifier: Apache-2.0
// Checks of the listeners against each other and against the sites' certificates. Reports to the Reading. Cold path;
// one thread.
#pragma once

#include "config/draft.h"
#include "config/reading.h"

namespace viaduct::config {

void validate_listeners(const ConfigDraft& draft, Reading& reading);

}  // namespace viaduct::config
