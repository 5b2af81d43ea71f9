// SPDX-License-Identifier: Apache-2.0
// What a handler sends on its stream, and how streams end.
#include "codec/h2_server_stream.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support/field_list.h"
#include "support/h2_wire.h"

namespace viaduct::codec {
namespace {

using http::BodyKind;
using http::BodySize;
using support::FieldList;
using support::h2_data;
using support::h2_get;
using support::h2_headers;
using support::h2_post;
using support::h2_request;
using support::H2ServerWire;
using support::kFragmentSizes;
using support::kH2End;
using support::RecordingStreamHandler;

constexpr BodySize kStream{.kind = BodyKind::kStream};

BodySize sized(std::uint64_t bytes) {
  return {.kind = BodyKind::kSized, .bytes = bytes};
}

void send_head(RecordingStreamHandler& handler, int status, const BodySize& body, bool end) {
  http::ResponseHead head(handler.arena());
  head.status = status;
  head.body = body;
  handler.stream->send_head(head, end);
}
void send_body(H2ServerWire& wire, RecordingStreamHandler& handler, std::string_view bytes, bool end) {
  base::Buffer body(wire.chunks);
  body.append(bytes);
  handler.stream->send_body(body, end);
  EXPECT_TRUE(body.empty());
}

// One request without an answer yet.
struct Asked {
  explicit Asked(std::string_view frames = h2_get(1),
                 const std::vector<std::pair<std::uint16_t, std::uint32_t>>& settings = {}) {
    wire.answers = false;
    wire.open(settings).feed(frames);
    EXPECT_EQ(wire.streams.size(), 1u);
  }

  RecordingStreamHandler& handler() { return wire.last(); }
  http::ServerStream& stream() { return *handler().stream; }
  void head(int status, const BodySize& body, bool end) { send_head(handler(), status, body, end); }
  void body(std::string_view bytes, bool end) { send_body(wire, handler(), bytes, end); }
  std::string sent() {
    wire.turn();
    return wire.sent();
  }
  std::string last_event() { return handler().lines().back(); }

