// SPDX-License-Identifier: Apache-2.0
// WebSocket and event streams through an upstream: the handshake, bytes both ways, and what ends them.
#include <gtest/gtest.h>

#include "action/proxy_run.h"
#include "support/forwarding.h"

namespace viaduct::action {
namespace {

using namespace std::chrono_literals;
using support::RefusingPort;
using support::ScriptedConnection;
using support::ScriptedServer;

constexpr std::string_view kAgreed =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";
constexpr std::string_view kEvents = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n";

class ProxyTunnelTest : public support::ForwardingTest {
 protected:
  void forward_to(std::vector<config::Server> servers) {
    ForwardingTest::forward_to(std::move(servers));
    route().websocket = true;
    route().websocket_idle = 20s;
  }
  Call& ask(http::Version version = http::Version::kHttp11) {
    return scene_.call({.fields = {{"Sec-WebSocket-Key", "k"}, {"Sec-WebSocket-Version", "13"}},
                        .version = version,
                        .protocol = "websocket"});
  }
  // A tunnel to `server` that is open.
  Call& open(ScriptedServer& server) {
    forward_to({server.config()});
    Call& call = ask();
    EXPECT_TRUE(until_received(server, "\r\n\r\n"));
    server.last().received.clear();
    server.last().send(kAgreed);
    EXPECT_TRUE(scene_.run_until([&] { return call.response.status == 101; }));
    return call;
  }
  bool until_body(Call& call, std::string_view body) {
    return scene_.run_until([&] { return call.response.body == body; });
  }
};

// ---- the handshake --------------------------------------------------------------------------------------------------

TEST_F(ProxyTunnelTest, AsksTheServerAsTheClientAsked) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  Call& call = ask();
  ASSERT_TRUE(until_received(server, "\r\n\r\n"));
  const std::string& request = server.last().received;
  EXPECT_TRUE(request.starts_with("GET / HTTP/1.1\r\n"));
  EXPECT_NE(request.find("\r\nSec-WebSocket-Key: k\r\n"), std::string::npos);
  EXPECT_TRUE(request.ends_with("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")) << request;
  server.last().send(kAgreed);
  ASSERT_TRUE(scene_.run_until([&] { return call.response.status == 101; }));
  EXPECT_EQ(call.response.field("Sec-WebSocket-Accept"), "x");
  EXPECT_FALSE(call.response.has("Upgrade"));  // the codec says it
  EXPECT_TRUE(call.response.is_reading);
  call.go_away();
}

TEST_F(ProxyTunnelTest, TakesAnotherAnswerForAnAnswer) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  server.answer_all("HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 2\r\n\r\nno");
  Call& call = ask();
  wait_answer(call);
  EXPECT_EQ(call.response.status, 426);
  EXPECT_EQ(call.response.body, "no");
  EXPECT_EQ(last_line(), "426 - 1");
  // And the connection for one that is kept.
  wait_answer(ask());
  EXPECT_EQ(server.connections.size(), 1u);
}

TEST_F(ProxyTunnelTest, Answers502ToAnAgreementThatIsNone) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  server.answer_all("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n");
  Call& call = ask();
  wait_answer(call);
  EXPECT_EQ(call.response.status, 502);
  EXPECT_EQ(last_line(), "502 upstream_invalid_response 1");
}

TEST_F(ProxyTunnelTest, SendsAHandshakeAgainAsItWouldAGet) {
  const RefusingPort refusing;
  ScriptedServer server(scene_.loop);
  forward_to({refusing.config(), server.config()});
  Call& call = ask();
  ASSERT_TRUE(until_received(server, "\r\n\r\n"));
  server.last().send(kAgreed);
  ASSERT_TRUE(scene_.run_until([&] { return call.response.status == 101; }));
  call.go_away();
  EXPECT_EQ(last_line(), "101 client_closed 2");
}

// ---- bytes ----------------------------------------------------------------------------------------------------------

TEST_F(ProxyTunnelTest, PassesBytesBothWaysAndEndsByHalves) {
  ScriptedServer server(scene_.loop);
  Call& call = open(server);
  ScriptedConnection& other = server.last();
  other.send("from the server");
  ASSERT_TRUE(until_body(call, "from the server"));
  call.send_body("from the client", false);
  ASSERT_TRUE(until_received(server, "from the client"));
  call.send_body(", last", true);
  ASSERT_TRUE(scene_.run_until([&] { return other.is_ended; }));
  EXPECT_TRUE(other.received.ends_with(", last"));
  other.send(", and still");
  ASSERT_TRUE(until_body(call, "from the server, and still"));
  other.finish();
  ASSERT_TRUE(scene_.run_until([&] { return call.exchange == nullptr; }));
  EXPECT_TRUE(call.response.is_complete);
  EXPECT_EQ(last_line(), "101 - 1");
}

