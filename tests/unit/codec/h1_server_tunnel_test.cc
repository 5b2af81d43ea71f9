// SPDX-License-Identifier: Apache-2.0
// H1Server as one end of a tunnel: how it begins, passes bytes both ways, ends by halves and is cut. Rows run whole and
// one byte at a time.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "codec/h1_server.h"
#include "support/h1_wire.h"

namespace viaduct::codec {
namespace {

using http::Reason;
using support::H1ServerWire;
using support::kFragmentSizes;
using support::RecordingStreamHandler;

constexpr std::string_view kAsk =
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
constexpr std::string_view kAgreed =
    "HTTP/1.1 101 Switching Protocols\r\nX-Extra: 1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

// A client that has asked, and a handler that agrees when it is told to.
struct Tunnel {
  void ask(std::string_view bytes = kAsk, std::size_t size = std::string_view::npos) {
    wire.answers = false;
    wire.feed(bytes, size);
  }
  void agree(bool reads = true) {
    RecordingStreamHandler& handler = wire.last();
    http::ResponseHead head(handler.arena());
    head.status = 101;
    head.fields.add("X-Extra", "1");
    head.fields.add("Upgrade", "h2c");  // what an upstream's head says of its own connection
    wire.server.send_head(head, false);
    if (reads) wire.server.set_reading(true);
    wire.turn();
  }
  void open() {
    ask();
    agree();
    wire.sent.clear();
    wire.last().clear();
  }
  void say(std::string_view bytes, bool end = false) {
    base::Buffer body(wire.chunks);
    body.append(bytes);
    wire.server.send_body(body, end);
    EXPECT_TRUE(body.empty());
    wire.turn();
  }
  std::string events() { return wire.last().text(); }

