// SPDX-License-Identifier: Apache-2.0
// Requests that H2Server takes and their responses: frames in, events out, and the frames of the answer.
#include "codec/h2_server.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support/h2_wire.h"

namespace viaduct::codec {
namespace {

using support::h2_block;
using support::h2_data;
using support::h2_frame;
using support::h2_get;
using support::h2_headers;
using support::h2_post;
using support::h2_request;
using support::H2Fields;
using support::H2ServerWire;
using support::kFragmentSizes;
using support::kH2End;
using support::kH2EndHeaders;
using support::RecordingStreamHandler;

constexpr std::string_view kOk = "HEADERS 1 [:status: 200] [content-length: 2] | DATA 1 2 end";

struct Row {
  std::string frames;
  std::string events;
};

// Every row whole and in pieces; handlers answer whole requests with "ok".
void expect_events(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    for (const std::size_t size : kFragmentSizes) {
      SCOPED_TRACE(row.events + " in pieces of " + std::to_string(size));
      H2ServerWire wire;
      wire.open().feed(row.frames, size);
      EXPECT_EQ(wire.events(), row.events + " | stream end");
      EXPECT_EQ(wire.sent(), kOk);
      EXPECT_EQ(wire.server.phase(), CodecPhase::kIdle);
      EXPECT_EQ(wire.server.ending(), CodecEnding::kOpen);
      EXPECT_EQ(wire.server.failure(), http::Reason::kNone);
    }
  }
}

// "head POST / HTTP/2.0 host=a body=BODY [Host: a]"
std::string head(std::string_view request, std::string_view body, std::string_view more = "") {
  return "head " + std::string(request) + " HTTP/2.0 host=a body=" + std::string(body) + " [Host: a]" +
         std::string(more);
}

TEST(H2Server, SaysWhatItGrantsFirst) {
  H2ServerWire wire;
  EXPECT_TRUE(wire.server.wants_input());
  EXPECT_EQ(wire.server.phase(), CodecPhase::kIdle);
  wire.flush();
  // Streams, their window, bytes of a header list, extended CONNECT, RFC 9218; then the window of the connection.
  EXPECT_EQ(wire.sent(), "SETTINGS 3=128 4=65536 6=44160 8=1 9=1 | WINDOW_UPDATE 0 983041");
  wire.feed(support::h2_preface());
  EXPECT_EQ(wire.sent(), "SETTINGS ack");
  EXPECT_EQ(wire.server.phase(), CodecPhase::kIdle);
}

TEST(H2Server, TakesThePrefaceInPiecesOfAnySize) {
  const std::string bytes = support::h2_preface({{4, 100000}}) + h2_get(1);
  for (const std::size_t size : kFragmentSizes) {
    H2ServerWire wire;
    wire.feed(bytes, size);
    EXPECT_EQ(wire.events(), head("GET /", "none") + " | end | stream end");
  }
}

TEST(H2Server, TakesRequestsWithoutABody) {
  expect_events({
      {h2_get(1), head("GET /", "none") + " | end"},
      {h2_headers(1, h2_request("HEAD", "/x?y=z"), kH2End), head("HEAD /x?y=z", "none") + " | end"},
      {h2_headers(1, h2_request("DELETE", "/%2e%2E//"), kH2End), head("DELETE /%2e%2E//", "none") + " | end"},
      {h2_headers(1, h2_request("OPTIONS", "*"), kH2End), head("OPTIONS *", "none") + " | end"},
      {h2_get(1, {{"x-a", "1"}, {"x-b", ""}, {"x-a", "2"}}),
       head("GET /", "none", " [x-a: 1] [x-b: ] [x-a: 2]") + " | end"},
      {h2_headers(1, h2_request("POST", "/", {{"content-length", "0"}}), kH2End),
       head("POST /", "0", " [content-length: 0]") + " | end"},
  });
}

TEST(H2Server, TakesRequestsWithABody) {
  expect_events({
      {h2_post(1) + h2_data(1, "hello", kH2End), head("POST /", "stream") + " | body hello | end"},
      {h2_post(1) + h2_data(1, "he") + h2_data(1, "") + h2_data(1, "llo") + h2_data(1, "", kH2End),
       head("POST /", "stream") + " | body hello | end"},
      {h2_post(1, {{"content-length", "5"}}) + h2_data(1, "hello", kH2End),
       head("POST /", "5", " [content-length: 5]") + " | body hello | end"},
      {h2_post(1, {{"content-length", "5"}}) + h2_data(1, "hel") + h2_data(1, "lo") + h2_data(1, "", kH2End),
       head("POST /", "5", " [content-length: 5]") + " | body hello | end"},
      // Padding is no part of a body.
      {h2_post(1, {{"content-length", "5"}}) +
           h2_frame(NGHTTP2_DATA, kH2End | NGHTTP2_FLAG_PADDED, 1, std::string("\x04hello") + std::string(4, '\0')),
       head("POST /", "5", " [content-length: 5]") + " | body hello | end"},
  });
}

// Whether an empty body is told with the head depends on what has come by then.
TEST(H2Server, TakesABodyThatProvesEmpty) {
  const std::string frames = h2_post(1) + h2_data(1, "", kH2End);
  for (const std::size_t size : kFragmentSizes) {
    H2ServerWire wire;
    wire.open().feed(frames, size);
    EXPECT_EQ(wire.events(), head("POST /", "stream") + " | end | stream end");
    EXPECT_EQ(wire.sent(), kOk);
  }
}

TEST(H2Server, TakesTrailers) {
  const std::string trailers = h2_headers(1, {{"x-sum", "1"}, {"x-sum", "2"}}, kH2End);
  expect_events({
      {h2_post(1) + h2_data(1, "hello") + trailers,
       head("POST /", "stream") + " | body hello | trailers [x-sum: 1] [x-sum: 2]"},
      {h2_post(1) + trailers, head("POST /", "stream") + " | trailers [x-sum: 1] [x-sum: 2]"},
      {h2_post(1, {{"content-length", "5"}}) + h2_data(1, "hello") + trailers,
       head("POST /", "5", " [content-length: 5]") + " | body hello | trailers [x-sum: 1] [x-sum: 2]"},
      {h2_post(1) + h2_data(1, "hello") + h2_headers(1, {}, kH2End),
       head("POST /", "stream") + " | body hello | trailers"},
  });
}

TEST(H2Server, TakesHeadersInManyFrames) {
  const std::string block = h2_block(h2_request("GET", "/", {{"x-a", std::string(100, 'a')}, {"x-b", "1"}}));
  std::string frames = h2_frame(NGHTTP2_HEADERS, kH2End, 1, block.substr(0, 10));
  frames += h2_frame(NGHTTP2_CONTINUATION, 0, 1, "");
  frames += h2_frame(NGHTTP2_CONTINUATION, 0, 1, block.substr(10, 20));
  frames += h2_frame(NGHTTP2_CONTINUATION, kH2EndHeaders, 1, block.substr(30));
  const std::string events = head("GET /", "none", " [x-a: " + std::string(100, 'a') + "] [x-b: 1]") + " | end";
  expect_events({
      {frames, events},
      // Padding and a priority of RFC 7540 stand in front of the block.
      {h2_frame(NGHTTP2_HEADERS, kH2End | kH2EndHeaders | NGHTTP2_FLAG_PADDED | NGHTTP2_FLAG_PRIORITY, 1,
                std::string("\x03\0\0\0\0\x10", 6) + block + std::string(3, '\0')),
       events},
  });
}

TEST(H2Server, SkipsWhatItDoesNotKnow) {
  const std::string unknown = h2_frame(0x42, 0xff, 1, "whatever") + h2_frame(0x0a, 0, 0, std::string(1000, 'x'));
  expect_events({
      {unknown + h2_post(1) + unknown + h2_data(1, "hello") + unknown + h2_data(1, "", kH2End) + unknown,
       head("POST /", "stream") + " | body hello | end"},
  });
  H2ServerWire wire;
  wire.open({{0x99, 7}, {3, 0}}).feed(h2_get(1));
  EXPECT_EQ(wire.sent(), kOk) << "settings that concern nobody";
}

TEST(H2Server, AnswersManyRequestsSideBySide) {
  H2ServerWire wire;
  wire.answers = false;
  wire.open().feed(h2_get(1) + h2_post(3) + h2_get(5) + h2_data(3, "hello", kH2End));
  ASSERT_EQ(wire.streams.size(), 3u);
  EXPECT_EQ(wire.server.phase(), CodecPhase::kResponse);
  for (const std::size_t i : {2uz, 0uz, 1uz}) {
    support::respond(*wire.streams[i]->stream, wire.streams[i]->arena(), 200, "ok", wire.chunks);
  }
  wire.turn();
  EXPECT_EQ(wire.sent(),
            "HEADERS 5 [:status: 200] [content-length: 2] | HEADERS 1 [:status: 200] [content-length: 2] | "
            "HEADERS 3 [:status: 200] [content-length: 2] | DATA 1 2 end | DATA 3 2 end | DATA 5 2 end");
  EXPECT_EQ(wire.server.phase(), CodecPhase::kIdle);
  for (const auto& stream : wire.streams) EXPECT_EQ(stream->lines().back(), "stream end");
}

TEST(H2Server, ServesOneRequestAfterAnother) {
  H2ServerWire wire;
  wire.open();
  for (std::int32_t id = 1; id < 1000; id += 2) {
    wire.feed(h2_get(id));
    EXPECT_TRUE(wire.sent().ends_with("2 end"));
  }
  EXPECT_EQ(wire.streams.size(), 500u);
  EXPECT_EQ(wire.server.phase(), CodecPhase::kIdle);
}

TEST(H2Server, AsksForExpectedBodiesWhenTheHandlerWantsThem) {
  const std::string post = h2_post(1, {{"expect", "100-continue"}, {"content-length", "5"}});
  for (const std::size_t size : kFragmentSizes) {
    H2ServerWire wire;
    wire.reads = false;
    wire.open().feed(post, size);
    EXPECT_TRUE(wire.last().head->expects_continue);
    EXPECT_EQ(wire.sent(), "");
    wire.last().stream->set_reading(true);
    wire.last().stream->set_reading(true);
    wire.turn();
    EXPECT_EQ(wire.sent(), "HEADERS 1 [:status: 100]");
    wire.feed(h2_data(1, "hello", kH2End), size);
    EXPECT_EQ(wire.sent(), kOk);
  }
  H2ServerWire under_way;
  under_way.open().feed(post + h2_data(1, "hel"));
  EXPECT_EQ(under_way.sent(), "") << "the body is on its way";
  H2ServerWire refused;
  refused.reads = refused.answers = false;
  refused.open().feed(post);
  support::respond(*refused.last().stream, refused.last().arena(), 403, "no", refused.chunks);
  refused.turn();
  EXPECT_EQ(refused.sent(), "HEADERS 1 [:status: 403] [content-length: 2] | DATA 1 2 end | RST_STREAM 1 NO_ERROR");
}

TEST(H2Server, TellsWhatItWaitsFor) {
  H2ServerWire wire;
  wire.answers = false;
  wire.feed(support::kH2Magic.substr(0, 1));
  EXPECT_EQ(wire.server.phase(), CodecPhase::kHead) << "the preface has its time";
  wire.feed(support::kH2Magic.substr(1));
  EXPECT_EQ(wire.server.phase(), CodecPhase::kIdle);
  wire.feed(support::h2_settings().substr(0, 8));
  EXPECT_EQ(wire.server.phase(), CodecPhase::kHead) << "and every frame";
  wire.feed(support::h2_settings().substr(8));
  EXPECT_EQ(wire.server.phase(), CodecPhase::kIdle);
  const std::string block = h2_block(h2_request("GET"));
  wire.feed(h2_frame(NGHTTP2_HEADERS, kH2End, 1, block.substr(0, 5)));
  EXPECT_EQ(wire.server.phase(), CodecPhase::kHead);
  wire.feed(h2_frame(NGHTTP2_CONTINUATION, kH2EndHeaders, 1, block.substr(5)));
  EXPECT_EQ(wire.server.phase(), CodecPhase::kResponse);
  wire.feed(h2_post(3) + h2_frame(NGHTTP2_HEADERS, kH2End, 3, ""));
  EXPECT_EQ(wire.server.phase(), CodecPhase::kHead) << "trailers too";
  wire.feed(h2_frame(NGHTTP2_CONTINUATION, kH2EndHeaders, 3, ""));
  EXPECT_EQ(wire.server.phase(), CodecPhase::kResponse);
}

// Frames of two requests; whether the second is answered first.
struct PriorityRow {
  std::string frames;
  bool is_second_first;
};

void expect_order(const std::vector<std::pair<std::uint16_t, std::uint32_t>>& settings,
                  const std::vector<PriorityRow>& rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    H2ServerWire wire;
    wire.answers = false;
    wire.open(settings).feed(rows[i].frames);
    ASSERT_EQ(wire.streams.size(), 2u);
    for (const auto& handler : wire.streams) {
      support::respond(*handler->stream, handler->arena(), 200, "ok", wire.chunks);
    }
    wire.turn();
    const std::string sent = wire.sent();
    EXPECT_TRUE(sent.ends_with(rows[i].is_second_first ? "DATA 3 2 end | DATA 1 2 end" : "DATA 1 2 end | DATA 3 2 end"))
        << "row " << i << ": " << sent;
  }
}

