// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command.h"
#include "support/command_line.h"
#include "support/temporary_directory.h"

namespace viaduct::cli {
namespace {

using support::run_command;
using testing::HasSubstr;

class ControlCommands : public testing::Test {
 protected:
  support::TemporaryDirectory directory_;
};

TEST_F(ControlCommands, StopEndsTheDaemonThatTheConfigNames) {
  support::RunningDaemon daemon(directory_);
  const auto result = run_command({"stop", "-c", daemon.file()});
  EXPECT_EQ(result.exit_code, kDone);
  EXPECT_EQ(result.out, "ok\n");
  EXPECT_EQ(daemon.wait(), kDone);
}

TEST_F(ControlCommands, StopEndsTheDaemonBehindASocket) {
  support::RunningDaemon daemon(directory_);
  EXPECT_EQ(run_command({"stop", "--socket", directory_ / "admin.sock"}).exit_code, kDone);
  EXPECT_EQ(daemon.wait(), kDone);
}

TEST_F(ControlCommands, ReloadTakesAGoodConfigAndRefusesABrokenOne) {
  const support::RunningDaemon daemon(directory_);
  const std::string socket = directory_ / "admin.sock";
  EXPECT_EQ(run_command({"reload", "-c", daemon.file()}).out, "ok\nnothing has changed\n");
  directory_.write("viaduct.yaml", std::string(support::plain_config()) + "nonsense: 1\n");
  const auto refused = run_command({"reload", "--socket", socket});
  EXPECT_EQ(refused.exit_code, kFailed);
  EXPECT_EQ(refused.out, "");
  EXPECT_THAT(refused.err, HasSubstr("nonsense"));
}

TEST_F(ControlCommands, FindTheDaemonOfABrokenConfig) {
  const support::RunningDaemon daemon(directory_);
  const std::string good(support::plain_config());
  for (const std::string broken : {"nonsense: 1\n", "sites: [\n", "x: \"${NOT_SET}\"\n"}) {
    directory_.write("viaduct.yaml", good + broken);
    const auto refused = run_command({"reload", "-c", daemon.file()});
    EXPECT_EQ(refused.exit_code, kFailed);
    EXPECT_NE(refused.err.find("\n" + daemon.file() + ":27:"), std::string::npos) << refused.err;
    EXPECT_EQ(run_command({"status", "-c", daemon.file()}).exit_code, kDone);
  }
  // Nobody can tell from this one.
  directory_.write("viaduct.yaml", "nonsense: 1\n");
  const auto lost = run_command({"reload", "-c", daemon.file()});
  EXPECT_EQ(lost.exit_code, kFailed);
  EXPECT_THAT(lost.err, HasSubstr("--socket"));
}

TEST_F(ControlCommands, ReloadTakesAGuardWithAndWithoutItsTime) {
  const support::RunningDaemon daemon(directory_);
  EXPECT_THAT(run_command({"reload", "-c", daemon.file(), "--guard"}).out, HasSubstr("\nwatched for 1m"));
  EXPECT_THAT(run_command({"reload", "--guard", "90s", "-c", daemon.file()}).out, HasSubstr("\nwatched for 90s"));
  EXPECT_THAT(run_command({"reload", "--guard=2m", "-c", daemon.file()}).out, HasSubstr("\nwatched for 2m"));
  EXPECT_THAT(run_command({"reload", "-c", daemon.file(), "--guard", "5"}).err, HasSubstr("5"));
  EXPECT_EQ(run_command({"reload", "-c", daemon.file(), "--guard", "5s 1"}).exit_code, kWrongUsage);
}

TEST_F(ControlCommands, RollbackSaysThatNothingIsKept) {
  const support::RunningDaemon daemon(directory_);
  for (const char* argument : {"1", "2", "--list"}) {
    const auto result = run_command({"rollback", argument, "-c", daemon.file()});
    EXPECT_EQ(result.exit_code, kFailed) << argument;
    EXPECT_THAT(result.err, HasSubstr("process.state_dir")) << argument;
  }
  EXPECT_EQ(run_command({"rollback", "0", "-c", daemon.file()}).exit_code, kWrongUsage);
  EXPECT_EQ(run_command({"rollback", "x", "-c", daemon.file()}).exit_code, kWrongUsage);
}

TEST_F(ControlCommands, SaysThatNobodyListens) {
  const std::string file = directory_.write("viaduct.yaml", support::plain_config());
  for (const char* word : {"stop", "reload"}) {
    const auto result = run_command({word, "-c", file});
    EXPECT_EQ(result.exit_code, kFailed) << word;
    EXPECT_THAT(result.err, HasSubstr("admin.sock")) << word;
  }
}

TEST_F(ControlCommands, SaysThatTheConfigNamesNoSocket) {
  std::string config(support::plain_config());
  const std::string_view line = "admin: { socket: admin.sock }\n";
  config.erase(config.find(line), line.size());
  const auto result = run_command({"stop", "-c", directory_.write("viaduct.yaml", config)});
  EXPECT_EQ(result.exit_code, kFailed);
  EXPECT_THAT(result.err, HasSubstr("admin.socket"));
}

TEST_F(ControlCommands, NamesAConfigThatIsMissing) {
  const auto result = run_command({"stop", "-c", directory_ / "missing.yaml"});
  EXPECT_EQ(result.exit_code, kFailed);
  EXPECT_THAT(result.err, HasSubstr("missing.yaml"));
}

}  // namespace
}  // namespace viaduct::cli
