// SPDX-License-Identifier: Apache-2.0
#include "net/shared_conditions.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace viaduct::net {
namespace {

TEST(SharedConditions, TellsTheFirstThatEntersAndTheLastThatLeaves) {
  SharedConditions conditions;
  EXPECT_TRUE(conditions.enter("a"));
  EXPECT_FALSE(conditions.enter("a"));
  EXPECT_TRUE(conditions.enter("b"));
  EXPECT_FALSE(conditions.leave("a"));
  EXPECT_TRUE(conditions.leave("a"));
  EXPECT_TRUE(conditions.leave("b"));
  EXPECT_TRUE(conditions.enter("a"));
}

TEST(SharedConditions, TellsOneOfManyThreads) {
  SharedConditions conditions;
  std::atomic<int> first = 0;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { first += conditions.enter("a") ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(first, 1);
}

}  // namespace
}  // namespace viaduct::net
