// SPDX-License-Identifier: Apache-2.0
// How requests stand on the wire, how bodies wait for each other's side, and how one request ends without the others.
#include "codec/h2_client_stream.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <string_view>

#include "codec/h2_client.h"
#include "support/h2_client_wire.h"

namespace viaduct::codec {
namespace {

using http::BodyKind;
using http::BodySize;
using support::FieldList;
using support::h2_answer;
using support::h2_block;
using support::h2_data;
using support::h2_frame;
using support::h2_headers;
using support::h2_ok;
using support::h2_reset;
using support::h2_window;
using support::H2Attempt;
using support::H2ClientWire;
using support::kFragmentSizes;
using support::kH2End;
using support::kH2OkText;

constexpr BodySize kStream{.kind = BodyKind::kStream};
constexpr std::string_view kPostHead =
    "HEADERS 1 [:method: POST] [:scheme: https] [:authority: a] [:path: /] [te: trailers]";

BodySize sized(std::uint64_t bytes) {
  return {.kind = BodyKind::kSized, .bytes = bytes};
}

// ---- requests -------------------------------------------------------------------------------------------------------

TEST(H2ClientStream, SaysWhatARequestIsAndNothingAboutTheConnection) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire);
  attempt.head("PROPFIND", {}, true,
               {{"hOST", "www.app.test:8443"},
                {"X-Odd-CASE", "1"},
                {"x-odd-case", "2"},
                {"Connection", "close"},
                {"Keep-Alive", "5"},
                {"Proxy-Connection", "close"},
                {"Transfer-Encoding", "chunked"},
                {"Upgrade", "h2c"},
                {"HTTP2-Settings", "x"},
                {"TE", "gzip"},
                {"x bad", "1"},
                {"x-bad", "1\r\nx: 2"}});
  EXPECT_EQ(wire.sent(),
            "HEADERS 1 [:method: PROPFIND] [:scheme: https] [:authority: www.app.test:8443] [:path: /] "
            "[x-odd-case: 1] [x-odd-case: 2] [te: trailers] end");
}

TEST(H2ClientStream, NamesTheSchemeOfTheConnectionAndNoAuthorityWhereThereIsNoHost) {
  H2ClientWire wire({}, false);
  wire.open();
  H2Attempt attempt(wire);
  attempt.head("GET", {}, true, {});
  EXPECT_EQ(wire.sent(), "HEADERS 1 [:method: GET] [:scheme: http] [:path: /] [te: trailers] end");
}

TEST(H2ClientStream, SendsBodies) {
  H2ClientWire wire;
  wire.open();
  H2Attempt counted(wire);
  counted.head("POST", sized(5), false, {{"Host", "a"}, {"content-LENGTH", "05"}}).body("hel", false).body("lo", true);
  EXPECT_EQ(wire.sent(),
            "HEADERS 1 [:method: POST] [:scheme: https] [:authority: a] [:path: /] [content-length: 5] "
            "[te: trailers] | DATA 1 5 end");
  EXPECT_EQ(wire.server.bodies[1], "hello");
  H2Attempt empty(wire);
  empty.head("POST", sized(0), true);
  EXPECT_EQ(wire.sent(),
            "HEADERS 3 [:method: POST] [:scheme: https] [:authority: a] [:path: /] [content-length: 0] "
            "[te: trailers] end");
  H2Attempt streamed(wire);
  streamed.post();
  wire.sent();
  streamed.body("one", false);
  EXPECT_EQ(wire.sent(), "DATA 5 3");
  streamed.body("", true);
  EXPECT_EQ(wire.sent(), "DATA 5 0 end");
  wire.feed(h2_ok(3) + h2_ok(5) + h2_ok(1));
  for (const H2Attempt* attempt : {&counted, &empty, &streamed}) EXPECT_EQ(attempt->text(), kH2OkText);
}

