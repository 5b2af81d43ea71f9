// SPDX-License-Identifier: Apache-2.0
#include "action/proxy_run.h"

#include <gtest/gtest.h>

#include "action/proxy.h"
#include "support/exchange_scene.h"
#include "support/scripted_server.h"

namespace viaduct::action {
namespace {

using namespace std::chrono_literals;
using support::RefusingPort;
using support::ScriptedConnection;
using support::ScriptedServer;
using Call = support::ExchangeScene::Call;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class ProxyRunTest : public testing::Test {
 protected:
  // One route to an upstream of these servers.
  void forward_to(std::vector<config::Server> servers) {
    config::Upstream& upstream = scene_.config.upstreams.emplace_back();
    upstream.name = "app";
    upstream.servers = std::move(servers);
    upstream.keepalive.idle = 1h;
    scene_.add_route().action = std::make_unique<ProxyAction>(0);
    route().timeouts = {.connect = 2s, .send = 3s, .read = 4s, .total = std::nullopt};
  }
  config::Route& route() { return scene_.site().routes.back(); }
  void wait_answer(Call& call) {
    scene_.run_until([&] { return call.response.is_complete || call.response.is_reset; });
  }
  Call& ask(const support::ExchangeScene::Request& request) {
    Call& call = scene_.call(request);
    wait_answer(call);
    return call;
  }
  // Leaves an idle connection to `server` in the pool.
  void warm_up(ScriptedServer& server) {
    server.answer_all(std::string(kOk));
    EXPECT_EQ(ask({}).response.status, 200);
    scene_.turn();
    server.answer_all("");
    server.last().received.clear();
  }

  support::ExchangeScene scene_{"${status} ${reason} ${attempts}"};
};

TEST_F(ProxyRunTest, ForwardsHeadBodyAndAnswerUntouched) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  Call& call = scene_.call({.method = "POST",
                            .target = "/a%20b?x=%E6%94%AF",
                            .fields = {{"X-Odd-CASE", "1"}, {"x-odd-case", "2"}, {"X-Request-ID", "r1"}},
                            .body = {http::BodyKind::kSized, 5}});
  EXPECT_TRUE(call.response.is_reading);
  EXPECT_TRUE(server.connections.empty()) << "a short body is collected first";
  call.send_body("he", false);
  call.send_body("llo", true);
  scene_.run_until([&] { return !server.connections.empty() && server.last().received.ends_with("hello"); });
  EXPECT_EQ(server.last().received,
            "POST /a%20b?x=%E6%94%AF HTTP/1.1\r\nHost: host.test\r\nX-Odd-CASE: 1\r\nx-odd-case: 2\r\n"
            "X-Request-ID: r1\r\nContent-Length: 5\r\n\r\nhello");
  server.last().send("HTTP/1.1 201 Made\r\nX-B: 1\r\nx-b: 2\r\nContent-Length: 4\r\n\r\nbody");
  wait_answer(call);
  EXPECT_EQ(call.response.status, 201);
  EXPECT_EQ(call.response.field("X-B"), "1|2");
  EXPECT_EQ(call.response.body, "body");
}

TEST_F(ProxyRunTest, GoesToTheNextServerWhenTheFirstRefuses) {
  RefusingPort refusing;
  ScriptedServer server(scene_.loop);
  server.answer_all(std::string(kOk));
  forward_to({refusing.config(), server.config()});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask({.method = "POST"}).response.status, 200) << "nothing was sent";
}

TEST_F(ProxyRunTest, Answers502WhenEveryServerRefuses) {
  RefusingPort one;
  RefusingPort two;
  forward_to({one.config(), two.config()});
  EXPECT_EQ(ask({}).response.status, 502);
  scene_.turn();
  EXPECT_EQ(scene_.log(), "502 upstream_connect_refused 2");
}

TEST_F(ProxyRunTest, ConnectsOnceMoreWhenAKeptConnectionDiedAndTheMethodIsIdempotent) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  warm_up(server);
  server.on_bytes = [&](ScriptedConnection& connection) {
    if (server.connections.size() == 1) {
      connection.close();
    } else if (connection.take_request()) {
      connection.send(kOk);
    }
  };
  EXPECT_EQ(ask({}).response.status, 200);
  EXPECT_EQ(server.connections.size(), 2u);
}

TEST_F(ProxyRunTest, SendsAPostTwiceOnlyOnCallbackRoutes) {
  for (const auto provider : {config::CallbackProvider::kNone, config::CallbackProvider::kWechatPayV3}) {
    support::ExchangeScene scene;
    ScriptedServer server(scene.loop);
    config::Upstream& upstream = scene.config.upstreams.emplace_back();
    upstream.name = "app";
    upstream.servers = {server.config()};
    upstream.keepalive.idle = 1h;
    scene.add_route().action = std::make_unique<ProxyAction>(0);
    scene.site().routes.back().callback = provider;
    server.answer_all(std::string(kOk));
    Call& first = scene.call({});
    scene.run_until([&] { return first.response.is_complete; });
    scene.turn();
    server.answer_all("");
    server.on_bytes = [&](ScriptedConnection& connection) {
      if (server.connections.size() == 1) {
        connection.close();
      } else if (connection.received.ends_with("notice")) {
        connection.send(kOk);
      }
    };
    Call& call = scene.call({.method = "POST", .body = {http::BodyKind::kSized, 6}});
    call.send_body("notice", true);
    scene.run_until([&] { return call.response.is_complete; });
    const bool is_callback = provider != config::CallbackProvider::kNone;
    EXPECT_EQ(call.response.status, is_callback ? 200 : 502);
    EXPECT_EQ(server.connections.size(), is_callback ? 2u : 1u);
  }
}

