// SPDX-License-Identifier: Apache-2.0
#include "codec/interim_budget.h"

#include <gtest/gtest.h>

namespace viaduct::codec {
namespace {

using namespace std::chrono_literals;

TEST(InterimBudget, StopsARush) {
  for (const base::MonoTime now : {base::MonoTime(), base::MonoTime(1000s)}) {
    InterimBudget budget;
    for (int i = 0; i < InterimBudget::kBurst; ++i) EXPECT_TRUE(budget.spend(now));
    EXPECT_FALSE(budget.spend(now));
    EXPECT_FALSE(budget.spend(now + 49ms));
    EXPECT_TRUE(budget.spend(now + 50ms));
    EXPECT_FALSE(budget.spend(now + 99ms));
    EXPECT_TRUE(budget.spend(now + 100ms));
    for (int i = 0; i < InterimBudget::kBurst; ++i) EXPECT_TRUE(budget.spend(now + 24h));
    EXPECT_FALSE(budget.spend(now + 24h));
  }
}

TEST(InterimBudget, LetsAHeartbeatPassForEver) {
  InterimBudget budget;
  base::MonoTime now(1000s);
  for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(budget.spend(now += 50ms));
}

}  // namespace
}  // namespace viaduct::codec