TEST(H2ClientStream, SendsTrailers) {
  H2ClientWire wire;
  wire.open();
  FieldList trailers{{"X-Sum", "1"}, {"Connection", "close"}};
  FieldList none;
  H2Attempt attempt(wire);
  attempt.post().body("x", false);
  attempt.stream().send_trailers(*trailers);
  EXPECT_EQ(wire.sent(), std::string(kPostHead) + " | DATA 1 1 | HEADERS 1 [x-sum: 1] end");
  H2Attempt empty(wire);
  empty.post();
  wire.sent();
  empty.stream().send_trailers(*none);
  EXPECT_EQ(wire.sent(), "DATA 3 0 end");
  wire.feed(h2_ok(1) + h2_ok(3));
  EXPECT_EQ(attempt.text(), kH2OkText);
  EXPECT_EQ(empty.text(), kH2OkText);
}

// Our side's fault, not the server's.
TEST(H2ClientStream, CutsARequestWhoseBodyIsNotWhatItsHeadSaid) {
  for (const std::string_view body : {"abc", "a"}) {
    H2ClientWire wire;
    wire.open();
    H2Attempt attempt(wire);
    attempt.head("POST", sized(2), false);
    wire.sent();
    attempt.body(body, true);
    EXPECT_EQ(attempt.text(), "") << "not while it sends";
    const std::string sent = wire.sent();
    EXPECT_TRUE(sent.ends_with("RST_STREAM 1 CANCEL")) << sent;
    EXPECT_EQ(attempt.text(), "reset internal_error");
    EXPECT_TRUE(wire.client.reusable());
  }
}

// ---- waiting for the server's window --------------------------------------------------------------------------------