TEST_F(ProxyTunnelTest, SendsTheClientsLastBytesToAServerThatHasEndedBefore) {
  ScriptedServer server(scene_.loop);
  Call& call = open(server);
  ScriptedConnection& other = server.last();
  other.send("bye");
  other.finish();
  ASSERT_TRUE(scene_.run_until([&] { return call.response.is_complete; }));
  EXPECT_EQ(call.response.body, "bye");
  call.send_body("one, ", false);
  ASSERT_TRUE(until_received(server, "one, "));
  // The exchange ends in the same turn; the bytes leave all the same.
  call.send_body("two", true);
  call.exchange->on_stream_end();
  ASSERT_TRUE(scene_.run_until([&] { return other.is_ended || other.is_reset; }));
  EXPECT_EQ(other.received, "one, two");
  EXPECT_FALSE(other.is_reset);
  EXPECT_EQ(last_line(), "101 - 1");
}

TEST_F(ProxyTunnelTest, PassesBytesThatFollowTheAgreementAtOnce) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  Call& call = ask();
  ASSERT_TRUE(until_received(server, "\r\n\r\n"));
  server.last().send(std::string(kAgreed) + "first");
  ASSERT_TRUE(until_body(call, "first"));
  call.go_away();
}

TEST_F(ProxyTunnelTest, StopsTheServerWhileTheClientDoesNotRead) {
  ScriptedServer server(scene_.loop);
  Call& call = open(server);
  scene_.drains = false;
  const std::string sent(32 << 20, 'x');
  server.last().send(sent);
  ASSERT_TRUE(scene_.run_until([&] { return call.response.room == 0; }));
  const std::size_t taken = call.response.body.size();
  EXPECT_LE(taken, 1U << 20);
  EXPECT_FALSE(server.last().has_sent_all());
  call.make_room(sent.size());
  ASSERT_TRUE(scene_.run_until([&] { return call.response.body.size() == sent.size(); }));
  call.go_away();
}

TEST_F(ProxyTunnelTest, StopsTheClientWhileTheServerDoesNotRead) {
  ScriptedServer server(scene_.loop);
  Call& call = open(server);
  server.last().set_reading(false);
  std::size_t sent = 0;
  while (call.response.is_reading && sent < (64U << 20)) {
    call.send_body(std::string(64 << 10, 'x'), false);
    sent += 64 << 10;
    scene_.turn();
  }
  EXPECT_FALSE(call.response.is_reading);
  server.last().set_reading(true);
  ASSERT_TRUE(scene_.run_until([&] { return server.last().received.size() == sent; }));
  ASSERT_TRUE(scene_.run_until([&] { return call.response.is_reading; }));
  call.go_away();
}

// ---- ends -----------------------------------------------------------------------------------------------------------

TEST_F(ProxyTunnelTest, IsCutWhenTheServerIs) {
  ScriptedServer server(scene_.loop);
  Call& call = open(server);
  server.last().reset();
  wait_answer(call);
  EXPECT_TRUE(call.response.is_reset);
  EXPECT_EQ(last_line(), "101 upstream_reset 1");
}

TEST_F(ProxyTunnelTest, IsCutWhenTheServerBreaksBehindItsEnd) {
  ScriptedServer server(scene_.loop);
  Call& call = open(server);
  server.last().send("bye");
  server.last().close();
  ASSERT_TRUE(scene_.run_until([&] { return call.response.is_complete; }));
  call.response.is_complete = false;
  // Nobody takes this.
  ASSERT_TRUE(scene_.run_until([&] {
    if (call.exchange != nullptr && !call.response.is_reset) call.send_body("x", false);
    return call.response.is_reset;
  }));
  EXPECT_EQ(last_line(), "101 upstream_reset 1");
}

TEST_F(ProxyTunnelTest, CutsTheServerWhenTheClientIsGone) {
  ScriptedServer server(scene_.loop);
  Call& call = open(server);
  call.go_away();
  ASSERT_TRUE(scene_.run_until([&] { return server.last().is_reset; }));
  EXPECT_EQ(last_line(), "101 client_closed 1");
}

TEST_F(ProxyTunnelTest, KnowsNoTimeoutsOfAnAnswer) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  route().timeouts.total = 5s;
  Call& call = ask();
  ASSERT_TRUE(until_received(server, "\r\n\r\n"));
  scene_.pass(3s);
  server.last().send(kAgreed);
  ASSERT_TRUE(scene_.run_until([&] { return call.response.status == 101; }));
  scene_.pass(19s);
  EXPECT_FALSE(call.response.is_reset);
  call.go_away();
}

