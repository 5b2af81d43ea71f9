// SPDX-License-Identifier: Apache-2.0
// What H1Server does with a request's body that has not wholly come when the answer is made: no request behind it is
// lost without word (RFC 9112 §9.6).
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "codec/h1_server.h"
#include "support/h1_wire.h"

namespace viaduct::codec {
namespace {

using support::H1ServerWire;
using support::kFragmentSizes;
using support::RecordingStreamHandler;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kPost5 = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
constexpr std::string_view kChunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kOkClose = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

void respond(H1ServerWire& wire, int status = 200) {
  RecordingStreamHandler& handler = wire.last();
  support::respond(*handler.stream, handler.arena(), status, "ok", wire.chunks);
  wire.turn();
}

TEST(H1ServerRest, DiscardsAShortRestOfABodyToKeepTheConnection) {
  for (const std::size_t size : kFragmentSizes) {
    H1ServerWire wire;
    wire.reads = wire.answers = false;
    wire.feed(kPost5, size);
    respond(wire);
    EXPECT_EQ(wire.sent, kOk);
    EXPECT_TRUE(wire.last().has("stream end"));
    EXPECT_EQ(wire.server.phase(), CodecPhase::kBody);
    wire.streams.clear();
    wire.answers = true;
    wire.feed("hello" + std::string(kGet), size);
    ASSERT_EQ(wire.streams.size(), 1u);
    EXPECT_EQ(wire.sent, std::string(kOk) + std::string(kOk));
  }
}

// How long it will be nobody knows: what has not come when the answer is made may be too long.
TEST(H1ServerRest, EndsBehindAChunkedBodyThatNobodyHasRead) {
  H1ServerWire wire;
  wire.reads = wire.answers = false;
  wire.feed(std::string(kChunked) + "2\r\nok\r\n");
  respond(wire);
  EXPECT_EQ(wire.sent, kOkClose);
  EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
}

TEST(H1ServerRest, DropsWhatHasComeBeforeItDecides) {
  struct Row {
    std::string_view body;
    bool is_kept;
  };
  for (const Row& row : {Row{"2\r\nok\r\n0\r\n\r\n", true}, Row{"2\r\nok\r\n0\r\nA: b\r\n\r\n", true},
                         Row{"2\r\nok\r\n0\r\n", false}, Row{"x\r\n", false}}) {
    SCOPED_TRACE(row.body);
    H1ServerWire wire;
    wire.reads = wire.answers = false;
    wire.on_event = [&](RecordingStreamHandler& handler, std::string_view event) {
      if (event == "head") support::respond(*handler.stream, handler.arena(), 200, "ok", wire.chunks);
    };
    wire.feed(std::string(kChunked) + std::string(row.body) + (row.is_kept ? std::string(kGet) : ""));
    EXPECT_EQ(wire.sent, row.is_kept ? std::string(kOk) + std::string(kOk) : std::string(kOkClose));
    EXPECT_EQ(wire.server.ending(), row.is_kept ? CodecEnding::kOpen : CodecEnding::kLinger);
  }
}

// A server that echoes answers while it reads; what it leaves is dropped to its end, so that no request is lost.
TEST(H1ServerRest, ReadsALongRestBehindASuccessToItsEnd) {
  const std::string piece(0x8000, 'x');
  for (const bool is_chunked : {true, false}) {
    for (const bool pauses : {true, false}) {  // the handler has no room when the answer begins
      H1ServerWire wire;
      wire.answers = false;
      wire.feed(is_chunked
                    ? std::string(kChunked)
                    : "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(8 * piece.size()) + "\r\n\r\n");
      if (pauses) wire.server.set_reading(false);
      respond(wire);
      EXPECT_EQ(wire.sent, kOk);
      for (int i = 0; i < 8; ++i) wire.feed(is_chunked ? "8000\r\n" + piece + "\r\n" : piece);
      EXPECT_EQ(wire.server.ending(), CodecEnding::kOpen);
      wire.answers = true;
      wire.feed((is_chunked ? "0\r\n\r\n" : "") + std::string(kGet));
      EXPECT_EQ(wire.sent, std::string(kOk) + std::string(kOk));
    }
  }
}

TEST(H1ServerRest, GoesOnWithAnEchoAndKeepsTheConnection) {
  H1ServerWire wire;
  wire.answers = false;
  wire.feed(kChunked);
  RecordingStreamHandler& handler = wire.last();
  http::ResponseHead head(handler.arena());
  head.status = 200;
  head.body.kind = http::BodyKind::kStream;
  handler.stream->send_head(head, false);
  wire.feed("3\r\nabc\r\n");
  EXPECT_TRUE(handler.has("body abc"));
  wire.feed("0\r\n\r\n");
  base::Buffer body(wire.chunks);
  body.append("abc");
  handler.stream->send_body(body, true);
  wire.turn();
  EXPECT_EQ(wire.sent, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  EXPECT_EQ(wire.server.phase(), CodecPhase::kIdle);
}

// Who redirects or refuses has seen enough: the client need not send the rest, and is told that nothing follows.
TEST(H1ServerRest, SaysThatItEndsWhereALongBodyIsRefusedWhileItComes) {
  const std::string sized = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ";
  struct Row {
    std::string head;
    bool closes;
  };
  for (const Row& row : {Row{std::string(kChunked), true}, Row{sized + "300000\r\n\r\n", true},
                         Row{sized + std::to_string(H1Server::kDiscardBytesMax) + "\r\n\r\n", false}}) {
    for (const int status : {307, 401, 502}) {
      H1ServerWire wire;
      wire.answers = false;
      wire.feed(row.head);
      respond(wire, status);
      EXPECT_EQ(wire.sent.find("Connection: close") != std::string::npos, row.closes) << row.head << status;
      EXPECT_EQ(wire.server.ending(), row.closes ? CodecEnding::kLinger : CodecEnding::kOpen);
    }
  }
}

// The handler knows that the client has stopped in the middle.
TEST(H1ServerRest, EndsWhereTheAnswerSaysSo) {
  for (const bool is_whole : {false, true}) {
    H1ServerWire wire;
    wire.answers = false;
    wire.feed(std::string(kPost5) + (is_whole ? "hello" : "hel"));
    RecordingStreamHandler& handler = wire.last();
    http::ResponseHead head(handler.arena());
    head.status = 200;
    head.body = {.kind = http::BodyKind::kSized, .bytes = 0};
    head.fields.add(http::FieldName::kConnection, "close");
    handler.stream->send_head(head, true);
    wire.turn();
    EXPECT_EQ(wire.sent.find("Connection: close") != std::string::npos, !is_whole);
  }
}

// The exchange's arena, into which trailers are read otherwise, goes with the answer.
TEST(H1ServerRest, DiscardsTrailersWhoseExchangeIsOver) {
  const std::string trailers = "0\r\nX-Sum: " + std::string(5000, '7') + "\r\nX-T: 1\r\n\r\n";
  for (const std::size_t before : {0U, 3U, 10U, 4000U}) {  // bytes that come while the answer is on its way
    for (const std::size_t size : kFragmentSizes) {
      H1ServerWire wire;
      wire.answers = false;
      wire.takes_output = false;
      wire.feed(std::string(kChunked) + "2\r\nok\r\n");
      respond(wire);
      wire.feed(trailers.substr(0, before), size);
      wire.takes_output = true;
      wire.flush();
      wire.turn();
      ASSERT_TRUE(wire.last().has("stream end"));
      wire.streams.clear();
      wire.answers = true;
      wire.feed(trailers.substr(before) + std::string(kGet), size);
      ASSERT_EQ(wire.streams.size(), 1u) << before << " " << size;
      EXPECT_EQ(wire.sent, std::string(kOk) + std::string(kOk));
    }
  }
}

TEST(H1ServerRest, EndsAtOnceBeforeALongRestOfABody) {
  const auto ending_for = [](std::size_t bytes) {
    SCOPED_TRACE(bytes);
    H1ServerWire wire;
    wire.reads = wire.answers = false;
    wire.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n");
    respond(wire);
    const bool is_kept = wire.server.ending() == CodecEnding::kOpen;
    EXPECT_EQ(wire.sent, is_kept ? kOk : kOkClose);
    return wire.server.ending();
  };
  EXPECT_EQ(ending_for(H1Server::kDiscardBytesMax), CodecEnding::kOpen);
  EXPECT_EQ(ending_for(H1Server::kDiscardBytesMax + 1), CodecEnding::kLinger);
}

TEST(H1ServerRest, EndsWhereTheDiscardedBodyIsMalformed) {
  H1ServerWire wire;
  wire.answers = false;
  wire.feed(kChunked);
  respond(wire);
  wire.feed("x\r\n");
  EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
  EXPECT_EQ(wire.last().lines().back(), "stream end");
}

// The client sends on before it reads: it must be able to, or both wait for ever.
TEST(H1ServerRest, DiscardsWhileTheResponseIsOnItsWay) {
  H1ServerWire wire;
  wire.reads = wire.answers = false;
  wire.takes_output = false;
  wire.feed(kPost5);
  respond(wire);
  EXPECT_TRUE(wire.server.wants_input());
  wire.feed("hello" + std::string(kGet));
  EXPECT_EQ(wire.input.to_string(), kGet);
  EXPECT_FALSE(wire.last().has("stream end"));
  wire.takes_output = true;
  wire.flush();
  wire.turn();
  EXPECT_EQ(wire.streams.size(), 2u);
}

}  // namespace
}  // namespace viaduct::codec
