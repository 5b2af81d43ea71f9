// SPDX-License-Identifier: Apache-2.0
#include "base/wipe.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace viaduct::base {
namespace {

TEST(Wipe, LeavesNothingOfAText) {
  for (const std::size_t size : {0UL, 5UL, 15UL, 100UL}) {
    std::string text(size, 's');
    text.reserve(size * 2);
    text.resize(size / 2);  // what lies behind the end is a secret, too
    const char* place = text.data();
    const std::size_t room = text.capacity();
    wipe(text);
    EXPECT_TRUE(text.empty());
    ASSERT_EQ(text.data(), place);
    EXPECT_TRUE(std::all_of(place, place + room, [](char byte) { return byte == '\0'; }));
  }
}

}  // namespace
}  // namespace viaduct::base
