// SPDX-License-Identifier: Apache-2.0
#include "upstream/balancer.h"

#include <gtest/gtest.h>

#include <array>

namespace viaduct::upstream {
namespace {

TEST(Balancer, IsMadeForEveryPolicyThatTheConfigKnows) {
  for (const config::BalanceKind kind :
       {config::BalanceKind::kRoundRobin, config::BalanceKind::kLeastRequests, config::BalanceKind::kHashClientIp,
        config::BalanceKind::kHashPath, config::BalanceKind::kHashHeader}) {
    const auto balancer = make_balancer({.kind = kind, .header = "X"}, 3);
    ASSERT_NE(balancer, nullptr);
    std::array<Candidate, 3> candidates;
    candidates[0].available = candidates[2].available = false;
    EXPECT_EQ(balancer->pick(candidates, "key"), 1u);
    candidates[1].available = false;
    EXPECT_EQ(balancer->pick(candidates, "key"), Balancer::kNone);
  }
}

TEST(Balancer, GoesRoundByDefault) {
  const auto balancer = make_balancer({}, 2);
  const std::array<Candidate, 2> candidates;
  EXPECT_EQ(balancer->pick(candidates, {}), 0u);
  EXPECT_EQ(balancer->pick(candidates, {}), 1u);
  EXPECT_EQ(balancer->pick(candidates, {}), 0u);
}

}  // namespace
}  // namespace viaduct::upstream
