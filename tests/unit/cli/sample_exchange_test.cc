// SPDX-License-Identifier: Apache-2.0
#include "cli/sample_exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "support/manual_clock.h"
#include "support/recording_stream.h"
#include "support/wait_until.h"
#include "support/websocket_client.h"

namespace viaduct::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class SampleExchanges : public testing::Test {
 protected:
  SampleExchanges() : exchange_(*std::make_unique<SampleExchange>(loop_, "app", stream_).release()) {}
  // The exchange frees itself behind its terminal event.
  ~SampleExchanges() override {
    if (!is_ended_) exchange_.on_stream_end();
    loop_.run_once(false);
  }

  // The handshake of a WebSocket.
  void ask_for_websocket(std::string_view target) {
    auto* head = exchange_.arena().make<http::RequestHead>(exchange_.arena());
    head->method_text = "GET";
    head->target = exchange_.arena().copy(target);
    head->protocol = "websocket";
    head->fields.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    exchange_.on_head(*head, true);
  }
  void ask(std::string_view method, std::string_view target, http::BodySize body = {}) {
    auto* head = exchange_.arena().make<http::RequestHead>(exchange_.arena());
    head->method_text = exchange_.arena().copy(method);
    head->target = exchange_.arena().copy(target);
    head->body = body;
    head->fields.add("X-A", "1");
    exchange_.on_head(*head, body.kind == http::BodyKind::kNone);
  }
  void send(std::string_view bytes, bool end) {
    base::Buffer body(loop_.chunks());
    body.append(bytes);
    exchange_.on_body(body, end);
    EXPECT_TRUE(body.empty());
  }

  support::ManualClock clock_;
  net::Loop loop_{clock_};
  support::RecordingServerStream stream_;
  SampleExchange& exchange_;
  bool is_ended_ = false;
};

constexpr std::string_view kAbcHash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST_F(SampleExchanges, AnswersARequestWithoutBody) {
  ask("GET", "/x?y");
  EXPECT_THAT(stream_.text(), HasSubstr("head 200 "));
  EXPECT_THAT(stream_.text(), HasSubstr("[Date: Fri, 02 Jan 2026 03:04:05 GMT]"));
  EXPECT_THAT(stream_.text(), HasSubstr("[X-Sample-Upstream: app]"));
  EXPECT_THAT(stream_.text(), HasSubstr("\"X-A: 1\""));
  EXPECT_THAT(stream_.text(), Not(HasSubstr("X-Sample-Body-SHA256")));
  EXPECT_EQ(stream_.lines().back(), "end");
}

TEST_F(SampleExchanges, HashesABodyThatComesInPieces) {
  ask("POST", "/x", {.kind = http::BodyKind::kStream});
  EXPECT_TRUE(stream_.reading);
  send("a", false);
  send("bc", false);
  EXPECT_TRUE(stream_.lines().empty());
  send("", true);
  EXPECT_THAT(stream_.text(), HasSubstr("[X-Sample-Body-SHA256: " + std::string(kAbcHash) + "]"));
  EXPECT_THAT(stream_.text(), HasSubstr("\"bytes\": 3"));
}

TEST_F(SampleExchanges, TakesTrailersAsTheEnd) {
  ask("POST", "/x", {.kind = http::BodyKind::kStream});
  send("abc", false);
  http::Fields trailers(exchange_.arena());
  exchange_.on_trailers(trailers);
  EXPECT_THAT(stream_.text(), HasSubstr(kAbcHash));
}

TEST_F(SampleExchanges, SaysTheLengthWithoutABodyToHead) {
  ask("HEAD", "/api/v1/payment/notify");
  EXPECT_THAT(stream_.text(), HasSubstr("body=18"));
  EXPECT_THAT(stream_.text(), Not(HasSubstr("SUCCESS")));
  EXPECT_EQ(stream_.lines().back(), "end");
}

TEST_F(SampleExchanges, AnswersWithoutBodyWhereThereIsNoneToSend) {
  ask("GET", "/api/v1/auth/wechat/verify");
  ASSERT_EQ(stream_.lines().size(), 2U);
  EXPECT_THAT(stream_.lines()[0], HasSubstr("body=0"));
  EXPECT_EQ(stream_.lines()[1], "end");
}

TEST_F(SampleExchanges, RefusesABodyThatIsAnnouncedTooLong) {
  ask("POST", "/x", {.kind = http::BodyKind::kSized, .bytes = SampleExchange::kBodyBytesMax + 1});
  EXPECT_THAT(stream_.text(), HasSubstr("head 413 "));
  EXPECT_FALSE(stream_.reading);
  // What was on its way is dropped.
  const std::size_t lines = stream_.lines().size();
  send("abc", false);
  send("", true);
  EXPECT_EQ(stream_.lines().size(), lines);
}

