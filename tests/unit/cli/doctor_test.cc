// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "support/command_line.h"

namespace viaduct::cli {
namespace {

using support::run_command;
using testing::HasSubstr;

TEST(DoctorCommand, FailsWhereSomethingFails) {
  const support::TemporaryDirectory directory;
  const auto result = run_command({"doctor", "-c", directory / "missing.yaml"});
  EXPECT_EQ(result.exit_code, kFailed);
  EXPECT_THAT(result.out, HasSubstr("missing.yaml"));
  EXPECT_THAT(result.out, HasSubstr("1 check: 0 ok, 0 warnings, 1 failed"));
}

TEST(DoctorCommand, PrintsAnArrayOnRequest) {
  const support::TemporaryDirectory directory;
  const std::string file = directory.write("viaduct.yaml", support::plain_config());
  const auto result = run_command({"doctor", "-c", file, "--json"});
  const auto list = nlohmann::json::parse(result.out, nullptr, false);
  ASSERT_TRUE(list.is_array()) << result.out;
  EXPECT_EQ(list[0]["check"], "config");
  EXPECT_EQ(list[0]["state"], "ok");
}

TEST(DoctorCommand, WantsNoMoreThanItsOptions) {
  EXPECT_EQ(run_command({"doctor", "everything"}).exit_code, kWrongUsage);
}

}  // namespace
}  // namespace viaduct::cli
