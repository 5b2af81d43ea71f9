// SPDX-License-Identifier: Apache-2.0
#include "daemon/route_window.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/overview_scene.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;

TEST(RouteWindow, LooksBackOneToTwoSteps) {
  support::OverviewScene scene;
  const base::MonoTime start = scene.clock.mono_now();
  const std::uint32_t api = scene.numbers.find("www.example.com", "api");
  RouteWindow window(scene.overview, start);
  const auto step = [&](int number) { return start + number * RouteWindow::kStep; };
  scene.count("api", 200, 1ms);
  EXPECT_EQ(window.lately(api).requests(), 1U);
  EXPECT_EQ(window.length(start), 1ms) << "never nothing";
  EXPECT_EQ(window.length(start + 5s), 5s);
  window.step(step(1));
  scene.count("api", 200, 1ms);
  EXPECT_EQ(window.lately(api).requests(), 2U);
  EXPECT_EQ(window.length(step(1) + 1s), RouteWindow::kStep + 1s);
  window.step(step(2));
  scene.count("api", 500, 1ms);
  EXPECT_EQ(window.lately(api).requests(), 2U) << "the first one is too long ago";
  window.step(step(3));
  window.step(step(4));
  EXPECT_EQ(window.lately(api).requests(), 0U);
  EXPECT_EQ(window.length(step(4)), RouteWindow::kStep);
}

TEST(RouteWindow, KnowsEverythingThatIsCounted) {
  const support::OverviewScene scene;
  std::vector<std::uint32_t> numbers = numbers_in(*scene.snapshot);
  std::ranges::sort(numbers);
  // Three routes, two sites, and what has none.
  EXPECT_EQ(numbers, (std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5}));
}

}  // namespace
}  // namespace viaduct::daemon
