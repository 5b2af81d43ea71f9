// SPDX-License-Identifier: Apache-2.0
#include "filter/token_buckets.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace viaduct::filter {
namespace {

using namespace std::chrono_literals;

constexpr base::MonoTime kStart{1000s};

int granted(TokenBuckets& buckets, std::uint64_t key, base::MonoTime now, int tries) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += buckets.take(key, now) ? 0 : 1;
  return count;
}

TEST(TokenBuckets, GrantsTheBurstAtOnceAndThenTheRate) {
  TokenBuckets buckets({.per_token = 20ms, .burst = 4}, 8);
  EXPECT_EQ(granted(buckets, 7, kStart, 10), 5);
  EXPECT_EQ(buckets.take(7, kStart), 20ms);
  EXPECT_EQ(buckets.take(7, kStart + 19ms), 1ms);
  EXPECT_EQ(granted(buckets, 7, kStart + 20ms, 10), 1);
  EXPECT_EQ(granted(buckets, 7, kStart + 60ms, 10), 2);
  EXPECT_EQ(granted(buckets, 7, kStart + 1h, 10), 5);  // full, and no fuller
}

TEST(TokenBuckets, CountsTheLongestBurst) {
  constexpr std::uint32_t kDays = 100 * 365;
  TokenBuckets buckets({.per_token = 24h, .burst = kDays}, 1);
  EXPECT_EQ(granted(buckets, 7, kStart, kDays + 3), kDays + 1);
  EXPECT_EQ(buckets.take(7, kStart), 24h);
}

TEST(TokenBuckets, GrantsOneByOneWithoutABurst) {
  TokenBuckets buckets({.per_token = 1s, .burst = 0}, 1);
  EXPECT_EQ(granted(buckets, 7, kStart, 3), 1);
  EXPECT_EQ(granted(buckets, 7, kStart + 999ms, 3), 0);
  EXPECT_EQ(granted(buckets, 7, kStart + 1s, 3), 1);
}

TEST(TokenBuckets, CountsKeysApart) {
  TokenBuckets buckets({.per_token = 1s, .burst = 1}, 64);
  for (std::uint64_t key = 0; key < 50; ++key) EXPECT_EQ(granted(buckets, key * 65 + 2, kStart, 5), 2) << key;
}

TEST(TokenBuckets, GivesUpTheBucketThatHasLeastToRemember) {
  TokenBuckets buckets({.per_token = 1s, .burst = 9}, 1);
  for (std::uint64_t key = 1; key <= TokenBuckets::kWays; ++key) {
    granted(buckets, key, kStart, key == 2 ? 1 : 10);
  }
  EXPECT_EQ(granted(buckets, 100, kStart, 20), 10);  // in the place of 2
  EXPECT_EQ(granted(buckets, 1, kStart, 20), 0);
  EXPECT_EQ(granted(buckets, 3, kStart, 20), 0);
  EXPECT_EQ(granted(buckets, 4, kStart, 20), 0);
}

TEST(TokenBuckets, CountsExactlyForSeveralThreads) {
  TokenBuckets buckets({.per_token = 1h, .burst = 999}, 4);
  std::atomic<int> all = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { all += granted(buckets, 7, kStart, 500); });
  }
  for (std::thread& thread : threads) thread.join();
  // More pass only where a thread gave up against others kTriesMax times.
  EXPECT_GE(all, 1000);
  EXPECT_LE(all, 1010);
}

}  // namespace
}  // namespace viaduct::filter
