// SPDX-License-Identifier: Apache-2.0
// A connection that has become a tunnel: who waits for whom, and how it ends on the wire.
#include <gtest/gtest.h>

#include "daemon/connection.h"
#include "support/client_side.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;
using support::ScriptedConnection;

constexpr std::string_view kAsk =
    "GET /ws HTTP/1.1\r\nHost: host.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

class ConnectionTunnelTest : public testing::Test {
 protected:
  ConnectionTunnelTest() {
    side_.scene.site().routes.back().websocket = true;
    side_.script.status = 0;
  }
  exchange::Exchange& exchange() { return *side_.script.exchange; }
  void agree() {
    exchange().send_head(exchange().new_head(101), false);
    exchange().read_request(true);
  }
  // A tunnel that is open.
  ScriptedConnection& open() {
    ScriptedConnection& client = side_.connect();
    client.send(kAsk);
    EXPECT_TRUE(side_.until([this] { return side_.script.exchange != nullptr; }));
    agree();
    EXPECT_TRUE(side_.until_received("\r\n\r\n"));
    client.received.clear();
    return client;
  }
  void say(std::string_view bytes, bool end) {
    base::Buffer body(side_.scene.loop.chunks());
    body.append(bytes);
    exchange().send_body(body, end);
  }

  support::ClientSide side_;
};

TEST_F(ConnectionTunnelTest, PassesBytesBothWays) {
  ScriptedConnection& client = open();
  client.send("GET / HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(side_.until([this] { return side_.script.request_body == "GET / HTTP/1.1\r\n\r\n"; }));
  say("hello", false);
  ASSERT_TRUE(side_.until_received("hello"));
  EXPECT_EQ(side_.script.begun, 1);
}

TEST_F(ConnectionTunnelTest, WaitsForAClientAsLongAsItTakes) {
  open();
  side_.pass(24h);
  EXPECT_EQ(side_.open_connections(), 1);
  say("x", false);
  ASSERT_TRUE(side_.until_received("x"));
}

TEST_F(ConnectionTunnelTest, WaitsBehindTheEndOfTheClientToo) {
  ScriptedConnection& client = open();
  client.send("bye");
  client.finish();
  ASSERT_TRUE(side_.until([this] { return side_.script.request_ended; }));
  EXPECT_EQ(side_.script.request_body, "bye");
  side_.pass(Connection::kHalfClosedGrace + 1h);
  EXPECT_EQ(side_.open_connections(), 1);
  say("and good night", true);
  ASSERT_TRUE(side_.until_closed());
  EXPECT_EQ(client.received, "and good night");
  EXPECT_TRUE(client.is_ended);
  EXPECT_FALSE(client.is_reset);
  EXPECT_EQ(side_.log(), "101 -");
}

TEST_F(ConnectionTunnelTest, EndsOurDirectionAloneWhereTheClientGoesOn) {
  ScriptedConnection& client = open();
  say("bye", true);
  ASSERT_TRUE(side_.until([&] { return client.is_ended; }));
  EXPECT_EQ(client.received, "bye");
  EXPECT_EQ(side_.open_connections(), 1);
  client.send("more");
  ASSERT_TRUE(side_.until([this] { return side_.script.request_body == "more"; }));
  client.finish();
  ASSERT_TRUE(side_.until([this] { return side_.open_connections() == 0; }));
  EXPECT_FALSE(client.is_reset);
  EXPECT_EQ(side_.log(), "101 -");
}

TEST_F(ConnectionTunnelTest, TellsThatTheClientWasReset) {
  open().reset();
  ASSERT_TRUE(side_.until([this] { return side_.script.is_over; }));
  EXPECT_EQ(side_.log(), "101 client_closed");
}

TEST_F(ConnectionTunnelTest, SendsWhatWasSaidBeforeItIsCut) {
  ScriptedConnection& client = open();
  say("last words", false);
  exchange().fail(http::Reason::kUpstreamReset);
  ASSERT_TRUE(side_.until_closed());
  EXPECT_EQ(client.received, "last words");
  EXPECT_TRUE(client.is_reset);
  EXPECT_EQ(side_.log(), "101 upstream_reset");
}

TEST_F(ConnectionTunnelTest, CutsAClientThatDoesNotTakeWhatWasSaid) {
  ScriptedConnection& client = open();
  client.set_reading(false);
  for (int rounds = 0; rounds < 1000 && exchange().writable_bytes() > 0; ++rounds) {
    say(std::string(64 * 1024, 'x'), false);
    side_.settle();
  }
  ASSERT_EQ(exchange().writable_bytes(), 0u);
  exchange().fail(http::Reason::kWebsocketIdle);
  side_.settle();
  EXPECT_EQ(side_.open_connections(), 1);
  side_.pass(side_.limits.body_timeout + 1s);
  EXPECT_EQ(side_.open_connections(), 0);
}

TEST_F(ConnectionTunnelTest, OutlivesADrainUntilTheDeadline) {
  ScriptedConnection& client = open();
  side_.connection().begin_drain();
  side_.settle();
  say("still here", false);
  ASSERT_TRUE(side_.until_received("still here"));
  side_.connection().close_now();
  ASSERT_TRUE(side_.until_closed());
  EXPECT_TRUE(client.is_reset);
  EXPECT_EQ(side_.log(), "101 server_draining");
}

TEST_F(ConnectionTunnelTest, HoldsAClientToTheUsualLimitsUntilItIsOpen) {
  ScriptedConnection& client = side_.connect();
  client.send(kAsk);
  client.finish();
  ASSERT_TRUE(side_.until([this] { return side_.script.exchange != nullptr; }));
  side_.settle();
  side_.pass(Connection::kHalfClosedGrace + 100ms);
  EXPECT_TRUE(side_.script.is_over);
  EXPECT_EQ(side_.log(), "499 client_closed");
}

}  // namespace
}  // namespace viaduct::daemon
