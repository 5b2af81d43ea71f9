// SPDX-License-Identifier: Apache-2.0
// What the exchange answers by itself once a callback route is chosen, and before.
#include <gtest/gtest.h>

#include "exchange/exchange.h"
#include "support/exchange_scene.h"
#include "support/recording_action.h"
#include "support/routing.h"

namespace viaduct::exchange {
namespace {

using config::CallbackProvider;
using http::BodyKind;
using http::Reason;
using support::ActionScript;
using support::ExchangeScene;
using Call = ExchangeScene::Call;

class ExchangeCallbackTest : public testing::Test {
 protected:
  // A callback route at /pay, whose action does what `script` says, with an error page for everything.
  void add_callback(CallbackProvider provider) {
    scene_.config.errors = {{.from = 400, .to = 599, .file = {}, .content_type = "text/html", .body = "page"}};
    config::Route route = support::make_route("pay", support::exact("/pay", {"POST"}));
    route.callback = provider;
    route.body_limit = 10;
    scene_.add_route(std::move(route)).action = std::make_unique<support::RecordingAction>(script_);
  }
  Call& post(http::BodySize body = {}) {
    return scene_.call({.method = "POST", .target = "/pay", .fields = {{"Accept", "text/html"}}, .body = body});
  }

  ActionScript script_;
  ExchangeScene scene_;
};

constexpr std::string_view kTooLarge = R"({"code":"FAIL","message":"The body is too large."})";

TEST_F(ExchangeCallbackTest, AnswersInTheFormOfThePlatformWhereverItRefuses) {
  script_.status = 0;
  script_.reads = true;
  add_callback(CallbackProvider::kWechatPayV3);
  Call& by_length = post({BodyKind::kSized, 11});
  EXPECT_EQ(by_length.response.status, 500);
  EXPECT_EQ(by_length.response.body, kTooLarge);
  EXPECT_EQ(by_length.response.field("Content-Type"), "application/json");
  Call& by_bytes = post({BodyKind::kStream});
  by_bytes.send_body("0123456789a", false);
  EXPECT_EQ(by_bytes.response.body, kTooLarge);
  Call& by_codec = post({BodyKind::kStream});
  scene_.refuse_body(by_codec, Reason::kBodyTimeout);
  EXPECT_EQ(by_codec.response.body, R"({"code":"FAIL","message":"The request body did not arrive in time."})");
  Call& by_action = post();
  by_action.exchange->fail(Reason::kUpstreamUnavailable);
  EXPECT_EQ(by_action.response.status, 500);
  EXPECT_FALSE(by_action.response.has("Retry-After"));
  scene_.turn();
  EXPECT_EQ(scene_.log(), "500 body_too_large|500 body_too_large|500 body_timeout|500 upstream_unavailable");
}

TEST_F(ExchangeCallbackTest, AnswersAsEverBeforeARouteIsKnown) {
  add_callback(CallbackProvider::kAlipay);
  EXPECT_EQ(scene_.call("GET", "/pay").response.status, 405);
  EXPECT_EQ(scene_.call("POST", "/other").response.body, "page");
  EXPECT_EQ(scene_.refuse({.method = "POST", .target = "/pay"}, Reason::kConflictingFraming).response.status, 400);
}

TEST_F(ExchangeCallbackTest, EndsWithoutAByteWhereAnyAnswerWouldBeASuccess) {
  script_.status = 0;
  add_callback(CallbackProvider::kWechatPush);
  Call& call = post();
  call.exchange->fail(Reason::kUpstreamConnectRefused);
  EXPECT_TRUE(call.response.is_reset);
  EXPECT_EQ(call.response.status, 0);
  EXPECT_TRUE(script_.is_over);
  Call& at_once = post({BodyKind::kSized, 11});
  EXPECT_TRUE(at_once.response.is_reset);
  scene_.turn();
  EXPECT_EQ(scene_.alive(), 0u);
  EXPECT_EQ(scene_.log(), "444 upstream_connect_refused|444 body_too_large");
}

TEST_F(ExchangeCallbackTest, PassesTheAnswerOfTheActionAsItIs) {
  script_.status = 401;
  script_.body = "page of the application";
  add_callback(CallbackProvider::kAlipay);
  Call& call = post();
  EXPECT_EQ(call.response.status, 401);
  EXPECT_EQ(call.response.body, "page of the application");
}

}  // namespace
}  // namespace viaduct::exchange
