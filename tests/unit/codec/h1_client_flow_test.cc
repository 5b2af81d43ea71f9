// SPDX-License-Identifier: Apache-2.0
// How H1Client sends requests, waits, and gives connections back.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "codec/h1_client.h"
#include "support/field_list.h"
#include "support/h1_wire.h"

namespace viaduct::codec {
namespace {

using http::BodyKind;
using http::BodySize;
using http::Reason;
using support::FieldList;
using support::H1ClientWire;
using support::RecordingResponseHandler;

constexpr BodySize kStream{.kind = BodyKind::kStream};
constexpr std::string_view kNoContent = "HTTP/1.1 204 No Content\r\n\r\n";

BodySize sized(std::uint64_t bytes) {
  return {.kind = BodyKind::kSized, .bytes = bytes};
}

// One request on a connection of its own.
struct Attempt {
  void send_head(std::string_view method, std::string_view target, BodySize body, bool end,
                 std::initializer_list<FieldList::Line> lines = {{"Host", "a"}}) {
    http::RequestHead head(handler.arena());
    head.method = http::parse_method(method);
    head.method_text = method;
    head.target = target;
    head.body = body;
    for (const FieldList::Line& line : lines) head.fields.add(line.name, line.value);
    stream.send_head(head, end);
  }
  void send_body(std::string_view bytes, bool end) {
    base::Buffer body(wire.chunks);
    body.append(bytes);
    stream.send_body(body, end);
    EXPECT_TRUE(body.empty());
  }
  std::string sent() {
    wire.turn();
    return wire.sent;
  }

