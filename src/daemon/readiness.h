// SPDX-License-Identifier: Apache-2.0
// Whether the process can do its work, for monitors and balancers in front of it: every upstream that a route leads to
// has a server that requests are sent to, and the process does not end. An upstream without health checks always has
// one: its last server is never left out. Any thread.
#pragma once

#include <string>
#include <vector>

#include "daemon/overview.h"

namespace viaduct::daemon {

struct Readiness {
  struct Problem {
    std::string upstream;  // empty: of the process
    std::string message;
  };

  std::vector<Problem> problems;

  bool is_ready() const { return problems.empty(); }
  // {"ready": false, "reasons": [{"upstream": "app", "reason": "…"}]}
  std::string to_json() const;
};

Readiness find_readiness(const Overview& overview);

}  // namespace viaduct::daemon
