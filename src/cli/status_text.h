// SPDX-License-Identifier: Apache-2.0
// The answer of the admin socket's `status` as tables for people: `viaduct status` prints them once, `viaduct top`
// again and again. Pure functions from text to text; keys that are not there are left out, so that a newer daemon can
// be asked by an older command.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace viaduct::cli {

// `json`: the object that daemon/status_page makes. Fails when it is none.
base::Result<std::string> status_text(std::string_view json);

}  // namespace viaduct::cli
