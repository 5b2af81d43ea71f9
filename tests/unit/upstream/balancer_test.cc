// SPDX-License-Identifier: Apache-2.0
// What every policy keeps to, by one table.
#include "upstream/balancer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/allocations.h"
#include "support/balancing.h"

namespace viaduct::upstream {
namespace {

using support::servers;
using support::weights;

constexpr int kPicks = 20'000;

struct Policy {
  const char* name;
  config::BalanceKind kind;
  double tolerance;  // of a share, as a part of all picks
};

class EveryPolicy : public testing::TestWithParam<Policy> {
 protected:
  static std::unique_ptr<Balancer> make(std::size_t count) { return make_balancer(GetParam().kind, servers(count)); }
  static void expect_shares(const std::vector<Candidate>& candidates) {
    const auto balancer = make(candidates.size());
    const std::vector<int> picked = support::shares(*balancer, candidates, kPicks);
    double total = 0;
    for (const Candidate& candidate : candidates) total += candidate.available ? candidate.weight : 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const double wanted = candidates[i].available ? candidates[i].weight / total : 0;
      EXPECT_NEAR(picked[i] / double{kPicks}, wanted, GetParam().tolerance) << "server " << i;
      EXPECT_TRUE(candidates[i].available || picked[i] == 0) << "server " << i;
    }
  }
};

TEST_P(EveryPolicy, PicksTheOnlyOneThatIsAvailableAndNobodyWhereNoneIs) {
  const auto balancer = make(3);
  std::vector<Candidate> candidates = weights({1, 1, 1});
  candidates[0].available = candidates[2].available = false;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(balancer->pick(candidates, std::to_string(i)), 1u);
  candidates[1].available = false;
  EXPECT_EQ(balancer->pick(candidates, "key"), Balancer::kNone);
  EXPECT_EQ(balancer->pick({}, "key"), Balancer::kNone);
}

TEST_P(EveryPolicy, GivesSharesByWeight) {
  expect_shares(weights({1}));
  expect_shares(weights({1, 1, 1}));
  expect_shares(weights({1, 2, 5}));
  expect_shares(weights({100, 10}));  // a server that has just come back, in hundredths
  expect_shares(weights({1000, 1, 999}));
}

TEST_P(EveryPolicy, SharesWhatAnAbsentServerWouldHaveGot) {
  std::vector<Candidate> candidates = weights({3, 1, 2, 2});
  candidates[1].available = false;
  expect_shares(candidates);
}

TEST_P(EveryPolicy, UsesEveryOneOfManyServers) {
  const auto balancer = make(64);
  const std::vector<Candidate> candidates(64);
  for (const int count : support::shares(*balancer, candidates, kPicks)) {
    EXPECT_NEAR(count, kPicks / 64, kPicks / 64 / 2);
  }
}

TEST_P(EveryPolicy, GivesShareByWeightUnderLoad) {
  const auto balancer = make(3);
  const std::vector<int> picked = support::shares_under_load(*balancer, weights({100, 100, 200}), kPicks, 40);
  EXPECT_NEAR(picked[2] / double{kPicks}, 0.5, 0.03);
  EXPECT_NEAR(picked[0] / double{kPicks}, 0.25, 0.03);
}

#ifdef VIADUCT_COUNTS_ALLOCATIONS
TEST_P(EveryPolicy, AllocatesNothingForAPick) {
  const auto balancer = make(20);
  const std::vector<Candidate> many(20);
  std::vector<Candidate> few = many;
  for (std::size_t i = 5; i < few.size(); ++i) few[i].available = false;
  const std::string key = "a key that is too long to be kept in a string's own bytes";
  balancer->pick(many, key);
  const std::size_t before = support::allocations();
  for (int i = 0; i < 100; ++i) {
    balancer->pick(many, key);
    balancer->pick(few, key);
  }
  EXPECT_EQ(support::allocations(), before);
}
#endif

INSTANTIATE_TEST_SUITE_P(Balancer, EveryPolicy,
                         testing::Values(Policy{"RoundRobin", config::BalanceKind::kRoundRobin, 0.001},
                                         Policy{"LeastRequests", config::BalanceKind::kLeastRequests, 0.001},
                                         Policy{"HashClientIp", config::BalanceKind::kHashClientIp, 0.02},
                                         Policy{"HashPath", config::BalanceKind::kHashPath, 0.02},
                                         Policy{"HashHeader", config::BalanceKind::kHashHeader, 0.02}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Balancer, HashesAKeyWhereThePolicySaysSo) {
  EXPECT_FALSE(hashes_key(config::BalanceKind::kRoundRobin));
  EXPECT_FALSE(hashes_key(config::BalanceKind::kLeastRequests));
  EXPECT_TRUE(hashes_key(config::BalanceKind::kHashClientIp));
  EXPECT_TRUE(hashes_key(config::BalanceKind::kHashPath));
  EXPECT_TRUE(hashes_key(config::BalanceKind::kHashHeader));
}

}  // namespace
}  // namespace viaduct::upstream
