// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cli/command.h"
#include "support/command_line.h"

namespace viaduct::cli {
namespace {

TEST(VersionCommand, PrintsOneLine) {
  const auto result = support::run_command({"version"});
  EXPECT_EQ(result.exit_code, kDone);
  EXPECT_EQ(result.out, std::string("viaduct ") + kVersion + "\n");
  EXPECT_EQ(result.err, "");
}

}  // namespace
}  // namespace viaduct::cli
