// SPDX-License-Identifier: Apache-2.0
#include "upstream/balancer.h"

#include "upstream/balancer/consistent_hash.h"
#include "upstream/balancer/least_requests.h"
#include "upstream/balancer/round_robin.h"

namespace viaduct::upstream {

std::unique_ptr<Balancer> make_balancer(config::BalanceKind kind, std::span<const config::Server> servers) {
  switch (kind) {
    case config::BalanceKind::kRoundRobin: break;
    case config::BalanceKind::kLeastRequests: return std::make_unique<LeastRequests>(servers.size());
    case config::BalanceKind::kHashClientIp:
    case config::BalanceKind::kHashPath:
    case config::BalanceKind::kHashHeader: return std::make_unique<ConsistentHash>(servers);
  }
  return std::make_unique<RoundRobin>(servers.size());
}

bool hashes_key(config::BalanceKind kind) {
  switch (kind) {
    case config::BalanceKind::kRoundRobin:
    case config::BalanceKind::kLeastRequests: return false;
    case config::BalanceKind::kHashClientIp:
    case config::BalanceKind::kHashPath:
    case config::BalanceKind::kHashHeader: break;
  }
  return true;
}

}  // namespace viaduct::upstream
