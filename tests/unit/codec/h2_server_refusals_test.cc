// SPDX-License-Identifier: Apache-2.0
// What H2Server refuses: requests beyond limits are answered, malformed ones reset, and connections that break the
// protocol end. The rules of field lists as rows are in h2_head_reader_test.cc.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "codec/h2_server.h"
#include "support/h2_wire.h"

namespace viaduct::codec {
namespace {

using http::Reason;
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

struct Row {
  std::string frames;
  Reason reason;
  std::string sent;  // of stream 1
};

// Each row is refused so however it is cut, and a request behind it is answered.
void expect_refused(const std::vector<Row>& rows, const H2Limits& limits = {}) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const std::size_t size : kFragmentSizes) {
      SCOPED_TRACE("row " + std::to_string(i) + " in pieces of " + std::to_string(size));
      H2ServerWire wire(limits);
      wire.open().feed(rows[i].frames, size);
      ASSERT_EQ(wire.streams.size(), 1u);
      const std::string refused = "refused " + std::string(http::reason_name(rows[i].reason)) + " | stream end";
      EXPECT_TRUE(wire.events().ends_with(refused)) << wire.events();
      EXPECT_EQ(wire.sent(), rows[i].sent);
      EXPECT_EQ(wire.server.phase(), CodecPhase::kIdle);
      EXPECT_EQ(wire.server.failure(), Reason::kNone);
      wire.feed(h2_get(3), size);
      EXPECT_EQ(wire.sent(), "HEADERS 3 [:status: 200] [content-length: 2] | DATA 3 2 end");
    }
  }
}

std::string answer(int status, bool is_stopped = false) {
  return "HEADERS 1 [:status: " + std::to_string(status) + "] [content-length: 2] | DATA 1 2 end" +
         (is_stopped ? " | RST_STREAM 1 NO_ERROR" : "");
}
constexpr std::string_view kReset = "RST_STREAM 1 PROTOCOL_ERROR";

TEST(H2ServerRefusals, AnswerWhatIsBeyondALimit) {
  const H2Limits limits{.max_head_size = 100, .max_fields = 3, .max_target_size = 20};
  const std::string target(20, 'a');
  const H2Fields many(4, {"x", "1"});
  const H2Fields large = {{"x", std::string(100, 'v')}};
  expect_refused(
      {
          {h2_headers(1, h2_request("GET", "/" + target), kH2End), Reason::kTargetTooLong, answer(414)},
          {h2_get(1, many), Reason::kTooManyFields, answer(431)},
          {h2_get(1, large), Reason::kHeadersTooLarge, answer(431)},
          {h2_post(1, large), Reason::kHeadersTooLarge, answer(431, true)},
          {h2_post(1, {{"expect", "x"}}), Reason::kUnsupportedExpectation, answer(417, true)},
          {h2_headers(1, {{":method", "CONNECT"}, {":authority", "a:443"}}, 0), Reason::kUnsupportedMethod,
           answer(501, true)},
      },
      limits);
  H2ServerWire wire(limits);
  const std::string path = "/" + std::string(19, 'a');
  wire.open().feed(h2_headers(1, h2_request("GET", path, H2Fields(3, {"x", "1"})), kH2End));
  EXPECT_EQ(wire.sent(), answer(200)) << "at the limits";
}

TEST(H2ServerRefusals, ResetWhatIsMalformed) {
  const std::vector<std::pair<H2Fields, Reason>> heads = {
      {{}, Reason::kMalformedRequestLine},
      {h2_request("GET", "x"), Reason::kMalformedRequestLine},
      {h2_request("GET", "/", {{"X", "1"}}), Reason::kMalformedHeader},
      {h2_request("GET", "/", {{"x", "a\r\nb"}}), Reason::kMalformedHeader},
      {h2_request("GET", "/", {{"connection", "close"}}), Reason::kMalformedHeader},
      {h2_request("GET", "/", {{"transfer-encoding", "chunked"}}), Reason::kMalformedHeader},
      {h2_request("GET", "/", {{"host", "b"}}), Reason::kInvalidHost},
      {h2_request("GET", "/", {{"content-length", "5"}, {"content-length", "5"}}), Reason::kInvalidContentLength},
  };
  for (const auto& [fields, reason] : heads) {
    expect_refused({{h2_headers(1, fields, kH2End), reason, std::string(kReset)},
                    {h2_headers(1, fields, 0), reason, std::string(kReset)}});
  }
  expect_refused({{h2_get(1, {{"content-length", "5"}}), Reason::kInvalidContentLength, std::string(kReset)}});
}

// RFC 9113 §8.1.1.
TEST(H2ServerRefusals, OfBodiesThatAreNotAsLongAsAnnounced) {
  const std::string post = h2_post(1, {{"content-length", "5"}});
  const std::vector<std::string> bodies = {
      h2_data(1, "hell", kH2End),
      h2_data(1, "", kH2End),
      h2_data(1, "hello!", kH2End),
      h2_data(1, "hello!"),
      h2_data(1, "hello") + h2_data(1, "!"),
      h2_data(1, "he") + h2_data(1, "l", kH2End),
      h2_data(1, "hell") + h2_headers(1, {{"x", "1"}}, kH2End),
  };
  for (const std::string& body : bodies) {
    expect_refused({{post + body, Reason::kInvalidContentLength, std::string(kReset)}});
  }
  expect_refused({{h2_post(1, {{"content-length", "0"}}) + h2_data(1, "GET / HTTP/1.1\r\n\r\n", kH2End),
                   Reason::kInvalidContentLength, std::string(kReset)}});
}

