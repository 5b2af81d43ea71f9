// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace viaduct::base {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail("the number is odd");
  return number / 2;
}

Result<int> half_unless_odd(int number) {
  TRY(half(number));
  return 0;
}

TEST(Error, HasASentenceAndNoNumberUnlessOneIsGiven) {
  const Result<int> result = half(3);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, 0);
  EXPECT_EQ(result.error().message, "the number is odd");
}

TEST(Error, OfASystemCallKeepsNumberAndText) {
  const Result<int> result = fail_errno("open /missing", ENOENT);
  EXPECT_EQ(result.error().code, ENOENT);
  EXPECT_EQ(result.error().message, "open /missing: No such file or directory");
}

TEST(Try, ReturnsTheErrorAndGoesOnWithoutOne) {
  EXPECT_EQ(half_unless_odd(2).value(), 0);
  EXPECT_EQ(half_unless_odd(3).error().message, "the number is odd");
}

}  // namespace
}  // namespace viaduct::base
