// SPDX-License-Identifier: Apache-2.0
// How connections to a server end: by GOAWAY, by their end, by a cut, by a flood, and what becomes of the requests.
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <string_view>

#include "codec/h2_client.h"
#include "support/h2_client_wire.h"

namespace viaduct::codec {
namespace {

using http::Reason;
using support::h2_answer;
using support::h2_block;
using support::h2_data;
using support::h2_frame;
using support::h2_goaway;
using support::h2_headers;
using support::h2_ok;
using support::H2Attempt;
using support::H2ClientWire;
using support::kFragmentSizes;
using support::kH2End;
using support::kH2EndHeaders;
using support::kH2OkText;

// ---- GOAWAY ---------------------------------------------------------------------------------------------------------

TEST(H2ClientEnd, TellsWhoseRequestsTheServerLeavesOut) {
  for (const std::uint32_t code : {NGHTTP2_NO_ERROR, NGHTTP2_ENHANCE_YOUR_CALM}) {
    for (const std::size_t size : kFragmentSizes) {
      H2ClientWire wire;
      wire.open();
      std::deque<H2Attempt> attempts;
      for (int i = 0; i < 4; ++i) attempts.emplace_back(wire).get();
      wire.turn();
      wire.feed(h2_answer(1, "200"), size);
      wire.feed(h2_goaway(3, code), size);
      EXPECT_EQ(attempts[0].text(), "head 200 '' body=stream");
      EXPECT_EQ(attempts[1].text(), "");
      EXPECT_EQ(attempts[2].text(), "reset upstream_refused_stream");
      EXPECT_EQ(attempts[3].text(), "reset upstream_refused_stream");
      EXPECT_FALSE(wire.client.reusable());
      EXPECT_EQ(wire.client.ending(), CodecEnding::kOpen);
      wire.feed(h2_ok(3) + h2_data(1, "", kH2End), size);
      EXPECT_EQ(attempts[1].text(), kH2OkText);
      EXPECT_TRUE(attempts[0].handler().has("response end"));
      EXPECT_EQ(wire.client.ending(), CodecEnding::kClose);
      EXPECT_EQ(wire.client.phase(), CodecPhase::kClosing);
      EXPECT_EQ(wire.streams_ended, 4);
    }
  }
}

// First the notice, then, once nothing more can be on its way, the last stream that counts.
TEST(H2ClientEnd, FollowsAServerThatSaysGoodbyeTwice) {
  H2ClientWire wire;
  wire.open();
  std::deque<H2Attempt> attempts;
  for (int i = 0; i < 2; ++i) attempts.emplace_back(wire).get();
  wire.turn();
  wire.feed(h2_goaway(0x7fffffff));
  EXPECT_FALSE(wire.client.reusable());
  EXPECT_EQ(attempts[1].text(), "");
  wire.feed(h2_goaway(1));
  EXPECT_EQ(attempts[1].text(), "reset upstream_refused_stream");
  wire.feed(h2_ok(1));
  EXPECT_EQ(attempts[0].text(), kH2OkText);
  EXPECT_EQ(wire.client.ending(), CodecEnding::kClose);
}

TEST(H2ClientEnd, RefusesARequestThatWasBegunAndNotWritten) {
  H2ClientWire wire;
  wire.open();
  wire.takes_output = false;
  H2Attempt attempt(wire);
  attempt.post().body("body", true);
  wire.client.on_time(wire.now);
  wire.input.append(h2_goaway(0));
  wire.client.on_input(wire.input);
  wire.turn();
  EXPECT_EQ(attempt.text(), "reset upstream_refused_stream");
  EXPECT_EQ(wire.client.ending(), CodecEnding::kClose);
}

TEST(H2ClientEnd, ClosesAnIdleConnectionAtTheGoodbye) {
  H2ClientWire wire;
  wire.open().feed(h2_goaway(0));
  EXPECT_FALSE(wire.client.reusable());
  EXPECT_EQ(wire.client.ending(), CodecEnding::kClose);
  EXPECT_EQ(wire.streams_ended, 0);
}

TEST(H2ClientEnd, ClosesBehindAGoodbyeWhenTheLastRequestIsGivenUp) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire);
  attempt.get();
  wire.sent();
  wire.feed(h2_goaway(1));
  attempt.reset();
  EXPECT_EQ(wire.sent(), "RST_STREAM 1 CANCEL");
  EXPECT_EQ(wire.client.ending(), CodecEnding::kClose);
}

// ---- the end --------------------------------------------------------------------------------------------------------

struct EndRow {
  std::string bytes;
  std::string_view events;      // where the server hangs up behind them
  std::string_view cut_events;  // where the connection is cut
};

