// SPDX-License-Identifier: Apache-2.0
// What the sample upstreams of `viaduct demo` answer: payment notices and platform checks in the words that the
// platforms expect, and a description of the request, as it arrived, for everything else. A pure function; any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/time.h"

namespace viaduct::cli {

// A request as a sample upstream received it.
struct SampleRequest {
  std::string upstream;  // who answers: "app" or "web"
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> fields;  // in their order
  std::uint64_t body_bytes = 0;
  std::string body_sha256;  // 64 hexadecimal digits
};

struct SampleAnswer {
  int status = 200;
  std::string content_type;
  std::string body;
  base::Duration delay = {};  // the answer is given this much later
};

// How long the slow path takes.
inline constexpr base::Duration kSlowAnswerDelay = std::chrono::seconds(3);

// Decides by path and method; see the table in sample_answer.cc.
SampleAnswer answer_sample(const SampleRequest& request);

}  // namespace viaduct::cli
