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

TEST(ReferenceCommand, PrintsEveryPartOfTheConfig) {
  const auto result = run_command({"reference"});
  EXPECT_EQ(result.exit_code, kDone);
  EXPECT_EQ(result.err, "");
  for (const char* key : {"listeners", "upstreams", "sites", "redirect_to_https", "body_limit", "allow_origins",
                          "fallback", "header_timeout", "drain"}) {
    EXPECT_THAT(result.out, HasSubstr(key));
  }
  EXPECT_TRUE(result.out.ends_with('\n'));
}

TEST(ReferenceCommand, PrintsASchemaThatIsJson) {
  const auto result = run_command({"reference", "--schema"});
  EXPECT_EQ(result.exit_code, kDone);
  const auto schema = nlohmann::json::parse(result.out, nullptr, false);
  ASSERT_TRUE(schema.is_object());
  EXPECT_TRUE(schema.contains("$schema"));
  EXPECT_THAT(schema.dump(), HasSubstr("redirect_to_https"));
}

TEST(ReferenceCommand, PrintsManualPagesAndCompletions) {
  EXPECT_TRUE(run_command({"reference", "--man", "5"}).out.starts_with(".TH VIADUCT.YAML 5 "));
  EXPECT_TRUE(run_command({"reference", "--man", "8"}).out.starts_with(".TH VIADUCT 8 "));
  EXPECT_THAT(run_command({"reference", "--completion", "bash"}).out, HasSubstr("complete -F _viaduct viaduct\n"));
  EXPECT_TRUE(run_command({"reference", "--completion", "zsh"}).out.starts_with("#compdef viaduct\n"));
}

TEST(ReferenceCommand, PrintsWhatReasonsMean) {
  const auto result = run_command({"reference", "--reasons"});
  EXPECT_EQ(result.exit_code, kDone);
  EXPECT_THAT(result.out, HasSubstr("\nno_route (404)\n    the site has no route for this path: "));
}

TEST(ReferenceCommand, PrintsOneOfThemAtATime) {
  EXPECT_EQ(run_command({"reference", "--man", "1"}).exit_code, kWrongUsage);
  EXPECT_EQ(run_command({"reference", "--completion", "fish"}).exit_code, kWrongUsage);
  EXPECT_EQ(run_command({"reference", "--schema", "--man", "5"}).exit_code, kWrongUsage);
  EXPECT_EQ(run_command({"reference", "--schema", "--reasons"}).exit_code, kWrongUsage);
  EXPECT_EQ(run_command({"reference", "--reasons", "--man", "8"}).exit_code, kWrongUsage);
  EXPECT_EQ(run_command({"reference", "--completion", "zsh", "--man", "5"}).exit_code, kWrongUsage);
}

}  // namespace
}  // namespace viaduct::cli