  H1ServerWire wire;
};

TEST(H1ServerTunnel, TellsTheHandlerWhatIsAskedFor) {
  for (const std::size_t size : kFragmentSizes) {
    H1ServerWire wire;
    wire.answers = false;
    wire.feed(kAsk, size);
    EXPECT_TRUE(wire.last().has("head GET /ws HTTP/1.1 host=a body=none protocol=websocket"));
    EXPECT_EQ(wire.last().lines().back(), "end");
  }
}

TEST(H1ServerTunnel, AnswersOtherwiseWhereTheHandlerDoes) {
  Tunnel tunnel;
  tunnel.wire.feed(std::string(kAsk) + "GET /b HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(tunnel.wire.sent,
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

TEST(H1ServerTunnel, PassesBytesBothWays) {
  for (const std::size_t size : kFragmentSizes) {
    Tunnel tunnel;
    tunnel.ask(kAsk, size);
    tunnel.agree();
    EXPECT_EQ(tunnel.wire.sent, kAgreed);
    EXPECT_EQ(tunnel.wire.server.phase(), CodecPhase::kTunnel);
    tunnel.wire.last().clear();
    tunnel.wire.feed("GET / HTTP/1.1\r\n\r\n", size);  // means nothing any more
    EXPECT_EQ(tunnel.events(), "body GET / HTTP/1.1\r\n\r\n");
    tunnel.wire.sent.clear();
    tunnel.say("HTTP/1.1 ");
    tunnel.say(std::string_view("\0\xff", 2));
    EXPECT_EQ(tunnel.wire.sent, std::string("HTTP/1.1 \0\xff", 11));
  }
}

TEST(H1ServerTunnel, KeepsBytesThatCameAheadOfTheAnswer) {
  Tunnel tunnel;
  tunnel.ask(std::string(kAsk) + "early");
  EXPECT_EQ(tunnel.wire.input.to_string(), "early");
  tunnel.wire.last().clear();
  tunnel.agree(false);
  EXPECT_EQ(tunnel.events(), "");  // reading begins off
  tunnel.wire.server.set_reading(true);
  tunnel.wire.turn();
  EXPECT_EQ(tunnel.events(), "body early");
}

TEST(H1ServerTunnel, DeliversNothingWhileTheHandlerDoesNotRead) {
  Tunnel tunnel;
  tunnel.open();
  tunnel.wire.server.set_reading(false);
  EXPECT_FALSE(tunnel.wire.server.wants_input());
  tunnel.wire.feed("abc");
  tunnel.wire.end();
  EXPECT_EQ(tunnel.events(), "");
  EXPECT_EQ(tunnel.wire.input.to_string(), "abc");
  tunnel.wire.server.set_reading(true);
  tunnel.wire.turn();
  EXPECT_EQ(tunnel.events(), "body abc | end");
}

TEST(H1ServerTunnel, TellsWhenThereIsRoomAgain) {
  Tunnel tunnel;
  tunnel.open();
  tunnel.wire.takes_output = false;
  tunnel.say(std::string(H1Server::kOutputBytesMax, 'x'));
  EXPECT_EQ(tunnel.wire.server.writable_bytes(), 0U);
  tunnel.wire.takes_output = true;
  tunnel.wire.flush();
  EXPECT_EQ(tunnel.events(), "writable");
  EXPECT_EQ(tunnel.wire.server.writable_bytes(), H1Server::kOutputBytesMax);
}

TEST(H1ServerTunnel, EndsWhenTheClientEndsFirst) {
  Tunnel tunnel;
  tunnel.open();
  tunnel.wire.feed("last");
  tunnel.wire.end();
  EXPECT_EQ(tunnel.events(), "body last | end");
  EXPECT_EQ(tunnel.wire.server.ending(), CodecEnding::kOpen);
  tunnel.say("more");
  tunnel.say("end", true);
  EXPECT_EQ(tunnel.wire.sent, "moreend");
  EXPECT_EQ(tunnel.wire.server.ending(), CodecEnding::kClose);
  EXPECT_EQ(tunnel.events(), "body last | end | stream end");
}

TEST(H1ServerTunnel, EndsWhenTheHandlerEndsFirst) {
  Tunnel tunnel;
  tunnel.open();
  tunnel.wire.takes_output = false;
  tunnel.say("last", true);
  EXPECT_EQ(tunnel.wire.server.ending(), CodecEnding::kOpen);  // not before the bytes have left
  tunnel.wire.takes_output = true;
  tunnel.wire.flush();
  EXPECT_EQ(tunnel.wire.server.ending(), CodecEnding::kHalfClose);
  EXPECT_EQ(tunnel.wire.server.phase(), CodecPhase::kTunnel);
  tunnel.wire.feed("more");
  tunnel.wire.end();
  EXPECT_EQ(tunnel.events(), "body more | end | stream end");
  EXPECT_EQ(tunnel.wire.server.ending(), CodecEnding::kClose);
}

TEST(H1ServerTunnel, WaitsForItsOwnBytesWhenBothHaveEnded) {
  Tunnel tunnel;
  tunnel.open();
  tunnel.wire.takes_output = false;
  tunnel.say("last", true);
  tunnel.wire.end();
  EXPECT_EQ(tunnel.events(), "end");
  tunnel.wire.takes_output = true;
  tunnel.wire.flush();
  EXPECT_EQ(tunnel.events(), "end | stream end");
  EXPECT_EQ(tunnel.wire.server.ending(), CodecEnding::kClose);
}

TEST(H1ServerTunnel, TakesAnEndThatCameAheadOfTheAnswer) {
  Tunnel tunnel;
  tunnel.ask();
  tunnel.wire.end();
  tunnel.wire.last().clear();
  tunnel.agree();
  EXPECT_EQ(tunnel.events(), "end");
  tunnel.say("", true);
  EXPECT_EQ(tunnel.events(), "end | stream end");
}

TEST(H1ServerTunnel, ResetsTheHandlerWhenTheTransportBreaks) {
  Tunnel tunnel;
  tunnel.open();
  tunnel.say("unsent");
  tunnel.wire.server.abort(Reason::kClientClosed);
  EXPECT_EQ(tunnel.events(), "reset client_closed");
  EXPECT_EQ(tunnel.wire.server.ending(), CodecEnding::kAbort);
  EXPECT_TRUE(tunnel.wire.server.output().empty());
}

TEST(H1ServerTunnel, IsCutBehindTheBytesOfItsHandler) {
  Tunnel tunnel;
  tunnel.open();
  tunnel.wire.takes_output = false;
  tunnel.say("last words");
  tunnel.wire.server.reset();
  tunnel.wire.turn();
  EXPECT_EQ(tunnel.wire.server.ending(), CodecEnding::kOpen);
  EXPECT_EQ(tunnel.wire.server.phase(), CodecPhase::kClosing);
  EXPECT_FALSE(tunnel.wire.server.wants_input());
  tunnel.wire.takes_output = true;
  tunnel.wire.flush();
  EXPECT_EQ(tunnel.wire.sent, "last words");
  EXPECT_EQ(tunnel.wire.server.ending(), CodecEnding::kAbort);
  EXPECT_EQ(tunnel.events(), "");
}

TEST(H1ServerTunnel, IsCutAtOnceWhereNothingWaits) {
  Tunnel tunnel;
  tunnel.open();
  tunnel.wire.server.reset();
  EXPECT_EQ(tunnel.wire.server.ending(), CodecEnding::kAbort);
}

TEST(H1ServerTunnel, DoesNotWaitForeverForAClientThatIsToBeCut) {
  Tunnel tunnel;
  tunnel.open();
  tunnel.wire.takes_output = false;
  tunnel.say("last words");
  tunnel.wire.server.reset();
  tunnel.wire.server.abort(Reason::kClientReadTimeout);
  EXPECT_EQ(tunnel.wire.server.ending(), CodecEnding::kAbort);
  EXPECT_TRUE(tunnel.wire.server.output().empty());
}

TEST(H1ServerTunnel, OutlivesTheBeginOfADrain) {
  Tunnel tunnel;
  tunnel.open();
  tunnel.wire.server.begin_drain();
  tunnel.wire.turn();
  tunnel.wire.feed("abc");
  EXPECT_EQ(tunnel.events(), "body abc");
  EXPECT_EQ(tunnel.wire.server.ending(), CodecEnding::kOpen);
}

TEST(H1ServerTunnel, IsABugWhereItWasNotAskedFor) {
  Tunnel tunnel;
  const auto agree_unasked = [] {
    H1ServerWire wire;
    wire.answers = false;
    wire.feed("GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n");
    http::ResponseHead head(wire.last().arena());
    head.status = 101;
    wire.server.send_head(head, false);
  };
  EXPECT_DEATH(agree_unasked(), "protocol");
  // What nobody wants to be a tunnel is none, although it was asked for.
  tunnel.ask();
  tunnel.wire.last().head->protocol = {};
  EXPECT_DEATH(tunnel.agree(), "protocol");
}

}  // namespace
}  // namespace viaduct::codec
