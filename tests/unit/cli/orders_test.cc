// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command.h"
#include "support/command_line.h"

namespace viaduct::cli {
namespace {

using support::run_command;
using testing::HasSubstr;

TEST(OrderCommands, ReachTheDaemon) {
  const support::TemporaryDirectory directory;
  const support::RunningDaemon daemon(directory);
  const auto unknown = run_command({"drain", "nobody", "127.0.0.1:1", "-c", daemon.file()});
  EXPECT_EQ(unknown.exit_code, kFailed);
  EXPECT_THAT(unknown.err, HasSubstr("there is no upstream nobody"));
  const auto level = run_command({"log-level", "warning", "--socket", directory / "admin.sock"});
  EXPECT_EQ(level.exit_code, kDone);
  EXPECT_EQ(level.out, "ok\n");
  EXPECT_EQ(run_command({"hold", "nobody", "10s", "-c", daemon.file()}).exit_code, kFailed);
  EXPECT_EQ(run_command({"release", "nobody", "-c", daemon.file()}).exit_code, kFailed);
  EXPECT_EQ(run_command({"undrain", "nobody", "a", "-c", daemon.file()}).exit_code, kFailed);
}

TEST(OrderCommands, AreOneLineOfWords) {
  EXPECT_EQ(run_command({"drain", "app"}).exit_code, kWrongUsage);
  EXPECT_EQ(run_command({"drain", "app\nstop", "x"}).exit_code, kWrongUsage);
  EXPECT_EQ(run_command({"hold", "app", "1m 30s"}).exit_code, kWrongUsage);
}

}  // namespace
}  // namespace viaduct::cli
