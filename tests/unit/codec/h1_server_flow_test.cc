// SPDX-License-Identifier: Apache-2.0
// When H1Server reads, waits and ends: expectations, backpressure, half-close, timeouts, draining, and
// handlers that act inside an event.
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

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kPost5 = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
constexpr std::string_view kChunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kExpect = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n";
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kOkClose = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

void respond(H1ServerWire& wire, int status = 200) {
  RecordingStreamHandler& handler = wire.last();
  support::respond(*handler.stream, handler.arena(), status, "ok", wire.chunks);
  wire.turn();
}

TEST(H1ServerFlow, AsksForAnExpectedBodyWhenTheHandlerWantsIt) {
  for (const std::size_t size : kFragmentSizes) {
    H1ServerWire wire;
    wire.reads = false;
    wire.feed(kExpect, size);
    EXPECT_TRUE(wire.last().has("head POST / HTTP/1.1 host=a body=5 expects"));
    EXPECT_EQ(wire.sent, "");
    wire.server.set_reading(true);
    wire.server.set_reading(true);
    wire.turn();
    EXPECT_EQ(wire.sent, kContinue);
    wire.feed("hello", size);
    EXPECT_EQ(wire.sent, std::string(kContinue) + std::string(kOk));
    EXPECT_EQ(wire.server.phase(), CodecPhase::kIdle);
  }
}

TEST(H1ServerFlow, DoesNotAskWhereTheBodyIsOnItsWay) {
  H1ServerWire wire;
  wire.feed(std::string(kExpect) + "hel");
  EXPECT_EQ(wire.sent, "");
  wire.feed("lo");
  EXPECT_EQ(wire.sent, kOk);
}

