// SPDX-License-Identifier: Apache-2.0
#include "base/format.h"

#include <gtest/gtest.h>

namespace viaduct::base {
namespace {

TEST(Format, FillsItsPlaceholdersInOrder) {
  EXPECT_EQ(format("{}:{}: {}", "viaduct.yaml", 12, "unknown key"), "viaduct.yaml:12: unknown key");
  EXPECT_EQ(format("{{}} {:>4} {:02x}", 7, 10), "{}    7 0a");
}

}  // namespace
}  // namespace viaduct::base
