// SPDX-License-Identifier: Apache-2.0
#include "upstream/slow_start.h"

#include <gtest/gtest.h>

namespace viaduct::upstream {
namespace {

using namespace std::chrono_literals;

constexpr base::MonoTime kRecovered(1h);

std::uint32_t share_after(base::Duration passed, base::Duration slow_start = 10s) {
  ServerState state;
  state.recovered_at = kRecovered.time_since_epoch().count();
  return share_of(state, slow_start, kRecovered + passed);
}

TEST(SlowStart, GrowsFromTheFirstShareToTheWholeInEvenSteps) {
  EXPECT_EQ(share_after(0s), kFirstShare);
  EXPECT_EQ(share_after(1s), 19u);
  EXPECT_EQ(share_after(5s), 55u);
  EXPECT_EQ(share_after(9999ms), 99u);
  EXPECT_EQ(share_after(10s), kFullShare);
  EXPECT_EQ(share_after(24h), kFullShare);
}

TEST(SlowStart, NeverShrinksAndNeverLeavesItsBounds) {
  std::uint32_t last = 0;
  for (base::Duration passed = 0s; passed < 61min; passed += 7s) {
    const std::uint32_t share = share_after(passed, 1h);
    EXPECT_GE(share, last);
    EXPECT_TRUE(share >= kFirstShare && share <= kFullShare) << share;
    last = share;
  }
}

TEST(SlowStart, TakesAClockThatIsBehindForTheBeginning) {
  EXPECT_EQ(share_after(-5ms), kFirstShare);
}

TEST(SlowStart, IsOffAtZeroAndForServersThatWereNeverAway) {
  EXPECT_EQ(share_after(0s, 0s), kFullShare);
  EXPECT_EQ(share_of(ServerState(), 10s, kRecovered), kFullShare);
}

}  // namespace
}  // namespace viaduct::upstream
