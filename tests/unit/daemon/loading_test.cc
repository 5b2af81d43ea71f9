// SPDX-License-Identifier: Apache-2.0
#include "daemon/loading.h"

#include <gtest/gtest.h>

#include "support/config_load.h"
#include "support/temporary_directory.h"

namespace viaduct::daemon {
namespace {

class LoadingTest : public testing::Test {
 protected:
  LoadedConfig load(const std::string& text) {
    return load_and_build(directory_.write("viaduct.yaml", text), {},
                          {.ticket_keys = ticket_keys_, .version = 7, .now = std::chrono::system_clock::now()});
  }
  // "LINE:COLUMN key" of each problem.
  static std::string problems_of(const LoadedConfig& ready) {
    std::string text;
    for (const config::Problem& problem : ready.loaded.problems) {
      text +=
          std::to_string(problem.place.line) + ":" + std::to_string(problem.place.column) + " " + problem.key + "\n";
    }
    return text;
  }

  support::TemporaryDirectory directory_;
  tls::TicketKeys ticket_keys_;
};

TEST_F(LoadingTest, GivesConfigAndSnapshot) {
  const LoadedConfig ready = load(support::with_top(""));
  EXPECT_EQ(problems_of(ready), "");
  EXPECT_NE(ready.loaded.config, nullptr);
  EXPECT_EQ(ready.loaded.readable, nullptr);
  ASSERT_NE(ready.built.snapshot, nullptr);
  EXPECT_EQ(ready.built.snapshot->version, 7u);
}

// One error of each step, and a rewrite that two routes inherit.
TEST_F(LoadingTest, FindsTheSameErrorsWhetherOrNotItLoads) {
  const std::string routes =
      "defaults: { rewrite: { regex: ['^/a', '/\\2'] } }\n" + support::with_routes(
                                                                  "      - { match: { regex: '(' }, upstream: app }\n"
                                                                  "      - { match: { prefix: /b }, upstream: app }\n");
  const std::string wanted = "1:39 defaults.rewrite.regex[1]\n9:27 sites[0].routes[0].match.regex\n";
  const LoadedConfig whole = load(routes);
  EXPECT_NE(whole.loaded.config, nullptr);
  EXPECT_EQ(whole.built.snapshot, nullptr);
  EXPECT_EQ(problems_of(whole), wanted);
  const LoadedConfig broken = load(routes + "nonsense: 1\n");
  EXPECT_EQ(broken.loaded.config, nullptr);
  EXPECT_EQ(broken.built.snapshot, nullptr);
  EXPECT_EQ(problems_of(broken), wanted + "11:1 nonsense\n");
}

TEST_F(LoadingTest, SaysWhatIsNoYaml) {
  const LoadedConfig ready = load("listeners: [\n");
  EXPECT_EQ(ready.loaded.readable, nullptr);
  EXPECT_EQ(problems_of(ready), "1:12 yaml\n");
}

}  // namespace
}  // namespace viaduct::daemon
