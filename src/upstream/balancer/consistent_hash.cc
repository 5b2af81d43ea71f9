// SPDX-License-Identifier: Apache-2.0
#include "upstream/balancer/consistent_hash.h"

#include <cmath>

#include "base/format.h"
#include "base/hash.h"

namespace viaduct::upstream {
namespace {

// No secret: all workers, and the daemon after its next start, must agree. A client that chooses its key chooses its
// server in any case, by sending the same key again.
constexpr base::HashKey kKey{.first = 0x7669616475637421, .second = 0x72656e64657a7673};

// Spreads every bit over all bits (the last steps of MurmurHash3).
std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 33U)) * 0xff51afd7ed558ccdU;
  value = (value ^ (value >> 33U)) * 0xc4ceb9fe1a85ec53U;
  return value ^ (value >> 33U);
}

// Evenly distributed in (0, 1): the upper 53 bits and a half.
double to_fraction(std::uint64_t hash) {
  return (static_cast<double>(hash >> 11U) + 0.5) * 0x1p-53;
}

}  // namespace

ConsistentHash::ConsistentHash(std::span<const config::Server> servers) {
  for (const config::Server& server : servers) {
    const std::string address = base::format("{} {} {} {}", server.is_unix, server.tls, server.host, server.port);
    seeds_.push_back(base::keyed_hash(kKey, address));
  }
}

std::size_t ConsistentHash::pick(std::span<const Candidate> candidates, std::string_view key) {
  const std::uint64_t hash = base::keyed_hash(kKey, key);
  std::size_t best = kNone;
  double best_score = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!candidates[i].available) continue;
    // With u evenly distributed, -ln(u)/weight is the smallest of all with a probability of weight/sum of weights.
    const double score = static_cast<double>(candidates[i].weight) / -std::log(to_fraction(mix(hash ^ seeds_[i])));
    if (best != kNone && score <= best_score) continue;
    best = i;
    best_score = score;
  }
  return best;
}

}  // namespace viaduct::upstream