  H1ClientWire wire;
  RecordingResponseHandler handler{wire.chunks};
  http::ClientStream& stream = wire.client.begin(handler, {});
};

TEST(H1ClientFlow, SendsHeadsAsGiven) {
  Attempt attempt;
  attempt.send_head("PROPFIND", "/a%2F/../b?x=%e4\xe6", {}, true,
                    {{"hOST", "a"}, {"x-B", "1"}, {"X-b", "2"}, {"x-B", ""}});
  EXPECT_EQ(attempt.sent(), "PROPFIND /a%2F/../b?x=%e4\xe6 HTTP/1.1\r\nhOST: a\r\nx-B: 1\r\nX-b: 2\r\nx-B: \r\n\r\n");
  attempt.wire.feed(kNoContent);
  EXPECT_TRUE(attempt.wire.client.reusable());
}

TEST(H1ClientFlow, FramesBodies) {
  Attempt counted;
  counted.send_head("POST", "/", sized(5), false, {{"content-LENGTH", "05"}, {"Host", "a"}});
  counted.send_body("hel", false);
  counted.send_body("lo", true);
  EXPECT_EQ(counted.sent(), "POST / HTTP/1.1\r\ncontent-LENGTH: 05\r\nHost: a\r\n\r\nhello");
  Attempt added;
  added.send_head("POST", "/", sized(0), true);
  EXPECT_EQ(added.sent(), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  Attempt none;
  none.send_head("POST", "/", {}, true);
  EXPECT_EQ(none.sent(), "POST / HTTP/1.1\r\nHost: a\r\n\r\n");
  Attempt chunked;
  FieldList trailers{{"X-Sum", "1"}};
  chunked.send_head("POST", "/", kStream, false);
  chunked.send_body("hello", false);
  chunked.stream.send_trailers(*trailers);
  EXPECT_EQ(chunked.sent(),
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n");
}

TEST(H1ClientFlow, FailsWhatCannotBeSent) {
  for (const std::string_view target : {"", "/a b", "/a\r\nX: y", "/\x01", "/#f"}) {
    Attempt attempt;
    attempt.send_head("GET", target, {}, true);
    EXPECT_TRUE(attempt.handler.lines().empty());  // never from inside the command
    attempt.wire.turn();
    EXPECT_EQ(attempt.handler.text(), "reset internal_error");
    EXPECT_EQ(attempt.wire.sent, "");
  }
  for (const std::string_view method : {"", "G T", "GET\r\n"}) {
    Attempt attempt;
    attempt.send_head(method, "/", {}, true);
    attempt.wire.turn();
    EXPECT_EQ(attempt.handler.text(), "reset internal_error");
  }
  Attempt short_body;
  short_body.send_head("POST", "/", sized(5), false);
  short_body.send_body("hell", true);
  short_body.wire.turn();
  EXPECT_EQ(short_body.handler.text(), "reset internal_error");
  EXPECT_EQ(short_body.wire.client.ending(), CodecEnding::kAbort);
}

TEST(H1ClientFlow, GivesTheConnectionBackBeforeItTellsTheEnd) {
  Attempt attempt;
  attempt.send_head("GET", "/", {}, true);
  attempt.wire.turn();
  RecordingResponseHandler next(attempt.wire.chunks);
  bool was_free = false;
  attempt.wire.on_stream_end = [&] {
    EXPECT_FALSE(attempt.handler.has("response end"));
    was_free = attempt.wire.client.reusable();
    attempt.wire.client.begin(next, {});
  };
  attempt.wire.feed(kNoContent);
  EXPECT_TRUE(was_free);
  EXPECT_TRUE(attempt.handler.has("response end"));
  EXPECT_FALSE(attempt.wire.client.reusable());
  EXPECT_TRUE(next.lines().empty());
}

TEST(H1ClientFlow, DeliversAnEarlyAnswerAndLetsTheRequestEnd) {
  Attempt attempt;
  attempt.send_head("POST", "/", sized(5), false);
  attempt.send_body("he", false);
  attempt.wire.turn();
  EXPECT_EQ(attempt.wire.client.phase(), CodecPhase::kResponse);
  attempt.wire.feed("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_EQ(attempt.handler.text(), "head 403 'Forbidden' body=2 [Content-Length: 2] | body no | end");
  EXPECT_FALSE(attempt.wire.client.reusable());
  attempt.send_body("llo", true);
  attempt.wire.turn();
  EXPECT_EQ(attempt.handler.lines().back(), "response end");
  EXPECT_TRUE(attempt.wire.client.reusable());
}

TEST(H1ClientFlow, DoesNotKeepAConnectionWhoseRequestIsGivenUp) {
  Attempt attempt;
  attempt.send_head("POST", "/", sized(5), false);
  attempt.wire.turn();
  attempt.wire.feed("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  attempt.stream.reset();
  EXPECT_EQ(attempt.handler.lines().back(), "end");
  EXPECT_EQ(attempt.wire.client.ending(), CodecEnding::kAbort);
  EXPECT_EQ(attempt.wire.streams_ended, 1);
}

TEST(H1ClientFlow, EndsAtOnceWhereTheServerWillNotReadTheRest) {
  Attempt attempt;
  attempt.send_head("POST", "/", sized(5), false);
  attempt.wire.turn();
  attempt.wire.feed("HTTP/1.1 413 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(attempt.handler.lines().back(), "response end");
  EXPECT_FALSE(attempt.wire.client.reusable());
  attempt.send_body("hello", true);  // too late, and harmless
}

TEST(H1ClientFlow, HasTheAnswerWhateverHappensWhileTheRequestEnds) {
  for (const int what : {0, 1, 2}) {
    Attempt attempt;
    attempt.send_head("POST", "/", sized(5), false);
    attempt.wire.turn();
    attempt.wire.feed("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    if (what == 0) attempt.wire.end();
    if (what == 1) attempt.wire.client.abort(Reason::kUpstreamReset);
    if (what == 2) attempt.wire.feed("x");
    EXPECT_EQ(attempt.handler.lines().back(), "response end");
    EXPECT_FALSE(attempt.wire.client.reusable());
    EXPECT_NE(attempt.wire.client.ending(), CodecEnding::kOpen);
  }
}

TEST(H1ClientFlow, LeavesBytesWhileTheHandlerDoesNotRead) {
  Attempt attempt;
  attempt.send_head("GET", "/", {}, true);
  attempt.wire.turn();
  attempt.stream.set_reading(false);
  attempt.wire.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(attempt.handler.text(), "head 200 'OK' body=5 [Content-Length: 5]");
  EXPECT_FALSE(attempt.wire.client.wants_input());
  EXPECT_EQ(attempt.wire.client.phase(), CodecPhase::kResponse);
  attempt.wire.end(false);  // everything is here already
  attempt.stream.set_reading(true);
  EXPECT_FALSE(attempt.handler.has("body"));
  attempt.wire.turn();
  EXPECT_TRUE(attempt.handler.text().ends_with("body hello | end | response end"));
  EXPECT_FALSE(attempt.wire.client.reusable());
}

TEST(H1ClientFlow, HoldsBackAboveOneMarkAndGoesOnBelowAnother) {
  Attempt attempt;
  attempt.wire.takes_output = false;
  attempt.send_head("POST", "/", kStream, false);
  const std::string piece(10000, 'x');
  while (attempt.stream.writable_bytes() > 0) attempt.send_body(piece, false);
  const std::size_t full = attempt.wire.client.output().size();
  EXPECT_GE(full, H1Client::kOutputBytesMax);
  attempt.wire.turn();
  attempt.wire.client.output().drop(full - H1Client::kOutputBytesLow - 1);
  attempt.wire.client.on_output_drained();
  EXPECT_TRUE(attempt.handler.lines().empty());
  attempt.wire.client.output().drop(1);
  attempt.wire.client.on_output_drained();
  EXPECT_EQ(attempt.handler.text(), "writable");
  EXPECT_GT(attempt.stream.writable_bytes(), 0u);
}

TEST(H1ClientFlow, GivesBackAConnectionThatWasNotUsed) {
  Attempt attempt;
  attempt.stream.reset();
  EXPECT_TRUE(attempt.wire.client.reusable());
  EXPECT_EQ(attempt.wire.streams_ended, 1);
  EXPECT_TRUE(attempt.handler.lines().empty());
  Attempt used;
  used.send_head("GET", "/", {}, true);
  used.wire.turn();
  used.stream.reset();
  EXPECT_FALSE(used.wire.client.reusable());
  EXPECT_EQ(used.wire.client.ending(), CodecEnding::kClose);
}

TEST(H1ClientFlow, TellsTimeoutsWithWhetherAnAnswerHadBegun) {
  Attempt silent;
  silent.send_head("GET", "/", {}, true);
  silent.wire.turn();
  silent.wire.client.abort(Reason::kUpstreamHeaderTimeout);
  EXPECT_EQ(silent.handler.text(), "reset upstream_header_timeout");
  Attempt halting;
  halting.send_head("GET", "/", {}, true);
  halting.wire.turn();
  halting.wire.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
  halting.wire.client.abort(Reason::kUpstreamReadTimeout);
  EXPECT_TRUE(halting.handler.text().ends_with("body he | reset upstream_read_timeout answered"));
  halting.wire.client.abort(Reason::kUpstreamReadTimeout);
  EXPECT_EQ(halting.wire.streams_ended, 1);
}

TEST(H1ClientFlow, StandsAResetInsideEveryEvent) {
  for (const std::string_view when : {"informational", "head", "body", "trailers"}) {
    for (const std::size_t size : support::kFragmentSizes) {
      Attempt attempt;
      attempt.send_head("GET", "/", {}, true);
      attempt.wire.turn();
      attempt.handler.on_event = [&](std::string_view event) {
        if (event == when) attempt.stream.reset();
      };
      attempt.wire.feed(
          "HTTP/1.1 103 X\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
          size);
      EXPECT_FALSE(attempt.handler.has("response end")) << when;
      EXPECT_FALSE(attempt.handler.has("reset")) << when;
      EXPECT_EQ(attempt.wire.streams_ended, 1);
      EXPECT_EQ(attempt.wire.client.ending(), CodecEnding::kClose);
    }
  }
}

}  // namespace
}  // namespace viaduct::codec