TEST(H2ServerRefusals, OfTrailers) {
  const std::vector<H2Fields> lists = {
      {{":path", "/b"}},
      {{":status", "200"}},
      {{"X", "1"}},
      {{"x", "1"}, {":method", "GET"}},
      {{"x", "a\nb"}},
      {{"x y", "1"}},
      {{"connection", "close"}},
      {{"transfer-encoding", "chunked"}},
      h2_request("GET", "/b"),
  };
  for (const H2Fields& fields : lists) {
    expect_refused({{h2_post(1) + h2_data(1, "hello") + h2_headers(1, fields, kH2End), Reason::kMalformedHeader,
                     std::string(kReset)}});
  }
  // Trailers are the end.
  expect_refused({{h2_post(1) + h2_data(1, "hello") + h2_headers(1, {{"x", "1"}}, 0), Reason::kMalformedHeader,
                   std::string(kReset)}});
  const H2Limits limits{.max_head_size = 100, .max_fields = 3};
  expect_refused(
      {{h2_post(1) + h2_headers(1, H2Fields(4, {"x", "1"}), kH2End), Reason::kTooManyFields, answer(431)},
       {h2_post(1) + h2_headers(1, {{"x", std::string(100, 'v')}}, kH2End), Reason::kHeadersTooLarge, answer(431)}},
      limits);
}

TEST(H2ServerRefusals, OfABodyThatIsRefusedInsideItsAnswerCutTheAnswer) {
  H2ServerWire wire;
  wire.answers = false;
  wire.open().feed(h2_post(1, {{"content-length", "5"}}) + h2_data(1, "he"));
  http::ResponseHead head(wire.last().arena());
  head.status = 200;
  head.body = {.kind = http::BodyKind::kStream};
  wire.last().stream->send_head(head, false);
  wire.turn();
  wire.feed(h2_data(1, "llo!", kH2End));
  EXPECT_EQ(wire.sent(), "HEADERS 1 [:status: 200] | RST_STREAM 1 PROTOCOL_ERROR");
  EXPECT_EQ(wire.last().lines().back(), "reset invalid_content_length");
}

// What is refused has gone through the decompressor nevertheless.
TEST(H2ServerRefusals, LeaveTheTableOfFieldsAsTheClientBelievesIt) {
  const std::string indexed = std::string("\x40\x03x-d\x05value", 11);  // into the dynamic table
  const std::string named = "\xbe";                                     // its first entry
  for (const H2Fields& bad : {H2Fields{{"X", "1"}}, H2Fields(200, {"x", "1"})}) {
    H2ServerWire wire;
    wire.open().feed(
        h2_frame(NGHTTP2_HEADERS, kH2End | kH2EndHeaders, 1, h2_block(h2_request("GET", "/", bad)) + indexed));
    EXPECT_TRUE(wire.streams[0]->has("refused"));
    wire.feed(h2_frame(NGHTTP2_HEADERS, kH2End | kH2EndHeaders, 3, h2_block(h2_request("GET")) + named));
    EXPECT_TRUE(wire.streams[1]->text().ends_with("[x-d: value] | end | stream end")) << wire.events();
  }
}

// ---- connections ----------------------------------------------------------------------------------------------------

struct Broken {
  std::string name;
  std::string frames;
  std::string goaway;  // with the last stream that was begun
  Reason reason = Reason::kH2ProtocolError;
};

