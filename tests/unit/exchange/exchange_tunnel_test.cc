// SPDX-License-Identifier: Apache-2.0
// The exchange of a WebSocket: where a tunnel may be, how bytes pass through it, and how it ends.
#include <gtest/gtest.h>

#include "exchange/exchange.h"
#include "support/exchange_scene.h"
#include "support/recording_action.h"

namespace viaduct::exchange {
namespace {

using namespace std::chrono_literals;
using http::Reason;
using Call = support::ExchangeScene::Call;

constexpr support::ExchangeScene::Request kAsk{.protocol = "websocket"};

// Adds a field to every answer.
class MarkingFilter final : public Filter {
 public:
  FilterVerdict on_request(Exchange& exchange) const override {
    exchange.request().fields.add("X-Seen", "1");
    return FilterVerdict::kContinue;
  }
  void on_response(Exchange&, http::ResponseHead& head) const override { head.fields.add("X-Marked", "1"); }
};

class ExchangeTunnelTest : public testing::Test {
 protected:
  ExchangeTunnelTest() {
    RoutePlan& plan = scene_.add_route();
    plan.action = std::make_unique<support::RecordingAction>(script_);
    plan.filters.push_back(std::make_unique<MarkingFilter>());
    route().websocket = true;
    script_.status = 0;
  }
  config::Route& route() { return scene_.site().routes.back(); }

  // A tunnel that is open.
  Call& open() {
    Call& call = scene_.call(kAsk);
    call.exchange->send_head(call.exchange->new_head(101), false);
    call.exchange->read_request(true);
    return call;
  }
  void answer(Call& call, std::string_view bytes, bool end) {
    base::Buffer body(scene_.loop.chunks());
    body.append(bytes);
    call.exchange->send_body(body, end);
  }

  support::ActionScript script_;
  support::ExchangeScene scene_{"${status} ${reason} ${bytes_in} ${bytes_out} ${total_ms}"};
};

TEST_F(ExchangeTunnelTest, IsLeftToTheActionWhereTheRouteWantsIt) {
  Call& call = scene_.call(kAsk);
  EXPECT_EQ(script_.protocol, "websocket");
  EXPECT_TRUE(script_.has_no_body);
  call.go_away();
}

TEST_F(ExchangeTunnelTest, IsAGetLikeAnyOtherElsewhere) {
  route().websocket = false;
  script_.status = 200;
  Call& call = scene_.call({.fields = {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}}, .protocol = "websocket"});
  EXPECT_EQ(script_.protocol, "");
  EXPECT_EQ(script_.request, "GET /");
  EXPECT_EQ(script_.field("Upgrade"), "(none)");
  EXPECT_EQ(call.exchange->request().protocol, "");  // what the codec checks a 101 by
  EXPECT_EQ(call.response.status, 200);
}

// RFC 8441 §5: an answer of 200 to the CONNECT of HTTP/2 would be taken for the open tunnel.
TEST_F(ExchangeTunnelTest, IsRefusedElsewhereOverHttp2) {
  for (const bool is_static : {false, true}) {
    route().websocket = is_static;  // as inherited from the site
    if (is_static) route().action = config::RespondAction{.status = 200, .body = "page", .content_type = {}};
    const Call& call = scene_.call({.version = http::Version::kHttp2, .protocol = "websocket"});
    EXPECT_EQ(script_.request, "") << "the action is not asked";
    EXPECT_EQ(call.response.status, 501);
    scene_.turn();
    EXPECT_TRUE(
        scene_.log().ends_with("501 unsupported_method 0 " + std::to_string(call.response.body.size()) + " 0.000"))
        << scene_.log();
  }
}

TEST_F(ExchangeTunnelTest, ShowsTheHandshakeToTheFilters) {
  Call& call = open();
  EXPECT_EQ(script_.field("X-Seen"), "1");
  EXPECT_EQ(call.response.status, 101);
  EXPECT_EQ(call.response.field("X-Marked"), "1");
  EXPECT_TRUE(call.response.has("X-Request-ID"));
  EXPECT_TRUE(call.exchange->is_answering());
  call.go_away();
}

TEST_F(ExchangeTunnelTest, PassesBytesBothWaysUntilBothHaveEnded) {
  route().body_limit = 3;
  Call& call = open();
  call.send_body("more than three", false);
  answer(call, "hello", true);
  scene_.turn();
  ASSERT_NE(call.exchange, nullptr) << "the client has not ended";
  call.send_body("!", true);
  EXPECT_EQ(script_.request_body, "more than three!");
  EXPECT_TRUE(script_.request_ended);
  scene_.clock.advance(1500ms);
  scene_.turn();
  EXPECT_EQ(call.exchange, nullptr);
  EXPECT_EQ(call.response.body, "hello");
  EXPECT_EQ(scene_.log(), "101 - 16 5 1500.000");
}

TEST_F(ExchangeTunnelTest, GoesOnWhenTheClientEndsFirst) {
  Call& call = open();
  call.send_body("bye", true);
  answer(call, "still ", false);
  call.make_room(1000);
  EXPECT_EQ(script_.writable_events, 1);
  answer(call, "here", true);
  scene_.turn();
  EXPECT_EQ(call.response.body, "still here");
  EXPECT_EQ(scene_.log().substr(0, 10), "101 - 3 10");
}

TEST_F(ExchangeTunnelTest, IsCutByAFailureAlsoWhenOneDirectionHasEnded) {
  for (const bool ended : {false, true}) {
    Call& call = open();
    if (ended) answer(call, "", true);
    call.response.is_complete = false;
    call.exchange->fail(Reason::kUpstreamReset);
    EXPECT_TRUE(call.response.is_reset);
    EXPECT_TRUE(script_.is_over);
    EXPECT_TRUE(call.response.body.empty()) << "no page of ours in a tunnel";
    scene_.turn();
  }
  EXPECT_EQ(scene_.log(), "101 upstream_reset 0 0 0.000|101 upstream_reset 0 0 0.000");
}

TEST_F(ExchangeTunnelTest, EndsWithTheClient) {
  Call& call = open();
  answer(call, "x", true);
  call.go_away();
  EXPECT_TRUE(script_.is_over);
  EXPECT_EQ(scene_.log(), "101 client_closed 0 1 0.000");
}

}  // namespace
}  // namespace viaduct::exchange
