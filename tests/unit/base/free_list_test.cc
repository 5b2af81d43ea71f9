// SPDX-License-Identifier: Apache-2.0
#include "base/free_list.h"

#include <gtest/gtest.h>

#include <array>

namespace viaduct::base {
namespace {

struct Thing {
  std::array<char, 100> bytes{};
};

TEST(FreeList, ReusesStorageAndTellsWhatGoesBackToTheSystem) {
  FreeList<Thing> things(1);
  Thing* first = things.make();
  Thing* second = things.make();
  EXPECT_EQ(things.in_use(), 2u);
  things.free(first);
  EXPECT_EQ(things.take_freed_bytes(), 0u) << "it is kept";
  things.free(second);
  EXPECT_EQ(things.take_freed_bytes(), sizeof(Thing));
  EXPECT_EQ(things.take_freed_bytes(), 0u) << "since the call before";
  EXPECT_EQ(things.make(), first);
  things.free(first);
  EXPECT_EQ(things.in_use(), 0u);
}

}  // namespace
}  // namespace viaduct::base
