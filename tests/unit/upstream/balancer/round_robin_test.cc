// SPDX-License-Identifier: Apache-2.0
#include "upstream/balancer/round_robin.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/balancing.h"

namespace viaduct::upstream {
namespace {

using support::weights;

// The picks as letters.
std::string picks(RoundRobin& balancer, const std::vector<Candidate>& candidates, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    const std::size_t index = balancer.pick(candidates, {});
    text += index == Balancer::kNone ? '-' : static_cast<char>('a' + index);
  }
  return text;
}

TEST(RoundRobin, GoesRound) {
  RoundRobin balancer(3);
  EXPECT_EQ(picks(balancer, weights({1, 1, 1}), 7), "abcabca");
}

TEST(RoundRobin, SpreadsTheTurnsOfAHeavyServer) {
  RoundRobin balancer(3);
  EXPECT_EQ(picks(balancer, weights({5, 1, 1}), 14), "aabacaaaabacaa");
}

TEST(RoundRobin, GivesEveryServerItsShareInEveryRound) {
  for (const auto& row : {std::initializer_list<std::uint32_t>{1}, {2, 1}, {3, 2, 1}, {7, 7}, {100, 1, 50}, {1, 9}}) {
    RoundRobin balancer(row.size());
    const std::vector<Candidate> candidates = weights(row);
    int total = 0;
    for (const std::uint32_t weight : row) total += static_cast<int>(weight);
    for (int round = 0; round < 3; ++round) {
      const std::string text = picks(balancer, candidates, total);
      for (std::size_t i = 0; i < row.size(); ++i) {
        EXPECT_EQ(std::ranges::count(text, static_cast<char>('a' + i)), candidates[i].weight) << text;
      }
    }
  }
}

TEST(RoundRobin, PicksNobodyWhoIsNotAvailable) {
  RoundRobin balancer(3);
  std::vector<Candidate> candidates = weights({1, 1, 1});
  candidates[1].available = false;
  EXPECT_EQ(picks(balancer, candidates, 4), "acac");
  candidates[0].available = candidates[2].available = false;
  EXPECT_EQ(picks(balancer, candidates, 2), "--");
}

TEST(RoundRobin, HoldsNoAbsenceAgainstAServer) {
  RoundRobin balancer(2);
  std::vector<Candidate> candidates = weights({1, 1});
  candidates[0].available = false;
  EXPECT_EQ(picks(balancer, candidates, 100), std::string(100, 'b'));
  candidates[0].available = true;
  const std::string after = picks(balancer, candidates, 10);
  EXPECT_EQ(std::ranges::count(after, 'a'), 5) << after;
}

TEST(RoundRobin, PicksNobodyWhereThereIsNobody) {
  RoundRobin balancer(0);
  EXPECT_EQ(balancer.pick({}, {}), Balancer::kNone);
}

}  // namespace
}  // namespace viaduct::upstream
