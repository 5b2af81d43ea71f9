// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <gtest/gtest.h>

namespace viaduct::base {
namespace {

TEST(Check, PassesWhatHolds) {
  int evaluated = 0;
  CHECK(++evaluated == 1);
  EXPECT_EQ(evaluated, 1);
}

TEST(CheckDeathTest, StopsAtWhatDoesNotHoldAndNamesIt) {
  const int limit = 1;
  EXPECT_DEATH(CHECK(limit == 2), "viaduct: CHECK failed: limit == 2 at .*check_test\\.cc:[0-9]+");
}

TEST(CheckDeathTest, DcheckStopsInDebugBuildsAlone) {
  [[maybe_unused]] const bool holds = false;
#ifdef NDEBUG
  DCHECK(holds);
#else
  EXPECT_DEATH(DCHECK(holds), "CHECK failed: holds");
#endif
}

}  // namespace
}  // namespace viaduct::base
