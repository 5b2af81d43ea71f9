// SPDX-License-Identifier: Apache-2.0
// What becomes of an exchange when a server lets it down: the table of failures, row by row, with what is sent again
// and what never is.
#include <gtest/gtest.h>

#include <array>

#include "action/proxy_run.h"
#include "support/forwarding.h"

namespace viaduct::action {
namespace {

using namespace std::chrono_literals;
using http::BodyKind;
using support::kOkResponse;
using support::RefusingPort;
using support::ScriptedConnection;
using support::ScriptedServer;

class ProxyFailuresTest : public support::ForwardingTest {};

// ---- nothing was sent -----------------------------------------------------------------------------------------------

TEST_F(ProxyFailuresTest, AsksTheNextServerWhenOneDoesNotConnectInTime) {
  const support::SilentPort silent;
  ScriptedServer server(scene_.loop);
  server.answer_all(std::string(kOkResponse));
  forward_to({silent.config(), server.config()});
  Call& call = scene_.call({.method = "POST", .body = {BodyKind::kSized, 4}});
  call.send_body("body", true);
  scene_.pass(1990ms);
  EXPECT_TRUE(server.connections.empty());
  scene_.pass(20ms);
  wait_answer(call);
  EXPECT_EQ(call.response.status, 200);
  EXPECT_EQ(last_line(), "200 - 2");
}

TEST_F(ProxyFailuresTest, Answers504WhenNoServerConnectsInTime) {
  const support::SilentPort silent;
  forward_to({silent.config()});
  Call& call = scene_.call({});
  scene_.pass(2010ms);
  EXPECT_EQ(call.response.status, 504);
  EXPECT_EQ(last_line(), "504 upstream_connect_timeout 1");
}

TEST_F(ProxyFailuresTest, TriesAsManyServersAsTheConfigAllowsAndEachOnce) {
  struct Row {
    std::uint32_t attempts;
    std::string_view line;
  };
  for (const Row& row : {Row{1, "502 upstream_connect_refused 1"}, Row{2, "502 upstream_connect_refused 2"},
                         Row{3, "502 upstream_connect_refused 3"}, Row{10, "502 upstream_connect_refused 3"}}) {
    support::ExchangeScene scene("${status} ${reason} ${attempts}");
    const std::array<RefusingPort, 3> ports;
    config::Upstream& upstream = scene.config.upstreams.emplace_back();
    for (const RefusingPort& port : ports) upstream.servers.push_back(port.config());
    upstream.servers[0].backup = true;
    scene.add_route().action = std::make_unique<ProxyAction>(0);
    scene.site().routes.back().retry.attempts = row.attempts;
    Call& call = scene.call({});
    scene.run_until([&] { return call.response.is_complete; });
    scene.turn();
    EXPECT_EQ(scene.log(), row.line);
  }
}

TEST_F(ProxyFailuresTest, KeepsABodyOfAnyLengthUntilAServerTakesIt) {
  const RefusingPort refusing;
  ScriptedServer server(scene_.loop);
  forward_to({refusing.config(), server.config()});
  const std::string body(200'000, 'x');
  for (const BodyKind kind : {BodyKind::kSized, BodyKind::kStream}) {
    Call& call = scene_.call({.method = "POST", .body = {kind, kind == BodyKind::kSized ? body.size() : 0}});
    std::size_t sent = 0;
    scene_.run_until([&] {
      const std::size_t count = std::min<std::size_t>(body.size() - sent, 10'000);
      if (call.response.is_reading && count > 0) {
        sent += count;
        call.send_body(std::string_view(body).substr(0, count), sent == body.size());
      }
      return !server.connections.empty() && server.last().received.size() > body.size();
    });
    server.last().send(kOkResponse);
    wait_answer(call);
    EXPECT_EQ(call.response.status, 200);
    server.last().received.clear();
    scene_.turn();
  }
}

// ---- the kept connection was dead -----------------------------------------------------------------------------------

TEST_F(ProxyFailuresTest, SendsTheWholeRequestAgainOnAFreshConnection) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  for (const bool is_reset : {false, true}) {
    warm_up(server);
    const std::size_t before = server.connections.size();
    Call& call = scene_.call({.method = "PUT", .body = {BodyKind::kStream}});
    call.send_body("the whole ", false);
    call.send_body("body", false);
    call.send_trailers({{"X-Digest", "7"}});
    ASSERT_TRUE(until_received(server, "\r\n\r\n"));
    const std::string first = std::exchange(server.last().received, {});
    is_reset ? server.last().reset() : server.last().close();
    scene_.run_until([&] { return server.connections.size() > before; });
    ASSERT_TRUE(until_received(server, "X-Digest: 7\r\n\r\n"));
    EXPECT_EQ(server.last().received, first);
    server.last().send(kOkResponse);
    wait_answer(call);
    EXPECT_EQ(call.response.status, 200);
    EXPECT_EQ(last_line(), "200 - 2");
    server.last().close();
    scene_.turn();
  }
}

TEST_F(ProxyFailuresTest, SendsARequestAgainOnlyOnce) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  warm_up(server);
  server.on_bytes = [](ScriptedConnection& connection) { connection.close(); };
  EXPECT_EQ(ask({}).response.status, 502);
  EXPECT_EQ(server.connections.size(), 2u);
  EXPECT_EQ(last_line(), "502 upstream_closed 2");
}

TEST_F(ProxyFailuresTest, AsksTheNextServerWhenTheFreshConnectionIsRefused) {
  ScriptedServer first(scene_.loop);
  ScriptedServer second(scene_.loop);
  forward_to({first.config(), second.config()});
  warm_up(first);
  second.answer_all(std::string(kOkResponse));
  EXPECT_EQ(ask({}).response.status, 200);  // the second server's turn
  first.stop();
  first.on_bytes = [](ScriptedConnection& connection) { connection.close(); };
  EXPECT_EQ(ask({}).response.status, 200);
  EXPECT_EQ(last_line(), "200 - 3");
}

TEST_F(ProxyFailuresTest, NeverSendsAgainABodyThatHasStreamed) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  warm_up(server);
  Call& call = scene_.call({.method = "PUT", .body = {BodyKind::kSized, ProxyRun::kCollectedBytesMax + 1}});
  call.send_body("some", false);
  ASSERT_TRUE(until_received(server, "some"));
  server.last().close();
  wait_answer(call);
  EXPECT_EQ(call.response.status, 502);
  EXPECT_EQ(server.connections.size(), 1u);
}

TEST_F(ProxyFailuresTest, NeverSendsAgainOnceAByteOfAnAnswerHasCome) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  warm_up(server);
  Call& call = scene_.call({});
  ASSERT_TRUE(until_received(server, "\r\n\r\n"));
  server.last().send("H");
  scene_.turn();
  server.last().close();
  wait_answer(call);
  EXPECT_EQ(call.response.status, 502);
  EXPECT_EQ(server.connections.size(), 1u);
  EXPECT_EQ(last_line(), "502 upstream_closed 1");
}