TEST(H2ClientStream, SendsNoMoreThanTheServerTakesAndTellsWhenThereIsRoom) {
  H2ClientWire wire;
  wire.open({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1000}}).feed(h2_window(0, 100'000));
  H2Attempt attempt(wire);
  attempt.post();
  EXPECT_EQ(attempt.stream().writable_bytes(), H2Outgoing::kWaitingBytesMax);
  attempt.body(std::string(H2Outgoing::kWaitingBytesMax, 'x'), false);
  EXPECT_EQ(attempt.stream().writable_bytes(), 0u);
  EXPECT_EQ(wire.sent(), std::string(kPostHead) + " | DATA 1 1000");
  EXPECT_EQ(attempt.stream().writable_bytes(), 0u) << "until there is room for more than a little";
  // Another one has a window of its own.
  H2Attempt other(wire);
  other.get();
  wire.turn();
  wire.feed(h2_ok(3));
  EXPECT_EQ(other.text(), kH2OkText);
  wire.feed(h2_window(1, 40'000));
  EXPECT_EQ(attempt.text(), "");
  wire.feed(h2_window(1, 20'000));
  EXPECT_EQ(attempt.text(), "writable");
  EXPECT_GT(attempt.stream().writable_bytes(), 0u);
  attempt.body("end", true);
  wire.feed(h2_window(1, 20'000));
  wire.sent();
  EXPECT_EQ(wire.server.bodies[1], std::string(H2Outgoing::kWaitingBytesMax, 'x') + "end");
  wire.feed(h2_ok(1));
  EXPECT_EQ(attempt.text(), "writable | " + std::string(kH2OkText));
}

TEST(H2ClientStream, SendsNoMoreThanTheTransportTakes) {
  H2ClientWire wire;
  wire.open({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 10'000'000}}).feed(h2_window(0, 10'000'000));
  wire.takes_output = false;
  H2Attempt attempt(wire);
  attempt.post();
  std::size_t written = 0;
  for (int turns = 0; turns < 100 && attempt.stream().writable_bytes() > 0; ++turns) {
    attempt.body(std::string(16 * 1024, 'x'), false);
    written += std::size_t{16} * 1024;
    wire.turn();
  }
  EXPECT_EQ(attempt.stream().writable_bytes(), 0u);
  EXPECT_LT(written, 3 * H2Outgoing::kWaitingBytesMax);
  EXPECT_EQ(attempt.text(), "");
  wire.take_output();
  EXPECT_EQ(attempt.text(), "writable");
  attempt.body("", true);
  wire.sent();
  EXPECT_EQ(wire.server.bodies[1].size(), written);
}

// ---- waiting for the handler ----------------------------------------------------------------------------------------

TEST(H2ClientStream, HoldsTheServerWhileItsHandlerDoesNotRead) {
  constexpr std::size_t kWindow = std::size_t{128} * 1024;
  H2ClientWire wire;
  wire.open();
  H2Attempt slow(wire);
  H2Attempt quick(wire);
  slow.get();
  quick.get();
  wire.turn();
  slow.handler().on_event = [&](std::string_view event) {
    if (event == "head") slow.stream().set_reading(false);
  };
  wire.feed(h2_answer(1, "200"));
  wire.sent();
  for (std::size_t bytes = 0; bytes < kWindow; bytes += 16'384) wire.feed(h2_data(1, std::string(16'384, 's')));
  // More than all streams may have under way together, of which the slow one has a part.
  wire.feed(h2_answer(3, "200"));
  std::size_t got = 0;
  for (int i = 0; i < 500; ++i) {
    wire.feed(h2_data(3, std::string(16'384, 'q')));
    got += quick.handler().lines().back().size() - std::string_view("body ").size();
    quick.handler().clear();
  }
  EXPECT_EQ(got, 500u * 16'384);
  EXPECT_EQ(slow.text(), "head 200 '' body=stream");
  // Windows are opened for the connection and for who reads.
  const std::string sent = wire.sent();
  EXPECT_NE(sent.find("WINDOW_UPDATE 0 "), std::string::npos) << sent;
  EXPECT_NE(sent.find("WINDOW_UPDATE 3 "), std::string::npos) << sent;
  EXPECT_EQ(sent.find("WINDOW_UPDATE 1 "), std::string::npos) << sent;
  slow.stream().set_reading(true);
  EXPECT_EQ(slow.text(), "head 200 '' body=stream") << "not inside the call";
  EXPECT_EQ(wire.sent(), "WINDOW_UPDATE 1 131072");
  EXPECT_EQ(slow.text(), "head 200 '' body=stream | body " + std::string(kWindow, 's'));
  wire.feed(h2_data(1, "end", kH2End));
  EXPECT_TRUE(slow.handler().has("response end"));
}

TEST(H2ClientStream, ResetsAStreamWhoseServerIgnoresTheWindow) {
  H2ClientWire wire;
  wire.open();
  H2Attempt slow(wire);
  H2Attempt other(wire);
  slow.get();
  other.get();
  slow.stream().set_reading(false);
  wire.sent();
  wire.feed(h2_answer(1, "200"));
  for (int i = 0; i < 9; ++i) wire.feed(h2_data(1, std::string(16'384, 's')));
  EXPECT_EQ(slow.text(), "head 200 '' body=stream | reset upstream_truncated answered");
  const std::string sent = wire.sent();
  EXPECT_NE(sent.find("RST_STREAM 1 FLOW_CONTROL_ERROR"), std::string::npos) << sent;
  wire.feed(h2_ok(3));
  EXPECT_EQ(other.text(), kH2OkText);
}

TEST(H2ClientStream, DeliversTheEndOnlyToWhoReads) {
  for (const bool has_trailers : {false, true}) {
    H2ClientWire wire;
    wire.open();
    H2Attempt attempt(wire);
    attempt.get();
    attempt.stream().set_reading(false);
    wire.turn();
    wire.feed(h2_answer(1, "200") + h2_data(1, "all", has_trailers ? 0 : kH2End));
    if (has_trailers) wire.feed(h2_headers(1, {{"x-sum", "1"}}, kH2End));
    // The stream is over for the server; the request is not.
    EXPECT_EQ(attempt.text(), "head 200 '' body=stream");
    EXPECT_EQ(wire.client.phase(), CodecPhase::kResponse);
    attempt.stream().set_reading(true);
    wire.turn();
    EXPECT_EQ(attempt.text(), has_trailers ? "head 200 '' body=stream | body all | trailers [x-sum: 1] | response end"
                                           : "head 200 '' body=stream | body all | end | response end");
    EXPECT_EQ(wire.client.phase(), CodecPhase::kIdle);
  }
}

TEST(H2ClientStream, DeliversOnePieceAtATimeToWhoStopsInBetween) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire);
  attempt.get();
  wire.turn();
  attempt.handler().on_event = [&](std::string_view event) {
    if (event == "body") attempt.stream().set_reading(false);
  };
  wire.feed(h2_answer(1, "200") + h2_data(1, "one"));
  wire.feed(h2_data(1, "two") + h2_data(1, "three"));
  EXPECT_EQ(attempt.text(), "head 200 '' body=stream | body one");
  attempt.stream().set_reading(true);
  wire.turn();
  EXPECT_EQ(attempt.text(), "head 200 '' body=stream | body onetwothree");
  wire.feed(h2_data(1, "", kH2End));
  EXPECT_FALSE(attempt.handler().has("end"));
  attempt.stream().set_reading(true);
  wire.turn();
  EXPECT_TRUE(attempt.handler().has("response end"));
}

// ---- answers before the request has ended ---------------------------------------------------------------------------

TEST(H2ClientStream, StopsARequestWhoseAnswerIsWhole) {
  H2ClientWire wire;
  wire.open({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 10}});
  H2Attempt attempt(wire);
  attempt.post().body(std::string(100, 'x'), false);
  EXPECT_EQ(wire.sent(), std::string(kPostHead) + " | DATA 1 10");
  wire.feed(h2_answer(1, "413") + h2_data(1, "no", kH2End));
  EXPECT_EQ(attempt.text(), "head 413 '' body=stream | body no | end | response end");
  EXPECT_EQ(wire.sent(), "RST_STREAM 1 NO_ERROR");
  EXPECT_TRUE(wire.client.reusable());
  EXPECT_EQ(wire.chunks.chunks_in_use(), 0u);
}

// RFC 9113 §8.1: so says a server that wants no more of the request.
TEST(H2ClientStream, TakesAWholeAnswerFromAServerThatResetsBehindIt) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire);
  attempt.post().body("half", false);
  attempt.stream().set_reading(false);
  wire.sent();
  wire.feed(h2_answer(1, "413") + h2_data(1, "no", kH2End) + h2_reset(1, NGHTTP2_NO_ERROR));
  attempt.body("more", false).body("end", true);
  EXPECT_EQ(wire.sent(), "");
  attempt.stream().set_reading(true);
  wire.turn();
  EXPECT_EQ(attempt.text(), "head 413 '' body=stream | body no | end | response end");
  EXPECT_EQ(wire.chunks.chunks_in_use(), 0u);
}

TEST(H2ClientStream, TalksByTurns) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire);
  attempt.post();
  wire.sent();
  wire.feed(h2_answer(1, "200"));
  for (int i = 0; i < 3; ++i) {
    attempt.body("ask", false);
    EXPECT_EQ(wire.sent(), "DATA 1 3");
    wire.feed(h2_data(1, "say"));
  }
  attempt.body("", true);
  EXPECT_EQ(wire.sent(), "DATA 1 0 end");
  wire.feed(h2_headers(1, {{"grpc-status", "0"}}, kH2End));
  EXPECT_EQ(attempt.text(), "head 200 '' body=stream | body saysaysay | trailers [grpc-status: 0] | response end");
}

// ---- requests that are given up -------------------------------------------------------------------------------------

TEST(H2ClientStream, SaysNothingOfARequestThatWasGivenUpBeforeItsHead) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire);
  attempt.reset();
  EXPECT_EQ(wire.sent(), "");
  EXPECT_EQ(wire.streams_ended, 1);
  EXPECT_EQ(wire.client.phase(), CodecPhase::kIdle);
  // Nor of one that is not written yet.
  H2Attempt unsent(wire);
  unsent.post().body("x", false);
  unsent.reset();
  EXPECT_EQ(wire.sent(), "");
  EXPECT_EQ(wire.streams_ended, 2);
  H2Attempt next(wire);
  next.get();
  wire.sent();
  wire.feed(h2_ok(3));
  EXPECT_EQ(next.text(), kH2OkText);
  EXPECT_EQ(wire.chunks.chunks_in_use(), 0u);
}

TEST(H2ClientStream, CancelsARequestAtEachPoint) {
  const std::string whole =
      h2_answer(1, "103") + h2_answer(1, "200") + h2_data(1, "body") + h2_headers(1, {{"x-sum", "1"}}, kH2End);
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    H2ClientWire wire;
    wire.open({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 10}});
    H2Attempt attempt(wire);
    H2Attempt other(wire);
    attempt.post().body(std::string(100, 'x'), false);
    other.get();
    wire.sent();
    wire.feed(std::string_view(whole).substr(0, cut));
    attempt.reset();
    EXPECT_EQ(wire.streams_ended, 1);
    EXPECT_EQ(wire.sent(), "RST_STREAM 1 CANCEL") << cut;
    // What was on its way belongs to nobody.
    wire.feed(std::string_view(whole).substr(cut));
    wire.feed(h2_ok(3));
    EXPECT_EQ(other.text(), kH2OkText) << cut;
    EXPECT_EQ(wire.sent(), "") << cut;
    EXPECT_EQ(wire.client.phase(), CodecPhase::kIdle);
  }
}

