// SPDX-License-Identifier: Apache-2.0
#include "codec/h1_client.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support/h1_wire.h"

namespace viaduct::codec {
namespace {

using namespace std::string_view_literals;
using support::H1ClientWire;
using support::kFragmentSizes;
using support::RecordingResponseHandler;

struct Row {
  std::string_view bytes;
  std::string_view events;
  bool is_kept = true;  // the connection can take another request
  std::string_view method = "GET";
};

void expect_events(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    for (const std::size_t size : kFragmentSizes) {
      SCOPED_TRACE(std::string(row.bytes) + " in pieces of " + std::to_string(size));
      H1ClientWire wire;
      RecordingResponseHandler handler(wire.chunks);
      wire.request(handler, row.method);
      wire.feed(row.bytes, size);
      EXPECT_EQ(handler.text(), row.events);
      EXPECT_EQ(wire.client.reusable(), row.is_kept);
      EXPECT_EQ(wire.client.ending() == CodecEnding::kOpen, row.is_kept);
      EXPECT_EQ(wire.streams_ended, 1);
    }
  }
}

TEST(H1Client, ReadsResponses) {
  expect_events({
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
       "head 200 'OK' body=5 [Content-Length: 5] | body hello | end | response end"},
      {"HTTP/1.1 204 No Content\r\nX-b: 1\r\nx-B:  2 \r\n\r\n",
       "head 204 'No Content' body=none [X-b: 1] [x-B: 2] | end | response end"},
      {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "head 200 '' body=0 [Content-Length: 0] | end | response end"},
      {"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "head 200 '' body=0 [Content-Length: 0] | end | response end"},
      {"HTTP/1.1 999 \xe5\xa5\xbd\tx \r\nContent-Length: 0\r\n\r\n",
       "head 999 '\xe5\xa5\xbd\tx ' body=0 [Content-Length: 0] | end | response end"},
      {"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5;x\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
       "head 200 'OK' body=stream [transfer-encoding: Chunked] | body hello! | end | response end"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n!\r\n0\r\nX-Sum: 1\r\n\r\n",
       "head 200 'OK' body=stream [Transfer-Encoding: chunked] | body ! | trailers [X-Sum: 1] | response end"},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 55\r\n\r\n",
       "head 304 'Not Modified' body=none [Content-Length: 55] | end | response end"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 55\r\n\r\n",
       "head 200 'OK' body=none [Content-Length: 55] | end | response end", true, "HEAD"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
       "head 200 'OK' body=none [Transfer-Encoding: chunked] | end | response end", true, "HEAD"},
      {"HTTP/1.1 200 OK\r\n\r\n", "head 200 'OK' body=none | end | response end", true, "HEAD"},
  });
}

TEST(H1Client, KeepsConnectionsThatBothSidesMeanToKeep) {
  expect_events({
      {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
       "head 200 'OK' body=1 [Connection: close] [Content-Length: 1] | body x | end | response end", false},
      {"HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
       "head 204 'No Content' body=none [Connection: keep-alive] [Connection: close] | end | response end", false},
      {"HTTP/1.0 204 No Content\r\n\r\n", "head 204 'No Content' body=none | end | response end", false},
      {"HTTP/1.0 204 No Content\r\nConnection: keep-alive\r\n\r\n",
       "head 204 'No Content' body=none [Connection: keep-alive] | end | response end"},
      {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
       "head 200 'OK' body=1 [Connection: keep-alive] [Content-Length: 1] | body x | end | response end"},
  });
}

TEST(H1Client, DoesNotKeepAConnectionThatSaidTooMuch) {
  const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  for (const std::string_view surplus : {"x"sv, "\r\n"sv, std::string_view(response)}) {
    for (const std::size_t size : kFragmentSizes) {
      H1ClientWire wire;
      RecordingResponseHandler handler(wire.chunks);
      wire.request(handler);
      wire.feed(response + std::string(surplus), size);
      EXPECT_TRUE(handler.text().ends_with("body ok | end | response end"));
      EXPECT_FALSE(wire.client.reusable());
      EXPECT_EQ(wire.client.ending(), CodecEnding::kClose);
      EXPECT_EQ(wire.client.phase(), CodecPhase::kClosing);
    }
  }
}