TEST_F(ProxyTunnelTest, EndsWhenItIsSilentInBothDirections) {
  ScriptedServer server(scene_.loop);
  Call& call = open(server);
  for (int i = 0; i < 3; ++i) {
    scene_.pass(15s);
    server.last().send("a");
    ASSERT_TRUE(until_body(call, std::string(static_cast<std::size_t>(i) + 1, 'a')));
    scene_.pass(15s);
    call.send_body("b", false);
    ASSERT_TRUE(until_received(server, std::string(static_cast<std::size_t>(i) + 1, 'b')));
  }
  scene_.pass(19900ms);
  EXPECT_FALSE(call.response.is_reset);
  scene_.pass(200ms);
  EXPECT_TRUE(call.response.is_reset);
  ASSERT_TRUE(scene_.run_until([&] { return server.last().is_reset; }));
  EXPECT_EQ(last_line(), "101 websocket_idle 1");
}

TEST_F(ProxyTunnelTest, EndsByItsSilenceAlsoWhenOneSideHasEnded) {
  ScriptedServer server(scene_.loop);
  Call& call = open(server);
  call.send_body("", true);
  scene_.pass(20100ms);
  EXPECT_TRUE(call.response.is_reset);
  EXPECT_EQ(last_line(), "101 websocket_idle 1");
}

// RFC 8441 §5: over HTTP/2 any success says that the tunnel is open, and this is a page.
TEST_F(ProxyTunnelTest, TellsAClientOfHttp2ThatTheServerAnsweredWithAPage) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  struct Row {
    http::Version version;
    std::string_view status;
    int expected;
    std::string_view line;
  };
  for (const Row& row : {Row{http::Version::kHttp2, "200 OK", 502, "502 websocket_refused 1"},
                         Row{http::Version::kHttp2, "403 Forbidden", 403, "403 - 1"},
                         Row{http::Version::kHttp11, "200 OK", 200, "200 - 1"}}) {
    Call& call = ask(row.version);
    ASSERT_TRUE(until_received(server, "\r\n\r\n"));
    server.last().received.clear();
    server.last().send("HTTP/1.1 " + std::string(row.status) + "\r\nContent-Length: 4\r\n\r\npage");
    wait_answer(call);
    EXPECT_EQ(call.response.status, row.expected);
    EXPECT_EQ(call.response.body == "page", row.expected != 502);
    EXPECT_EQ(last_line(), row.line);
  }
}

// ---- event streams --------------------------------------------------------------------------------------------------

TEST_F(ProxyTunnelTest, LetsAnEventStreamBeSilentForLongerThanAnAnswer) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  Call& call = scene_.call({});
  ASSERT_TRUE(until_received(server, "\r\n\r\n"));
  server.last().send(std::string(kEvents) + "data: 1\n\n");
  ASSERT_TRUE(until_body(call, "data: 1\n\n"));
  scene_.pass(19s);  // timeouts.read is 4 s
  server.last().send("data: 2\n\n");
  ASSERT_TRUE(until_body(call, "data: 1\n\ndata: 2\n\n"));
  scene_.pass(19900ms);
  EXPECT_FALSE(call.response.is_reset);
  scene_.pass(200ms);
  EXPECT_TRUE(call.response.is_reset);
  EXPECT_EQ(last_line(), "200 upstream_read_timeout 1");
}

TEST_F(ProxyTunnelTest, HoldsOtherAnswersToTheReadTimeout) {
  for (const std::string_view type : {"text/event-streams", "text/plain", "application/text/event-stream", ""}) {
    SCOPED_TRACE(type);
    support::ExchangeScene scene;
    ScriptedServer server(scene.loop);
    config::Upstream& upstream = scene.config.upstreams.emplace_back();
    upstream.servers = {server.config()};
    scene.add_route().action = std::make_unique<ProxyAction>(0);
    scene.site().routes.back().timeouts.read = 4s;
    Call& call = scene.call({});
    scene.run_until([&] { return !server.connections.empty() && server.last().received.ends_with("\r\n\r\n"); });
    server.last().send("HTTP/1.1 200 OK\r\nContent-Type: " + std::string(type) + "\r\n\r\na");
    ASSERT_TRUE(scene.run_until([&] { return call.response.body == "a"; }));
    scene.pass(4100ms);
    EXPECT_TRUE(call.response.is_reset);
  }
}

TEST_F(ProxyTunnelTest, EndsAnEventStreamWithItsClient) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  Call& call = scene_.call({});
  ASSERT_TRUE(until_received(server, "\r\n\r\n"));
  server.last().send(std::string(kEvents) + "data: 1\n\n");
  ASSERT_TRUE(until_body(call, "data: 1\n\n"));
  call.go_away();
  ASSERT_TRUE(scene_.run_until([&] { return server.last().is_reset || server.last().is_ended; }));
  EXPECT_EQ(last_line(), "200 client_closed 1");
}

}  // namespace
}  // namespace viaduct::action
