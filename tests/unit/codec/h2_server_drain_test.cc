// SPDX-License-Identifier: Apache-2.0
// How connections end: a goodbye, the last request, the client's end, and a transport that breaks.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "codec/h2_server.h"
#include "support/h2_wire.h"

namespace viaduct::codec {
namespace {

using http::Reason;
using support::h2_block;
using support::h2_data;
using support::h2_frame;
using support::h2_get;
using support::h2_post;
using support::H2ServerWire;
using support::kH2End;
using support::kH2EndHeaders;

void answer(H2ServerWire& wire, std::size_t index, std::string_view body = "ok") {
  support::RecordingStreamHandler& handler = *wire.streams[index];
  support::respond(*handler.stream, handler.arena(), 200, body, wire.chunks);
  wire.turn();
}
std::string answered(int id) {
  const std::string number = std::to_string(id);
  return "HEADERS " + number + " [:status: 200] [content-length: 2] | DATA " + number + " 2 end";
}

TEST(H2ServerDrain, EndsAnIdleConnectionAtOnce) {
  H2ServerWire fresh;
  fresh.server.begin_drain();
  fresh.turn();
  EXPECT_TRUE(fresh.sent().ends_with("GOAWAY 0 NO_ERROR"));
  EXPECT_EQ(fresh.server.ending(), CodecEnding::kLinger);
  EXPECT_EQ(fresh.server.phase(), CodecPhase::kClosing);
  H2ServerWire used;
  used.open().feed(h2_get(1));
  used.sent();
  used.server.begin_drain();
  used.server.begin_drain();
  used.turn();
  EXPECT_EQ(used.sent(), "GOAWAY 1 NO_ERROR");
  EXPECT_EQ(used.server.ending(), CodecEnding::kLinger);
  EXPECT_EQ(used.server.failure(), Reason::kNone);
}

// What the client has sent before it knew is answered: its acknowledgement of the ping tells that it does.
TEST(H2ServerDrain, AnswersWhatIsOnItsWay) {
  H2ServerWire wire;
  wire.answers = false;
  wire.open().feed(h2_get(1));
  wire.server.begin_drain();
  wire.turn();
  EXPECT_EQ(wire.sent(), "GOAWAY 2147483647 NO_ERROR | PING");
  EXPECT_EQ(wire.server.ending(), CodecEnding::kOpen);
  wire.feed(h2_get(3));
  EXPECT_EQ(wire.streams.size(), 2u);
  wire.feed(h2_frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, std::string(8, '\0')));
  EXPECT_EQ(wire.sent(), "GOAWAY 3 NO_ERROR");
  wire.feed(h2_get(5));
  EXPECT_EQ(wire.streams.size(), 2u) << "that one came too late, and may be sent again";
  answer(wire, 0);
  EXPECT_EQ(wire.server.ending(), CodecEnding::kOpen);
  answer(wire, 1);
  EXPECT_EQ(wire.sent(), answered(1) + " | " + answered(3));
  EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
  for (const auto& stream : wire.streams) EXPECT_EQ(stream->lines().back(), "stream end");
}

// What GOAWAY leaves out may be sent again elsewhere, so that nobody may begin with it, while it is still queued, too.
TEST(H2ServerDrain, BeginsWithNothingBehindAGoodbyeThatCannotLeaveYet) {
  H2Limits limits;
  limits.max_requests = 1;
  H2ServerWire wire(limits);
  wire.answers = false;
  wire.open();
  wire.feed(h2_get(1));
  // The client does not read: there is no room for more frames.
  wire.takes_output = false;
  wire.server.output().append(std::string(kH2OutputBytesMax, 'x'));
  wire.feed(h2_post(3) + h2_data(3, "pay", kH2End));
  EXPECT_EQ(wire.streams.size(), 1u);
  wire.server.output().clear();
  wire.take_output();
  answer(wire, 0);
  const std::string sent = wire.sent();
  EXPECT_TRUE(sent.contains("GOAWAY 1 NO_ERROR")) << sent;
  EXPECT_EQ(wire.server.failure(), Reason::kNone);
  EXPECT_EQ(wire.streams.size(), 1u);
}

// The client may be sending a request at this moment: the ping's answer tells that it is not.
TEST(H2ServerDrain, EndsAnIdleConnectionPatientlyWhenTheClientKnows) {
  H2ServerWire wire;
  wire.answers = false;
  wire.open();
  wire.sent();
  wire.server.begin_patient_drain();
  wire.server.begin_patient_drain();
  wire.turn();
  EXPECT_EQ(wire.sent(), "GOAWAY 2147483647 NO_ERROR | PING");
  EXPECT_EQ(wire.server.ending(), CodecEnding::kOpen);
  wire.feed(h2_get(1));
  answer(wire, 0);
  EXPECT_EQ(wire.sent(), answered(1));
  EXPECT_EQ(wire.server.ending(), CodecEnding::kOpen);
  wire.feed(h2_frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, std::string(8, '\0')));
  EXPECT_EQ(wire.sent(), "GOAWAY 1 NO_ERROR");
  EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
}

