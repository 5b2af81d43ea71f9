// SPDX-License-Identifier: Apache-2.0
// What makes a config wrong although each of its values is right: names that lead nowhere, routes that conflict, files
// that are not there, keys that contradict each other. Reports to the Reading; looks at files but changes nothing. What
// needs OpenSSL or RE2 is checked above (certificates, regular expressions). Cold path; one thread.
#pragma once

#include "config/draft.h"
#include "config/reading.h"

namespace viaduct::config {

// Checks the whole draft, whose routes all have names.
void validate(const ConfigDraft& draft, Reading& reading);

}  // namespace viaduct::config
