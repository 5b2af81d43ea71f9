// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "support/command_line.h"
#include "support/temporary_directory.h"

namespace viaduct::cli {
namespace {

using support::run_command;
using testing::HasSubstr;

class CheckCommand : public testing::Test {
 protected:
  std::string good() const { return directory_.write("good.yaml", support::plain_config()); }
  std::string broken() const {
    return directory_.write("broken.yaml", std::string(support::plain_config()) + "nonsense: 1\nwhitelist: []\n");
  }

  support::TemporaryDirectory directory_;
};

TEST_F(CheckCommand, PassesAGoodConfig) {
  const std::string file = good();
  const auto result = run_command({"check", "-c", file});
  EXPECT_EQ(result.exit_code, kDone);
  EXPECT_EQ(result.out, file + ": ok (0 errors, 0 warnings)\n");
  EXPECT_EQ(result.err, "");
}

TEST_F(CheckCommand, PrintsAllProblemsOfABrokenOne) {
  const std::string file = broken();
  const auto result = run_command({"check", "-c", file});
  EXPECT_EQ(result.exit_code, kFailed);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr(file + ":"));
  EXPECT_THAT(result.err, HasSubstr("nonsense: "));
  EXPECT_THAT(result.err, HasSubstr("whitelist: "));
  EXPECT_THAT(result.err, HasSubstr("not usable (2 errors, 0 warnings)"));
}

TEST_F(CheckCommand, CountsInWords) {
  const std::string file = directory_.write("one.yaml", std::string(support::plain_config()) + "nonsense: 1\n");
  EXPECT_THAT(run_command({"check", "-c", file}).err, HasSubstr("not usable (1 error, 0 warnings)"));
}

TEST_F(CheckCommand, NamesAFileThatIsMissing) {
  const auto result = run_command({"check", "-c", directory_ / "missing.yaml"});
  EXPECT_EQ(result.exit_code, kFailed);
  EXPECT_THAT(result.err, HasSubstr("missing.yaml"));
}

TEST_F(CheckCommand, PrintsAGoodConfigAsJson) {
  const std::string file = good();
  const auto result = run_command({"check", "-c", file, "--json"});
  EXPECT_EQ(result.exit_code, kDone);
  const nlohmann::json wanted = {{"file", file}, {"ok", true}, {"problems", nlohmann::json::array()}};
  EXPECT_EQ(nlohmann::json::parse(result.out, nullptr, false), wanted);
}

TEST_F(CheckCommand, PrintsProblemsAsJsonWithTheirPlaces) {
  const std::string file = broken();
  const auto result = run_command({"check", "-c", file, "--json"});
  EXPECT_EQ(result.exit_code, kFailed);
  const auto answer = nlohmann::json::parse(result.out, nullptr, false);
  ASSERT_TRUE(answer.is_object()) << result.out;
  EXPECT_EQ(answer["ok"], false);
  ASSERT_EQ(answer["problems"].size(), 2U);
  EXPECT_EQ(answer["problems"][0]["key"], "nonsense");
  EXPECT_EQ(answer["problems"][1]["key"], "whitelist");
  for (const auto& problem : answer["problems"]) {
    EXPECT_EQ(problem["file"], file);
    EXPECT_GT(problem["line"], 20);
    EXPECT_EQ(problem["column"], 1);
    EXPECT_FALSE(problem["message"].empty());
  }
}

TEST_F(CheckCommand, FindsWhatOnlyBuildingCanFind) {
  std::string config(support::plain_config());
  config.replace(config.find("127.0.0.1:0\""), 12, "127.0.0.1:0\", tls: true");
  config.replace(config.find("    deny:"), 0, "    tls: { cert: pair.pem, key: pair.pem }\n");
  directory_.write("pair.pem", "no certificate\n");
  const auto result = run_command({"check", "-c", directory_.write("tls.yaml", config)});
  EXPECT_EQ(result.exit_code, kFailed);
  EXPECT_THAT(result.err, HasSubstr("pair.pem"));
}

TEST_F(CheckCommand, ReplaysALog) {
  const std::string log = directory_.write("access.log", "192.0.2.1 - - [t] \"GET /api/x HTTP/1.1\" 200 5\n");
  const auto same = run_command({"check", "-c", good(), "--against", log});
  EXPECT_EQ(same.exit_code, kDone);
  EXPECT_THAT(same.out, HasSubstr("0 of 1 request would change"));
  directory_.write("access.log", "192.0.2.1 - - [t] \"GET /nowhere HTTP/1.1\" 200 5\n");
  const auto changed = run_command({"check", "-c", good(), "--against", log, "--json"});
  EXPECT_EQ(changed.exit_code, kFailed);
  EXPECT_EQ(nlohmann::json::parse(changed.out, nullptr, false)["no_route"], 1);
  EXPECT_EQ(run_command({"check", "-c", good(), "--against", log, "--old", good()}).exit_code, kDone);
  EXPECT_EQ(run_command({"check", "-c", good(), "--against", log, "--host", "unknown.test"}).exit_code, kFailed);
}

TEST_F(CheckCommand, ReplaysNothingWhereSomethingIsMissing) {
  const std::string log = directory_.write("access.log", "");
  const auto no_log = run_command({"check", "-c", good(), "--against", directory_ / "missing.log"});
  EXPECT_EQ(no_log.exit_code, kFailed);
  EXPECT_THAT(no_log.err, HasSubstr("missing.log"));
  EXPECT_EQ(run_command({"check", "-c", broken(), "--against", log}).exit_code, kFailed);
  EXPECT_EQ(run_command({"check", "-c", good(), "--against", log, "--old", broken()}).exit_code, kFailed);
  EXPECT_EQ(run_command({"check", "-c", good(), "--old", good()}).exit_code, kWrongUsage);
  const std::string other = directory_.write("other.log", "09:00 GET /x took 3 ms\n");
  const auto unread = run_command({"check", "-c", good(), "--against", other});
  EXPECT_EQ(unread.exit_code, kFailed) << "nothing was compared";
  EXPECT_THAT(unread.err, HasSubstr("no line of " + other + " could be read"));
}

}  // namespace
}  // namespace viaduct::cli
