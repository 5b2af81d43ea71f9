// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command.h"
#include "support/command_line.h"

namespace viaduct::cli {
namespace {

using support::run_command;
using testing::HasSubstr;

TEST(HelpCommand, ShowsAllCommandsOrOne) {
  const auto all = run_command({"help"});
  EXPECT_EQ(all.exit_code, kDone);
  EXPECT_EQ(all.out, run_command({"--help"}).out);
  const auto one = run_command({"help", "check"});
  EXPECT_EQ(one.exit_code, kDone);
  EXPECT_THAT(one.out, HasSubstr("--against"));
  EXPECT_EQ(one.err, "");
}

TEST(HelpCommand, KnowsNoOtherWords) {
  const auto result = run_command({"help", "nonsense"});
  EXPECT_EQ(result.exit_code, kWrongUsage);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("viaduct: there is no command nonsense; known here: run, check, "));
}

}  // namespace
}  // namespace viaduct::cli