TEST_F(ProxyFailuresTest, NeverSendsAgainBecauseAServerIsSlow) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  warm_up(server);
  Call& call = scene_.call({});
  ASSERT_TRUE(until_received(server, "\r\n\r\n"));
  scene_.pass(4010ms);
  EXPECT_EQ(call.response.status, 504);
  EXPECT_EQ(server.connections.size(), 1u);
  EXPECT_EQ(last_line(), "504 upstream_header_timeout 1");
}

// ---- answers that do not come or are none ---------------------------------------------------------------------------

TEST_F(ProxyFailuresTest, Answers504WhenTheHeadDoesNotComeInTime) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  Call& call = scene_.call({});
  ASSERT_TRUE(until_received(server, "\r\n\r\n"));
  scene_.pass(3990ms);
  EXPECT_EQ(call.response.status, 0);
  scene_.pass(20ms);
  EXPECT_EQ(call.response.status, 504);
  EXPECT_EQ(last_line(), "504 upstream_header_timeout 1");
}

TEST_F(ProxyFailuresTest, CutsAnAnswerThatStopsInTheMiddle) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  Call& call = scene_.call({});
  ASSERT_TRUE(until_received(server, "\r\n\r\n"));
  server.last().send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  scene_.run_until([&] { return call.response.body == "half"; });
  scene_.pass(4010ms);
  EXPECT_TRUE(call.response.is_reset);
  EXPECT_EQ(last_line(), "200 upstream_read_timeout 1");
}

