// SPDX-License-Identifier: Apache-2.0
// Checks of the sites: hosts that two of them claim, the default, certificate files, deny. Reports to the Reading. Cold
// path; one thread.
#pragma once

#include "config/draft.h"
#include "config/reading.h"

namespace viaduct::config {

void validate_sites(const ConfigDraft& draft, Reading& reading);

}  // namespace viaduct::config
