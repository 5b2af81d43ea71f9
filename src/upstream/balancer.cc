// SPDX-License-Identifier: Apache-2.0
#include "upstream/balancer.h"

#include "upstream/balancer/round_robin.h"

namespace viaduct::upstream {

std::unique_ptr<Balancer> make_balancer(const config::Balance& balance, std::size_t servers) {
  switch (balance.kind) {
    case config::BalanceKind::kRoundRobin:
    // The config says of these that they are accepted and not in effect yet (config/upstream_keys); requests go round.
    case config::BalanceKind::kLeastRequests:
    case config::BalanceKind::kHashClientIp:
    case config::BalanceKind::kHashPath:
    case config::BalanceKind::kHashHeader: return std::make_unique<RoundRobin>(servers);
  }
  return std::make_unique<RoundRobin>(servers);
}

}  // namespace viaduct::upstream