TEST(H2Server, OrdersResponsesByTheirUrgency) {
  // SETTINGS_NO_RFC7540_PRIORITIES
  expect_order({{9, 1}}, {
                             {h2_get(1) + h2_get(3), false},
                             {h2_get(1, {{"priority", "u=5"}}) + h2_get(3), true},
                             {h2_get(1) + h2_get(3, {{"priority", "u=1"}}), true},
                             {h2_get(1, {{"priority", "u=1"}}) + h2_get(3, {{"priority", "u=2"}}), false},
                             {h2_get(1) + h2_get(3, {{"priority", "u=9"}}), false},
                             {h2_get(1) + h2_get(3) + support::h2_priority_update(1, "u=7"), true},
                             {support::h2_priority_update(3, "u=0") + h2_get(1) + h2_get(3), true},
                         });
}

// RFC 7540 §5.3: stream 1 depends on stream 3. Such trees are deprecated (RFC 9113 §5.3.2).
TEST(H2Server, TakesNoOrderFromTrees) {
  const std::string dependent = h2_frame(NGHTTP2_PRIORITY, 0, 1, std::string("\0\0\0\x03\x10", 5));
  expect_order({}, {{h2_get(1) + h2_get(3), false}, {h2_get(1) + h2_get(3) + dependent, false}});
}

