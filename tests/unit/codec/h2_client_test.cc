// SPDX-License-Identifier: Apache-2.0
// What becomes of the answers that a server gives, and of the connection behind them.
#include "codec/h2_client.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "support/h2_client_wire.h"

namespace viaduct::codec {
namespace {

using support::h2_answer;
using support::h2_block;
using support::h2_data;
using support::h2_frame;
using support::h2_headers;
using support::h2_ok;
using support::h2_reset;
using support::H2Attempt;
using support::H2ClientWire;
using support::H2Fields;
using support::kFragmentSizes;
using support::kH2End;
using support::kH2EndHeaders;
using support::kH2OkText;

struct Row {
  std::string bytes;  // frames of the server on stream 1
  std::string_view events;
  std::string_view sent = "";  // what we say to it
  std::string_view method = "GET";
};

// Each row beside another request, which takes no harm, and another one behind it.
void expect_events(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    for (const std::size_t size : kFragmentSizes) {
      SCOPED_TRACE(std::string(row.events) + " in pieces of " + std::to_string(size));
      H2ClientWire wire;
      wire.open();
      H2Attempt attempt(wire);
      H2Attempt other(wire);
      attempt.head(row.method, {}, true);
      other.get();
      wire.sent();
      wire.feed(row.bytes, size);
      EXPECT_EQ(attempt.text(), row.events);
      EXPECT_EQ(wire.sent(), row.sent);
      EXPECT_EQ(wire.streams_ended, 1);
      attempt.forget_handler();
      wire.feed(h2_ok(3), size);
      EXPECT_EQ(other.text(), kH2OkText);
      ASSERT_TRUE(wire.client.reusable());
      EXPECT_EQ(wire.client.phase(), CodecPhase::kIdle);
      EXPECT_EQ(wire.client.ending(), CodecEnding::kOpen);
      H2Attempt next(wire);
      next.get();
      wire.turn();
      wire.feed(h2_ok(5), size);
      EXPECT_EQ(next.text(), kH2OkText);
      EXPECT_EQ(wire.streams_ended, 3);
    }
  }
}

TEST(H2Client, ReadsAnswers) {
  expect_events({
      {h2_answer(1, "200", 0, {{"content-length", "5"}, {"x-b", "1"}, {"x-b", "2"}}) + h2_data(1, "hello", kH2End),
       "head 200 '' body=5 [content-length: 5] [x-b: 1] [x-b: 2] | body hello | end | response end"},
      {h2_answer(1, "200") + h2_data(1, "he") + h2_data(1, "") + h2_data(1, "llo") + h2_data(1, "", kH2End),
       "head 200 '' body=stream | body hello | end | response end"},
      {h2_answer(1, "999", kH2End), "head 999 '' body=none | end | response end"},
      {h2_answer(1, "200", kH2End, {{"content-length", "0"}}),
       "head 200 '' body=0 [content-length: 0] | end | response end"},
      {h2_answer(1, "204", kH2End), "head 204 '' body=none | end | response end"},
      {h2_answer(1, "204") + h2_data(1, "", kH2End), "head 204 '' body=none | end | response end"},
      {h2_answer(1, "304", kH2End, {{"content-length", "55"}}),
       "head 304 '' body=none [content-length: 55] | end | response end"},
      {h2_answer(1, "200", kH2End, {{"content-length", "55"}}),
       "head 200 '' body=none [content-length: 55] | end | response end", "", "HEAD"},
      {h2_answer(1, "200") + h2_data(1, "", kH2End), "head 200 '' body=none | end | response end", "", "HEAD"},
      {h2_frame(NGHTTP2_HEADERS, 0, 1, h2_block({{":status", "200"}}).substr(0, 1)) +
           h2_frame(NGHTTP2_CONTINUATION, kH2EndHeaders, 1, h2_block({{":status", "200"}}).substr(1)) +
           h2_data(1, "x", kH2End),
       "head 200 '' body=stream | body x | end | response end"},
  });
}

TEST(H2Client, ReadsTrailers) {
  expect_events({
      {h2_answer(1, "200") + h2_data(1, "hello") + h2_headers(1, {{"grpc-status", "0"}}, kH2End),
       "head 200 '' body=stream | body hello | trailers [grpc-status: 0] | response end"},
      {h2_answer(1, "200", 0, {{"content-length", "1"}}) + h2_data(1, "x") + h2_headers(1, {}, kH2End),
       "head 200 '' body=1 [content-length: 1] | body x | trailers | response end"},
      {h2_answer(1, "200") + h2_headers(1, {{"grpc-status", "5"}}, kH2End),
       "head 200 '' body=stream | trailers [grpc-status: 5] | response end"},
      // An answer of trailers alone, as gRPC calls it, is a head that ends.
      {h2_answer(1, "200", kH2End, {{"grpc-status", "12"}}),
       "head 200 '' body=none [grpc-status: 12] | end | response end"},
  });
}

TEST(H2Client, PassesInterimAnswersOn) {
  constexpr std::string_view kFinal = "head 204 '' body=none | end | response end";
  std::string many;
  std::string events;
  for (int i = 0; i < InterimBudget::kBurst; ++i) {
    many += h2_answer(1, "103", 0, {{"link", "x"}});
    events += "informational 103 '' body=none [link: x] | ";
  }
  const std::string all = events + std::string(kFinal);
  const std::string too_many = events + "reset upstream_invalid_response answered";
  expect_events({
      {h2_answer(1, "100") + h2_answer(1, "204", kH2End), kFinal},
      {h2_answer(1, "102") + h2_answer(1, "103", 0, {{"link", "x"}}) + h2_answer(1, "204", kH2End),
       "informational 102 '' body=none | informational 103 '' body=none [link: x] | head 204 '' body=none | end | "
       "response end"},
      {many + h2_answer(1, "204", kH2End), all},
      {many + h2_answer(1, "100") + h2_answer(1, "204"), too_many, "RST_STREAM 1 PROTOCOL_ERROR"},
  });
}

// ---- what is no answer ----------------------------------------------------------------------------------------------

TEST(H2Client, RefusesHeadsThatAreNone) {
  constexpr std::string_view kRefused = "reset upstream_invalid_response answered";
  constexpr std::string_view kReset = "RST_STREAM 1 PROTOCOL_ERROR";
  std::vector<Row> rows;
  const std::initializer_list<H2Fields> heads = {
      {},
      {{"x-a", "1"}},
      {{":status", ""}},
      {{":status", "20"}},
      {{":status", "2000"}},
      {{":status", "099"}},
      {{":status", "2o0"}},
      {{":status", "+20"}},
      {{":status", "101"}},
      {{":status", "200"}, {":status", "200"}},
      {{"x-a", "1"}, {":status", "200"}},
      {{":status", "200"}, {":path", "/"}},
      {{":status", "200"}, {":other", "1"}},
      {{":status", "200"}, {"X-A", "1"}},
      {{":status", "200"}, {"x a", "1"}},
      {{":status", "200"}, {"", "1"}},
      {{":status", "200"}, {"x-a", "1\r\nx-b: 2"}},
      {{":status", "200"}, {"x-a", std::string("1\0", 2)}},
      {{":status", "200"}, {"connection", "close"}},
      {{":status", "200"}, {"keep-alive", "timeout=5"}},
      {{":status", "200"}, {"proxy-connection", "close"}},
      {{":status", "200"}, {"transfer-encoding", "chunked"}},
      {{":status", "200"}, {"upgrade", "websocket"}},
      {{":status", "200"}, {"content-length", "x"}},
      {{":status", "200"}, {"content-length", "-1"}},
      {{":status", "200"}, {"content-length", "1"}, {"content-length", "2"}},
      {{":status", "200"}, {"content-length", "1, 2"}},
      {{":status", "103"}, {"connection", "close"}},
  };
  for (const H2Fields& head : heads) rows.push_back({h2_headers(1, head, 0), kRefused, kReset});
  // These end where they may not.
  rows.push_back({h2_answer(1, "103", kH2End), kRefused});
  rows.push_back({h2_answer(1, "100", kH2End), kRefused});
  rows.push_back({h2_answer(1, "200", kH2End, {{"content-length", "1"}}), kRefused});
  expect_events(rows);
}

TEST(H2Client, RefusesBodiesThatAreNotWhatTheirHeadSaid) {
  constexpr std::string_view kReset = "RST_STREAM 1 PROTOCOL_ERROR";
  const std::string head = h2_answer(1, "200", 0, {{"content-length", "2"}});
  expect_events({
      {h2_answer(1, "103") + h2_data(1, "x"),
       "informational 103 '' body=none | reset upstream_invalid_response answered", kReset},
      {h2_answer(1, "200", 0, {{"content-length", "0"}}) + h2_data(1, "x"),
       "head 200 '' body=0 [content-length: 0] | reset upstream_invalid_response answered", kReset},
      {head + h2_data(1, "a") + h2_data(1, "", kH2End),
       "head 200 '' body=2 [content-length: 2] | body a | reset upstream_invalid_response answered"},
      {head + h2_data(1, "a") + h2_headers(1, {{"x-sum", "1"}}, kH2End),
       "head 200 '' body=2 [content-length: 2] | body a | reset upstream_invalid_response answered"},
      {head + h2_data(1, "ab") + h2_data(1, "c"),
       "head 200 '' body=2 [content-length: 2] | body ab | reset upstream_invalid_response answered", kReset},
      {h2_answer(1, "204") + h2_data(1, "x"), "head 204 '' body=none | reset upstream_invalid_response answered",
       kReset},
      {h2_answer(1, "200") + h2_data(1, "x"), "head 200 '' body=none | reset upstream_invalid_response answered",
       kReset, "HEAD"},
  });
}

// A body that is too long and ends is no better than one that goes on.
TEST(H2Client, RefusesBodiesThatAreTooLongWhereTheyEnd) {
  const std::string head = h2_answer(1, "200", 0, {{"content-length", "2"}});
  expect_events({
      {h2_answer(1, "200", 0, {{"content-length", "0"}}) + h2_data(1, "x", kH2End),
       "head 200 '' body=0 [content-length: 0] | reset upstream_invalid_response answered"},
      {head + h2_data(1, "ab") + h2_data(1, "c", kH2End),
       "head 200 '' body=2 [content-length: 2] | body ab | reset upstream_invalid_response answered"},
      {h2_answer(1, "204") + h2_data(1, "x", kH2End),
       "head 204 '' body=none | reset upstream_invalid_response answered"},
  });
}

// nghttp2 takes such a server for broken altogether.
TEST(H2Client, EndsAConnectionWhereABodyComesBeforeItsHead) {
  for (const std::uint8_t flags : {std::uint8_t{0}, kH2End}) {
    H2ClientWire wire;
    wire.open();
    H2Attempt attempt(wire);
    H2Attempt other(wire);
    attempt.get();
    other.get();
    wire.sent();
    wire.feed(h2_data(1, "x", flags) + h2_ok(1) + h2_ok(3));
    EXPECT_EQ(attempt.text(), "reset upstream_invalid_response");
    EXPECT_EQ(other.text(), "reset upstream_invalid_response");
    EXPECT_EQ(wire.sent(), "GOAWAY 0 PROTOCOL_ERROR");
    EXPECT_EQ(wire.client.ending(), CodecEnding::kClose);
  }
}

TEST(H2Client, RefusesTrailersThatAreNone) {
  const std::string head = h2_answer(1, "200") + h2_data(1, "x");
  constexpr std::string_view kRefused = "head 200 '' body=stream | body x | reset upstream_invalid_response answered";
  expect_events({
      {head + h2_headers(1, {{":status", "200"}}, kH2End), kRefused},
      {head + h2_headers(1, {{"x-a", "1"}, {":path", "/"}}, kH2End), kRefused},
      {head + h2_headers(1, {{"X-A", "1"}}, kH2End), kRefused},
      {head + h2_headers(1, {{"connection", "close"}}, kH2End), kRefused},
      {head + h2_headers(1, {{"x-a", "1"}}, 0), kRefused, "RST_STREAM 1 PROTOCOL_ERROR"},
      {head + h2_answer(1, "200"), kRefused, "RST_STREAM 1 PROTOCOL_ERROR"},
  });
}

TEST(H2Client, HoldsHeadsToTheLimits) {
  struct LimitRow {
    std::size_t value_bytes;  // of one field, "x: value" and a line end
    std::size_t fields;
    bool is_taken;
  };
  for (const LimitRow& row :
       {LimitRow{95, 1, true}, LimitRow{96, 1, false}, LimitRow{1, 4, true}, LimitRow{1, 5, false}}) {
    H2ClientWire wire({.max_head_size = 100, .max_fields = 4});
    wire.open();
    H2Attempt attempt(wire);
    attempt.get();
    wire.sent();
    H2Fields fields;
    for (std::size_t i = 0; i < row.fields; ++i) fields.emplace_back("x", std::string(row.value_bytes, 'v'));
    wire.feed(h2_answer(1, "200", 0, fields));
    EXPECT_EQ(attempt.handler().has("head 200"), row.is_taken) << row.value_bytes;
    EXPECT_EQ(wire.sent(), row.is_taken ? "" : "RST_STREAM 1 PROTOCOL_ERROR");
    EXPECT_TRUE(wire.client.reusable());
  }
}

// ---- the server resets ----------------------------------------------------------------------------------------------

TEST(H2Client, TellsRefusalsFromOtherResets) {
  expect_events({
      {h2_reset(1, NGHTTP2_REFUSED_STREAM), "reset upstream_refused_stream"},
      {h2_reset(1, NGHTTP2_CANCEL), "reset upstream_stream_reset"},
      {h2_reset(1, NGHTTP2_INTERNAL_ERROR), "reset upstream_stream_reset"},
      {h2_reset(1, 0xffff), "reset upstream_stream_reset"},
      // Once something of an answer has come, the server has begun with it, whatever it says.
      {h2_answer(1, "103") + h2_reset(1, NGHTTP2_REFUSED_STREAM),
       "informational 103 '' body=none | reset upstream_truncated answered"},
      {h2_answer(1, "200") + h2_data(1, "half") + h2_reset(1, NGHTTP2_REFUSED_STREAM),
       "head 200 '' body=stream | body half | reset upstream_truncated answered"},
      {h2_answer(1, "200") + h2_data(1, "half") + h2_reset(1, NGHTTP2_NO_ERROR),
       "head 200 '' body=stream | body half | reset upstream_truncated answered"},
      {h2_answer(1, "200") + h2_data(1, "all", kH2End) + h2_reset(1, NGHTTP2_NO_ERROR),
       "head 200 '' body=stream | body all | end | response end"},
  });
}

// ---- several at once ------------------------------------------------------------------------------------------------

TEST(H2Client, CarriesAnswersThatMixWithEachOther) {
  for (const std::size_t size : kFragmentSizes) {
    H2ClientWire wire;
    wire.open();
    std::deque<H2Attempt> attempts;
    for (int i = 0; i < 3; ++i) attempts.emplace_back(wire).get();
    EXPECT_EQ(wire.client.phase(), CodecPhase::kResponse);
    wire.turn();
    wire.feed(h2_answer(5, "200") + h2_data(5, "5") + h2_answer(1, "200") + h2_data(5, "5") + h2_data(1, "1", kH2End) +
                  h2_answer(3, "204", kH2End) + h2_data(5, "5", kH2End),
              size);
    EXPECT_EQ(attempts[0].text(), "head 200 '' body=stream | body 1 | end | response end");
    EXPECT_EQ(attempts[1].text(), "head 204 '' body=none | end | response end");
    EXPECT_EQ(attempts[2].text(), "head 200 '' body=stream | body 555 | end | response end");
    EXPECT_EQ(wire.client.phase(), CodecPhase::kIdle);
  }
}

TEST(H2Client, TakesAsManyRequestsAsItMay) {
  H2ClientWire wire;
  wire.open();
  std::deque<H2Attempt> attempts;
  for (std::uint32_t i = 0; i < H2Client::kRequestsMax; ++i) {
    ASSERT_TRUE(wire.client.reusable());
    attempts.emplace_back(wire).get();
  }
  EXPECT_FALSE(wire.client.reusable());
  wire.turn();
  bool was_reusable = false;
  wire.on_stream_end = [&] { was_reusable = wire.client.reusable(); };
  wire.feed(h2_ok(1));
  EXPECT_TRUE(was_reusable) << "there is room before the handler knows";
}

TEST(H2Client, TakesNoMoreRequestsThanTheServerGrants) {
  H2ClientWire wire;
  wire.open({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2}});
  H2Attempt one(wire);
  one.get();
  EXPECT_TRUE(wire.client.reusable());
  H2Attempt two(wire);
  EXPECT_FALSE(wire.client.reusable()) << "a request counts once it has begun";
  two.get();
  wire.turn();
  wire.feed(support::h2_settings({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 3}}));
  EXPECT_TRUE(wire.client.reusable());
  wire.feed(support::h2_settings({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1}}) + h2_ok(1));
  EXPECT_FALSE(wire.client.reusable());
  wire.feed(h2_ok(3));
  EXPECT_TRUE(wire.client.reusable());
}

