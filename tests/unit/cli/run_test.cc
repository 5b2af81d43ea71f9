// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command.h"
#include "daemon/admin.h"
#include "os/socket.h"
#include "support/command_line.h"
#include "support/temporary_directory.h"

namespace viaduct::cli {
namespace {

using support::run_command;
using testing::HasSubstr;
using testing::StartsWith;

TEST(RunCommand, ServesUntilItIsStopped) {
  const support::TemporaryDirectory directory;
  support::RunningDaemon daemon(directory);
  EXPECT_EQ(daemon::ask_admin(directory / "admin.sock", "stop"), "ok");
  EXPECT_EQ(daemon.wait(), kDone);
  const std::string log = support::file_bytes(directory / "error.log");
  EXPECT_THAT(log, HasSubstr("listening address=127.0.0.1:"));
  EXPECT_THAT(log, HasSubstr("stopped"));
  EXPECT_FALSE(daemon::ask_admin(directory / "admin.sock", "stop").has_value());
}

TEST(RunCommand, RefusesABrokenConfig) {
  const support::TemporaryDirectory directory;
  const std::string file = directory.write("viaduct.yaml", std::string(support::plain_config()) + "nonsense: 1\n");
  const auto result = run_command({"run", "-c", file});
  EXPECT_EQ(result.exit_code, kFailed);
  EXPECT_THAT(result.err, HasSubstr("nonsense"));
}

TEST(RunCommand, NamesAnAddressThatIsTaken) {
  const support::TemporaryDirectory directory;
  const auto taken = os::listen_on({*base::IpAddress::parse("127.0.0.1"), 0}, {.reuse_port = false});
  ASSERT_TRUE(taken.has_value());
  const std::string address = os::local_address(taken->get()).to_string();
  std::string config(support::plain_config());
  config.replace(config.find("127.0.0.1:0"), 11, address);
  const auto result = run_command({"run", "-c", directory.write("viaduct.yaml", config)});
  EXPECT_EQ(result.exit_code, kFailed);
  EXPECT_THAT(result.err, StartsWith("viaduct: start_failed error="));
  for (const std::string& told : {result.err, support::file_bytes(directory / "error.log")}) {
    EXPECT_THAT(told, HasSubstr(address));
    EXPECT_EQ(told.find("start_failed"), told.rfind("start_failed"));
  }
}

TEST(RunCommand, SaysOnceWhyItDoesNotStartWhereTheLogIsStandardError) {
  const support::TemporaryDirectory directory;
  const auto taken = os::listen_on({*base::IpAddress::parse("127.0.0.1"), 0}, {.reuse_port = false});
  ASSERT_TRUE(taken.has_value());
  std::string config(support::plain_config());
  config.replace(config.find("127.0.0.1:0"), 11, os::local_address(taken->get()).to_string());
  config.replace(config.find("error.log"), 9, "\"-\"");
  const auto result = run_command({"run", "-c", directory.write("viaduct.yaml", config)});
  EXPECT_EQ(result.exit_code, kFailed);
  EXPECT_THAT(result.err, HasSubstr(" error start_failed error="));
  EXPECT_EQ(result.err.find("start_failed"), result.err.rfind("start_failed"));
}

}  // namespace
}  // namespace viaduct::cli
