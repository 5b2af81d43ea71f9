// SPDX-License-Identifier: Apache-2.0
#include "upstream/retry_budget.h"

#include <gtest/gtest.h>

namespace viaduct::upstream {
namespace {

using namespace std::chrono_literals;

constexpr base::MonoTime kStart{1h};

// How many of `count` requests may be sent again where all of them want to, at one moment.
int spent(RetryBudget& budget, int count, std::uint32_t percent, base::MonoTime now = kStart) {
  int total = 0;
  for (int i = 0; i < count; ++i) {
    budget.earn(percent, now);
    total += budget.spend() ? 1 : 0;
  }
  return total;
}

TEST(RetryBudget, AddsItsShareToTheLoadBesideTheReserve) {
  const int reserve = RetryBudget::kReserve;
  for (const std::uint32_t percent : {0U, 1U, 10U}) {
    RetryBudget budget;
    EXPECT_NEAR(spent(budget, 10'000, percent), reserve + 100 * static_cast<int>(percent), 1) << percent;
  }
  RetryBudget all;
  EXPECT_EQ(spent(all, 10'000, 100), 10'000);
}

TEST(RetryBudget, GrantsAFewASecond) {
  RetryBudget budget;
  EXPECT_EQ(spent(budget, 1000, 0), RetryBudget::kReserve);
  EXPECT_EQ(spent(budget, 1000, 0, kStart + 100ms), RetryBudget::kPerSecond / 10);
  EXPECT_EQ(spent(budget, 1000, 0, kStart + 1100ms), RetryBudget::kPerSecond);
}

TEST(RetryBudget, KeepsNoMoreThanTheReserveForLater) {
  RetryBudget budget;
  for (int i = 0; i < 100'000; ++i) budget.earn(50, kStart);
  budget.earn(50, kStart + 24h * 365);
  for (int i = 0; i < RetryBudget::kReserve; ++i) EXPECT_TRUE(budget.spend());
  EXPECT_FALSE(budget.spend());
}

}  // namespace
}  // namespace viaduct::upstream