const std::vector<Broken> kBroken = {
    {"DATA of no stream", h2_data(0, "x"), "GOAWAY 1 PROTOCOL_ERROR"},
    {"DATA of an idle stream", h2_data(5, "x"), "GOAWAY 1 PROTOCOL_ERROR"},
    {"HEADERS of no stream", h2_get(0), "GOAWAY 1 PROTOCOL_ERROR"},
    {"HEADERS of a stream of ours", h2_get(2), "GOAWAY 1 PROTOCOL_ERROR"},
    {"a frame beyond the largest", h2_data(1, std::string(16385, 'x')), "GOAWAY 1 FRAME_SIZE_ERROR"},
    {"SETTINGS that are cut", h2_frame(NGHTTP2_SETTINGS, 0, 0, "12345"), "GOAWAY 1 FRAME_SIZE_ERROR"},
    {"SETTINGS of a stream", h2_frame(NGHTTP2_SETTINGS, 0, 1, ""), "GOAWAY 1 PROTOCOL_ERROR"},
    {"a window beyond bounds", support::h2_settings({{4, 0x80000000u}}), "GOAWAY 1 FLOW_CONTROL_ERROR",
     Reason::kH2FlowControlError},
    {"a frame size below bounds", support::h2_settings({{5, 16383}}), "GOAWAY 1 PROTOCOL_ERROR"},
    {"PING that is cut", h2_frame(NGHTTP2_PING, 0, 0, "1234567"), "GOAWAY 1 FRAME_SIZE_ERROR"},
    {"WINDOW_UPDATE by nothing", support::h2_window(0, 0), "GOAWAY 1 PROTOCOL_ERROR"},
    {"WINDOW_UPDATE beyond bounds", support::h2_window(0, 0x7fffffff), "GOAWAY 1 FLOW_CONTROL_ERROR",
     Reason::kH2FlowControlError},
    {"RST_STREAM of an idle stream", support::h2_reset(5), "GOAWAY 1 PROTOCOL_ERROR"},
    {"PUSH_PROMISE", h2_frame(NGHTTP2_PUSH_PROMISE, kH2EndHeaders, 1, std::string(4, '\2')), "GOAWAY 1 PROTOCOL_ERROR"},
    {"CONTINUATION of nothing", h2_frame(NGHTTP2_CONTINUATION, kH2EndHeaders, 1, ""), "GOAWAY 1 PROTOCOL_ERROR"},
    {"a frame inside a header block", h2_frame(NGHTTP2_HEADERS, kH2End, 1, "") + support::h2_ping(),
     "GOAWAY 1 PROTOCOL_ERROR"},
    {"fields that cannot be decoded", h2_frame(NGHTTP2_HEADERS, kH2End | kH2EndHeaders, 3, "\xff\xff\xff\xff\xff\xff"),
     "GOAWAY 3 COMPRESSION_ERROR", Reason::kH2CompressionError},
    {"a field of no table", h2_frame(NGHTTP2_HEADERS, kH2End | kH2EndHeaders, 3, "\xbe"), "GOAWAY 3 COMPRESSION_ERROR",
     Reason::kH2CompressionError},
    {"padding beyond the frame", h2_frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, "\x09x"), "GOAWAY 1 PROTOCOL_ERROR"},
};

TEST(H2ServerRefusals, EndConnectionsThatBreakTheProtocol) {
  for (const Broken& row : kBroken) {
    for (const std::size_t size : kFragmentSizes) {
      SCOPED_TRACE(row.name + " in pieces of " + std::to_string(size));
      H2ServerWire wire;
      wire.answers = false;
      wire.open().feed(h2_post(1));
      wire.feed(row.frames + h2_get(7), size);
      EXPECT_TRUE(wire.sent().ends_with(row.goaway));
      EXPECT_EQ(wire.server.failure(), row.reason);
      EXPECT_EQ(wire.server.phase(), CodecPhase::kClosing);
      EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
      for (const auto& stream : wire.streams) {
        EXPECT_EQ(stream->lines().back(), "reset " + std::string(http::reason_name(row.reason)));
      }
      EXPECT_EQ(wire.streams[0]->lines().size(), 2u) << "told once";
      wire.feed(h2_get(9));
      EXPECT_EQ(wire.sent(), "");
    }
  }
}

TEST(H2ServerRefusals, EndConnectionsWithoutAPreface) {
  const std::vector<std::string> beginnings = {
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r",
      std::string("\x16\x03\x01\x02\x00", 5) + std::string(100, 'x'),
      h2_get(1),
      std::string(support::kH2Magic) + h2_get(1),
      std::string(support::kH2Magic) + support::h2_ping(),
  };
  for (const std::string& bytes : beginnings) {
    for (const std::size_t size : kFragmentSizes) {
      H2ServerWire wire;
      wire.feed(bytes, size);
      EXPECT_TRUE(wire.sent().ends_with("GOAWAY 0 PROTOCOL_ERROR"));
      EXPECT_EQ(wire.server.failure(), Reason::kH2ProtocolError);
      EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
      EXPECT_TRUE(wire.streams.empty());
    }
  }
}

// RFC 9113 §5.1.1, §5.1.
TEST(H2ServerRefusals, EndConnectionsThatUseStreamsThatAreOver) {
  for (const std::string& frames : {h2_get(1), h2_get(3), h2_data(1, "x"), h2_data(3, "x")}) {
    H2ServerWire wire;
    wire.open().feed(h2_get(1) + h2_get(5));
    wire.sent();
    wire.feed(frames);
    EXPECT_TRUE(wire.sent().starts_with("GOAWAY 5 "));
    EXPECT_EQ(wire.server.failure(), Reason::kH2ProtocolError);
    EXPECT_EQ(wire.streams.size(), 2u);
  }
}

TEST(H2ServerRefusals, EndConnectionsOfClientsThatHaveAcknowledgedTheLimitOfStreams) {
  H2ServerWire wire;
  wire.answers = false;
  wire.open();
  std::int32_t id = 1;
  for (std::uint32_t i = 0; i < kH2StreamsMax; ++i, id += 2) wire.feed(h2_get(id));
  EXPECT_EQ(wire.server.failure(), Reason::kNone);
  wire.feed(h2_get(id));
  EXPECT_TRUE(wire.sent().ends_with("PROTOCOL_ERROR"));
  EXPECT_EQ(wire.streams.size(), kH2StreamsMax);
}

}  // namespace
}  // namespace viaduct::codec
