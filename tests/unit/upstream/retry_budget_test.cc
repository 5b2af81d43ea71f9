// SPDX-License-Identifier: Apache-2.0
#include "upstream/retry_budget.h"

#include <gtest/gtest.h>

namespace viaduct::upstream {
namespace {

// How many of 1,000 requests may be sent again where all of them want to.
int spent_of_thousand(std::uint32_t percent) {
  RetryBudget budget;
  int spent = 0;
  for (int i = 0; i < 1000; ++i) {
    budget.earn(percent);
    spent += budget.spend() ? 1 : 0;
  }
  return spent;
}

TEST(RetryBudget, AddsItsShareToTheLoadBesideTheReserve) {
  struct Row {
    std::uint32_t percent;
    int spent;
  };
  const int reserve = RetryBudget::kReserve;
  for (const Row& row : std::initializer_list<Row>{{0, reserve}, {1, reserve + 10}, {10, reserve + 100}}) {
    EXPECT_NEAR(spent_of_thousand(row.percent), row.spent, 1) << row.percent;
  }
  EXPECT_EQ(spent_of_thousand(100), 1000);
}

TEST(RetryBudget, KeepsNoMoreThanTheReserveForLater) {
  RetryBudget budget;
  for (int i = 0; i < 100'000; ++i) budget.earn(50);
  for (std::uint32_t i = 0; i < RetryBudget::kReserve; ++i) EXPECT_TRUE(budget.spend());
  EXPECT_FALSE(budget.spend());
}

}  // namespace
}  // namespace viaduct::upstream