TEST_F(SampleExchanges, TakesABodyOfTheGreatestLengthAndRefusesOneByteMore) {
  ask("POST", "/x", {.kind = http::BodyKind::kStream});
  const std::string piece(1024 * 1024, 'x');
  for (std::uint64_t sent = 0; sent < SampleExchange::kBodyBytesMax; sent += piece.size()) send(piece, false);
  EXPECT_TRUE(stream_.lines().empty());
  send("x", false);
  EXPECT_THAT(stream_.text(), HasSubstr("head 413 "));
  EXPECT_THAT(stream_.text(), Not(HasSubstr("X-Sample-Body-SHA256")));
}

TEST_F(SampleExchanges, AnswersWhatTheCodecRefused) {
  auto* head = exchange_.arena().make<http::RequestHead>(exchange_.arena());
  exchange_.on_refused(*head, http::Reason::kMalformedHeader);
  EXPECT_THAT(stream_.text(), HasSubstr("head 400 "));
}

TEST_F(SampleExchanges, WaitsOnTheSlowPath) {
  ask("GET", "/api/v1/slow");
  support::pass_time(loop_, clock_, kSlowAnswerDelay - std::chrono::milliseconds(1));
  EXPECT_TRUE(stream_.lines().empty());
  support::pass_time(loop_, clock_, std::chrono::milliseconds(20));
  EXPECT_THAT(stream_.text(), HasSubstr("head 200 "));
}

TEST_F(SampleExchanges, SendsEventsOneByOne) {
  ask("GET", "/api/v1/events?count=3");
  EXPECT_THAT(stream_.text(), HasSubstr("head 200 '' body=stream"));
  EXPECT_THAT(stream_.text(), HasSubstr("[Content-Type: text/event-stream]"));
  EXPECT_THAT(stream_.text(), HasSubstr("id: 1\n"));
  EXPECT_THAT(stream_.text(), Not(HasSubstr("id: 2\n")));
  support::pass_time(loop_, clock_, std::chrono::milliseconds(320));
  EXPECT_THAT(stream_.text(), HasSubstr("id: 2\n"));
  EXPECT_NE(stream_.lines().back(), "end");
  support::pass_time(loop_, clock_, std::chrono::milliseconds(320));
  EXPECT_THAT(stream_.text(), HasSubstr("id: 3\n"));
  EXPECT_EQ(stream_.lines().back(), "end");
}

TEST_F(SampleExchanges, GoesOnWithEventsUntilTheClientLeaves) {
  ask("GET", "/api/v1/events");
  for (int i = 0; i < 20; ++i) support::pass_time(loop_, clock_, std::chrono::seconds(6));
  EXPECT_THAT(stream_.text(), HasSubstr("id: 20\n"));
  exchange_.on_reset(http::Reason::kClientClosed);
  is_ended_ = true;
  EXPECT_EQ(loop_.timers().size(), 0U);
}

TEST_F(SampleExchanges, EchoesThroughAWebsocket) {
  ask_for_websocket("/api/v1/ws");
  EXPECT_THAT(stream_.text(), HasSubstr("head 101 "));
  EXPECT_THAT(stream_.text(), HasSubstr("[Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=]"));
  EXPECT_TRUE(stream_.reading);
  stream_.clear();
  send(support::frame_bytes({.payload = "hello"}), false);
  EXPECT_EQ(stream_.text(), "body \x81\x05hello");
  send(support::frame_bytes({.opcode = 8, .payload = "\x03\xe8"}), false);
  EXPECT_EQ(stream_.text(), "body \x81\x05hello\x88\x02\x03\xe8 | end");
  send("", true);
  EXPECT_EQ(stream_.lines().size(), 2U);
}

TEST_F(SampleExchanges, EndsAWebsocketThatTheClientEnds) {
  ask_for_websocket("/api/v1/ws?room=7");
  stream_.clear();
  send(support::frame_bytes({.payload = "hello"}), true);
  EXPECT_EQ(stream_.text(), "body \x81\x05hello | end");
}

TEST_F(SampleExchanges, ReadsNoFurtherThanItsEchoIsTaken) {
  ask_for_websocket("/api/v1/ws");
  stream_.room = 0;
  send(support::frame_bytes({.payload = "hello"}), false);
  EXPECT_FALSE(stream_.reading);
  stream_.room = 1;
  exchange_.on_writable();
  EXPECT_TRUE(stream_.reading);
  // Behind our end the room does not matter: the client's end is awaited.
  stream_.room = 0;
  send(support::frame_bytes({.opcode = 8}), false);
  EXPECT_TRUE(stream_.reading);
}

TEST_F(SampleExchanges, OpensWebsocketsOnTheirPathAlone) {
  ask_for_websocket("/api/v1/other");
  EXPECT_THAT(stream_.text(), HasSubstr("head 200 "));
}

TEST_F(SampleExchanges, SaysNothingAfterAReset) {
  ask("GET", "/api/v1/slow");
  exchange_.on_reset(http::Reason::kClientClosed);
  is_ended_ = true;
  support::pass_time(loop_, clock_, 2 * kSlowAnswerDelay);
  EXPECT_TRUE(stream_.lines().empty());
  EXPECT_EQ(loop_.timers().size(), 0U);
}

}  // namespace
}  // namespace viaduct::cli
