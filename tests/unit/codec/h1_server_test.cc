// SPDX-License-Identifier: Apache-2.0
#include "codec/h1_server.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support/h1_wire.h"

namespace viaduct::codec {
namespace {

using http::Reason;
using support::H1ServerWire;
using support::kFragmentSizes;
using support::RecordingStreamHandler;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kOkClose = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
constexpr std::string_view kOkKeepAlive = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok";
constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kGetEvents = "head GET / HTTP/1.1 host=a body=none [Host: a] | end | stream end";

struct Row {
  std::string_view bytes;
  std::string_view events;
  std::string_view sent = kOk;
};

// Every row is one connection whose handler answers 200 "ok" once it has the whole request.
void expect_events(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    for (const std::size_t size : kFragmentSizes) {
      SCOPED_TRACE(std::string(row.bytes) + " in pieces of " + std::to_string(size));
      H1ServerWire wire;
      wire.feed(row.bytes, size);
      EXPECT_EQ(wire.events(), row.events);
      EXPECT_EQ(wire.sent, row.sent);
      const bool is_over = row.sent.find("Connection: close") != std::string_view::npos;
      EXPECT_EQ(wire.server.phase(), is_over ? CodecPhase::kClosing : CodecPhase::kIdle);
      EXPECT_TRUE(is_over || wire.input.empty());
    }
  }
}

TEST(H1Server, ReadsHeads) {
  expect_events({
      {kGet, kGetEvents},
      {"\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", kGetEvents},
      // Spelling, order and repetition stay; white space around values goes.
      {"GET /p?q HTTP/1.1\r\nhOST:a:80\r\nX-b: 1\r\nx-B:\t 2 3\t \r\nEmpty:\r\nEmpty2: \r\nX-b: "
       "\xe4\xb8\xad\xff;\"\\\r\n\r\n",
       "head GET /p?q HTTP/1.1 host=a:80 body=none [hOST: a:80] [X-b: 1] [x-B: 2 3] [Empty: ] [Empty2: ] "
       "[X-b: \xe4\xb8\xad\xff;\"\\] | end | stream end"},
      {"GET /a%20b%2F//../%E6%94%AF?x=%zz&&y=1?2 HTTP/1.1\r\nHost: a\r\n\r\n",
       "head GET /a%20b%2F//../%E6%94%AF?x=%zz&&y=1?2 HTTP/1.1 host=a body=none [Host: a] | end | stream end"},
      {"GET /\xe6\x94\xaf?\xff\"<>\\^`{|} HTTP/1.1\r\nHost: a\r\n\r\n",
       "head GET /\xe6\x94\xaf?\xff\"<>\\^`{|} HTTP/1.1 host=a body=none [Host: a] | end | stream end"},
      {"!GET / HTTP/1.1\r\nHost: a\r\n\r\n", "refused unsupported_method | stream end",
       "HTTP/1.1 501 Not Implemented\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"},
      {"PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n",
       "head PROPFIND / HTTP/1.1 host=a body=none [Host: a] | end | stream end"},
      {"M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n",
       "head M-SEARCH / HTTP/1.1 host=a body=none [Host: a] | end | stream end"},
      {"GET / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09azAZ: v\r\n\r\n",
       "head GET / HTTP/1.1 host=a body=none [Host: a] [!#$%&'*+-.^_`|~09azAZ: v] | end | stream end"},
      // Upgrade is not followed here: the request goes on without.
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
       "head GET / HTTP/1.1 host=a body=none [Host: a] [Connection: Upgrade] [Upgrade: websocket] | end | stream end"},
  });
}

