// SPDX-License-Identifier: Apache-2.0
#include "action/respond.h"

#include <gtest/gtest.h>

#include "support/exchange_scene.h"

namespace viaduct::action {
namespace {

class RespondTest : public testing::Test {
 protected:
  void build(config::RespondAction config) { scene_.add_route().action = std::make_unique<Respond>(std::move(config)); }

  support::ExchangeScene scene_;
};

TEST_F(RespondTest, AnswersWithItsText) {
  build({.status = 200, .body = "pong\n", .content_type = "text/plain"});
  const auto& answer = scene_.call("GET", "/ping").response;
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "pong\n");
  EXPECT_EQ(answer.field("Content-Type"), "text/plain");
  EXPECT_EQ(answer.body_size, (http::BodySize{.kind = http::BodyKind::kSized, .bytes = 5}));
  EXPECT_FALSE(answer.has("Cache-Control"));
}

TEST_F(RespondTest, DoesSoWhateverTheMethod) {
  build({.status = 203, .body = "hello\n", .content_type = "text/x"});
  for (const std::string_view method : {"GET", "POST", "DELETE", "OPTIONS", "BREW"}) {
    EXPECT_EQ(scene_.call(method, "/").response.body, "hello\n") << method;
  }
}

TEST_F(RespondTest, AnswersHeadWithTheLengthAlone) {
  build({.status = 200, .body = "pong\n", .content_type = "text/plain"});
  const auto& answer = scene_.call("HEAD", "/ping").response;
  EXPECT_EQ(answer.body, "");
  EXPECT_TRUE(answer.is_complete);
  EXPECT_EQ(answer.body_size.bytes, 5u);
}

TEST_F(RespondTest, GivesNoBodyToAStatusThatHasNone) {
  build({.status = 204, .body = "never", .content_type = ""});
  const auto& answer = scene_.call("GET", "/").response;
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.body, "");
  EXPECT_TRUE(answer.is_complete);
  EXPECT_EQ(answer.body_size.kind, http::BodyKind::kNone);
  EXPECT_FALSE(answer.has("Content-Type"));
}

TEST_F(RespondTest, AnswersAnErrorThatIsWantedWithoutAReason) {
  build({.status = 503, .body = "closed for today", .content_type = "text/plain"});
  EXPECT_EQ(scene_.call("POST", "/").response.status, 503);
  scene_.turn();
  EXPECT_EQ(scene_.log(), "503 -");
}

TEST_F(RespondTest, SendsATextOfAnySize) {
  const std::string text(200'000, 'x');
  build({.status = 200, .body = text, .content_type = "text/plain"});
  EXPECT_EQ(scene_.call("GET", "/").response.body, text);
}

}  // namespace
}  // namespace viaduct::action
