// SPDX-License-Identifier: Apache-2.0
// Connections that wait for their client, and clients that go. Time passes by hand.
#include <gtest/gtest.h>

#include <algorithm>

#include "daemon/connection.h"
#include "support/client_side.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;
using support::ScriptedConnection;

constexpr std::string_view kGetX = "GET /x HTTP/1.1\r\nHost: host.test\r\n\r\n";

class ConnectionWaitTest : public testing::Test {
 protected:
  ConnectionWaitTest() { side_.script.body = "ok\n"; }

  support::ClientSide side_;
};

// ---- waiting for the client -----------------------------------------------------------------------------------------

TEST_F(ConnectionWaitTest, ClosesAnIdleConnectionWithoutAWord) {
  side_.limits.idle_timeout = 75s;
  ScriptedConnection& client = side_.connect();
  client.send(kGetX);
  ASSERT_TRUE(side_.until_received("ok\n"));
  client.received.clear();
  side_.pass(74990ms);
  EXPECT_EQ(side_.open_connections(), 1);
  side_.pass(20ms);
  ASSERT_TRUE(side_.until_closed());
  EXPECT_TRUE(client.is_ended);
  EXPECT_EQ(client.received, "");
  EXPECT_EQ(side_.log(), "200 -");
}

TEST_F(ConnectionWaitTest, ClosesAConnectionOnWhichNothingEverComes) {
  side_.limits.header_timeout = 10s;
  for (const base::Duration idle : {base::Duration(75s), base::Duration(5s)}) {
    side_.limits.idle_timeout = idle;
    side_.connect();
    side_.pass(std::min<base::Duration>(10s, idle) - 20ms);
    EXPECT_EQ(side_.open_connections(), 1);
    side_.pass(40ms);
    ASSERT_TRUE(side_.until_closed());
    EXPECT_EQ(side_.client().received, "");
    EXPECT_EQ(side_.log(), "");
  }
}

// However slowly it drips: the time is for the whole head.
TEST_F(ConnectionWaitTest, GivesAHeadItsTimeAsAWhole) {
  side_.limits.header_timeout = 10s;
  ScriptedConnection& client = side_.connect();
  client.send("GET / HTTP/1.1\r\n");
  side_.settle();
  for (int i = 0; i < 9; ++i) {
    side_.pass(1s);
    client.send("A: b\r\n");
    side_.settle();
  }
  side_.pass(990ms);
  EXPECT_EQ(client.received, "");
  side_.pass(20ms);
  ASSERT_TRUE(side_.until([&] { return !client.received.empty(); }));
  EXPECT_TRUE(client.received.starts_with("HTTP/1.1 408 ")) << client.received;
  ASSERT_TRUE(side_.until_closed());
  side_.pass(Connection::kLingerTime + 20ms);
  EXPECT_EQ(side_.open_connections(), 0);
  EXPECT_EQ(side_.log(), "408 header_timeout");
}

constexpr std::string_view kUpload = "POST / HTTP/1.1\r\nHost: host.test\r\nContent-Length: 1000000\r\n\r\n";

TEST_F(ConnectionWaitTest, WaitsForEachPieceOfABodyAsLongAsTheLimit) {
  side_.limits.body_timeout = 30s;
  side_.limits.min_rate.reset();
  side_.script.status = 0;
  side_.script.reads = true;
  ScriptedConnection& client = side_.connect();
  client.send(kUpload);
  side_.settle();
  for (int i = 0; i < 5; ++i) {
    side_.pass(29s);
    client.send("x");
    side_.settle();
  }
  EXPECT_EQ(client.received, "");
  side_.pass(29990ms);
  EXPECT_EQ(client.received, "");
  side_.pass(20ms);
  ASSERT_TRUE(side_.until([&] { return client.received.starts_with("HTTP/1.1 408 "); }));
  EXPECT_TRUE(side_.script.is_over);
  side_.pass(5s);
  EXPECT_EQ(side_.log(), "408 body_timeout");
}

// It is the action that keeps the client waiting.
TEST_F(ConnectionWaitTest, CountsNoWaitForABodyThatNobodyWants) {
  side_.script.status = 0;
  ScriptedConnection& client = side_.connect();
  client.send(kUpload);
  side_.settle();
  side_.pass(10h);
  EXPECT_EQ(client.received, "");
  EXPECT_FALSE(client.is_ended || client.is_reset);
}