TEST(H1Server, ReadsEveryFormOfTarget) {
  expect_events({
      {"GET http://b/x?y HTTP/1.1\r\nX: 1\r\nHost: a\r\nY: 2\r\n\r\n",
       "head GET /x?y HTTP/1.1 host=b body=none [X: 1] [Host: b] [Y: 2] | end | stream end"},
      {"GET HTTPS://B:8443 HTTP/1.1\r\nHost: a\r\n\r\n",
       "head GET / HTTP/1.1 host=B:8443 body=none [Host: B:8443] | end | stream end"},
      {"GET http://b?y HTTP/1.1\r\nHost: b\r\n\r\n",
       "head GET /?y HTTP/1.1 host=b body=none [Host: b] | end | stream end"},
      {"GET http://[::1]:80/ HTTP/1.1\r\nHost: a\r\n\r\n",
       "head GET / HTTP/1.1 host=[::1]:80 body=none [Host: [::1]:80] | end | stream end"},
      {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
       "head OPTIONS * HTTP/1.1 host=a body=none [Host: a] | end | stream end"},
      {"OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n",
       "head OPTIONS * HTTP/1.1 host=b body=none [Host: b] | end | stream end"},
      {"OPTIONS http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
       "head OPTIONS / HTTP/1.1 host=b body=none [Host: b] | end | stream end"},
      {"OPTIONS http://b?x HTTP/1.1\r\nHost: a\r\n\r\n",
       "head OPTIONS /?x HTTP/1.1 host=b body=none [Host: b] | end | stream end"},
      {"GET http://b/ HTTP/1.0\r\n\r\n", "head GET / HTTP/1.0 host=b body=none [Host: b] | end | stream end", kOkClose},
      {"GET //b/x HTTP/1.1\r\nHost: a\r\n\r\n",
       "head GET //b/x HTTP/1.1 host=a body=none [Host: a] | end | stream end"},
  });
}

TEST(H1Server, ReadsBodies) {
  const std::string_view chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string head = "head POST / HTTP/1.1 host=a body=stream [Host: a] [Transfer-Encoding: chunked]";
  const auto row = [&](std::string_view body, std::string_view events) {
    const std::string bytes = std::string(chunked) + std::string(body);
    const std::string all = head + std::string(events) + " | stream end";
    expect_events({{bytes, all}});
  };
  expect_events({
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
       "head POST / HTTP/1.1 host=a body=5 [Host: a] [Content-Length: 5] | body hello | end | stream end"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
       "head POST / HTTP/1.1 host=a body=0 [Host: a] [Content-Length: 0] | end | stream end"},
      {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 00002\r\n\r\n\r\n",
       "head GET / HTTP/1.1 host=a body=2 [Host: a] [Content-Length: 00002] | body \r\n | end | stream end"},
      {"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nGET",
       "head POST / HTTP/1.0 host= body=3 [Content-Length: 3] | body GET | end | stream end", kOkClose},
      // A body behind Connection: Upgrade is a body.
      {"POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\nhi",
       "head POST / HTTP/1.1 host=a body=2 [Host: a] [Connection: upgrade] [Upgrade: x] [Content-Length: 2] | "
       "body hi | end | stream end"},
  });
  row("0\r\n\r\n", " | end");
  row("5\r\nhello\r\n0\r\n\r\n", " | body hello | end");
  row("0005\r\nhello\r\nA\r\n0123456789\r\n1\r\n!\r\n000\r\n\r\n", " | body hello0123456789! | end");
  row("0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n", " | body hello | end");
  row("5;a;b=c;d=\"e\\\"f g\";x=\xe4\r\nhello\r\n0;last\r\n\r\n", " | body hello | end");
  row("5;\r\nhello\r\n0; \r\n\r\n", " | body hello | end");
  row("4\r\n\r\n\r\n\r\n0\r\n\r\n", " | body \r\n\r\n | end");
  row("2\r\nhi\r\n0\r\nX-Sum: 1 \r\nx-sum:2\r\n\r\n", " | body hi | trailers [X-Sum: 1] [x-sum: 2]");
  row("0\r\nX: \r\n\r\n", " | trailers [X: ]");
}