TEST(H1ServerFlow, DoesNotAskOldClientsOrWithoutABody) {
  H1ServerWire old;
  old.feed("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(old.sent, "");
  EXPECT_FALSE(old.last().head->expects_continue);
  H1ServerWire strange;
  strange.feed("POST / HTTP/1.0\r\nExpect: magic\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_EQ(strange.sent, kOkClose);
  H1ServerWire empty;
  empty.feed("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(empty.sent, kOk);
}

TEST(H1ServerFlow, EndsWhereAnExpectationWasNotMet) {
  H1ServerWire wire;
  wire.reads = wire.answers = false;
  wire.feed(kExpect);
  respond(wire, 403);
  EXPECT_TRUE(wire.sent.starts_with("HTTP/1.1 403 Forbidden\r\n"));
  EXPECT_NE(wire.sent.find("Connection: close"), std::string::npos);
  EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
  EXPECT_TRUE(wire.last().has("stream end"));
}

TEST(H1ServerFlow, DeliversNothingWhileTheHandlerDoesNotRead) {
  H1ServerWire wire;
  wire.reads = false;
  wire.feed(std::string(kPost5) + "hello");
  EXPECT_FALSE(wire.last().has("body"));
  EXPECT_FALSE(wire.server.wants_input());
  EXPECT_EQ(wire.server.phase(), CodecPhase::kResponse);
  EXPECT_EQ(wire.input.to_string(), "hello");
  wire.server.set_reading(true);
  EXPECT_FALSE(wire.last().has("body"));  // not from inside the command
  wire.turn();
  EXPECT_TRUE(wire.last().has("body hello"));
  EXPECT_EQ(wire.sent, kOk);
}

TEST(H1ServerFlow, StopsDeliveringWhenToldInsideABodyEvent) {
  H1ServerWire wire;
  wire.on_event = [&](RecordingStreamHandler&, std::string_view event) {
    if (event == "body") wire.server.set_reading(false);
  };
  wire.feed(kChunked);
  EXPECT_EQ(wire.server.phase(), CodecPhase::kBody);
  wire.feed("3\r\nabc\r\n");
  wire.feed("3\r\ndef\r\n");
  EXPECT_EQ(wire.last().lines().back(), "body abc");
  wire.server.set_reading(true);
  wire.turn();
  EXPECT_EQ(wire.last().lines().back(), "body abcdef");
}

TEST(H1ServerFlow, AnswersAWholeRequestBehindAHalfClose) {
  for (const bool clean : {true, false}) {
    H1ServerWire wire;
    wire.answers = false;
    wire.feed(std::string(kGet) + std::string(kGet));
    wire.end(clean);
    EXPECT_EQ(wire.server.ending(), CodecEnding::kOpen);
    respond(wire);
    ASSERT_EQ(wire.streams.size(), 2u);
    respond(wire);
    EXPECT_EQ(wire.sent, std::string(kOk) + std::string(kOk));
    EXPECT_EQ(wire.server.ending(), CodecEnding::kClose);
  }
}

TEST(H1ServerFlow, EndsQuietlyBetweenRequests) {
  H1ServerWire fresh;
  fresh.end();
  EXPECT_EQ(fresh.server.ending(), CodecEnding::kClose);
  EXPECT_TRUE(fresh.streams.empty());
  H1ServerWire used;
  used.feed(std::string(kGet) + "\r\n");
  used.end(false);
  EXPECT_EQ(used.server.ending(), CodecEnding::kClose);
  EXPECT_EQ(used.streams.size(), 1u);
}

TEST(H1ServerFlow, TellsThatTheClientWentAwayInsideARequest) {
  for (const std::string_view bytes : {std::string_view("G"), kGet.substr(0, kGet.size() - 1)}) {
    H1ServerWire wire;
    wire.feed(bytes);
    wire.end();
    EXPECT_EQ(wire.events(), "refused client_closed | reset client_closed");
    EXPECT_EQ(wire.last().head->method_text, bytes.size() == 1 ? "" : "GET") << "what came of it is for the log";
    EXPECT_EQ(wire.server.ending(), CodecEnding::kClose);
    EXPECT_EQ(wire.sent, "");
  }
  H1ServerWire body;
  body.feed(std::string(kPost5) + "hell");
  body.end();
  EXPECT_EQ(body.last().lines().back(), "reset client_closed");
  H1ServerWire chunks;
  chunks.feed(std::string(kChunked) + "5\r\nhello\r\n0\r\n");
  chunks.end();
  EXPECT_EQ(chunks.last().lines().back(), "reset client_closed");
}

TEST(H1ServerFlow, WaitsForTheHandlerBeforeItMissesTheRestOfABody) {
  H1ServerWire wire;
  wire.reads = wire.answers = false;
  wire.feed(std::string(kPost5) + "hell");
  wire.end();
  EXPECT_FALSE(wire.last().has("reset"));
  wire.server.set_reading(true);
  wire.turn();
  EXPECT_TRUE(wire.last().text().ends_with("body hell | reset client_closed")) << wire.last().text();
  H1ServerWire whole;
  whole.reads = false;
  whole.feed(std::string(kPost5) + "hello");
  whole.end();
  whole.server.set_reading(true);
  whole.turn();
  EXPECT_EQ(whole.sent, kOk);
  EXPECT_EQ(whole.server.ending(), CodecEnding::kClose);
}

TEST(H1ServerFlow, AnswersTimeoutsWhereItStillCan) {
  H1ServerWire head;
  head.feed("GET / HTTP/1.1\r\nHo");
  head.server.abort(Reason::kHeaderTimeout);
  head.turn();
  EXPECT_EQ(head.events(), "refused header_timeout | stream end");
  EXPECT_TRUE(head.sent.starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_EQ(head.server.ending(), CodecEnding::kLinger);

  H1ServerWire body;
  body.feed(std::string(kPost5) + "hell");
  body.server.abort(Reason::kBodyTimeout);
  body.turn();
  EXPECT_TRUE(body.events().ends_with("body hell | refused body_timeout | stream end")) << body.events();
  EXPECT_TRUE(body.sent.starts_with("HTTP/1.1 408"));
  body.server.set_reading(true);
  body.turn();

  H1ServerWire rate;
  rate.feed(kPost5);
  rate.server.abort(Reason::kRateTooLow);
  rate.turn();
  EXPECT_TRUE(rate.sent.starts_with("HTTP/1.1 408"));

  H1ServerWire idle;
  idle.server.abort(Reason::kHeaderTimeout);
  EXPECT_EQ(idle.server.ending(), CodecEnding::kClose);
}

TEST(H1ServerFlow, CutsWhatTimesOutInsideAResponse) {
  H1ServerWire wire;
  wire.answers = false;
  wire.feed(std::string(kPost5) + "hell");
  http::ResponseHead head(wire.last().arena());
  head.status = 200;
  head.body = {.kind = http::BodyKind::kStream};
  wire.server.send_head(head, false);
  wire.turn();
  wire.server.abort(Reason::kBodyTimeout);
  EXPECT_EQ(wire.last().lines().back(), "reset body_timeout");
  EXPECT_EQ(wire.server.ending(), CodecEnding::kAbort);
}

TEST(H1ServerFlow, TellsEveryStreamThatTheTransportBroke) {
  const auto expect_reset = [](H1ServerWire& wire, Reason reason, CodecEnding ending) {
    wire.server.abort(reason);
    wire.turn();
    EXPECT_EQ(wire.last().lines().back(), "reset " + std::string(http::reason_name(reason)));
    EXPECT_EQ(wire.server.ending(), ending);
    wire.server.abort(reason);  // twice is once
    EXPECT_EQ(wire.last().text().find("reset"), wire.last().text().rfind("reset"));
  };
  H1ServerWire head;
  head.feed("GET");
  expect_reset(head, Reason::kClientClosed, CodecEnding::kClose);
  H1ServerWire exchange;
  exchange.answers = false;
  exchange.feed(kGet);
  expect_reset(exchange, Reason::kClientClosed, CodecEnding::kClose);
  H1ServerWire ended;
  ended.answers = false;
  ended.feed(kGet);
  expect_reset(ended, Reason::kServerDraining, CodecEnding::kClose);
  H1ServerWire flushing;
  flushing.takes_output = false;
  flushing.feed(kGet);
  expect_reset(flushing, Reason::kClientReadTimeout, CodecEnding::kAbort);
  EXPECT_TRUE(flushing.server.output().empty());
  H1ServerWire refused;
  refused.answers = false;
  refused.feed(" ");
  expect_reset(refused, Reason::kClientClosed, CodecEnding::kClose);
}

TEST(H1ServerFlow, DrainsIdleConnectionsAtOnceAndBusyOnesAfterTheirResponse) {
  H1ServerWire idle;
  idle.feed(kGet);
  idle.server.begin_drain();
  EXPECT_EQ(idle.server.ending(), CodecEnding::kClose);

  H1ServerWire busy;
  busy.answers = false;
  busy.feed(kGet);
  busy.server.begin_drain();
  EXPECT_EQ(busy.server.ending(), CodecEnding::kOpen);
  respond(busy);
  EXPECT_EQ(busy.sent, kOkClose);
  EXPECT_EQ(busy.server.ending(), CodecEnding::kLinger);

  H1ServerWire late;
  late.takes_output = false;
  late.feed(kGet);
  late.server.begin_drain();
  late.takes_output = true;
  late.flush();
  late.turn();
  EXPECT_EQ(late.sent, kOk);  // the head had been written
  EXPECT_EQ(late.server.ending(), CodecEnding::kClose);

  H1ServerWire head;
  head.feed("GET / HT");
  head.server.begin_drain();
  head.feed("TP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(head.sent, kOkClose);

  H1ServerWire discarding;
  discarding.reads = discarding.answers = false;
  discarding.feed(kPost5);
  respond(discarding);
  discarding.server.begin_drain();
  EXPECT_EQ(discarding.server.ending(), CodecEnding::kOpen);
  discarding.feed("hello");
  EXPECT_EQ(discarding.server.ending(), CodecEnding::kClose);
}

// A client may be sending its next request at the moment at which we want to end.
TEST(H1ServerFlow, DrainsPatientlyBehindOneMoreRequest) {
  H1ServerWire idle;
  idle.feed(kGet);
  idle.sent.clear();
  idle.server.begin_patient_drain();
  EXPECT_EQ(idle.server.ending(), CodecEnding::kOpen);
  idle.feed(kGet);
  EXPECT_EQ(idle.sent, kOkClose);
  EXPECT_NE(idle.server.ending(), CodecEnding::kOpen);

  H1ServerWire silent;
  silent.server.begin_patient_drain();
  EXPECT_EQ(silent.server.ending(), CodecEnding::kOpen);
  silent.server.begin_drain();
  EXPECT_EQ(silent.server.ending(), CodecEnding::kClose);

  // The head had been written: the client may come once more.
  H1ServerWire late;
  late.takes_output = false;
  late.feed(kGet);
  late.server.begin_patient_drain();
  late.takes_output = true;
  late.flush();
  late.turn();
  EXPECT_EQ(late.server.ending(), CodecEnding::kOpen);
  late.feed(kGet);
  EXPECT_EQ(late.sent, std::string(kOk) + std::string(kOkClose));
}

// Two requests are here, and the first was answered without a word of closing: the second is not lost.
TEST(H1ServerFlow, AnswersAWaitingRequestBeforeItIsDrained) {
  H1ServerWire wire;
  wire.takes_output = false;
  wire.feed(std::string(kGet) + std::string(kGet));
  wire.server.begin_drain();
  wire.takes_output = true;
  wire.flush();
  wire.server.begin_drain();
  wire.turn();
  EXPECT_EQ(wire.sent, std::string(kOk) + std::string(kOkClose));
  EXPECT_NE(wire.server.ending(), CodecEnding::kOpen);
}

// Whatever a handler does inside an event, the codec goes on by its state.
TEST(H1ServerFlow, StandsAResetInsideEveryEvent) {
  const std::string bytes = std::string(kChunked) + "5\r\nhello\r\n0\r\nX: y\r\n\r\n" + std::string(kGet);
  for (const std::string_view when : {"head", "body", "trailers", "stream end"}) {
    for (const std::size_t size : kFragmentSizes) {
      H1ServerWire wire;
      bool was_reset = false;
      wire.answers = when == "stream end";
      wire.on_event = [&](RecordingStreamHandler& handler, std::string_view event) {
        if (event != when || was_reset) return;
        was_reset = true;
        if (event != "stream end") handler.stream->reset();
      };
      wire.feed(bytes, size);
      EXPECT_TRUE(was_reset) << when;
      const bool goes_on = when == "stream end";
      EXPECT_EQ(wire.streams.size(), goes_on ? 2u : 1u);
      EXPECT_EQ(wire.server.phase(), goes_on ? CodecPhase::kIdle : CodecPhase::kClosing);
      EXPECT_FALSE(wire.streams[0]->has("reset"));
    }
  }
}

TEST(H1ServerFlow, AnswersFromInsideTheHeadEventBeforeTheBody) {
  for (const std::size_t size : kFragmentSizes) {
    H1ServerWire wire;
    wire.answers = wire.reads = false;
    wire.on_event = [&](RecordingStreamHandler& handler, std::string_view event) {
      if (event == "head") support::respond(*handler.stream, handler.arena(), 200, "ok", wire.chunks);
    };
    wire.feed(std::string(kPost5) + "hello" + std::string(kGet), size);
    EXPECT_EQ(wire.sent, std::string(kOk) + std::string(kOk));
    ASSERT_EQ(wire.streams.size(), 2u);
    EXPECT_FALSE(wire.streams[0]->has("body"));
  }
}

TEST(H1ServerFlow, RefusesABodyAfterGoodPieces) {
  for (const std::size_t size : kFragmentSizes) {
    H1ServerWire wire;
    wire.feed(std::string(kChunked) + "5\r\nhello\r\nzzz\r\n", size);
    EXPECT_TRUE(wire.events().ends_with("body hello | refused invalid_chunk | stream end")) << wire.events();
  }
}

}  // namespace
}  // namespace viaduct::codec
