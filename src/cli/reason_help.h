// SPDX-License-Identifier: Apache-2.0
// What every reason of http/reason.h tells an operator: what happened, and what to do about it. One table, which
// `viaduct reference --reasons` prints and `viaduct doctor` reads; a reason without a row is a failure of its test.
// Constant; any thread.
#pragma once

#include <string>
#include <string_view>

#include "http/reason.h"

namespace viaduct::cli {

// Both are parts of a sentence: "meaning: remedy".
struct ReasonHelp {
  http::Reason reason;
  std::string_view meaning;
  std::string_view remedy;
};

// The row of the reason with that name; null where there is none.
const ReasonHelp* find_reason_help(std::string_view name);

// Every reason, in the order of http/reason.h: its name and the status that clients get, and the sentence below.
std::string reasons_text();

}  // namespace viaduct::cli