TEST(H1Server, TakesTheLargestChunkHead) {
  H1ServerWire wire;
  wire.feed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nabc");
  EXPECT_TRUE(wire.events().ends_with("| body abc")) << wire.events();
  EXPECT_EQ(wire.server.phase(), CodecPhase::kBody);
}

TEST(H1Server, KeepsConnectionsByTheWishOfTheClient) {
  const auto expect_kept = [](std::string_view lines, std::string_view version, std::string_view sent) {
    const std::string bytes = "GET / HTTP/" + std::string(version) + "\r\nHost: a\r\n" + std::string(lines) + "\r\n";
    H1ServerWire wire;
    wire.feed(bytes);
    EXPECT_EQ(wire.sent, sent) << bytes;
    const bool is_kept = sent != kOkClose;
    EXPECT_EQ(wire.server.ending(), is_kept ? CodecEnding::kOpen : CodecEnding::kClose) << bytes;
  };
  expect_kept("", "1.1", kOk);
  expect_kept("Connection: keep-alive\r\n", "1.1", kOk);
  expect_kept("Connection: close\r\n", "1.1", kOkClose);
  expect_kept("Connection: x, Close ,y\r\n", "1.1", kOkClose);
  expect_kept("Connection: keep-alive\r\nConnection: close\r\n", "1.1", kOkClose);
  expect_kept("Connection: close\r\nConnection: keep-alive\r\n", "1.1", kOkClose);
  expect_kept("Connection: closed\r\n", "1.1", kOk);
  expect_kept("Connection: x\r\nConnection: y\r\n", "1.1", kOk);
  expect_kept("", "1.0", kOkClose);
  expect_kept("Connection: Keep-Alive\r\n", "1.0", kOkKeepAlive);
  expect_kept("Connection: x\r\nConnection: y, keep-alive\r\n", "1.0", kOkKeepAlive);
  expect_kept("Connection: keep-alive, close\r\n", "1.0", kOkClose);
  expect_kept("Keep-Alive: 30\r\n", "1.0", kOkClose);
  expect_kept("Proxy-Connection: keep-alive\r\n", "1.0", kOkClose);
}

TEST(H1Server, AnswersPipelinedRequestsInOrder) {
  const std::string bytes =
      "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
      "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n\r\n"
      "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
      "GET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
      "GET /5 HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const std::size_t size : kFragmentSizes) {
    H1ServerWire wire;
    wire.feed(bytes, size);
    ASSERT_EQ(wire.streams.size(), 4u);
    EXPECT_EQ(wire.streams[1]->text(), "head GET /2 HTTP/1.1 host=a body=none [Host: a] | end | stream end");
    EXPECT_TRUE(wire.streams[2]->text().ends_with("body x | end | stream end"));
    EXPECT_EQ(wire.sent, std::string(kOk) + std::string(kOk) + std::string(kOk) + std::string(kOkClose));
    EXPECT_EQ(wire.server.ending(), CodecEnding::kClose);
  }
}

TEST(H1Server, LeavesPipelinedBytesUntilTheResponseHasGone) {
  H1ServerWire wire;
  wire.answers = false;
  wire.feed(std::string(kGet) + std::string(kGet));
  EXPECT_EQ(wire.streams.size(), 1u);
  EXPECT_EQ(wire.input.to_string(), kGet);
  EXPECT_FALSE(wire.server.wants_input());
  EXPECT_EQ(wire.server.phase(), CodecPhase::kResponse);
  wire.takes_output = false;
  support::respond(*wire.last().stream, wire.last().arena(), 200, "ok", wire.chunks);
  wire.turn();
  EXPECT_EQ(wire.streams.size(), 1u);
  EXPECT_FALSE(wire.last().has("stream end"));
  wire.takes_output = true;
  wire.flush();
  wire.turn();
  EXPECT_EQ(wire.streams.size(), 2u);
  EXPECT_TRUE(wire.streams[0]->has("stream end"));
  EXPECT_TRUE(wire.input.empty());
}

