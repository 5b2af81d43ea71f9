// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <gtest/gtest.h>

namespace viaduct::base {
namespace {

using namespace std::chrono_literals;

TEST(SystemClock, NeverGoesBackwards) {
  const SystemClock clock;
  MonoTime last = clock.mono_now();
  for (int i = 0; i < 1000; ++i) {
    const MonoTime now = clock.mono_now();
    EXPECT_GE(now, last);
    last = now;
  }
}

TEST(SystemClock, KnowsTheCalendar) {
  const WallTime year_2020 = std::chrono::sys_days(std::chrono::year(2020) / 1 / 1);
  EXPECT_GT(SystemClock().wall_now(), year_2020);
}

TEST(Duration, IsShownInMillisecondsWithItsFraction) {
  EXPECT_DOUBLE_EQ(to_milliseconds(0s), 0.0);
  EXPECT_DOUBLE_EQ(to_milliseconds(1500us), 1.5);
  EXPECT_DOUBLE_EQ(to_milliseconds(2s), 2000.0);
  EXPECT_DOUBLE_EQ(to_milliseconds(Duration(1)), 0.000001);
}

}  // namespace
}  // namespace viaduct::base