TEST_F(ProxyFailuresTest, Answers504WhenTheServerDoesNotTakeTheRequest) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  route().body_limit.reset();
  const std::string piece(64 * 1024, 'x');
  Call& call = scene_.call({.method = "POST", .body = {BodyKind::kSized, piece.size() * 1000}});
  scene_.run_until([&] { return !server.connections.empty(); });
  server.last().set_reading(false);
  for (int turns = 0; turns < 500; ++turns) {
    if (call.response.is_reading) call.send_body(piece, false);
    scene_.loop.run_once(false);
  }
  ASSERT_FALSE(call.response.is_reading);
  scene_.pass(3010ms);
  EXPECT_EQ(call.response.status, 504);
  EXPECT_EQ(last_line(), "504 upstream_send_timeout 1");
}

TEST_F(ProxyFailuresTest, Answers502ToWhatIsNoAnswer) {
  struct Row {
    std::string_view sent;
    std::string_view line;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"garbage\r\n\r\n", "502 upstream_invalid_response 1"},
           {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "502 upstream_invalid_response 1"},
           {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "502 upstream_invalid_response 1"},
           {"", "502 upstream_closed 1"},
           {"HTTP/1.1 200 OK\r\nContent-", "502 upstream_closed 1"},
       }) {
    support::ExchangeScene scene("${status} ${reason} ${attempts}");
    ScriptedServer server(scene.loop);
    config::Upstream& upstream = scene.config.upstreams.emplace_back();
    upstream.servers = {server.config()};
    scene.add_route().action = std::make_unique<ProxyAction>(0);
    Call& call = scene.call({});
    scene.run_until([&] { return !server.connections.empty() && !server.last().received.empty(); });
    if (!row.sent.empty()) server.last().send(row.sent);
    server.last().finish();
    scene.run_until([&] { return call.response.is_complete; });
    EXPECT_EQ(call.response.status, 502) << row.sent;
    scene.turn();
    EXPECT_EQ(scene.log(), row.line) << row.sent;
  }
}

TEST_F(ProxyFailuresTest, CutsABodyThatIsNotWhatItsHeadSaid) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  Call& call = scene_.call({});
  ASSERT_TRUE(until_received(server, "\r\n\r\n"));
  server.last().send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n");
  wait_answer(call);
  EXPECT_TRUE(call.response.is_reset);
  EXPECT_EQ(call.response.body, "half");
  EXPECT_EQ(last_line(), "200 upstream_invalid_response 1");
}

TEST_F(ProxyFailuresTest, CutsAnAnswerAtTheTotalLimit) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  route().timeouts.total = 10s;
  Call& call = scene_.call({});
  ASSERT_TRUE(until_received(server, "\r\n\r\n"));
  server.last().send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
  for (int i = 0; i < 4; ++i) {
    server.last().send("x");
    scene_.pass(2400ms);
    EXPECT_FALSE(call.response.is_reset);
  }
  server.last().send("x");
  scene_.pass(1s);
  EXPECT_TRUE(call.response.is_reset);
  EXPECT_EQ(last_line(), "200 upstream_total_timeout 1");
}

// ---- the client goes ------------------------------------------------------------------------------------------------

TEST_F(ProxyFailuresTest, LeavesNothingBehindWhenTheClientGoesAtAnyMoment) {
  const support::SilentPort silent;
  forward_to({silent.config()});
  Call& while_collecting = scene_.call({.method = "POST", .body = {BodyKind::kSized, 10}});
  while_collecting.send_body("half", false);
  while_collecting.go_away();
  Call& while_connecting = scene_.call({});
  scene_.turn();
  while_connecting.go_away();
  scene_.pass(1h);
  EXPECT_EQ(scene_.log(), "499 client_closed 0|499 client_closed 0");
  EXPECT_EQ(scene_.loop.chunks().chunks_in_use(), 0u);
}

}  // namespace
}  // namespace viaduct::action
