// SPDX-License-Identifier: Apache-2.0
// How a decision came about, for `viaduct explain`: which site, under which readings of the path, which routes were
// candidates and why each but one lost. Filled by Router::decide when asked; owns its texts, but points to the config.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/types.h"
#include "http/reason.h"
#include "route/path_table.h"

namespace viaduct::route {

struct Trace {
  // A route that the path leads to, best match first.
  struct Candidate {
    const config::Route* route = nullptr;
    PathKind kind = PathKind::kExact;
    std::string pattern;  // the path of the config that matches
    Verdict verdict = Verdict::kTaken;
    std::string why;  // why it lost: "method is not one of POST"; empty for the one that won
  };
  // One way to read the path and what it leads to.
  struct Reading {
    std::string path;
    const config::Route* route = nullptr;  // null where `reason` says why there is none
    http::Reason reason = http::Reason::kNone;
    std::vector<Candidate> candidates;
  };

  std::string host;               // as it was compared; empty where the request names none
  std::string host_pattern;       // the entry of `hosts` that matched; empty for the default site
  std::string deny;               // the entry of `deny` that covers the path; empty where none does
  std::string preflight_method;   // what a CORS preflight asks for, and is routed by; empty for other requests
  std::vector<Reading> readings;  // one, but for ambiguous paths; equal texts are listed once
};

}  // namespace viaduct::route