TEST_F(ConnectionWaitTest, StopsCountingWhenTheBodyIsNotWantedAnyMore) {
  side_.limits.min_rate.reset();
  side_.limits.body_timeout = 30s;
  side_.script.status = 0;
  side_.script.reads = true;
  ScriptedConnection& client = side_.connect();
  client.send(std::string(kUpload) + "some");
  ASSERT_TRUE(side_.until([this] { return side_.script.request_body == "some"; }));
  side_.script.exchange->read_request(false);
  side_.pass(1h);
  EXPECT_EQ(client.received, "");
  side_.script.exchange->read_request(true);
  side_.settle();
  side_.pass(29s);
  EXPECT_EQ(client.received, "");
  side_.pass(2s);
  EXPECT_TRUE(side_.until([&] { return client.received.starts_with("HTTP/1.1 408 "); }));
}

TEST_F(ConnectionWaitTest, EndsABodyThatComesTooSlowly) {
  side_.limits.min_rate = 500;
  side_.script.status = 0;
  side_.script.reads = true;
  struct Row {
    int bytes_a_second;
    bool survives;
  };
  for (const Row& row : {Row{450, false}, Row{550, true}}) {
    ScriptedConnection& client = side_.connect();
    client.send(kUpload);
    side_.settle();
    for (int second = 0; second < 20; ++second) {
      client.send(std::string(static_cast<std::size_t>(row.bytes_a_second), 'x'));
      side_.settle();
      side_.pass(1s);
      // Ten seconds of grace.
      EXPECT_TRUE(second >= 8 || client.received.empty());
    }
    EXPECT_EQ(client.received.empty(), row.survives) << client.received;
    EXPECT_TRUE(row.survives || client.received.starts_with("HTTP/1.1 408 "));
  }
  EXPECT_EQ(side_.log(), "408 rate_too_low");
}

TEST_F(ConnectionWaitTest, EndsAnAnswerThatTheClientDoesNotRead) {
  side_.limits.body_timeout = 30s;
  side_.limits.min_rate.reset();
  side_.script.body = std::string(20'000'000, 'x');
  ScriptedConnection& client = side_.connect();
  client.set_reading(false);
  client.send(kGetX);
  side_.settle();
  side_.pass(29990ms);
  EXPECT_EQ(side_.open_connections(), 1);
  side_.pass(20ms);
  EXPECT_EQ(side_.open_connections(), 0);
  client.set_reading(true);
  ASSERT_TRUE(side_.until_closed());
  EXPECT_TRUE(client.is_reset) << "a cut answer must not look whole";
  EXPECT_EQ(side_.log(), "200 client_read_timeout");
}

TEST_F(ConnectionWaitTest, EndsAnAnswerThatIsNotReadHoweverMuchTheClientSends) {
  side_.limits.body_timeout = 30s;
  side_.limits.min_rate.reset();
  side_.script.body = std::string(20'000'000, 'x');
  ScriptedConnection& client = side_.connect();
  client.set_reading(false);
  client.send(kGetX);
  side_.settle();
  for (int second = 0; second < 31; ++second) {
    client.send("G");
    side_.settle();
    side_.pass(1s);
  }
  EXPECT_EQ(side_.open_connections(), 0);
  EXPECT_EQ(side_.log(), "200 client_read_timeout");
}

// docs/adr/0004: its answer waits for it, as for everybody who reads slowly.
TEST_F(ConnectionWaitTest, JudgesAReaderThatEndedItsDirectionLikeAnyOther) {
  side_.limits.body_timeout = 30s;
  side_.limits.min_rate.reset();
  side_.script.body = std::string(20'000'000, 'x');
  ScriptedConnection& client = side_.connect();
  client.set_reading(false);
  client.send(kGetX);
  client.finish();
  side_.settle();
  side_.pass(29990ms);
  EXPECT_EQ(side_.open_connections(), 1);
  side_.pass(20ms);
  EXPECT_EQ(side_.open_connections(), 0);
  EXPECT_EQ(side_.log(), "200 client_read_timeout");
}