TEST_F(ProxyRunTest, NeverSendsAgainOnAFreshConnection) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  server.on_bytes = [](ScriptedConnection& connection) { connection.close(); };
  EXPECT_EQ(ask({}).response.status, 502);
  EXPECT_EQ(server.connections.size(), 1u);
}

TEST_F(ProxyRunTest, StopsReadingTheClientWhileTheServerDoesNotRead) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  route().body_limit.reset();
  const std::string piece(64 * 1024, 'x');
  constexpr int kPieces = 400;
  Call& call = scene_.call({.method = "POST", .body = {http::BodyKind::kSized, piece.size() * kPieces}});
  scene_.run_until([&] { return call.response.is_reading; });
  server.last().set_reading(false);
  int sent = 0;
  for (int turns = 0; turns < 2000 && sent < kPieces; ++turns) {
    if (call.response.is_reading) {
      call.send_body(piece, false);
      ++sent;
    }
    scene_.loop.run_once(false);
  }
  EXPECT_LT(sent, kPieces) << "backpressure has reached the client";
  EXPECT_LE(scene_.loop.chunks().chunks_in_use(), 16u);
  server.last().set_reading(true);
  while (sent < kPieces) {
    if (call.response.is_reading) call.send_body(piece, ++sent == kPieces);
    scene_.loop.run_once(false);
  }
  server.last().send(kOk);
  wait_answer(call);
  EXPECT_EQ(call.response.status, 200);
}

TEST_F(ProxyRunTest, StopsReadingTheServerWhileTheClientDoesNotRead) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  scene_.drains = false;
  Call& call = scene_.call({});
  scene_.run_until([&] { return !server.connections.empty() && !server.last().received.empty(); });
  const std::string body(8 * 1024 * 1024, 'y');
  server.last().send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  for (int turns = 0; turns < 500; ++turns) scene_.turn();
  EXPECT_FALSE(server.last().has_sent_all());
  EXPECT_LE(scene_.loop.chunks().chunks_in_use(), 48u);
  scene_.drains = true;
  wait_answer(call);
  EXPECT_EQ(call.response.body, body);
}

TEST_F(ProxyRunTest, GivesTheRequestUpWhenTheClientIsGone) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  Call& call = scene_.call({});
  scene_.run_until([&] { return !server.connections.empty() && !server.last().received.empty(); });
  call.go_away();
  scene_.run_until([&] { return server.last().is_ended || server.last().is_reset; });
  EXPECT_EQ(scene_.log(), "499 client_closed 1");
  EXPECT_EQ(scene_.upstream().server(0).state().requests.load(), 0u);
}

TEST_F(ProxyRunTest, CutsAnAnswerThatDiesInTheMiddle) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  Call& call = scene_.call({});
  scene_.run_until([&] { return !server.connections.empty() && !server.last().received.empty(); });
  server.last().send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  server.last().finish();
  wait_answer(call);
  EXPECT_TRUE(call.response.is_reset);
  EXPECT_FALSE(call.response.is_complete);
  scene_.turn();
  EXPECT_EQ(scene_.log(), "200 upstream_truncated 1");
}

TEST_F(ProxyRunTest, EndsByTheTotalLimitAndSaysForWhomItWaited) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  route().timeouts.total = 100ms;
  Call& slow_client = scene_.call({.method = "POST", .body = {http::BodyKind::kSized, 10}});
  scene_.pass(200ms);
  EXPECT_EQ(slow_client.response.status, 408);
  Call& slow_server = scene_.call({});
  scene_.run_until([&] { return !server.connections.empty() && !server.last().received.empty(); });
  scene_.pass(200ms);
  EXPECT_EQ(slow_server.response.status, 504);
  scene_.turn();
  EXPECT_EQ(scene_.log(), "408 body_timeout 0|504 upstream_total_timeout 1");
}

TEST_F(ProxyRunTest, PassesInterimResponsesAndTrailers) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  Call& call = scene_.call({});
  scene_.run_until([&] { return !server.connections.empty() && !server.last().received.empty(); });
  server.last().send(
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n0\r\nX-Digest: 7\r\n\r\n");
  wait_answer(call);
  EXPECT_EQ(call.response.informational, std::vector<int>{103});
  EXPECT_EQ(call.response.body, "abc");
  ASSERT_EQ(call.response.trailers.size(), 1u);
  EXPECT_EQ(call.response.trailers[0].second, "7");
}

TEST_F(ProxyRunTest, SendsTheHostThatTheConfigAsksFor) {
  for (const auto mode : {config::HostMode::kClient, config::HostMode::kUpstream, config::HostMode::kLiteral}) {
    support::ExchangeScene scene;
    ScriptedServer server(scene.loop);
    config::Upstream& upstream = scene.config.upstreams.emplace_back();
    upstream.name = "app";
    upstream.servers = {server.config()};
    upstream.host_mode = mode;
    upstream.host = "literal.test";
    scene.add_route().action = std::make_unique<ProxyAction>(0);
    Call& call = scene.call({});
    scene.run_until([&] { return !server.connections.empty() && !server.last().received.empty(); });
    const std::string port = std::to_string(server.address().port());
    const std::string wanted = mode == config::HostMode::kClient     ? "host.test"
                               : mode == config::HostMode::kUpstream ? "127.0.0.1:" + port
                                                                     : "literal.test";
    EXPECT_NE(server.last().received.find("\r\nHost: " + wanted + "\r\n"), std::string::npos) << server.last().received;
    server.last().send(kOk);
    scene.run_until([&] { return call.response.is_complete; });
  }
}

}  // namespace
}  // namespace viaduct::action
