// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <unordered_map>

namespace viaduct::base {
namespace {

// What CPython 3.11, whose hash of bytes is SipHash-1-3 as well, gives under the key of zeros (PYTHONHASHSEED=0).
TEST(KeyedHash, AgreesWithAnotherImplementation) {
  struct Row {
    std::string_view text;
    std::uint64_t hash;
  };
  const Row rows[] = {
      {"a", 0x407448d2b89b1813},
      {"abc", 0xc03bc3a0042630f2},
      {"1234567", 0xa33d651594fdae81},
      {"12345678", 0x3489982430560a87},
      {"123456789", 0x0fbc0f0007965fcf},
      {"0123456789abcdef", 0x1d42b30f7e060c24},
      {"/api/v1/payment/notify", 0x3d6dcfa82eb2c0e0},
      {"www.xintuxiangce.top", 0x41f905a5c6542f1b},
  };
  for (const Row& row : rows) EXPECT_EQ(keyed_hash(HashKey{}, row.text), row.hash) << row.text;
}

TEST(KeyedHash, DependsOnBothHalvesOfTheKey) {
  const std::set<std::uint64_t> hashes = {keyed_hash({0, 0}, "text"), keyed_hash({1, 0}, "text"),
                                          keyed_hash({0, 1}, "text")};
  EXPECT_EQ(hashes.size(), 3U);
}

TEST(KeyedHash, TellsLengthsOfZerosApart) {
  std::set<std::uint64_t> hashes;
  for (std::size_t length = 0; length < 64; ++length) hashes.insert(keyed_hash(HashKey{}, std::string(length, '\0')));
  EXPECT_EQ(hashes.size(), 64U);
}

TEST(KeyedHash, DrawsADifferentKeyForEveryTable) {
  EXPECT_NE(keyed_hash(HashKey::random(), "text"), keyed_hash(HashKey::random(), "text"));
}

TEST(KeyedHash, ServesAMapThatIsAskedByView) {
  std::unordered_map<std::string, int, StringHash, std::equal_to<>> map;
  map.emplace("one", 1);
  map.emplace("two", 2);
  EXPECT_EQ(map.find(std::string_view("two"))->second, 2);
  EXPECT_EQ(map.find(std::string_view("three")), map.end());
}

}  // namespace
}  // namespace viaduct::base
