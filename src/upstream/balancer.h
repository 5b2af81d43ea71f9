// SPDX-License-Identifier: Apache-2.0
// Which server of an upstream a request goes to. A policy is one file pair in balancer/ and a case in make_balancer();
// each worker has its own, so that nothing is shared. A pick allocates nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "config/types.h"

namespace viaduct::upstream {

// A server as a policy sees it, in the order of the config.
struct Candidate {
  std::uint32_t weight = 1;    // its share, in relation to the others'; at least 1
  std::uint32_t requests = 0;  // under way, in the whole process
  bool available = true;       // healthy, not tried by this request yet, not a backup while another one is left
};

class Balancer {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  virtual ~Balancer() = default;
  // The index of an available candidate; kNone when there is none. `key` is what a hashing policy hashes.
  virtual std::size_t pick(std::span<const Candidate> candidates, std::string_view key) = 0;
};

// The balancer that a policy of `balance` asks for. REQUIRES: pick() gets a candidate for each of `servers`.
std::unique_ptr<Balancer> make_balancer(config::BalanceKind kind, std::span<const config::Server> servers);
// Whether a policy hashes a key; without one there is nothing to go by.
bool hashes_key(config::BalanceKind kind);

}  // namespace viaduct::upstream
