// SPDX-License-Identifier: Apache-2.0
// Prints the lines of a demo, runs them, and prints under each what it gave. Runs in the demo's own thread beside the
// daemon.
#pragma once

#include <cstdio>
#include <stop_token>
#include <vector>

#include "base/time.h"
#include "cli/demo_lines.h"

namespace viaduct::cli {

struct DemoShow {
  std::size_t shown = 0;       // lines that were run
  std::size_t unexpected = 0;  // of them, those that did not give what they must
  bool is_whole = false;       // all lines were run; false after a stop
};

// How long one line may take.
inline constexpr base::Duration kDemoLineTime = std::chrono::seconds(15);
// How long a line whose result is awaited is tried again.
inline constexpr base::Duration kDemoAwaitTime = std::chrono::seconds(5);

// Runs `lines` one after the other and writes to `out`, until `stop`.
DemoShow show_demo_lines(const std::vector<DemoLine>& lines, std::FILE* out, const std::stop_token& stop);

}  // namespace viaduct::cli
