// SPDX-License-Identifier: Apache-2.0
// What `viaduct explain` says of one request: made by the very router and filters that the daemon uses. A pure function
// of a snapshot; any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "exchange/snapshot.h"

namespace viaduct::cli {

struct Question {
  std::string method;
  std::string url;                  // absolute, or a target in origin form
  std::string from = "127.0.0.1";   // the client's address
  std::vector<std::string> fields;  // "Name: value"
};

struct Explanation {
  std::string text;  // its last line is "route: NAME" or "decision: STATUS reason"
  nlohmann::json json;
};

// Fails when the question itself is malformed.
base::Result<Explanation> explain_request(const exchange::Snapshot& snapshot, const Question& question);

}  // namespace viaduct::cli
