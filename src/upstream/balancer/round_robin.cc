// SPDX-License-Identifier: Apache-2.0
#include "upstream/balancer/round_robin.h"

namespace viaduct::upstream {

std::size_t RoundRobin::pick(std::span<const Candidate> candidates, std::string_view) {
  std::size_t best = kNone;
  std::int64_t total = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!candidates[i].available) continue;
    credits_[i] += candidates[i].weight;
    total += candidates[i].weight;
    if (best == kNone || credits_[i] > credits_[best]) best = i;
  }
  if (best != kNone) credits_[best] -= total;
  return best;
}

}  // namespace viaduct::upstream
