// SPDX-License-Identifier: Apache-2.0
#include "observe/route_numbers.h"

#include <gtest/gtest.h>

#include <string>

namespace viaduct::observe {
namespace {

TEST(RouteNumbers, StayTheSame) {
  RouteNumbers numbers;
  const std::uint32_t api = numbers.find("a.test", "api");
  const std::uint32_t none_of_site = numbers.find("a.test", "");
  const std::uint32_t elsewhere = numbers.find("b.test", "api");
  EXPECT_NE(api, RouteNumbers::kNone);
  EXPECT_NE(api, none_of_site);
  EXPECT_NE(api, elsewhere);
  EXPECT_EQ(numbers.find("a.test", "api"), api);
  EXPECT_EQ(numbers.find("b.test", "api"), elsewhere);
  EXPECT_EQ(numbers.find("", ""), RouteNumbers::kNone);
}

TEST(RouteNumbers, EndWithOneThatIsShared) {
  RouteNumbers numbers;
  for (std::uint32_t i = 1; i < RouteNumbers::kRoutesMax; ++i) ASSERT_EQ(numbers.find("s", std::to_string(i)), i);
  EXPECT_EQ(numbers.find("s", "one too many"), RouteNumbers::kNone);
  EXPECT_EQ(numbers.find("s", "7"), 7U);
}

}  // namespace
}  // namespace viaduct::observe
