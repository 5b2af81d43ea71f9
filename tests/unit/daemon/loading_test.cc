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

// ---- why a config is not served -------------------------------------------------------------------------------------

config::Problem problem_at(int line, config::Severity severity = config::Severity::kError) {
  return {.place = {.file = "a.yaml", .line = line, .column = 1},
          .key = "k",
          .message = "wrong; mend it",
          .severity = severity};
}

TEST(DescribeRefusal, CountsErrorsAndShowsAll) {
  config::Sources sources;
  sources.add("a.yaml", "x\ny\n");
  const Refusal one = describe_refusal({problem_at(1, config::Severity::kWarning), problem_at(2)}, sources);
  EXPECT_EQ(one.first, "a.yaml:2:1: k: wrong; mend it");
  EXPECT_EQ(one.lines, std::vector<std::string>{"a.yaml:2:1: k: wrong; mend it"});
  EXPECT_EQ(one.text,
            "the config is not usable (1 error, 1 warning)\n"
            "a.yaml:1:1: warning: k: wrong; mend it\nx\n^\n"
            "a.yaml:2:1: k: wrong; mend it\ny\n^");
  const Refusal two = describe_refusal({problem_at(1), problem_at(2)}, sources);
  EXPECT_EQ(two.first, "a.yaml:1:1: k: wrong; mend it (and 1 more)");
  EXPECT_EQ(two.lines.size(), 2u);
}

TEST(DescribeRefusal, HasItsBounds) {
  std::vector<config::Problem> problems(Refusal::kLinesMax, problem_at(1));
  EXPECT_EQ(describe_refusal(problems, {}).lines.size(), Refusal::kLinesMax);
  problems.resize(Refusal::kLinesMax + 3, problem_at(1));
  const std::vector<std::string> lines = describe_refusal(problems, {}).lines;
  EXPECT_EQ(lines.size(), Refusal::kLinesMax + 1);
  EXPECT_EQ(lines.back(), "and 3 more");
  for (config::Problem& problem : problems) problem.message = std::string(10'000, 'x');
  const std::string text = describe_refusal(problems, {}).text;
  EXPECT_LE(text.size(), Refusal::kTextBytesMax);
  EXPECT_GT(text.size(), Refusal::kTextBytesMax - 10'100);
  EXPECT_TRUE(text.ends_with("x\nand more: viaduct check prints them"));
}

}  // namespace
}  // namespace viaduct::daemon