TEST(H2ServerDrain, EndsAtOnceBehindAPatientDrain) {
  H2ServerWire idle;
  idle.open();
  idle.server.begin_patient_drain();
  idle.turn();
  idle.server.begin_drain();
  idle.turn();
  EXPECT_TRUE(idle.sent().ends_with("GOAWAY 0 NO_ERROR"));
  EXPECT_EQ(idle.server.ending(), CodecEnding::kLinger);
  H2ServerWire busy;
  busy.answers = false;
  busy.open().feed(h2_get(1));
  busy.server.begin_patient_drain();
  busy.server.begin_drain();
  busy.turn();
  EXPECT_EQ(busy.sent(), "GOAWAY 2147483647 NO_ERROR | PING");
  answer(busy, 0);
  EXPECT_EQ(busy.sent(), answered(1) + " | GOAWAY 1 NO_ERROR");
  EXPECT_EQ(busy.server.ending(), CodecEnding::kLinger);
}

TEST(H2ServerDrain, EndsBehindTheLastAnswerWithoutAPing) {
  H2ServerWire wire;
  wire.answers = false;
  wire.open().feed(h2_get(1));
  wire.server.begin_drain();
  wire.turn();
  wire.sent();
  answer(wire, 0);
  EXPECT_EQ(wire.sent(), answered(1) + " | GOAWAY 1 NO_ERROR");
  EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
}

TEST(H2ServerDrain, WaitsForAHeadThatIsOnItsWay) {
  const std::string block = h2_block(support::h2_request("GET"));
  H2ServerWire wire;
  wire.open().feed(h2_frame(NGHTTP2_HEADERS, kH2End, 1, block.substr(0, 5)));
  wire.server.begin_drain();
  wire.turn();
  wire.feed(h2_frame(NGHTTP2_CONTINUATION, kH2EndHeaders, 1, block.substr(5)));
  EXPECT_EQ(wire.last().lines().back(), "stream end");
  EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
}

TEST(H2ServerDrain, WaitsUntilTheAnswerIsWritten) {
  H2ServerWire wire;
  wire.answers = false;
  wire.open({{4, 1}}).feed(h2_get(1));
  answer(wire, 0);
  wire.server.begin_drain();
  wire.turn();
  EXPECT_EQ(wire.server.ending(), CodecEnding::kOpen);
  wire.takes_output = false;
  wire.feed(support::h2_window(1, 1));
  EXPECT_FALSE(wire.server.output().empty());
  wire.take_output();
  EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
  EXPECT_EQ(wire.client.bodies[1], "ok");
}

TEST(H2ServerDrain, GrantsAsManyRequestsAsItsLimit) {
  for (const std::uint64_t max : {1u, 2u, 3u}) {
    H2ServerWire wire(H2Limits{.max_requests = max});
    wire.answers = false;
    wire.open();
    for (std::uint64_t i = 0; i < max; ++i) {
      EXPECT_EQ(wire.sent(), "");
      wire.feed(h2_get(static_cast<std::int32_t>(2 * i + 1)));
    }
    EXPECT_EQ(wire.sent(), "GOAWAY " + std::to_string(2 * max - 1) + " NO_ERROR");
    wire.feed(h2_get(99));
    EXPECT_EQ(wire.streams.size(), max);
    for (std::uint64_t i = 0; i < max; ++i) {
      EXPECT_EQ(wire.server.ending(), CodecEnding::kOpen);
      answer(wire, i);
    }
    EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
    EXPECT_EQ(wire.server.failure(), Reason::kNone);
  }
}

TEST(H2ServerDrain, AnswersAClientThatSaysGoodbye) {
  H2ServerWire wire;
  wire.answers = false;
  wire.open().feed(h2_get(1) + support::h2_goaway(0));
  EXPECT_EQ(wire.server.ending(), CodecEnding::kOpen);
  answer(wire, 0);
  EXPECT_EQ(wire.sent(), answered(1));
  EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
  H2ServerWire idle;
  idle.open().feed(support::h2_goaway(0));
  EXPECT_EQ(idle.server.ending(), CodecEnding::kLinger);
  EXPECT_EQ(idle.server.failure(), Reason::kNone);
}

// RFC 9113 §6.8: a goodbye is about the streams of the other side, so that what came with it is answered. What comes
// later is not awaited.
TEST(H2ServerDrain, AnswersWhatCameTogetherWithAGoodbye) {
  for (const std::int32_t last : {0, 0x7fffffff}) {
    H2ServerWire wire;
    wire.open().feed(support::h2_goaway(last) + h2_get(1) + h2_get(3));
    EXPECT_EQ(wire.streams.size(), 2u);
    EXPECT_EQ(wire.client.bodies, (std::map<std::int32_t, std::string>{{1, "ok"}, {3, "ok"}}));
    EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
  }
  const std::string goodbye = support::h2_goaway(0) + h2_get(1);
  for (std::size_t cut = support::h2_goaway(0).size() + 1; cut < goodbye.size(); ++cut) {
    H2ServerWire wire;
    wire.open().feed(goodbye.substr(0, cut));
    EXPECT_EQ(wire.server.ending(), CodecEnding::kOpen) << "half a frame";
    EXPECT_EQ(wire.server.phase(), CodecPhase::kHead) << "which has its time";
    wire.feed(goodbye.substr(cut));
    EXPECT_EQ(wire.sent(), answered(1));
    EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
  }
}

