// SPDX-License-Identifier: Apache-2.0
// The server with the fewest requests under way in the whole process, in relation to its weight. Of few servers it is
// the least busy one, and those that are equally busy take turns. Of many it is the less busy of two that are drawn by
// weight (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing"): nearly as even, and workers that
// choose at the same moment do not all choose the same one. One for each upstream and worker.
#pragma once

#include <vector>

#include "base/random.h"
#include "upstream/balancer.h"
#include "upstream/balancer/round_robin.h"

namespace viaduct::upstream {

class LeastRequests final : public Balancer {
 public:
  // Up to so many available servers are all compared.
  static constexpr std::size_t kComparedMax = 8;

  explicit LeastRequests(std::size_t servers) : turns_(servers), equals_(servers) {}
  std::size_t pick(std::span<const Candidate> candidates, std::string_view key) override;

 private:
  std::size_t pick_least_busy(std::span<const Candidate> candidates);
  std::size_t pick_of_two(std::span<const Candidate> candidates);

  RoundRobin turns_;               // between servers that are equally busy
  std::vector<Candidate> equals_;  // scratch: of the candidates, the least busy ones are available
  base::Random random_;
};

}  // namespace viaduct::upstream
