// SPDX-License-Identifier: Apache-2.0
// Smooth weighted round robin: every server gets its share, and a heavy one's turns are spread between the others'.
// One for each upstream and worker.
#pragma once

#include <vector>

#include "upstream/balancer.h"

namespace viaduct::upstream {

class RoundRobin final : public Balancer {
 public:
  explicit RoundRobin(std::size_t servers) : credits_(servers, 0) {}
  std::size_t pick(std::span<const Candidate> candidates, std::string_view key) override;

 private:
  // What each server has saved up: grows by its weight at every pick, shrinks by the sum of weights when picked.
  std::vector<std::int64_t> credits_;
};

}  // namespace viaduct::upstream
