// SPDX-License-Identifier: Apache-2.0
// Streams that wait for their client, each for itself. Time passes by hand.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "codec/h2_server.h"
#include "support/h2_wire.h"

namespace viaduct::codec {
namespace {

using namespace std::chrono_literals;
using support::h2_data;
using support::h2_get;
using support::h2_post;
using support::h2_window;
using support::H2ServerWire;
using support::kH2End;

const H2Limits kPatient{.body_timeout = 60s};
const H2Limits kHasty{.body_timeout = 60s, .min_rate = 100};

void answer(H2ServerWire& wire, std::size_t index, std::string_view body) {
  support::RecordingStreamHandler& handler = *wire.streams[index];
  support::respond(*handler.stream, handler.arena(), 200, body, wire.chunks);
  wire.turn();
}

TEST(H2ServerTimeouts, AreNoneWhereNobodyWaitsForTheClient) {
  H2ServerWire wire(kHasty);
  wire.answers = false;
  EXPECT_FALSE(wire.server.next_deadline());
  wire.open().feed(h2_get(1));
  EXPECT_FALSE(wire.server.next_deadline()) << "the handler has the word";
  wire.pass(1h);
  answer(wire, 0, "ok");
  EXPECT_FALSE(wire.server.next_deadline());
  EXPECT_EQ(wire.last().lines().back(), "stream end");
  H2ServerWire unread(kHasty);
  unread.reads = false;
  unread.open().feed(h2_post(1) + h2_data(1, "he"));
  unread.pass(1h);
  EXPECT_FALSE(unread.last().has("refused")) << "nobody wants the body";
  H2ServerWire unbounded;
  unbounded.open().feed(h2_post(1));
  EXPECT_FALSE(unbounded.server.next_deadline());
}

TEST(H2ServerTimeouts, RefuseABodyThatDoesNotCome) {
  H2ServerWire wire(kPatient);
  wire.open().feed(h2_post(1) + h2_data(1, "he"));
  EXPECT_EQ(wire.server.next_deadline(), wire.now + 60s);
  wire.pass(60s - 1ns);
  EXPECT_FALSE(wire.last().has("refused"));
  wire.pass(1ns);
  EXPECT_TRUE(wire.events().ends_with("body he | refused body_timeout | stream end")) << wire.events();
  EXPECT_EQ(wire.sent(), "HEADERS 1 [:status: 408] [content-length: 2] | DATA 1 2 end | RST_STREAM 1 NO_ERROR");
  EXPECT_EQ(wire.server.ending(), CodecEnding::kOpen);
  EXPECT_EQ(wire.server.failure(), http::Reason::kNone);
  wire.pass(60s);
  EXPECT_FALSE(wire.server.next_deadline()) << "nobody waits any more";
}

TEST(H2ServerTimeouts, BeginAnewWithEveryByte) {
  H2ServerWire wire(kPatient);
  wire.open().feed(h2_post(1));
  for (int i = 0; i < 10; ++i) {
    wire.pass(59s);
    wire.feed(h2_data(1, "x"));
  }
  EXPECT_FALSE(wire.last().has("refused"));
  wire.pass(30s);
  wire.feed(h2_data(1, "", kH2End));
  EXPECT_EQ(wire.last().lines().back(), "stream end");
}

// A client may send one body behind the other.
TEST(H2ServerTimeouts, GiveABodyTimeWhileAnotherMoves) {
  H2ServerWire wire(kHasty);
  wire.open().feed(h2_post(1) + h2_post(3));
  for (int i = 0; i < 80; ++i) {
    wire.feed(h2_data(3, std::string(100, 'x')));
    wire.pass(1s);
  }
  EXPECT_FALSE(wire.streams[0]->has("refused")) << wire.events();
  wire.feed(h2_data(3, "", kH2End));
  EXPECT_EQ(wire.streams[1]->lines().back(), "stream end");
  for (int i = 0; i < 12; ++i) wire.pass(5s);
  EXPECT_TRUE(wire.streams[0]->text().ends_with("refused rate_too_low | stream end")) << wire.events();
}

TEST(H2ServerTimeouts, EndBodiesThatMoveTooSlowlyAllTogether) {
  H2ServerWire wire(kHasty);
  wire.open().feed(h2_post(1) + h2_post(3));
  for (int i = 0; i < 11; ++i) {
    wire.pass(1s);
    if (i < 10) wire.feed(h2_data(3, std::string(99, 'x')) + support::h2_ping());
  }
  EXPECT_TRUE(wire.streams[0]->has("refused rate_too_low"));
  EXPECT_TRUE(wire.streams[1]->has("refused rate_too_low"));
}

// What it sends of one body says nothing of whether it reads the answer to another.
TEST(H2ServerTimeouts, EndAnAnswerThatIsNotReadWhileABodyMoves) {
  H2ServerWire wire(kPatient);
  wire.answers = false;
  wire.open({{4, 10}}).feed(h2_get(1) + h2_post(3));
  wire.streams[1]->stream->set_reading(true);
  answer(wire, 0, "more than ten bytes");
  for (int i = 0; i < 7; ++i) {
    wire.pass(10s);
    wire.feed(h2_data(3, "x"));
  }
  EXPECT_EQ(wire.streams[0]->lines().back(), "reset client_read_timeout");
  EXPECT_FALSE(wire.streams[1]->has("refused"));
}

TEST(H2ServerTimeouts, GiveAnAnswerTimeWhileAnotherHasTheTurn) {
  H2ServerWire wire(kHasty);
  wire.answers = false;
  // The windows of the streams are wide; that of the connection lets 65535 bytes through, then 200 a second.
  wire.open({{4, 1 << 20}}).feed(h2_get(1) + h2_get(3));
  answer(wire, 0, std::string(60'000, 'y'));
  answer(wire, 1, std::string(60'000, 'y'));
  for (int second = 0; second < 60; ++second) {
    wire.feed(h2_window(0, 200));
    wire.pass(1s);
  }
  EXPECT_FALSE(wire.streams[0]->has("reset") || wire.streams[1]->has("reset")) << wire.events();
  // Nobody reads any more.
  for (int second = 0; second < 60; ++second) wire.pass(1s);
  EXPECT_TRUE(wire.streams[1]->has("reset")) << wire.events();
  EXPECT_EQ(wire.server.ending(), CodecEnding::kOpen);
}

TEST(H2ServerTimeouts, LeaveTheSilenceOfADialogueToItsHandler) {
  H2ServerWire wire(kHasty);
  wire.answers = false;
  wire.open({{4, 10}}).feed(h2_post(1) + h2_data(1, "x"));
  wire.last().stream->set_patient(true);
  wire.turn();
  wire.pass(1h);
  wire.feed(h2_data(1, "y"));
  wire.pass(1h);
  EXPECT_TRUE(wire.last().text().ends_with("body xy")) << wire.events();
  // Its answer has to be read yet.
  answer(wire, 0, "more than ten bytes");
  wire.pass(60s);
  EXPECT_EQ(wire.last().lines().back(), "reset rate_too_low");
}

TEST(H2ServerTimeouts, CountFromWhenTheHandlerWantsTheBody) {
  H2ServerWire wire(kPatient);
  wire.reads = false;
  wire.open().feed(h2_post(1));
  wire.pass(50s);
  wire.last().stream->set_reading(true);
  wire.turn();
  wire.pass(59s);
  EXPECT_FALSE(wire.last().has("refused"));
  wire.last().stream->set_reading(false);
  wire.turn();
  wire.pass(1h);
  EXPECT_FALSE(wire.last().has("refused"));
  wire.last().stream->set_reading(true);
  wire.turn();
  wire.pass(60s);
  EXPECT_TRUE(wire.last().has("refused body_timeout"));
}

TEST(H2ServerTimeouts, CutAnAnswerWhoseRequestDoesNotGoOn) {
  H2ServerWire wire(kPatient);
  wire.answers = false;
  wire.open().feed(h2_post(1));
  http::ResponseHead head(wire.last().arena());
  head.status = 200;
  head.body = {.kind = http::BodyKind::kStream};
  wire.last().stream->send_head(head, false);
  wire.turn();
  wire.pass(60s);
  EXPECT_EQ(wire.last().lines().back(), "reset body_timeout");
  EXPECT_EQ(wire.sent(), "HEADERS 1 [:status: 200] | RST_STREAM 1 CANCEL");
}

TEST(H2ServerTimeouts, ResetAStreamWhoseClientDoesNotRead) {
  H2ServerWire wire(kPatient);
  wire.answers = false;
  wire.open({{4, 10}}).feed(h2_get(1) + h2_get(3));
  answer(wire, 0, "more than ten bytes");
  wire.sent();
  wire.pass(60s - 1ns);
  EXPECT_EQ(wire.streams[0]->lines().back(), "end");
  wire.pass(1ns);
  EXPECT_EQ(wire.streams[0]->lines().back(), "reset client_read_timeout");
  EXPECT_EQ(wire.streams[1]->lines().back(), "end");
  EXPECT_EQ(wire.sent(), "RST_STREAM 1 CANCEL");
  EXPECT_EQ(wire.server.ending(), CodecEnding::kOpen);
}

TEST(H2ServerTimeouts, GiveASlowReaderTimeWithEveryWindow) {
  H2ServerWire wire(kPatient);
  wire.answers = false;
  wire.open({{4, 0}}).feed(h2_get(1));
  answer(wire, 0, std::string(20, 'y'));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(wire.last().lines().back(), "end");
    wire.pass(59s);
    wire.feed(h2_window(1, 1));
  }
  EXPECT_EQ(wire.last().lines().back(), "stream end");
}

// PING and windows of other streams are no reading.
TEST(H2ServerTimeouts, AreNotPutOffByWhatDoesNotMoveTheStream) {
  H2ServerWire wire(kPatient);
  wire.answers = false;
  wire.open({{4, 0}}).feed(h2_get(1) + h2_post(3));
  answer(wire, 0, "ok");
  wire.streams[1]->stream->set_reading(true);
  for (int i = 0; i < 6; ++i) {
    wire.pass(10s);
    wire.feed(support::h2_ping() + h2_window(0, 10) + h2_window(3, 10));
  }
  EXPECT_EQ(wire.streams[0]->lines().back(), "reset client_read_timeout");
  EXPECT_TRUE(wire.streams[1]->has("refused body_timeout"));
}

TEST(H2ServerTimeouts, HoldTheRateOfABody) {
  struct Row {
    std::size_t bytes_per_second;
    bool survives;
  };
  for (const Row& row : {Row{100, true}, Row{99, false}}) {
    H2ServerWire wire(kHasty);
    wire.open().feed(h2_post(1));
    for (int second = 0; second < 30; ++second) {
      // Ten seconds of grace.
      EXPECT_TRUE(second >= 10 || !wire.last().has("refused"));
      if (wire.last().has("refused")) break;
      wire.feed(h2_data(1, std::string(row.bytes_per_second, 'x')));
      wire.pass(1s);
    }
    EXPECT_EQ(!wire.last().has("refused rate_too_low"), row.survives) << row.bytes_per_second;
  }
}

TEST(H2ServerTimeouts, HoldTheRateOfAReader) {
  for (const int rate : {100, 99}) {
    H2ServerWire wire(kHasty);
    wire.answers = false;
    wire.open({{4, 0}}).feed(h2_get(1));
    answer(wire, 0, std::string(10'000, 'y'));
    for (int second = 0; second < 30 && !wire.last().has("reset"); ++second) {
      wire.feed(h2_window(1, static_cast<std::uint32_t>(rate)));
      wire.pass(1s);
    }
    EXPECT_EQ(wire.last().lines().back(), rate == 100 ? "end" : "reset rate_too_low");
  }
}

TEST(H2ServerTimeouts, AskForTheNearestDeadline) {
  H2ServerWire wire(kPatient);
  wire.open().feed(h2_post(1));
  const base::MonoTime first = wire.now + 60s;
  wire.pass(10s);
  wire.feed(h2_post(3));
  EXPECT_EQ(wire.server.next_deadline(), first);
  wire.pass(50s);
  EXPECT_TRUE(wire.streams[0]->has("refused"));
  EXPECT_EQ(wire.server.next_deadline(), first + 10s);
  wire.feed(h2_data(3, "", kH2End));
  wire.pass(10s);
  EXPECT_FALSE(wire.server.next_deadline()) << "nobody waits any more";
}

TEST(H2ServerTimeouts, StandAResetFromInsideTheEventOfAnother) {
  H2ServerWire wire(kPatient);
  wire.answers = false;
  wire.open().feed(h2_post(1) + h2_post(3) + h2_post(5));
  wire.on_event = [&](support::RecordingStreamHandler& handler, std::string_view event) {
    if (event != "refused") return;
    for (const auto& other : wire.streams) {
      if (other.get() != &handler && !other->has("refused")) other->stream->reset();
    }
  };
  wire.pass(60s);
  EXPECT_TRUE(wire.streams[0]->has("refused"));
  EXPECT_EQ(wire.sent(), "RST_STREAM 3 INTERNAL_ERROR | RST_STREAM 5 INTERNAL_ERROR");
  EXPECT_EQ(wire.server.phase(), CodecPhase::kResponse);
}

}  // namespace
}  // namespace viaduct::codec
