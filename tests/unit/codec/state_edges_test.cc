// SPDX-License-Identifier: Apache-2.0
#include "codec/state_edges.h"

#include <gtest/gtest.h>

namespace viaduct::codec {
namespace {

enum class State { kFirst, kSecond, kLast = 31 };

TEST(StateEdges, AllowsWhatTheTableSaysAndNothingElse) {
  using enum State;
  static constexpr StateEdges<State> kEdges = {{kFirst, {kSecond, kLast}}, {kSecond, {kSecond}}, {kLast, {kFirst}}};
  static_assert(kEdges.allow(kFirst, kSecond));
  EXPECT_TRUE(kEdges.allow(kFirst, kLast));
  EXPECT_TRUE(kEdges.allow(kSecond, kSecond));
  EXPECT_TRUE(kEdges.allow(kLast, kFirst));
  EXPECT_FALSE(kEdges.allow(kFirst, kFirst));
  EXPECT_FALSE(kEdges.allow(kSecond, kFirst));
  EXPECT_FALSE(kEdges.allow(kLast, kSecond));
  EXPECT_FALSE(kEdges.allow(kLast, kLast));
}

}  // namespace
}  // namespace viaduct::codec
