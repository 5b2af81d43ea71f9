// SPDX-License-Identifier: Apache-2.0
// The same server for the same key, by weighted rendezvous hashing (Thaler and Ravishankar, "Using Name-Based Mappings
// to Increase Hit Rates"; weights as in Schindelhauer and Schomaker, "Weighted Distributed Hash Tables"): every server
// gets a score that depends on the key, on its address and on its weight alone, and the highest wins. So all workers,
// and the next start, agree; when a server goes, only its keys move, each to the server that is second for it; when a
// weight grows, keys move to that server alone. A pick costs one hash of the key and one logarithm for each available
// server. One for each upstream and worker.
#pragma once

#include <vector>

#include "upstream/balancer.h"

namespace viaduct::upstream {

class ConsistentHash final : public Balancer {
 public:
  explicit ConsistentHash(std::span<const config::Server> servers);
  std::size_t pick(std::span<const Candidate> candidates, std::string_view key) override;

 private:
  std::vector<std::uint64_t> seeds_;  // a hash of each server's address
};

}  // namespace viaduct::upstream