// RFC 9113 §8.4: we have said that we take none; a server may not have heard it yet.
TEST(H2Client, EndsAConnectionThatPushes) {
  const std::string pushed =
      h2_frame(NGHTTP2_PUSH_PROMISE, kH2EndHeaders, 1, support::h2_number(2, 4) + h2_block(support::h2_request("GET")));
  for (const std::size_t size : kFragmentSizes) {
    H2ClientWire wire;
    H2Attempt attempt(wire);
    attempt.get();
    wire.feed(support::h2_settings());
    EXPECT_EQ(wire.sent(),
              "SETTINGS 2=0 4=131072 | SETTINGS ack | WINDOW_UPDATE 0 4128769 | HEADERS 1 [:method: GET] "
              "[:scheme: https] [:authority: a] [:path: /] [te: trailers] end");
    wire.feed(pushed + h2_ok(1), size);
    EXPECT_EQ(attempt.text(), kH2OkText);
    EXPECT_EQ(wire.sent(), "RST_STREAM 2 CANCEL");
    EXPECT_TRUE(wire.client.reusable());
  }
  for (const std::size_t size : kFragmentSizes) {
    H2ClientWire wire;
    wire.open();
    H2Attempt attempt(wire);
    attempt.get();
    wire.sent();
    wire.feed(pushed + h2_ok(1), size);
    EXPECT_EQ(attempt.text(), "reset upstream_invalid_response");
    EXPECT_EQ(wire.sent(), "GOAWAY 0 PROTOCOL_ERROR");
    EXPECT_FALSE(wire.client.reusable());
    EXPECT_EQ(wire.client.ending(), CodecEnding::kClose);
  }
}

