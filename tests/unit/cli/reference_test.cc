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

}  // namespace
}  // namespace viaduct::cli