TEST(H1Client, IsUsedAgain) {
  H1ClientWire wire;
  for (int i = 0; i < 3; ++i) {
    RecordingResponseHandler handler(wire.chunks);
    wire.request(handler);
    EXPECT_FALSE(wire.client.reusable());
    EXPECT_EQ(wire.client.phase(), CodecPhase::kHead);
    wire.feed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 3);
    EXPECT_TRUE(handler.text().ends_with("response end"));
    EXPECT_TRUE(wire.client.reusable());
    EXPECT_EQ(wire.client.phase(), CodecPhase::kIdle);
  }
  EXPECT_EQ(wire.sent,
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(wire.chunks.chunks_in_use(), 0u);
}

TEST(H1Client, PassesInterimResponsesOn) {
  constexpr std::string_view kFinal = "head 204 'No Content' body=none | end | response end";
  expect_events({
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", kFinal},
      {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
       "informational 103 'Early Hints' body=none [Link: x] | informational 102 'Processing' body=none | "
       "head 204 'No Content' body=none | end | response end"},
      {"HTTP/1.1 103 X\r\nContent-Length: 5\r\nConnection: close\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
       "informational 103 'X' body=none [Content-Length: 5] [Connection: close] | "
       "head 204 'No Content' body=none | end | response end"},
      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
       "reset upstream_invalid_response answered", false},
  });
}

TEST(H1Client, BoundsInterimResponses) {
  std::string bytes;
  for (int i = 0; i < InterimBudget::kBurst; ++i) bytes += "HTTP/1.1 100 Continue\r\n\r\n";
  const std::string good = bytes + "HTTP/1.1 204 No Content\r\n\r\n";
  expect_events({{good, "head 204 'No Content' body=none | end | response end"}});
  bytes += "HTTP/1.1 100 Continue\r\n\r\n";
  expect_events({{bytes, "reset upstream_invalid_response answered", false}});
}