TEST(H2ClientEnd, TellsWhereTheConnectionEnded) {
  const std::string head = h2_answer(1, "200", 0, {{"content-length", "4"}});
  const std::string block = h2_block({{":status", "200"}});
  const std::initializer_list<EndRow> rows = {
      {"", "reset upstream_closed", "reset upstream_reset"},
      {support::h2_ping().substr(0, 5), "reset upstream_closed", "reset upstream_reset"},
      {h2_frame(NGHTTP2_HEADERS, 0, 1, block), "reset upstream_truncated answered", "reset upstream_reset answered"},
      {h2_answer(1, "103"), "informational 103 '' body=none | reset upstream_truncated answered",
       "informational 103 '' body=none | reset upstream_reset answered"},
      {head, "head 200 '' body=4 [content-length: 4] | reset upstream_truncated answered",
       "head 200 '' body=4 [content-length: 4] | reset upstream_reset answered"},
      {head + h2_data(1, "half").substr(0, 11),
       "head 200 '' body=4 [content-length: 4] | body ha | reset upstream_truncated answered",
       "head 200 '' body=4 [content-length: 4] | body ha | reset upstream_reset answered"},
      // All bytes have come and the end has not.
      {head + h2_data(1, "full"),
       "head 200 '' body=4 [content-length: 4] | body full | reset upstream_truncated answered",
       "head 200 '' body=4 [content-length: 4] | body full | reset upstream_reset answered"},
      {h2_ok(1), kH2OkText, kH2OkText},
  };
  for (const EndRow& row : rows) {
    for (const bool is_cut : {false, true}) {
      for (const std::size_t size : kFragmentSizes) {
        H2ClientWire wire;
        wire.open();
        H2Attempt attempt(wire);
        attempt.get();
        wire.turn();
        wire.feed(row.bytes, size);
        if (is_cut) {
          wire.client.abort(Reason::kUpstreamReset);
          wire.turn();
        } else {
          wire.end(size % 2 == 0);
        }
        EXPECT_EQ(attempt.text(), is_cut ? row.cut_events : row.events);
        EXPECT_EQ(wire.client.ending(), is_cut ? CodecEnding::kAbort : CodecEnding::kClose);
        EXPECT_EQ(wire.client.phase(), CodecPhase::kClosing);
        EXPECT_FALSE(wire.client.reusable());
        EXPECT_FALSE(wire.client.wants_input());
        EXPECT_EQ(wire.streams_ended, 1);
      }
    }
  }
}

// A server may answer and go while our client is still reading the answer before.
TEST(H2ClientEnd, DeliversAWholeAnswerWhoseConnectionHasEnded) {
  const auto end_by = [](H2ClientWire& wire, int way) {
    if (way == 0) wire.client.on_input_end(true);
    if (way == 1) wire.client.abort(Reason::kUpstreamReset);
    if (way == 2) wire.feed(support::h2_window(0, 0));  // a fault of the server
    wire.turn();
  };
  for (const int way : {0, 1, 2}) {
    for (const bool has_trailers : {false, true}) {
      H2ClientWire wire;
      wire.open();
      H2Attempt whole(wire);
      H2Attempt half(wire);
      H2Attempt given_up(wire);
      for (H2Attempt* attempt : {&whole, &half, &given_up}) {
        attempt->get();
        attempt->stream().set_reading(false);
      }
      wire.turn();
      wire.feed(h2_answer(1, "200") + h2_data(1, "all", has_trailers ? 0 : kH2End));
      if (has_trailers) wire.feed(h2_headers(1, {{"x-sum", "1"}}, kH2End));
      wire.feed(h2_answer(3, "200") + h2_data(3, "half") + h2_ok(5));
      end_by(wire, way);
      EXPECT_EQ(whole.text(), "head 200 '' body=stream") << way;
      EXPECT_TRUE(half.handler().has("reset upstream_")) << half.text();
      EXPECT_FALSE(wire.client.reusable());
      EXPECT_FALSE(wire.client.wants_input());
      // The connection is kept for those who read.
      EXPECT_EQ(wire.client.ending(), CodecEnding::kOpen);
      EXPECT_EQ(wire.client.phase(), CodecPhase::kResponse);
      given_up.reset();
      wire.turn();
      EXPECT_EQ(wire.client.ending(), CodecEnding::kOpen);
      whole.stream().set_reading(true);
      wire.turn();
      EXPECT_EQ(whole.text(), has_trailers ? "head 200 '' body=stream | body all | trailers [x-sum: 1] | response end"
                                           : "head 200 '' body=stream | body all | end | response end");
      EXPECT_EQ(wire.client.ending(), way == 1 ? CodecEnding::kAbort : CodecEnding::kClose);
      EXPECT_EQ(wire.client.phase(), CodecPhase::kClosing);
      EXPECT_EQ(wire.streams_ended, 3);
    }
  }
}

