// SPDX-License-Identifier: Apache-2.0
#include "cli/sample_answer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace viaduct::cli {
namespace {

SampleRequest request(std::string method, std::string target) {
  SampleRequest made;
  made.upstream = "app";
  made.method = std::move(method);
  made.target = std::move(target);
  return made;
}

TEST(SampleAnswer, DescribesTheRequestAsItArrived) {
  SampleRequest asked = request("PUT", "/api/v1/%E6%94%AF?b=2&a=%20");
  asked.fields = {{"Host", "www.example.com"}, {"x-a", "1"}, {"X-A", "2"}};
  asked.body_bytes = 5;
  asked.body_sha256 = "abc";
  const SampleAnswer answer = answer_sample(asked);
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.content_type.starts_with("application/json"));
  EXPECT_EQ(answer.delay, base::Duration::zero());
  const auto json = nlohmann::ordered_json::parse(answer.body, nullptr, false);
  const nlohmann::ordered_json wanted = {{"upstream", "app"},
                                         {"method", "PUT"},
                                         {"target", "/api/v1/%E6%94%AF?b=2&a=%20"},
                                         {"fields", {"Host: www.example.com", "x-a: 1", "X-A: 2"}},
                                         {"body", {{"bytes", 5}, {"sha256", "abc"}}}};
  EXPECT_EQ(json, wanted);
  EXPECT_TRUE(answer.body.ends_with("}\n"));
}

TEST(SampleAnswer, DescribesBytesThatAreNoText) {
  SampleRequest asked = request("GET", "/\xff\xfe");
  asked.fields = {{"X-A", "\xe6\x94"}};
  const SampleAnswer answer = answer_sample(asked);
  EXPECT_TRUE(nlohmann::json::accept(answer.body)) << answer.body;
}

struct Row {
  const char* method;
  const char* target;
  int status;
  const char* body;
};

TEST(SampleAnswer, SpeaksTheWordsOfThePlatforms) {
  const Row rows[] = {
      {"POST", "/api/v1/payment/notify", 200, R"({"code":"SUCCESS"})"},
      {"POST", "/api/v1/payment/wechat/callback?a=1", 200, R"({"code":"SUCCESS"})"},
      {"GET", "/api/v1/auth/wechat/verify?signature=s&echostr=583&nonce=n", 200, "583"},
      {"GET", "/api/v1/auth/wechat/verify?echostr=a%20%E6%94%AF%", 200, "a 支%"},
      {"GET", "/api/v1/auth/wechat/verify?xechostr=1&echostrx=2&echostr&&echostr=3", 200, "3"},
      {"GET", "/api/v1/auth/wechat/verify?echostr=", 200, ""},
      {"GET", "/api/v1/auth/wechat/verify?", 200, ""},
      {"GET", "/api/v1/auth/wechat/verify", 200, ""},
      {"POST", "/api/v1/auth/wechat/verify?signature=s", 200, "success"},
  };
  for (const Row& row : rows) {
    const SampleAnswer answer = answer_sample(request(row.method, row.target));
    EXPECT_EQ(answer.status, row.status) << row.target;
    EXPECT_EQ(answer.body, row.body) << row.target;
  }
}

TEST(SampleAnswer, WantsAnUpgradeWhereItSpeaksWebsocket) {
  EXPECT_EQ(answer_sample(request("GET", "/api/v1/ws")).status, 426);
}

TEST(SampleAnswer, TakesItsTimeOnTheSlowPath) {
  EXPECT_EQ(answer_sample(request("GET", "/api/v1/slow?x")).delay, kSlowAnswerDelay);
  EXPECT_EQ(answer_sample(request("GET", "/api/v1/slow/x")).delay, base::Duration::zero());
}

TEST(SampleAnswer, MissesWhatIsMissing) {
  const SampleAnswer answer = answer_sample(request("GET", "/api/v1/missing"));
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(nlohmann::json::parse(answer.body, nullptr, false)["upstream"], "app");
}

}  // namespace
}  // namespace viaduct::cli