// A stream has an end of its own: who ends the connection is gone, also where its requests came whole.
TEST(H2ServerDrain, TakesTheClientsEndForItsDeparture) {
  for (const bool clean : {true, false}) {
    H2ServerWire wire;
    wire.answers = false;
    wire.open().feed(h2_get(1) + h2_post(3) + h2_data(3, "he") + h2_post(5) + h2_data(5, "hello", kH2End));
    wire.end(clean);
    for (const auto& stream : wire.streams) EXPECT_EQ(stream->lines().back(), "reset client_closed");
    EXPECT_FALSE(wire.server.wants_input());
    EXPECT_EQ(wire.server.ending(), CodecEnding::kClose);
  }
}

TEST(H2ServerDrain, EndsQuietlyBetweenRequests) {
  H2ServerWire fresh;
  fresh.end();
  EXPECT_EQ(fresh.server.ending(), CodecEnding::kClose);
  EXPECT_EQ(fresh.server.failure(), Reason::kNone);
  H2ServerWire used;
  used.open().feed(h2_get(1));
  used.end();
  EXPECT_EQ(used.server.ending(), CodecEnding::kClose);
  H2ServerWire half;
  half.open().feed(h2_frame(NGHTTP2_HEADERS, kH2End, 1, h2_block(support::h2_request("GET")).substr(0, 5)));
  half.end();
  EXPECT_EQ(half.events(), "refused client_closed | reset client_closed");
  EXPECT_EQ(half.last().head->version, http::Version::kHttp2);
  EXPECT_EQ(half.server.ending(), CodecEnding::kClose);
}

TEST(H2ServerDrain, TellsEveryStreamThatTheTransportBroke) {
  for (const Reason reason : {Reason::kClientClosed, Reason::kClientReadTimeout, Reason::kServerDraining}) {
    H2ServerWire wire;
    wire.answers = false;
    wire.open().feed(h2_get(1) + h2_post(3) +
                     h2_frame(NGHTTP2_HEADERS, kH2End, 5, h2_block(support::h2_request("GET")).substr(0, 5)));
    answer(wire, 0, std::string(100'000, 'y'));
    wire.server.abort(reason);
    wire.server.abort(reason);
    wire.turn();
    const std::string reset = "reset " + std::string(http::reason_name(reason));
    ASSERT_EQ(wire.streams.size(), 3u);
    for (const auto& stream : wire.streams) {
      EXPECT_EQ(stream->lines().back(), reset);
      EXPECT_EQ(stream->text().find("reset"), stream->text().rfind("reset")) << "told once";
    }
    EXPECT_EQ(wire.server.ending(), CodecEnding::kAbort);
    EXPECT_EQ(wire.server.phase(), CodecPhase::kClosing);
    EXPECT_EQ(wire.server.failure(), Reason::kNone) << "the handlers were told";
    EXPECT_TRUE(wire.server.output().empty());
  }
}

TEST(H2ServerDrain, EndsAConnectionWhoseHeadTakesTooLong) {
  H2ServerWire wire;
  wire.answers = false;
  wire.open().feed(h2_get(1) + h2_frame(NGHTTP2_HEADERS, kH2End, 3, ""));
  EXPECT_EQ(wire.server.phase(), CodecPhase::kHead);
  wire.server.abort(Reason::kHeaderTimeout);
  wire.turn();
  EXPECT_EQ(wire.sent(), "GOAWAY 3 ENHANCE_YOUR_CALM");
  EXPECT_EQ(wire.events(),
            "head GET / HTTP/2.0 host=a body=none [Host: a] | end | reset header_timeout || "
            "refused client_closed | reset header_timeout");
  EXPECT_EQ(wire.server.failure(), Reason::kHeaderTimeout);
  EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
  H2ServerWire preface;
  preface.feed(support::kH2Magic.substr(0, 10));
  preface.server.abort(Reason::kHeaderTimeout);
  preface.turn();
  EXPECT_TRUE(preface.sent().ends_with("GOAWAY 0 ENHANCE_YOUR_CALM"));
}

// An owner goes, and handlers with it: nobody is told anything.
TEST(H2ServerDrain, MayBeFreedAtAnyTime) {
  for (const bool takes_output : {true, false}) {
    H2ServerWire wire;
    wire.answers = false;
    wire.open({{4, 1}}).feed(h2_get(1) + h2_post(3) + h2_data(3, "he") + h2_get(5));
    wire.takes_output = takes_output;
    answer(wire, 0);
    wire.streams[2]->stream->reset();
    wire.turn();
  }
}

}  // namespace
}  // namespace viaduct::codec
