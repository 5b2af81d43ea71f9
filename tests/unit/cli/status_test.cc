// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "support/command_line.h"

namespace viaduct::cli {
namespace {

using support::run_command;
using testing::HasSubstr;

TEST(StatusCommand, PrintsTablesOrJson) {
  const support::TemporaryDirectory directory;
  const support::RunningDaemon daemon(directory);
  const auto text = run_command({"status", "-c", daemon.file()});
  EXPECT_EQ(text.exit_code, kDone);
  EXPECT_THAT(text.out, HasSubstr("serving"));
  EXPECT_THAT(text.out, HasSubstr("www.example.com\n  get-x "));
  const auto json = run_command({"status", "--json", "--socket", directory / "admin.sock"});
  EXPECT_EQ(json.exit_code, kDone);
  EXPECT_EQ(std::ranges::count(json.out, '\n'), 1);
  const auto page = nlohmann::json::parse(json.out);
  EXPECT_EQ(page["process"]["version"], kVersion);
  EXPECT_EQ(page["config"]["snapshot"], 1);
}

TEST(StatusCommand, FailsWhereNobodyAnswers) {
  const support::TemporaryDirectory directory;
  const std::string file = directory.write("viaduct.yaml", support::plain_config());
  for (const char* word : {"status", "top"}) {
    const auto result = run_command({word, "-c", file});
    EXPECT_EQ(result.exit_code, kFailed) << word;
    EXPECT_EQ(result.out, "") << word;
    EXPECT_THAT(result.err, HasSubstr("admin.sock")) << word;
  }
}

TEST(TopCommand, DrawsAgainAndAgain) {
  const support::TemporaryDirectory directory;
  const support::RunningDaemon daemon(directory);
  const auto result = run_command({"top", "-c", daemon.file(), "-n", "3", "-i", "0.1"});
  EXPECT_EQ(result.exit_code, kDone);
  std::size_t screens = 0;
  for (std::size_t at = result.out.find("\x1b[H"); at != std::string::npos; at = result.out.find("\x1b[H", at + 1)) {
    ++screens;
  }
  EXPECT_EQ(screens, 3U);
  EXPECT_EQ(run_command({"top", "-i", "0"}).exit_code, kWrongUsage);
}

}  // namespace
}  // namespace viaduct::cli
