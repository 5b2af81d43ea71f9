// SPDX-License-Identifier: Apache-2.0
#include "upstream/balancer/least_requests.h"

#include <gtest/gtest.h>

#include "support/balancing.h"

namespace viaduct::upstream {
namespace {

TEST(LeastRequests, PicksTheLeastBusyOfFew) {
  struct Row {
    std::vector<Candidate> candidates;
    std::size_t picked;
  };
  const Row rows[] = {
      {{{.requests = 3}, {.requests = 1}, {.requests = 2}}, 1},
      {{{.requests = 3}, {.requests = 1, .available = false}, {.requests = 2}}, 2},
      {{{.weight = 4, .requests = 3}, {.weight = 1, .requests = 1}}, 0},  // 3/4 is less than 1
      {{{.weight = 4, .requests = 5}, {.weight = 1, .requests = 1}}, 1},
      {{{.weight = 100, .requests = 9}, {.weight = 10, .requests = 1}}, 0},  // the other one has just come back
      {{{.requests = 1}, {.requests = 0}}, 1},
      {{{.requests = 4'000'000'000}, {.weight = 100'000, .requests = 4'000'000'000}}, 1},
  };
  for (const Row& row : rows) {
    LeastRequests balancer(row.candidates.size());
    for (int i = 0; i < 5; ++i) EXPECT_EQ(balancer.pick(row.candidates, {}), row.picked);
  }
}

TEST(LeastRequests, LetsThoseThatAreEquallyBusyTakeTurns) {
  LeastRequests balancer(4);
  const std::vector<Candidate> candidates = {{.requests = 2}, {.requests = 7}, {.requests = 2}, {.requests = 2}};
  std::string text;
  for (int i = 0; i < 6; ++i) text += static_cast<char>('a' + balancer.pick(candidates, {}));
  EXPECT_EQ(text, "acdacd");
}

TEST(LeastRequests, SpreadsWhatComesAtOnceByWeight) {
  LeastRequests balancer(3);
  std::vector<Candidate> candidates = support::weights({1, 2, 3});
  for (int i = 0; i < 60; ++i) ++candidates[balancer.pick(candidates, {})].requests;
  EXPECT_EQ(candidates[0].requests, 10u);
  EXPECT_EQ(candidates[1].requests, 20u);
  EXPECT_EQ(candidates[2].requests, 30u);
}

TEST(LeastRequests, AvoidsTheBusyOnesOfMany) {
  constexpr std::size_t kServers = LeastRequests::kComparedMax + 12;
  LeastRequests balancer(kServers);
  std::vector<Candidate> candidates(kServers);
  candidates[3].requests = 1000;
  candidates[7].requests = 1000;
  const std::vector<int> picked = support::shares(balancer, candidates, 20'000);
  // Only where both that were drawn are busy: 2/20 * 1/19 of the picks.
  EXPECT_LT(picked[3] + picked[7], 300);
  EXPECT_GT(picked[0], 0);
}

TEST(LeastRequests, KeepsManyServersNearlyEvenUnderLoad) {
  constexpr std::size_t kServers = 32;
  LeastRequests balancer(kServers);
  std::vector<Candidate> candidates(kServers);
  for (int i = 0; i < 3200; ++i) ++candidates[balancer.pick(candidates, {})].requests;
  for (const Candidate& candidate : candidates) EXPECT_NEAR(candidate.requests, 100, 15);
}

TEST(LeastRequests, ComparesTwoThatAreNeverTheSame) {
  constexpr std::size_t kServers = LeastRequests::kComparedMax + 1;
  LeastRequests balancer(kServers);
  std::vector<Candidate> candidates(kServers);
  candidates[4].weight = 100'000;  // is nearly always the one that is drawn first
  candidates[4].requests = 1'000'000;
  for (int i = 0; i < 1000; ++i) EXPECT_NE(balancer.pick(candidates, {}), 4u);
}

}  // namespace
}  // namespace viaduct::upstream