TEST(H1Server, RefusesTheRequestBehindAGoodOne) {
  for (const std::size_t size : kFragmentSizes) {
    H1ServerWire wire;
    wire.feed(std::string(kGet) + "GET / HTTP/1.1\nHost: a\r\n\r\n" + std::string(kGet), size);
    ASSERT_EQ(wire.streams.size(), 2u);
    EXPECT_EQ(wire.streams[1]->text(), "refused malformed_request_line | stream end");
    EXPECT_EQ(wire.server.phase(), CodecPhase::kClosing);
  }
}

TEST(H1Server, EndsAfterTheLastRequestGranted) {
  H1ServerWire wire({.max_requests = 2});
  wire.feed(std::string(kGet) + std::string(kGet) + std::string(kGet));
  EXPECT_EQ(wire.sent, std::string(kOk) + std::string(kOkClose));
  EXPECT_EQ(wire.streams.size(), 2u);
  // The client did not ask for it and may be sending: it must be able to read the answer.
  EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
}

TEST(H1Server, ShowsWhatWasReadOfARefusedHead) {
  struct Refused {
    std::string_view bytes;
    std::string_view method;
    std::string_view target;
    std::string_view agent;
  };
  for (const Refused& row : std::vector<Refused>{
           {"GET /x HTTP/1.1\r\nHost: a\r\nUser-Agent: u\r\nbad line\r\n", "GET", "/x", "u"},
           {"GET /x HTTP/1.1\r\nHost: a\r\nUser-Agent: u", "GET", "/x", ""},
           {"GET /x HTTP/1.1\r\nUser-Agent: u\r\n\r\n", "GET", "/x", "u"},
           {"BREW /x HTTP/1.1\r\nHost: a\r\nUser-Agent: u\r\n\r\n", "BREW", "/x", "u"},
           {"GET /x HTTP/3.0\r\n", "GET", "/x", ""},
           {"GET /\x01 HTTP/1.1\r\n", "GET", "", ""},
           {"POST /x HTTP/1.1\r\nContent-Length: z\r\nUser-Agent: u\r\n\r\n", "POST", "/x", "u"},
           {"\x01", "", "", ""},
       }) {
    for (const std::size_t size : kFragmentSizes) {
      H1ServerWire wire;
      wire.feed(row.bytes, size);
      wire.server.abort(Reason::kHeaderTimeout);  // for the incomplete one; too late for the others
      wire.turn();
      ASSERT_EQ(wire.streams.size(), 1u);
      ASSERT_NE(wire.last().head, nullptr);
      EXPECT_EQ(wire.last().head->method_text, row.method) << row.bytes;
      EXPECT_EQ(wire.last().head->target, row.target) << row.bytes;
      EXPECT_EQ(wire.last().head->fields.value(http::FieldName::kUserAgent), row.agent) << row.bytes;
    }
  }
}

TEST(H1Server, HoldsNothingWhileIdle) {
  H1ServerWire wire;
  wire.feed(kGet);
  wire.streams.clear();
  EXPECT_EQ(wire.chunks.chunks_in_use(), 0u);
  wire.feed("\r\n");
  EXPECT_TRUE(wire.streams.empty());
  EXPECT_EQ(wire.chunks.chunks_in_use(), 0u);
  EXPECT_EQ(wire.server.phase(), CodecPhase::kIdle);
}

TEST(H1Server, ReadsLongHeadsInSmallPiecesWithoutEatingMemory) {
  H1ServerWire wire;
  std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n";
  while (bytes.size() < 30000) bytes += "X-Long: " + std::string(300, 'x') + "\r\n";
  wire.feed(bytes.substr(0, 29000), 1);
  EXPECT_EQ(wire.server.phase(), CodecPhase::kHead);
  EXPECT_LE(wire.chunks.chunks_in_use(), 4u);
  wire.feed(bytes.substr(29000) + "\r\n", 1);
  EXPECT_EQ(wire.sent, kOk);
}

}  // namespace
}  // namespace viaduct::codec
