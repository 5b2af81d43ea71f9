// SPDX-License-Identifier: Apache-2.0
// The JSON Schema (draft 2020-12) of the config file, for editors, made from the key tables. It is wider than the
// loader: units, ranges of sizes and everything that takes two keys to judge are told by `viaduct check`. Cold path;
// any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace viaduct::config {

nlohmann::json reference_schema();

}  // namespace viaduct::config
