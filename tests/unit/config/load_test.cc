// SPDX-License-Identifier: Apache-2.0
// Broken configs are in load_broken_*_test.cc.
#include "config/load.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <random>

#include "config/reference.h"
#include "support/config_load.h"
#include "support/shipped_config.h"
#include "support/temporary_directory.h"

namespace viaduct::config {
namespace {

using namespace std::chrono_literals;

class ShippedConfig : public testing::Test {
 protected:
  support::TemporaryDirectory directory_;
  std::string path_ = support::install_shipped_config(directory_);
};

TEST_F(ShippedConfig, LoadsWithoutAWarning) {
  const LoadResult result = load_file(path_);
  ASSERT_NE(result.config, nullptr);
  EXPECT_TRUE(result.problems.empty()) << render_problems(result.problems, result.sources);
}

TEST_F(ShippedConfig, SaysWhatTheSceneSays) {
  const LoadResult result = load_file(path_);
  ASSERT_NE(result.config, nullptr);
  const Config& config = *result.config;
  EXPECT_EQ(config.listeners.size(), 2U);
  EXPECT_EQ(config.upstreams.size(), 2U);
  ASSERT_EQ(config.sites.size(), 1U);
  const Site& site = config.sites[0];
  EXPECT_EQ(site.hosts, (std::vector<std::string>{"www.xintuxiangce.top", "xintuxiangce.top"}));
  EXPECT_EQ(site.certificates[0].cert, directory_ / "certs/fullchain.pem");
  ASSERT_EQ(site.routes.size(), 6U);
  EXPECT_EQ(site.routes[0].name, "payment-notify");
  EXPECT_EQ(site.routes[0].timeouts.total, 4500ms);
  EXPECT_EQ(site.routes[3].headers.request.set[0].second.text.value, "a secret");
  EXPECT_EQ(std::get<StaticAction>(site.routes[5].action).root, directory_ / "www");
  EXPECT_EQ(config.errors[0].from, 502);
}

TEST_F(ShippedConfig, IsTheSameWhenItsDumpIsLoaded) {
  const LoadResult first = load_file(path_);
  ASSERT_NE(first.config, nullptr);
  const std::string dumped = to_flow_text(dump(*first.config));
  const LoadResult second = load_text(dumped, "dump.yaml");
  ASSERT_NE(second.config, nullptr) << render_problems(second.problems, second.sources) << dumped;
  EXPECT_EQ(to_flow_text(dump(*second.config)), dumped);
}

// What `check` passes, starts: there is a config exactly when there is no error, whatever the text, and nothing but the
// problems says so.
TEST_F(ShippedConfig, ChangedAnyhowLoadsExactlyWhenNothingIsWrong) {
  const std::string text = support::file_bytes(path_);
  std::mt19937 random(20261121);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same changes every time
  const std::string_view bytes = " \n\t:,[]{}\"'#*&!|>@%-$azAZ019./\\\xe5\xef";
  int loaded = 0;
  for (int round = 0; round < 400; ++round) {
    std::string changed = text;
    for (int change = 0; change < 1 + round % 3; ++change) {
      const std::size_t at = random() % changed.size();
      const char byte = bytes[random() % bytes.size()];
      switch (random() % 3) {
        case 0: changed[at] = byte; break;
        case 1: changed.insert(at, 1, byte); break;
        case 2: changed.erase(at, 1 + random() % 20); break;
      }
    }
    LoadOptions options;
    options.directory = directory_.path();
    const LoadResult result = load_text(changed, directory_ / "viaduct.yaml", options);
    EXPECT_EQ(result.config == nullptr, has_errors(result.problems));
    for (const Problem& problem : result.problems) {
      EXPECT_GT(problem.place.line, 0) << problem.message;
      EXPECT_GT(problem.place.column, 0) << problem.message;
      EXPECT_FALSE(problem.key.empty()) << problem.message;
      EXPECT_FALSE(problem.message.empty());
    }
    if (result.config == nullptr) continue;
    ++loaded;
    const std::string dumped = to_flow_text(dump(*result.config));
    const LoadResult again = load_text(dumped, "dump.yaml", options);
    ASSERT_NE(again.config, nullptr) << render_problems(again.problems, again.sources) << dumped;
    EXPECT_EQ(to_flow_text(dump(*again.config)), dumped);
  }
  EXPECT_GT(loaded, 40);  // changes in comments, at least
}

TEST(LoadFile, IsRelativeToItsFileAndNotToTheProcess) {
  const support::TemporaryDirectory directory;
  directory.write("etc/www/index.html", "x");
  const std::string path = directory.write(
      "etc/viaduct.yaml",
      "listeners: [{ address: \":80\" }]\nsites: [{ default: true, static: { root: www }, routes: [{}] }]\n");
  const LoadResult result = load_file(path);
  ASSERT_NE(result.config, nullptr) << render_problems(result.problems, result.sources);
  EXPECT_EQ(std::get<StaticAction>(result.config->sites[0].routes[0].action).root, directory / "etc/www");
}

TEST(LoadFile, NamesAFileThatIsNotThere) {
  const LoadResult result = load_file("/nonexistent/viaduct.yaml");
  EXPECT_EQ(result.config, nullptr);
  EXPECT_EQ(
      render_problems(result.problems, result.sources),
      "/nonexistent/viaduct.yaml: cannot read /nonexistent/viaduct.yaml: No such file or directory; check the path\n");
}

TEST(LoadFile, TellsProblemsInTheOrderOfTheFiles) {
  const support::TemporaryDirectory directory;
  const std::string part = directory.write("conf.d/part.yaml", "client: { max_fields: x }\nlogs: { level: info }\n");
  const std::string path = directory.write("viaduct.yaml",
                                           "include: conf.d/*.yaml\nlisteners: [{ address: \"x\" }]\nsites: [{ "
                                           "default: true, routes: [{ respond: {} }] }]\n");
  const LoadResult result = load_file(path);
  ASSERT_EQ(result.problems.size(), 3U) << render_problems(result.problems, result.sources);
  EXPECT_EQ(result.problems[0].place.file, path);
  EXPECT_EQ(result.problems[1].place.file, part);
  EXPECT_EQ(result.problems[1].place.line, 1);
  EXPECT_EQ(result.problems[2].place.line, 2);
}

TEST(LoadText, TellsWhereEverythingStands) {
  const LoadResult result =
      support::load_config(support::with_routes("      - { match: { regex: [\"^/a\", \"^/b\"] }, upstream: app }\n"));
  ASSERT_NE(result.config, nullptr);
  EXPECT_EQ(result.places.value("sites[0].routes[0].match.regex[1]").line, 8);
  EXPECT_EQ(result.places.value("sites[0].routes[0].match.regex[1]").column, 35);
  EXPECT_EQ(result.places.key("upstreams.app").line, 4);
}

TEST(LoadText, UsesTheEnvironmentThatItIsGiven) {
  const auto config = support::config_of(
      "listeners: [{ address: \":80\" }]\nsites: [{ hosts: [\"${HOME_NAME}\"], routes: [{ respond: {} }] }]\n");
  EXPECT_EQ(config->sites[0].hosts[0], "home.example.com");
}

TEST(Load, ForgivesFilesOnRequestAndNothingElse) {
  std::string text = support::with_routes("      - { match: { prefix: / }, static: { root: missing } }\n");
  text += "logs: { error: { file: missing/error.log } }\n";
  LoadOptions options;
  options.directory = support::kNoDirectory;
  const LoadResult strict = load_text(text, "viaduct.yaml", options);
  EXPECT_EQ(strict.config, nullptr);
  options.forgives_files = true;
  const LoadResult forgiving = load_text(text, "viaduct.yaml", options);
  ASSERT_NE(forgiving.config, nullptr);
  ASSERT_EQ(forgiving.problems.size(), 2U);
  for (const Problem& problem : forgiving.problems) {
    EXPECT_TRUE(problem.is_about_file);
    EXPECT_EQ(problem.severity, Severity::kWarning);
  }
  EXPECT_EQ(load_text(text + "nonsense: 1\n", "viaduct.yaml", options).config, nullptr);
}

// What a config was read from loads again as it was, whatever has become of the files.
TEST(LoadTexts, TakesTheConfigsOwnFilesFromThere) {
  const support::TemporaryDirectory directory;
  const std::string listeners = "listeners: [{ address: '127.0.0.1:0' }]\n";
  const std::string main = directory.write(
      "viaduct.yaml", listeners +
                          "include: [conf.d/*.yaml, one.yaml]\nsites: [{ hosts: [a.example], routes: [{ name: r,"
                          " match: { prefix: / }, respond: { body: x } }] }]\n");
  ASSERT_EQ(::mkdir((directory / "conf.d").c_str(), S_IRWXU), 0);
  directory.write("conf.d/tls.yaml", "tls: { session_tickets: false }\n");
  directory.write("one.yaml", "logs: { error: { file: error.log } }\n");
  const LoadResult first = load_file(main);
  ASSERT_NE(first.config, nullptr) << render_problems(first.problems, first.sources);
  Texts texts(first.sources.files().begin(), first.sources.files().end());
  EXPECT_EQ(texts.size(), 3U);
  directory.write("viaduct.yaml", "nonsense");
  directory.write("conf.d/tls.yaml", "nonsense");
  directory.write("conf.d/more.yaml", "client: { max_fields: 7 }\n");
  const LoadResult again = load_file(main, {.texts = &texts});
  ASSERT_NE(again.config, nullptr) << render_problems(again.problems, again.sources);
  EXPECT_EQ(*again.config, *first.config);
  EXPECT_EQ(again.config->error_log.file, directory / "error.log");
  EXPECT_EQ(again.sources.files(), first.sources.files());
  EXPECT_EQ(find_files_beside(main, texts), std::vector<std::string>{directory / "conf.d/more.yaml"});
  texts.erase(directory / "one.yaml");
  const LoadResult broken = load_file(main, {.texts = &texts});
  EXPECT_EQ(broken.config, nullptr);
  EXPECT_TRUE(render_problems(broken.problems, broken.sources).contains("one.yaml was not kept with this config"));
}

}  // namespace
}  // namespace viaduct::config