  H2ServerWire wire;
};

// ---- responses ------------------------------------------------------------------------------------------------------

TEST(H2ServerStream, SendsSizedAndStreamedBodies) {
  Asked sized_one;
  sized_one.head(200, sized(11), false);
  sized_one.body("hello", false);
  sized_one.body(" world", true);
  EXPECT_EQ(sized_one.sent(), "HEADERS 1 [:status: 200] [content-length: 11] | DATA 1 11 end");
  EXPECT_EQ(sized_one.wire.client.bodies[1], "hello world");
  EXPECT_EQ(sized_one.last_event(), "stream end");

  Asked streamed;
  streamed.head(200, kStream, false);
  EXPECT_EQ(streamed.sent(), "HEADERS 1 [:status: 200]");
  streamed.body("hello", false);
  EXPECT_EQ(streamed.sent(), "DATA 1 5");
  EXPECT_EQ(streamed.last_event(), "end");
  streamed.body("", true);
  EXPECT_EQ(streamed.sent(), "DATA 1 0 end");
  EXPECT_EQ(streamed.last_event(), "stream end");

  Asked empty;
  empty.head(200, sized(0), false);
  empty.body("", true);
  EXPECT_EQ(empty.sent(), "HEADERS 1 [:status: 200] [content-length: 0] | DATA 1 0 end");
}

TEST(H2ServerStream, SendsAnswersWithoutABody) {
  for (const int status : {200, 204, 304, 500}) {
    Asked asked(h2_headers(1, h2_request("HEAD"), kH2End));
    asked.head(status, {}, true);
    EXPECT_EQ(asked.sent(), "HEADERS 1 [:status: " + std::to_string(status) + "] end");
    EXPECT_EQ(asked.last_event(), "stream end");
  }
}

TEST(H2ServerStream, SaysHowLongTheBodyWouldBe) {
  Asked asked(h2_headers(1, h2_request("HEAD"), kH2End));
  http::ResponseHead head(asked.handler().arena());
  head.status = 200;
  head.fields.add("Content-Length", "1000");
  asked.stream().send_head(head, true);
  EXPECT_EQ(asked.sent(), "HEADERS 1 [:status: 200] [content-length: 1000] end");
}

TEST(H2ServerStream, SendsInterimAnswersBeforeTheFinalOne) {
  Asked asked;
  for (const int status : {102, 103, 103}) {
    http::ResponseHead head(asked.handler().arena());
    head.status = status;
    head.fields.add("Link", "</x>");
    asked.stream().send_informational(head);
  }
  asked.head(204, {}, true);
  http::ResponseHead late(asked.handler().arena());
  late.status = 103;
  asked.stream().send_informational(late);
  EXPECT_EQ(asked.sent(),
            "HEADERS 1 [:status: 102] [link: </x>] | HEADERS 1 [:status: 103] [link: </x>] | HEADERS 1 [:status: 103] "
            "[link: </x>] | HEADERS 1 [:status: 204] end");
}

TEST(H2ServerStream, SendsTrailers) {
  FieldList trailers{{"X-Sum", "1"}, {"Connection", "close"}, {"Y", "2"}};
  FieldList none;
  for (const BodySize& size : {kStream, sized(5)}) {
    Asked asked;
    asked.head(200, size, false);
    asked.body("hello", false);
    asked.stream().send_trailers(*trailers);
    const std::string length = size == kStream ? "" : " [content-length: 5]";
    EXPECT_EQ(asked.sent(), "HEADERS 1 [:status: 200]" + length + " | DATA 1 5 | HEADERS 1 [x-sum: 1] [y: 2] end");
    EXPECT_EQ(asked.last_event(), "stream end");
  }
  Asked without_body;
  without_body.head(200, kStream, false);
  without_body.stream().send_trailers(*trailers);
  EXPECT_EQ(without_body.sent(), "HEADERS 1 [:status: 200] | HEADERS 1 [x-sum: 1] [y: 2] end");
  EXPECT_EQ(without_body.last_event(), "stream end");
  Asked without_trailers;
  without_trailers.head(200, kStream, false);
  without_trailers.body("hello", false);
  without_trailers.stream().send_trailers(*none);
  EXPECT_EQ(without_trailers.sent(), "HEADERS 1 [:status: 200] | DATA 1 5 end");
  Asked late;
  late.head(200, kStream, false);
  late.body("hello", false);
  EXPECT_EQ(late.sent(), "HEADERS 1 [:status: 200] | DATA 1 5");
  late.stream().send_trailers(*trailers);
  EXPECT_EQ(late.sent(), "HEADERS 1 [x-sum: 1] [y: 2] end");
}

// RFC 9113 §8.1.1: the client must see that it is not what was announced.
TEST(H2ServerStream, ResetsAnAnswerOfAnotherLengthThanAnnounced) {
  struct Row {
    std::uint64_t length;
    std::vector<std::string_view> pieces;  // the last with the end
    std::string sent;
  };
  const std::vector<Row> rows = {
      {5, {"hell"}, "DATA 1 4 | "},       {5, {""}, ""},  {5, {"hello!"}, ""},
      {5, {"hello", "!"}, "DATA 1 5 | "}, {0, {"x"}, ""}, {5, {"he", "llo, world", "and more"}, ""},
  };
  for (const Row& row : rows) {
    for (const bool at_once : {true, false}) {
      Asked asked;
      const auto answer = [&] {
        asked.head(200, sized(row.length), false);
        for (std::size_t i = 0; i < row.pieces.size(); ++i) asked.body(row.pieces[i], i + 1 == row.pieces.size());
      };
      if (at_once) {
        answer();
      } else {
        // From inside an event.
        asked.wire.feed(support::h2_reset(1));
        asked.wire.streams.clear();
        asked.wire.sent();
        asked.wire.on_event = [&](RecordingStreamHandler&, std::string_view event) {
          if (event == "head") answer();
        };
        asked.wire.feed(h2_get(3));
      }
      const std::string sent = asked.sent();
      EXPECT_TRUE(sent.ends_with(at_once ? "RST_STREAM 1 INTERNAL_ERROR" : "RST_STREAM 3 INTERNAL_ERROR")) << sent;
      EXPECT_EQ(sent.find(" end"), std::string::npos) << sent;
      EXPECT_EQ(asked.last_event(), "reset internal_error");
      EXPECT_EQ(asked.wire.server.phase(), CodecPhase::kIdle);
    }
  }
}

TEST(H2ServerStream, ResetsAnAnswerWhoseTrailersComeTooEarly) {
  FieldList trailers{{"X-Sum", "1"}};
  Asked asked;
  asked.head(200, sized(5), false);
  asked.body("hell", false);
  asked.stream().send_trailers(*trailers);
  EXPECT_TRUE(asked.sent().ends_with("RST_STREAM 1 INTERNAL_ERROR"));
  EXPECT_EQ(asked.last_event(), "reset internal_error");
}

TEST(H2ServerStream, ResetsARefusalOfAnotherLengthThanAnnounced) {
  for (const std::string_view body : {"", "n", "no!"}) {
    Asked asked(h2_get(1, {{"expect", "x"}}));
    EXPECT_EQ(asked.last_event(), "refused unsupported_expectation");
    asked.head(417, sized(2), false);
    asked.body(body, true);
    const std::string sent = asked.sent();
    EXPECT_TRUE(sent.ends_with("RST_STREAM 1 INTERNAL_ERROR")) << sent;
    EXPECT_EQ(asked.last_event(), "reset internal_error");
    EXPECT_EQ(asked.wire.server.phase(), CodecPhase::kIdle);
  }
}

// ---- answers before the request has ended ---------------------------------------------------------------------------

TEST(H2ServerStream, TellsAClientThatStillSendsToStopBehindAnEarlyAnswer) {
  Asked with_body(h2_post(1) + h2_data(1, "he"));
  with_body.head(413, sized(2), false);
  with_body.body("no", true);
  EXPECT_EQ(with_body.sent(), "HEADERS 1 [:status: 413] [content-length: 2] | DATA 1 2 end | RST_STREAM 1 NO_ERROR");
  EXPECT_EQ(with_body.last_event(), "stream end");
  with_body.wire.feed(h2_data(1, "llo") + h2_data(1, "", kH2End));
  EXPECT_EQ(with_body.wire.sent(), "") << "what was on its way is skipped";
  EXPECT_EQ(with_body.last_event(), "stream end");
  EXPECT_EQ(with_body.wire.server.failure(), http::Reason::kNone);

  Asked without_body(h2_post(1));
  without_body.head(302, {}, true);
  EXPECT_EQ(without_body.sent(), "HEADERS 1 [:status: 302] end | RST_STREAM 1 NO_ERROR");
  EXPECT_EQ(without_body.last_event(), "stream end");

  FieldList trailers{{"x", "1"}};
  Asked with_trailers(h2_post(1));
  with_trailers.head(200, kStream, false);
  with_trailers.body("hello", false);
  with_trailers.stream().send_trailers(*trailers);
  EXPECT_EQ(with_trailers.sent(), "HEADERS 1 [:status: 200] | DATA 1 5 | HEADERS 1 [x: 1] end | RST_STREAM 1 NO_ERROR");
}

TEST(H2ServerStream, GoesOnReadingBesideAnAnswerThatHasNotEnded) {
  Asked asked(h2_post(1));
  asked.head(200, kStream, false);
  asked.body("echo", false);
  EXPECT_EQ(asked.sent(), "HEADERS 1 [:status: 200] | DATA 1 4");
  asked.wire.feed(h2_data(1, "hello", kH2End));
  EXPECT_EQ(asked.last_event(), "end");
  asked.body("!", true);
  EXPECT_EQ(asked.sent(), "DATA 1 1 end");
}

TEST(H2ServerStream, WaitsWithTheResetUntilTheAnswerHasLeft) {
  Asked asked(h2_post(1), {{4, 3}});  // SETTINGS_INITIAL_WINDOW_SIZE
  asked.head(413, sized(5), false);
  asked.body("hello", true);
  EXPECT_EQ(asked.sent(), "HEADERS 1 [:status: 413] [content-length: 5] | DATA 1 3");
  asked.wire.feed(support::h2_window(1, 100));
  EXPECT_EQ(asked.sent(), "DATA 1 2 end | RST_STREAM 1 NO_ERROR");
  EXPECT_EQ(asked.last_event(), "stream end");
}

// ---- resets ---------------------------------------------------------------------------------------------------------

TEST(H2ServerStream, IsResetBeforeItsAnswerBeganAndInTheMiddleOfIt) {
  Asked before;
  before.stream().reset();
  EXPECT_EQ(before.sent(), "RST_STREAM 1 INTERNAL_ERROR");
  EXPECT_EQ(before.last_event(), "end") << "no event follows";
  EXPECT_EQ(before.wire.server.phase(), CodecPhase::kIdle);

  Asked inside;
  inside.head(200, sized(10), false);
  inside.body("hello", false);
  EXPECT_EQ(inside.sent(), "HEADERS 1 [:status: 200] [content-length: 10] | DATA 1 5");
  inside.body("wor", false);
  inside.stream().reset();
  EXPECT_EQ(inside.sent(), "RST_STREAM 1 INTERNAL_ERROR") << "what waited is dropped";
  EXPECT_EQ(inside.last_event(), "end");
  EXPECT_EQ(inside.wire.server.phase(), CodecPhase::kIdle);
  EXPECT_EQ(inside.wire.server.ending(), CodecEnding::kOpen);

  Asked upload(h2_post(1) + h2_data(1, "he"));
  upload.stream().reset();
  EXPECT_EQ(upload.sent(), "RST_STREAM 1 INTERNAL_ERROR");
  upload.wire.feed(h2_data(1, "llo", kH2End) + h2_get(3));
  EXPECT_EQ(upload.wire.streams.size(), 2u);
  EXPECT_TRUE(upload.wire.streams[0]->lines().back() == "body he");
}

TEST(H2ServerStream, StandsAResetInsideEveryEvent) {
  const std::string frames = h2_post(1) + h2_data(1, "hello") + h2_headers(1, {{"x", "1"}}, kH2End) + h2_get(3);
  for (const std::string_view when : {"head", "body", "trailers"}) {
    for (const std::size_t size : kFragmentSizes) {
      H2ServerWire wire;
      bool was_reset = false;
      wire.answers = false;
      wire.on_event = [&](RecordingStreamHandler& handler, std::string_view event) {
        if (event != when || was_reset) return;
        was_reset = true;
        handler.stream->reset();
      };
      wire.open().feed(frames, size);
      EXPECT_TRUE(was_reset) << when;
      ASSERT_EQ(wire.streams.size(), 2u);
      EXPECT_EQ(wire.streams[1]->lines().back(), "end");
      EXPECT_NE(wire.sent().find("RST_STREAM 1 INTERNAL_ERROR"), std::string::npos);
      EXPECT_FALSE(wire.streams[0]->has("reset"));
    }
  }
}

TEST(H2ServerStream, TellsThatTheClientTookItsRequestBack) {
  Asked asked(h2_post(1) + h2_data(1, "he"));
  asked.head(200, kStream, false);
  asked.body("hello", false);
  asked.sent();
  asked.wire.feed(support::h2_reset(1));
  EXPECT_EQ(asked.last_event(), "reset client_closed");
  EXPECT_EQ(asked.wire.sent(), "");
  EXPECT_EQ(asked.wire.server.phase(), CodecPhase::kIdle);
}

// Nobody begins with what is not wanted any more.
TEST(H2ServerStream, TellsARequestThatWasTakenBackAtOnceAsRefused) {
  H2ServerWire wire;
  wire.open().feed(h2_get(1) + support::h2_reset(1) + h2_post(3) + h2_data(3, "x") + support::h2_reset(3));
  EXPECT_EQ(wire.events(),
            "refused client_closed | reset client_closed || refused client_closed | reset client_closed");
  EXPECT_EQ(wire.sent(), "");
  H2ServerWire silent;
  silent.answers = false;
  silent.open().feed(h2_get(1) + support::h2_reset(1));
  EXPECT_EQ(silent.events(), "refused client_closed | reset client_closed");
  EXPECT_EQ(silent.server.phase(), CodecPhase::kIdle);
}

TEST(H2ServerStream, DropsWhatIsSentToAClientThatHasGone) {
  FieldList trailers{{"x", "1"}};
  for (const bool with_trailers : {false, true}) {
    H2ServerWire wire;
    wire.answers = false;
    wire.on_event = [&](RecordingStreamHandler& handler, std::string_view event) {
      if (event != "refused") return;
      http::ResponseHead hint(handler.arena());
      hint.status = 103;
      handler.stream->send_informational(hint);
      send_head(handler, 200, sized(5), false);
      EXPECT_EQ(handler.stream->writable_bytes(), H2Outgoing::kWaitingBytesMax);
      send_body(wire, handler, "hel", false);
      if (with_trailers) {
        handler.stream->send_trailers(*trailers);
      } else {
        send_body(wire, handler, "lo, world", true);
      }
      handler.stream->set_reading(true);
    };
    wire.open().feed(h2_get(1) + support::h2_reset(1));
    EXPECT_EQ(wire.events(), "refused client_closed | stream end");
    EXPECT_EQ(wire.sent(), "");
  }
}

// The client has its answer or has not: what nghttp2 has not let out yet is lost with the stream.
TEST(H2ServerStream, TellsAResetThatCutsAnAnswer) {
  Asked cut(h2_get(1), {{4, 3}});
  cut.head(200, sized(5), false);
  cut.body("hello", true);
  cut.sent();
  cut.wire.feed(support::h2_reset(1));
  EXPECT_EQ(cut.last_event(), "reset client_closed");
  Asked blocked;
  blocked.wire.takes_output = false;
  blocked.head(200, sized(5), false);
  blocked.body("hello", true);
  blocked.wire.turn();
  blocked.wire.feed(support::h2_reset(1));
  EXPECT_EQ(blocked.last_event(), "stream end") << "it is on its way";
}

TEST(H2ServerStream, ResetsOneStreamAndNoOther) {
  H2ServerWire wire;
  wire.answers = false;
  wire.open().feed(h2_get(1) + h2_get(3));
  wire.streams[0]->stream->reset();
  support::respond(*wire.streams[1]->stream, wire.streams[1]->arena(), 200, "ok", wire.chunks);
  wire.turn();
  EXPECT_EQ(wire.sent(), "RST_STREAM 1 INTERNAL_ERROR | HEADERS 3 [:status: 200] [content-length: 2] | DATA 3 2 end");
}

// A handler is freed behind its last event, and its arena with it: what still comes for the stream finds nobody.
TEST(H2ServerStream, ReadsNothingIntoTheArenaOfAHandlerThatHasGone) {
  const std::string block = support::h2_block({{"x", std::string(100, 'x')}, {"y", "2"}});
  const std::string begin = h2_post(1) + support::h2_frame(NGHTTP2_HEADERS, kH2End, 1, block.substr(0, 20));
  const std::string rest = support::h2_frame(NGHTTP2_CONTINUATION, support::kH2EndHeaders, 1, block.substr(20));
  for (const bool takes_output : {true, false}) {
    Asked asked(begin);
    EXPECT_EQ(asked.wire.server.phase(), CodecPhase::kHead);
    asked.wire.takes_output = takes_output;
    if (!takes_output) asked.wire.server.output().append("the transport is full");
    asked.stream().reset();
    asked.wire.streams.clear();
    asked.wire.turn();
    asked.wire.feed(rest);
    EXPECT_NE(asked.wire.server.phase(), CodecPhase::kHead) << "no head is awaited any more";
    asked.wire.feed(h2_get(3));
    EXPECT_EQ(asked.wire.streams.size(), 1u);
  }
}

}  // namespace
}  // namespace viaduct::codec