TEST(H2ClientEnd, TellsAllWhoWaitWhenItIsOver) {
  H2ClientWire wire;
  wire.open();
  std::deque<H2Attempt> attempts;
  for (int i = 0; i < 5; ++i) attempts.emplace_back(wire).get();
  H2Attempt unsent(wire);
  wire.turn();
  wire.end();
  for (const H2Attempt& attempt : attempts) EXPECT_EQ(attempt.text(), "reset upstream_closed");
  EXPECT_EQ(unsent.text(), "reset upstream_closed");
  EXPECT_EQ(wire.streams_ended, 6);
  // Nothing comes of what is said afterwards.
  wire.client.on_input_end(true);
  wire.client.abort(Reason::kUpstreamReset);
  wire.turn();
  EXPECT_EQ(wire.streams_ended, 6);
}

TEST(H2ClientEnd, FreesTheRequestsThatAreUnderWayWhenItGoes) {
  base::ChunkPool chunks;
  support::RecordingResponseHandler handler(chunks);
  H2ClientWire wire;
  wire.open();
  wire.client.begin(handler, {});
  H2Attempt attempt(wire);
  attempt.post().body("body", false);
  wire.turn();
  wire.feed(h2_answer(1, "200") + h2_data(1, "x"));
  EXPECT_EQ(handler.text(), "");
}

// ---- floods ---------------------------------------------------------------------------------------------------------

TEST(H2ClientEnd, EndsConnectionsThatFlood) {
  const std::initializer_list<std::string> frames = {
      support::h2_ping(),        support::h2_ping(NGHTTP2_FLAG_ACK),
      support::h2_settings(),    h2_data(1, ""),
      support::h2_window(0, 1),  support::h2_window(1, 1),
      support::h2_reset(1),      h2_frame(NGHTTP2_PRIORITY, 0, 1, support::h2_number(3, 4) + '\x01'),
      h2_frame(0x77, 0, 0, "x"),
  };
  for (const std::string& frame : frames) {
    for (const std::size_t size : kFragmentSizes) {
      H2ClientWire wire;
      wire.open();
      H2Attempt attempt(wire);
      attempt.get();
      wire.turn();
      wire.feed(h2_answer(1, "200"));
      for (int i = 0; i < 20; ++i) wire.feed(frame, size);
      EXPECT_EQ(wire.client.ending(), CodecEnding::kOpen) << frame.size();
      for (int i = 0; i < 3000 && wire.client.wants_input(); ++i) wire.feed(frame, size);
      EXPECT_FALSE(wire.client.wants_input());
      EXPECT_NE(wire.sent().find("GOAWAY 0 ENHANCE_YOUR_CALM"), std::string::npos);
      EXPECT_EQ(wire.client.ending(), CodecEnding::kClose);
      EXPECT_EQ(wire.streams_ended, 1);
    }
  }
}

// gRPC for Go pings behind each message to measure how fast bytes come, and gives the window of each back at once.
TEST(H2ClientEnd, GoesOnWithAServerThatAnswersEachMessageWithAPing) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire);
  attempt.post();
  wire.turn();
  wire.feed(h2_answer(1, "200"));
  for (int i = 0; i < 5000; ++i) {
    attempt.body("x", false);
    wire.sent();
    wire.feed(support::h2_window(1, 1) + support::h2_window(0, 1) + support::h2_ping());
    ASSERT_TRUE(wire.client.wants_input()) << i;
  }
  EXPECT_FALSE(attempt.handler().has("reset"));
}

TEST(H2ClientEnd, EndsConnectionsThatSendBlocksWithoutEnd) {
  const std::string block = h2_block({{":status", "200"}});
  for (const int continuations : {8, 9}) {
    H2ClientWire wire;
    wire.open();
    H2Attempt attempt(wire);
    attempt.get();
    wire.sent();
    std::string bytes = h2_frame(NGHTTP2_HEADERS, kH2End, 1, block);
    for (int i = 1; i < continuations; ++i) bytes += h2_frame(NGHTTP2_CONTINUATION, 0, 1, "");
    wire.feed(bytes + h2_frame(NGHTTP2_CONTINUATION, kH2EndHeaders, 1, ""));
    const bool is_taken = continuations == 8;
    EXPECT_EQ(attempt.text(),
              is_taken ? "head 200 '' body=none | end | response end" : "reset upstream_invalid_response answered");
    EXPECT_EQ(wire.sent(), is_taken ? "" : "GOAWAY 0 ENHANCE_YOUR_CALM");
  }
}

// Far beyond the limit of a head the rest is not read.
TEST(H2ClientEnd, EndsConnectionsWhoseHeadsAreHuge) {
  H2ClientWire wire({.max_head_size = 100, .max_fields = 4});
  wire.open();
  H2Attempt attempt(wire);
  H2Attempt other(wire);
  attempt.get();
  other.get();
  wire.sent();
  wire.feed(h2_answer(1, "200", 0, {{"x-a", std::string(1000, 'a')}}) + h2_ok(3));
  EXPECT_EQ(attempt.text(), "reset upstream_invalid_response answered");
  EXPECT_EQ(other.text(), "reset upstream_invalid_response");
  EXPECT_EQ(wire.sent(), "GOAWAY 0 ENHANCE_YOUR_CALM");
}

}  // namespace
}  // namespace viaduct::codec