TEST(H1Client, PassesInterimResponsesOnAsTimeGoesBy) {
  H1ClientWire wire;
  RecordingResponseHandler handler(wire.chunks);
  wire.request(handler);
  base::MonoTime now(std::chrono::seconds(1000));
  for (int i = 0; i < 1000; ++i) {
    wire.client.on_time(now += std::chrono::milliseconds(100));
    wire.feed("HTTP/1.1 102 Processing\r\n\r\n");
  }
  wire.feed("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_TRUE(handler.text().ends_with("head 204 'No Content' body=none | end | response end"));
}

TEST(H1Client, SaysWhatIsWrongWithAResponse) {
  struct Fault {
    std::string bytes;
    std::string_view detail;
  };
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string large = "X: " + std::string(40'000, 'x') + "\r\n";
  for (const Fault& fault : std::vector<Fault>{
           {"<html>", "malformed_status_line"},
           {"HTTP/1.2 200 OK\r\n\r\n", "unsupported_version"},
           {"HTTP/1.1 200 OK\r\nX : 1\r\n\r\n", "malformed_header"},
           {"HTTP/1.1 200 OK\r\n" + large, "headers_too_large"},
           {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "unasked_upgrade"},
           {chunked + "x\r\n", "invalid_chunk"},
           {chunked + "1;" + std::string(40'000, 'x'), "invalid_chunk"},
           {chunked + "0\r\n" + large, "headers_too_large"},
       }) {
    SCOPED_TRACE(fault.detail);
    H1ClientWire wire;
    RecordingResponseHandler handler(wire.chunks);
    wire.request(handler);
    wire.feed(fault.bytes);
    EXPECT_TRUE(handler.text().ends_with("reset upstream_invalid_response answered")) << handler.text();
    EXPECT_EQ(handler.detail, fault.detail);
  }
  for (const std::string_view framing : {"Content-Length: x", "Content-Length: 1\r\nTransfer-Encoding: chunked"}) {
    H1ClientWire wire;
    RecordingResponseHandler handler(wire.chunks);
    wire.request(handler);
    wire.feed("HTTP/1.1 200 OK\r\n" + std::string(framing) + "\r\n\r\n");
    EXPECT_NE(handler.detail, "");
  }
  H1ClientWire wire;
  RecordingResponseHandler handler(wire.chunks);
  wire.request(handler);
  for (int i = 0; i <= InterimBudget::kBurst; ++i) wire.feed("HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(handler.detail, "too_many_interim_answers");
  H1ClientWire closing;
  RecordingResponseHandler closed(closing.chunks);
  closing.request(closed);
  closing.end();
  EXPECT_EQ(closed.text(), "reset upstream_closed");
  EXPECT_EQ(closed.detail, "");
}

// Every one of these answers could be read in two ways, or is none.
TEST(H1Client, RefusesWhatIsNoResponse) {
  for (const std::string_view bytes : std::vector<std::string_view>{
           "\r\nHTTP/1.1 200 OK\r\n\r\n",
           "\n",
           " HTTP/1.1 200 OK\r\n\r\n",
           "<html>",
           "ICY 200 OK\r\n\r\n",
           "SSH-2.0-OpenSSH_9.2\r\n",
           "\x15\x03\x01\x00\x02\x02\x16"sv,
           "http/1.1 200 OK\r\n\r\n",
           "HTTP/1.1  200 OK\r\n\r\n",
           "HTTP/1.1 20 OK\r\n\r\n",
           "HTTP/1.1 2000 OK\r\n\r\n",
           "HTTP/1.1 099 OK\r\n\r\n",
           "HTTP/1.1 2x0 OK\r\n\r\n",
           "HTTP/1.1 -20 OK\r\n\r\n",
           "HTTP/1.1 200\tOK\r\n\r\n",
           "HTTP/1.1 200 OK\n\n",
           "HTTP/1.1 200 O\rK\r\n\r\n",
           "HTTP/1.1 200 O\0K\r\n\r\n"sv,
           "HTTP/1.1 200 O\x01K\r\n\r\n",
           "HTTP/1.1\r\n\r\n",
           "HTTP/0.9 200 OK\r\n\r\n",
           "HTTP/1.2 200 OK\r\n\r\n",
           "HTTP/2.0 200 OK\r\n\r\n",
           "HTTP/1.1 200 OK\r\n X: a\r\n\r\n",
           "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
           "HTTP/1.1 200 OK\r\n: a\r\n\r\n",
           "HTTP/1.1 200 OK\r\nX\r\n\r\n",
           "HTTP/1.1 200 OK\r\nX: a\nY: b\r\n\r\n",
           "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
           "HTTP/1.1 200 OK\r\nX: \0\r\n\r\n"sv,
           "HTTP/1.1 200 OK\r\nX: \x7f\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
           "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
           "HTTP/1.1 200 OK\r\nContent-Length: 5\t\r\n\r\nhello",
           "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
           "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       }) {
    expect_events({{bytes, "reset upstream_invalid_response answered", false}});
  }
}

TEST(H1Client, RefusesMalformedBodiesBehindWhatWasGood) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string_view body : std::vector<std::string_view>{
           "x\r\n", "5 \r\nhello\r\n", "5\nhello\n", "5\r\nhello!\r\n", "5\r\nhello\n", "0x5\r\n",
           "ffffffffffffffff\r\n", "0\r\nX : a\r\n\r\n", "0\r\nContent-Length: 1\r\n\r\n", "0\r\n\n"}) {
    for (const std::size_t size : kFragmentSizes) {
      H1ClientWire wire;
      RecordingResponseHandler handler(wire.chunks);
      wire.request(handler);
      wire.feed(head + std::string(body), size);
      EXPECT_TRUE(handler.text().starts_with("head 200 'OK' body=stream")) << body;
      EXPECT_TRUE(handler.text().ends_with("reset upstream_invalid_response answered")) << body << handler.text();
      EXPECT_NE(wire.client.ending(), CodecEnding::kOpen);
    }
  }
}

TEST(H1Client, HoldsLimitsOfHeads) {
  const auto ending_for = [](const std::string& lines) {
    H1ClientWire wire({.max_head_size = 100, .max_fields = 3});
    RecordingResponseHandler handler(wire.chunks);
    wire.request(handler);
    wire.feed("HTTP/1.1 204 No Content\r\n" + lines + "\r\n", 7);
    return handler.lines().back();
  };
  constexpr std::string_view kRefused = "reset upstream_invalid_response answered";
  EXPECT_EQ(ending_for("a: b\r\na: b\r\na: b\r\n"), "response end");
  EXPECT_EQ(ending_for("a: b\r\na: b\r\na: b\r\na: b\r\n"), kRefused);
  EXPECT_EQ(ending_for("a:" + std::string(94, 'b') + "\r\n"), "response end");
  EXPECT_EQ(ending_for("a:" + std::string(95, 'b') + "\r\n"), kRefused);
  H1ClientWire wire;
  RecordingResponseHandler handler(wire.chunks);
  wire.request(handler);
  wire.feed("HTTP/1.1 200 " + std::string(2000, 'x'));
  EXPECT_EQ(handler.text(), kRefused);
}

TEST(H1Client, EndsABodyWithTheConnectionWhereNothingElseDoes) {
  constexpr std::string_view kHead = "head 200 'OK' body=stream | body hello";
  for (const std::size_t size : kFragmentSizes) {
    H1ClientWire clean;
    RecordingResponseHandler whole(clean.chunks);
    clean.request(whole);
    clean.feed("HTTP/1.1 200 OK\r\n\r\nhello", size);
    EXPECT_EQ(whole.text(), kHead);
    EXPECT_EQ(clean.client.phase(), CodecPhase::kBody);
    clean.end(true);
    EXPECT_EQ(whole.text(), std::string(kHead) + " | end | response end");
    EXPECT_EQ(clean.client.ending(), CodecEnding::kClose);

    H1ClientWire cut;
    RecordingResponseHandler half(cut.chunks);
    cut.request(half);
    cut.feed("HTTP/1.1 200 OK\r\n\r\nhello", size);
    cut.end(false);
    EXPECT_EQ(half.text(), std::string(kHead) + " | reset upstream_truncated answered");
  }
}

TEST(H1Client, TellsWhereAnAnswerBrokeOff) {
  struct Cut {
    std::string_view bytes;
    std::string_view last;
  };
  for (const Cut& cut : std::vector<Cut>{
           {"", "reset upstream_closed"},
           {"H", "reset upstream_closed answered"},
           {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", "reset upstream_closed answered"},
           {"HTTP/1.1 100 Continue\r\n\r\n", "reset upstream_closed answered"},
           {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "reset upstream_truncated answered"},
           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "reset upstream_truncated answered"},
           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "reset upstream_truncated answered"},
           {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhell", "response end"},
       }) {
    for (const bool clean : {true, false}) {
      H1ClientWire wire;
      RecordingResponseHandler handler(wire.chunks);
      wire.request(handler);
      wire.feed(cut.bytes);
      wire.end(clean);
      EXPECT_EQ(handler.lines().back(), cut.last) << cut.bytes;
      EXPECT_FALSE(wire.client.reusable());
      EXPECT_EQ(wire.client.ending(), CodecEnding::kClose);
      EXPECT_EQ(wire.streams_ended, 1);
    }
  }
}

TEST(H1Client, EndsAnIdleConnectionOnAnyEvent) {
  H1ClientWire bytes;
  bytes.feed("HTTP/1.1 408 Request Timeout\r\n\r\n");
  EXPECT_FALSE(bytes.client.reusable());
  EXPECT_EQ(bytes.client.ending(), CodecEnding::kClose);
  H1ClientWire end;
  end.end();
  EXPECT_FALSE(end.client.reusable());
  EXPECT_EQ(end.client.ending(), CodecEnding::kClose);
  H1ClientWire broken;
  broken.client.abort(http::Reason::kUpstreamReset);
  EXPECT_FALSE(broken.client.reusable());
  EXPECT_EQ(broken.client.phase(), CodecPhase::kClosing);
}

TEST(H1Client, TakesNoAnswerToAQuestionThatHasNotLeft) {
  H1ClientWire wire;
  wire.takes_output = false;
  RecordingResponseHandler handler(wire.chunks);
  wire.request(handler);
  wire.feed("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(handler.text(), "reset upstream_closed");
  EXPECT_EQ(wire.client.ending(), CodecEnding::kAbort);
}

}  // namespace
}  // namespace viaduct::codec
