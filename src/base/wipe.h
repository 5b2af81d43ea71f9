// SPDX-License-Identifier: Apache-2.0
// Overwrites secrets that are not needed any more, in a way that no compiler leaves out, so that neither a core dump
// nor memory that is used again shows them. Any thread.
#pragma once

#include <string>

namespace viaduct::base {

// Overwrites all that `text` has room for, and empties it.
void wipe(std::string& text);

}  // namespace viaduct::base