TEST(H2Client, TakesNoOtherProtocolForHttp2) {
  for (const std::size_t size : kFragmentSizes) {
    H2ClientWire wire;
    H2Attempt attempt(wire);
    attempt.get();
    wire.sent();
    wire.feed("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", size);
    EXPECT_EQ(attempt.text(), "reset upstream_invalid_response");
    EXPECT_EQ(wire.sent(), "GOAWAY 0 PROTOCOL_ERROR");
    EXPECT_EQ(wire.client.ending(), CodecEnding::kClose);
    EXPECT_EQ(wire.client.phase(), CodecPhase::kClosing);
    EXPECT_FALSE(wire.client.wants_input());
  }
}

// ---- memory ---------------------------------------------------------------------------------------------------------

TEST(H2Client, AsksTheSystemForNoMemoryOnceItIsWarm) {
  H2ClientWire wire;
  wire.open();
  std::int32_t number = 1;
  const auto carry = [&] {
    H2Attempt one(wire);
    H2Attempt two(wire);
    one.post().body("body", true);
    two.get();
    wire.turn();
    wire.feed(h2_answer(number, "200", 0, {{"x-a", std::string(200, 'x')}}) + h2_data(number, std::string(5000, 'x')) +
              h2_headers(number, {{"x-sum", "1"}}, kH2End) + h2_ok(number + 2));
    number += 4;
    return one.handler().has("response end") && two.handler().has("response end");
  };
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(carry());
  const std::size_t before = wire.library.memory().system_calls();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(carry());
  EXPECT_EQ(wire.library.memory().system_calls(), before);
  EXPECT_EQ(wire.chunks.chunks_in_use(), 0u);
}

}  // namespace
}  // namespace viaduct::codec
