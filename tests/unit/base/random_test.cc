// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "base/bytes.h"

namespace viaduct::base {
namespace {

TEST(RandomNumbers, FillsEveryByte) {
  // A byte that stays zero in 16 tries is one in 2^128.
  std::array<bool, 33> seen{};
  for (int attempt = 0; attempt < 16; ++attempt) {
    std::array<unsigned char, 33> bytes{};
    fill_random(bytes);
    for (std::size_t index = 0; index < bytes.size(); ++index) seen[index] = seen[index] || bytes[index] != 0;
  }
  EXPECT_TRUE(std::ranges::all_of(seen, [](bool byte_seen) { return byte_seen; }));
}

TEST(RandomNumbers, NeverRepeatsARequestId) {
  Random first;
  Random second;
  std::set<std::string> seen;
  constexpr std::size_t kIds = 4000;  // several pools of 128
  for (std::size_t count = 0; count < kIds / 2; ++count) {
    seen.emplace(first.request_id().view());
    seen.emplace(second.request_id().view());
  }
  EXPECT_EQ(seen.size(), kIds);
}

TEST(RandomNumbers, SpellsARequestIdAsHexadecimal) {
  Random random;
  const RequestId id = random.request_id();
  EXPECT_EQ(id.view().size(), 32U);
  EXPECT_TRUE(std::ranges::all_of(id.view(), [](char byte) { return hex_value(byte) >= 0 && byte == to_lower(byte); }));
}

TEST(RandomNumbers, StaysBelowTheBoundAndReachesEveryResult) {
  Random random;
  for (const std::uint64_t bound : {1U, 2U, 3U, 7U, 10U}) {
    std::set<std::uint64_t> seen;
    for (int count = 0; count < 1000; ++count) {
      const std::uint64_t number = random.below(bound);
      ASSERT_LT(number, bound);
      seen.insert(number);
    }
    EXPECT_EQ(seen.size(), bound);
  }
  // Just above 2^63, where nearly half of all numbers have to be drawn again.
  for (int count = 0; count < 100; ++count) ASSERT_LE(random.below((1ULL << 63) + 1), 1ULL << 63);
}

TEST(RandomNumbersDeathTest, RefusesABoundOfZero) {
  Random random;
  EXPECT_DEATH(random.below(0), "CHECK failed");
}

}  // namespace
}  // namespace viaduct::base
