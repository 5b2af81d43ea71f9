// SPDX-License-Identifier: Apache-2.0
// The rows at the top of the file. Everything else hangs below them, so this is the one table that the reference, the
// schema and the hints start from. Pure functions; any thread.
#pragma once

#include "config/draft.h"
#include "config/key_table.h"

namespace viaduct::config {

Table<ConfigDraft> root_keys();

}  // namespace viaduct::config
