// SPDX-License-Identifier: Apache-2.0
// The last step of a load: what routes leave out, and the immutable Config out of a draft that was checked.
// Cold path; one thread.
#pragma once

#include <memory>

#include "config/draft.h"

namespace viaduct::config {

// Fills in what a route may leave out: without any path it takes all of them (prefix: /), and without a name it is
// called after its first path, unlike every other of its site.
void complete_routes(ConfigDraft& draft);
// The config that daemon/build reads; of a draft that was not validated without an error, LoadResult::readable.
std::unique_ptr<Config> resolve(ConfigDraft draft);
// A draft that says what `config` does, for the dump.
ConfigDraft to_draft(const Config& config);

}  // namespace viaduct::config
