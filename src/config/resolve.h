// SPDX-License-Identifier: Apache-2.0
// The last step of a load: names for routes that have none, and the immutable Config out of a draft that was checked.
// Cold path; one thread.
#pragma once

#include <memory>

#include "config/draft.h"

namespace viaduct::config {

// Names the routes that the file does not name, after their first path, unlike every other of their site.
void name_routes(ConfigDraft& draft);
// The config that daemon/build reads. REQUIRES: the draft was validated without an error.
std::unique_ptr<Config> resolve(ConfigDraft draft);
// A draft that says what `config` does, for the dump.
ConfigDraft to_draft(const Config& config);

}  // namespace viaduct::config
