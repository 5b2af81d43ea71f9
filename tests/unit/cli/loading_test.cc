// SPDX-License-Identifier: Apache-2.0
#include "cli/loading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/command_line.h"
#include "support/temporary_directory.h"

namespace viaduct::cli {
namespace {

using testing::HasSubstr;

class Loading : public testing::Test {
 protected:
  LoadedConfig load(std::string_view text) {
    return load_and_build(directory_.write("viaduct.yaml", text), ticket_keys_);
  }

  support::TemporaryDirectory directory_;
  tls::TicketKeys ticket_keys_;
};

TEST_F(Loading, GivesConfigAndSnapshot) {
  const LoadedConfig ready = load(support::plain_config());
  EXPECT_TRUE(ready.loaded.problems.empty());
  ASSERT_NE(ready.loaded.config, nullptr);
  ASSERT_NE(ready.built.snapshot, nullptr);
  EXPECT_EQ(ready.built.snapshot->version, 1U);
}

TEST_F(Loading, GivesNeitherForABrokenFile) {
  const LoadedConfig ready = load("listeners: nonsense\n");
  EXPECT_TRUE(config::has_errors(ready.loaded.problems));
  EXPECT_EQ(ready.loaded.config, nullptr);
  EXPECT_EQ(ready.built.snapshot, nullptr);
}

TEST_F(Loading, PutsTheProblemsOfBuildingAmongThoseOfReading) {
  // A warning in the last line, and before it two routes that both could win, which building finds.
  std::string text(support::plain_config());
  text.replace(text.find("exact: /old"), 11, "exact: /x, methods: [GET]");
  text += "client: { max_connections: 0 }\n";
  text.replace(text.find("max_connections: 0"), 18, "max_connections: 1");
  const LoadedConfig ready = load(text);
  EXPECT_EQ(ready.built.snapshot, nullptr);
  ASSERT_FALSE(ready.loaded.problems.empty());
  EXPECT_TRUE(
      std::ranges::is_sorted(ready.loaded.problems, {}, [](const auto& problem) { return problem.place.line; }));
}

TEST_F(Loading, PrintsProblemsToStandardError) {
  const LoadedConfig ready = load("listeners: nonsense\n");
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  print_problems(ready.loaded);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("viaduct.yaml:1:"));
}

}  // namespace
}  // namespace viaduct::cli
