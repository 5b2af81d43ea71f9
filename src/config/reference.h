// SPDX-License-Identifier: Apache-2.0
// What `viaduct reference` prints: every key with its type, unit, default and one sentence; and a loaded config shown
// with the same keys. Both from the key tables (schema.h makes the JSON Schema from them). Cold path; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"
#include "config/schema.h"
#include "config/types.h"

namespace viaduct::config {

struct ReferenceEntry {
  std::string path;  // "listeners[].tls", "upstreams.NAME.servers"
  std::string type;  // with range and default
  std::string sentence;
};

// Every key, one after the other; keys of a route once, with an entry "PATH.*" where else they may stand.
std::vector<ReferenceEntry> reference_entries();
// The same for a terminal of 100 columns or more.
std::string reference_text();
// The same as a manual page, viaduct.yaml(5), in the macros of man(7). `version` is shown at its foot.
std::string reference_manual(std::string_view version);
// `config` in the keys of its file: inheritance resolved, defaults filled in, secrets hidden.
Node dump(const Config& config);
// The tree as JSON: unquoted words that are numbers, true, false or null become such.
nlohmann::json to_json(const Node& node);

}  // namespace viaduct::config