// The frames of two long responses, by their streams.
std::string order_of(const std::vector<std::pair<std::uint16_t, std::uint32_t>>& settings, std::string_view frames) {
  H2ServerWire wire;
  wire.answers = false;
  wire.open(settings).feed(frames);
  for (const auto& handler : wire.streams) {
    support::respond(*handler->stream, handler->arena(), 200, std::string(20'000, 'x'), wire.chunks);
  }
  wire.turn();
  const std::string sent = wire.sent();
  std::string order;
  for (std::size_t at = sent.find("DATA "); at != std::string::npos; at = sent.find("DATA ", at + 1))
    order += sent[at + 5];
  return order;
}

TEST(H2Server, LetsResponsesOfClientsThatKnowNoPrioritiesShare) {
  EXPECT_EQ(order_of({}, h2_get(1) + h2_get(3)), "1313");
  EXPECT_EQ(order_of({{9, 1}}, h2_get(1) + h2_get(3)), "13");
  EXPECT_EQ(order_of({}, h2_get(1, {{"priority", "u=3"}}) + h2_get(3)), "13");
  EXPECT_EQ(order_of({}, support::h2_priority_update(3, "u=0") + h2_get(1) + h2_get(3)), "31");
}

}  // namespace
}  // namespace viaduct::codec
