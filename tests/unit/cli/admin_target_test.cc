// SPDX-License-Identifier: Apache-2.0
#include "cli/admin_target.h"

#include <gtest/gtest.h>

#include "support/command_line.h"

namespace viaduct::cli {
namespace {

TEST(AdminTarget, IsFoundByItsFileOrItsSocket) {
  const support::TemporaryDirectory directory;
  const support::RunningDaemon daemon(directory);
  EXPECT_EQ(ask_daemon({.file = daemon.file(), .socket = ""}, "reload"), "ok\nnothing has changed");
  EXPECT_EQ(ask_daemon({.file = "/nonexistent", .socket = directory / "admin.sock"}, "reload"),
            "ok\nnothing has changed");
  const auto refused = ask_daemon({.file = daemon.file(), .socket = ""}, "nonsense");
  ASSERT_TRUE(refused.has_value());
  EXPECT_TRUE(refused->starts_with("error: unknown command nonsense; known are: ")) << *refused;
}

TEST(AdminTarget, IsNothingWhereNobodyAnswers) {
  const support::TemporaryDirectory directory;
  testing::internal::CaptureStderr();
  EXPECT_EQ(ask_daemon({.file = "", .socket = directory / "admin.sock"}, "reload"), std::nullopt);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("admin.sock"), std::string::npos);
}

}  // namespace
}  // namespace viaduct::cli
