// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "support/command_line.h"
#include "support/temporary_directory.h"

namespace viaduct::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

class ExplainCommand : public testing::Test {
 protected:
  support::CommandResult explain(std::vector<std::string> words) const {
    words.insert(words.begin(), "explain");
    words.insert(words.end(), {"-c", file_});
    return support::run_command(std::move(words));
  }

  support::TemporaryDirectory directory_;
  std::string file_ = directory_.write("viaduct.yaml", support::plain_config());
};

TEST_F(ExplainCommand, EndsWithTheRoute) {
  const auto result = explain({"GET", "http://www.example.com/x"});
  EXPECT_EQ(result.exit_code, kDone);
  EXPECT_THAT(result.out, EndsWith("\nroute: get-x\n"));
  EXPECT_EQ(result.err, "");
}

TEST_F(ExplainCommand, ShowsAnyByteOfAPath) {
  const auto text = explain({"GET", "http://www.example.com/%00x%0aroute:%20fake%1b%7f%ff%e6%94%af%c2%9b"});
  EXPECT_EQ(text.exit_code, kDone);
  EXPECT_THAT(text.out, HasSubstr("path: /\\x00x\\x0aroute: fake\\x1b\\x7f\\xff支\\xc2\\x9b\n"));
  const auto json = explain({"--json", "GET", "http://www.example.com/%ff"});
  EXPECT_EQ(json.exit_code, kDone);
  EXPECT_TRUE(nlohmann::json::accept(json.out)) << json.out;
}

TEST_F(ExplainCommand, TakesHeaderFieldsAndAnAddress) {
  const auto result = explain({"POST", "/x", "-H", "Host: www.example.com", "-H", "X-A: 1", "--from", "192.0.2.1"});
  EXPECT_EQ(result.exit_code, kDone);
  EXPECT_THAT(result.out, EndsWith("\nroute: post-x\n"));
}

TEST_F(ExplainCommand, ARefusalIsAnAnswerToo) {
  const auto result = explain({"GET", "http://www.example.com/api/internal/x"});
  EXPECT_EQ(result.exit_code, kDone);
  EXPECT_THAT(result.out, EndsWith("\ndecision: 403 path_denied\n"));
}

TEST_F(ExplainCommand, PrintsJson) {
  const auto result = explain({"GET", "http://www.example.com/x", "--json"});
  EXPECT_EQ(result.exit_code, kDone);
  EXPECT_EQ(nlohmann::json::parse(result.out, nullptr, false)["route"], "get-x");
}

TEST_F(ExplainCommand, AWrongQuestionIsWrongUsage) {
  const std::vector<std::vector<std::string>> rows = {{"GET", "not-a-url"},
                                                      {"GET", "http://www.example.com/", "--from", "somewhere"},
                                                      {"GET", "http://www.example.com/", "-H", "no colon"},
                                                      {"G T", "http://www.example.com/"}};
  for (const auto& words : rows) {
    const auto result = explain(words);
    EXPECT_EQ(result.exit_code, kWrongUsage) << testing::PrintToString(words);
    EXPECT_EQ(result.out, "");
    EXPECT_FALSE(result.err.empty());
  }
}

TEST_F(ExplainCommand, SaysWhatIsWrongWithTheConfig) {
  file_ = directory_.write("broken.yaml", "nonsense: 1\n");
  const auto result = explain({"GET", "/"});
  EXPECT_EQ(result.exit_code, kFailed);
  EXPECT_THAT(result.err, HasSubstr("nonsense"));
}

}  // namespace
}  // namespace viaduct::cli
