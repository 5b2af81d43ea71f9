// SPDX-License-Identifier: Apache-2.0
#include "upstream/balancer/least_requests.h"

#include <algorithm>

namespace viaduct::upstream {
namespace {

// requests / weight of the one below that of the other, without a division.
bool is_less_busy(const Candidate& one, const Candidate& other) {
  return std::uint64_t{one.requests} * other.weight < std::uint64_t{other.requests} * one.weight;
}

// The available candidate in whose stretch `point` lies when their weights are laid end to end; `left_out` has none.
// REQUIRES: `point` is below the sum of the weights.
std::size_t find_by_weight(std::span<const Candidate> candidates, std::uint64_t point, std::size_t left_out) {
  std::size_t found = Balancer::kNone;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!candidates[i].available || i == left_out) continue;
    found = i;
    if (point < candidates[i].weight) break;
    point -= candidates[i].weight;
  }
  return found;
}

}  // namespace

std::size_t LeastRequests::pick(std::span<const Candidate> candidates, std::string_view) {
  const auto available = std::ranges::count_if(candidates, &Candidate::available);
  return static_cast<std::size_t>(available) <= kComparedMax ? pick_least_busy(candidates) : pick_of_two(candidates);
}

std::size_t LeastRequests::pick_least_busy(std::span<const Candidate> candidates) {
  std::size_t best = kNone;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!candidates[i].available) continue;
    if (best == kNone || is_less_busy(candidates[i], candidates[best])) best = i;
  }
  if (best == kNone) return kNone;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    equals_[i] = candidates[i];
    equals_[i].available = candidates[i].available && !is_less_busy(candidates[best], candidates[i]);
  }
  return turns_.pick(equals_, {});
}

std::size_t LeastRequests::pick_of_two(std::span<const Candidate> candidates) {
  std::uint64_t total = 0;
  for (const Candidate& candidate : candidates) total += candidate.available ? candidate.weight : 0;
  const std::size_t first = find_by_weight(candidates, random_.below(total), kNone);
  const std::size_t second = find_by_weight(candidates, random_.below(total - candidates[first].weight), first);
  return is_less_busy(candidates[second], candidates[first]) ? second : first;
}

}  // namespace viaduct::upstream