// In the middle of a header block, which is read on, since it changes what later ones mean.
TEST(H2ClientStream, ReadsABlockToItsEndWhoseHandlerHasGone) {
  const std::string block = h2_block({{":status", "200"}, {"x-a", std::string(100, 'a')}});
  for (const bool is_trailers : {false, true}) {
    H2ClientWire wire;
    wire.open();
    H2Attempt attempt(wire);
    H2Attempt other(wire);
    attempt.get();
    other.get();
    wire.turn();
    if (is_trailers) wire.feed(h2_answer(1, "200"));
    wire.feed(h2_frame(NGHTTP2_HEADERS, kH2End, 1, block.substr(0, 60)));
    attempt.reset();
    wire.sent();
    wire.feed(h2_frame(NGHTTP2_CONTINUATION, support::kH2EndHeaders, 1, block.substr(60)) + h2_ok(3));
    EXPECT_EQ(other.text(), kH2OkText);
    EXPECT_TRUE(wire.client.reusable());
  }
}

TEST(H2ClientStream, MayBeResetInsideEachOfItsEvents) {
  const std::string whole =
      h2_answer(1, "103") + h2_answer(1, "200") + h2_data(1, "body") + h2_headers(1, {{"x-sum", "1"}}, kH2End);
  for (const std::string_view wanted : {"informational", "head", "body", "trailers", "writable"}) {
    for (const std::size_t size : kFragmentSizes) {
      SCOPED_TRACE(wanted);
      H2ClientWire wire;
      wire.open({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 10}});
      H2Attempt attempt(wire);
      H2Attempt other(wire);
      attempt.post().body(std::string(H2Outgoing::kWaitingBytesMax, 'x'), false);
      other.get();
      wire.sent();
      bool was_reset = false;
      attempt.handler().on_event = [&](std::string_view event) {
        EXPECT_FALSE(was_reset) << event;
        if (event != wanted) return;
        attempt.stream().reset();
        was_reset = true;
      };
      wire.feed(wanted == "writable" ? h2_window(1, 65'000) : whole, size);
      ASSERT_TRUE(was_reset);
      attempt.forget_handler();
      EXPECT_EQ(wire.streams_ended, 1);
      EXPECT_NE(wire.sent().find("RST_STREAM 1 CANCEL"), std::string::npos);
      wire.feed(h2_ok(3), size);
      EXPECT_EQ(other.text(), kH2OkText);
      EXPECT_EQ(wire.client.phase(), CodecPhase::kIdle);
    }
  }
}

// Whoever was told how it ended has nothing to do with the stream any more, and may begin another one.
TEST(H2ClientStream, LetsANewRequestBeginInsideTheLastEvent) {
  for (const std::string& answer : {h2_ok(1), h2_reset(1, NGHTTP2_REFUSED_STREAM), h2_reset(1)}) {
    H2ClientWire wire;
    wire.open();
    std::deque<H2Attempt> attempts;
    attempts.emplace_back(wire).get();
    attempts[0].handler().on_event = [&](std::string_view event) {
      if (event != "response end" && event != "reset") return;
      attempts.emplace_back(wire).get();
    };
    wire.turn();
    wire.feed(answer);
    wire.sent();
    wire.feed(h2_ok(3));
    EXPECT_EQ(attempts[1].text(), kH2OkText);
  }
}

}  // namespace
}  // namespace viaduct::codec
