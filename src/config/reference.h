// SPDX-License-Identifier: Apache-2.0
// What `viaduct reference` prints: every key with its type, unit, default and one sentence; and a loaded config shown
// with the same keys. Both from the key tables (schema.h makes the JSON Schema from them). Cold path; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "config/node.h"
#include "config/schema.h"
#include "config/types.h"

namespace viaduct::config {

// Every key, one after the other, for a terminal of 100 columns or more.
std::string reference_text();
// `config` in the keys of its file: inheritance resolved, defaults filled in, secrets hidden.
Node dump(const Config& config);
// The tree as JSON: unquoted words that are numbers, true, false or null become such.
nlohmann::json to_json(const Node& node);

}  // namespace viaduct::config