TEST_F(ConnectionWaitTest, EndsAnAnswerThatTheClientReadsTooSlowly) {
  side_.limits.min_rate = 500;
  side_.limits.body_timeout = 30s;
  side_.script.body = std::string(20'000'000, 'x');
  ScriptedConnection& client = side_.connect();
  client.set_reading(false);
  client.send(kGetX);
  side_.settle();
  // Long before the rate ends it, the first bytes have gone into the sockets: they count.
  for (int i = 0; i < 10'000 && side_.open_connections() > 0; ++i) side_.pass(1s);
  EXPECT_EQ(side_.open_connections(), 0);
}

// ---- the client goes ------------------------------------------------------------------------------------------------

TEST_F(ConnectionWaitTest, NoticesAtOnceThatTheClientReset) {
  side_.script.status = 0;
  ScriptedConnection& client = side_.connect();
  client.send(kGetX);
  side_.settle();
  ASSERT_EQ(side_.script.begun, 1);
  client.reset();
  ASSERT_TRUE(side_.until([this] { return side_.open_connections() == 0; }));
  EXPECT_TRUE(side_.script.is_over);
  EXPECT_EQ(side_.log(), "499 client_closed");
}

// docs/adr/0004: it waits for its answer or it is gone, and nobody can tell which.
TEST_F(ConnectionWaitTest, GivesAClientThatEndedItsDirectionAMomentOfGrace) {
  side_.script.status = 0;
  ScriptedConnection& client = side_.connect();
  client.send(kGetX);
  client.finish();
  side_.settle();
  side_.pass(Connection::kHalfClosedGrace - 10ms);
  EXPECT_FALSE(side_.script.is_over);
  side_.pass(20ms);
  EXPECT_TRUE(side_.script.is_over);
  EXPECT_EQ(side_.log(), "499 client_closed");
  EXPECT_EQ(side_.open_connections(), 0);
}

// The kernel of a client that has closed its socket refuses the answer, and only then it is known to be gone.
TEST_F(ConnectionWaitTest, TellsAClientThatHasGoneFromOneThatHasEndedItsDirection) {
  for (const bool is_gone : {true, false}) {
    side_.script.status = 0;
    ScriptedConnection& client = side_.connect();
    client.send(kGetX);
    is_gone ? client.close() : client.finish();
    side_.settle();
    exchange::Exchange& exchange = *side_.script.exchange;
    exchange.respond({.status = 200, .content_type = {}, .body = "ok", .fields = {}});
    ASSERT_TRUE(side_.until([this] { return side_.open_connections() == 0; }));
    EXPECT_TRUE(side_.log().ends_with(is_gone ? "499 client_closed" : "200 -")) << side_.log();
    if (!is_gone) {
      EXPECT_TRUE(side_.until([&] { return client.received.ends_with("\r\n\r\nok"); })) << client.received;
    }
  }
}

TEST_F(ConnectionWaitTest, CountsTheGraceAnewWhileTheAnswerMoves) {
  side_.script.status = 0;
  ScriptedConnection& client = side_.connect();
  client.send(kGetX);
  client.finish();
  side_.settle();
  exchange::Exchange& exchange = *side_.script.exchange;
  http::ResponseHead& head = exchange.new_head(200);
  head.body.kind = http::BodyKind::kStream;
  exchange.send_head(head, false);
  side_.settle();
  for (int i = 0; i < 5; ++i) {
    side_.pass(1900ms);
    ASSERT_FALSE(side_.script.is_over);
    base::Buffer piece(side_.scene.loop.chunks());
    piece.append("piece");
    exchange.send_body(piece, i == 4);
    side_.settle();
  }
  ASSERT_TRUE(side_.until_closed());
  EXPECT_TRUE(client.received.ends_with("\r\n0\r\n\r\n")) << client.received;
  EXPECT_EQ(side_.log(), "200 -");
}

TEST_F(ConnectionWaitTest, TakesHalfARequestForNone) {
  for (const std::string_view half :
       {"GET / HT", "POST / HTTP/1.1\r\nHost: host.test\r\nContent-Length: 5\r\n\r\nab"}) {
    side_.script.status = 0;
    side_.script.reads = true;
    ScriptedConnection& client = side_.connect();
    client.send(half);
    client.finish();
    ASSERT_TRUE(side_.until_closed());
    EXPECT_EQ(client.received, "");
  }
  EXPECT_EQ(side_.log(), "499 client_closed|499 client_closed");
}

}  // namespace
}  // namespace viaduct::daemon
