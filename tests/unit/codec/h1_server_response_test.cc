// SPDX-License-Identifier: Apache-2.0
// How H1Server sends responses, holds back and ends: what stands on the wire and what the owner is told to do.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "codec/h1_server.h"
#include "support/field_list.h"
#include "support/h1_wire.h"

namespace viaduct::codec {
namespace {

using http::BodyKind;
using http::BodySize;
using http::Reason;
using support::FieldList;
using support::H1ServerWire;

constexpr BodySize kStream{.kind = BodyKind::kStream};
constexpr BodySize kNone{.kind = BodyKind::kNone};

BodySize sized(std::uint64_t bytes) {
  return {.kind = BodyKind::kSized, .bytes = bytes};
}

// A connection whose one request waits for the test to answer.
struct Exchange {
  explicit Exchange(std::string_view request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n") {
    wire.answers = false;
    wire.feed(request);
  }

  http::ServerStream& stream() { return wire.server; }
  void send_head(int status, BodySize body, bool end, std::initializer_list<FieldList::Line> lines = {}) {
    http::ResponseHead head(wire.last().arena());
    head.status = status;
    head.body = body;
    for (const FieldList::Line& line : lines) head.fields.add(line.name, line.value);
    stream().send_head(head, end);
  }
  void send_informational(int status) {
    http::ResponseHead head(wire.last().arena());
    head.status = status;
    head.fields.add("Link", "</x>");
    stream().send_informational(head);
  }
  void send_body(std::string_view bytes, bool end) {
    base::Buffer body(wire.chunks);
    body.append(bytes);
    stream().send_body(body, end);
    EXPECT_TRUE(body.empty());
  }
  std::string sent() {
    wire.turn();
    return wire.sent;
  }
  bool has_ended() { return wire.last().has("stream end"); }
  CodecEnding ending() { return wire.server.ending(); }

  H1ServerWire wire;
};

TEST(H1ServerResponse, IsSizedWhereTheLengthIsKnown) {
  Exchange exchange;
  exchange.send_head(200, sized(5), false, {{"X-a", "1"}, {"x-A", "2"}});
  exchange.send_body("hel", false);
  EXPECT_FALSE(exchange.has_ended());
  exchange.send_body("lo", true);
  EXPECT_EQ(exchange.sent(), "HTTP/1.1 200 OK\r\nX-a: 1\r\nx-A: 2\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(exchange.has_ended());
  EXPECT_EQ(exchange.wire.server.phase(), CodecPhase::kIdle);
}

TEST(H1ServerResponse, IsChunkedWhereItIsNot) {
  Exchange exchange;
  exchange.send_head(200, kStream, false);
  exchange.send_body("hello", false);
  exchange.send_body("", false);
  exchange.send_body("0123456789abcdef", true);
  EXPECT_EQ(exchange.sent(),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n");
  EXPECT_EQ(exchange.ending(), CodecEnding::kOpen);
}

TEST(H1ServerResponse, LastsUntilTheEndForOldClients) {
  Exchange exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  exchange.send_head(200, kStream, false, {{"Content-Length", "7"}});
  exchange.send_body("hello", false);
  exchange.send_body("", true);
  EXPECT_EQ(exchange.sent(), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
  EXPECT_TRUE(exchange.has_ended());
  EXPECT_NE(exchange.ending(), CodecEnding::kOpen);
  EXPECT_NE(exchange.ending(), CodecEnding::kAbort);
}

TEST(H1ServerResponse, EndsWithTrailersWhereTheyFit) {
  FieldList trailers{{"X-Sum", "1"}, {"Content-Length", "5"}, {"Transfer-Encoding", "x"}, {"Host", "h"}, {"b", "2"}};
  Exchange chunked;
  chunked.send_head(200, kStream, false);
  chunked.send_body("hi", false);
  chunked.stream().send_trailers(*trailers);
  EXPECT_TRUE(chunked.sent().ends_with("2\r\nhi\r\n0\r\nX-Sum: 1\r\nb: 2\r\n\r\n")) << chunked.sent();
  EXPECT_TRUE(chunked.has_ended());

  Exchange counted;
  counted.send_head(200, sized(2), false);
  counted.send_body("hi", false);
  counted.stream().send_trailers(*trailers);
  EXPECT_EQ(counted.sent(), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_TRUE(counted.has_ended());
}

TEST(H1ServerResponse, HasNoBodyWhereNoneIsAllowed) {
  struct Row {
    std::string_view request;
    int status;
    BodySize body;
    std::string_view length;  // a Content-Length field of the handler's; none when empty
    std::string_view lines;
  };
  constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  constexpr std::string_view kHead = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const Row& row : {
           Row{kHead, 200, kNone, "", "200 OK\r\n"},
           Row{kHead, 200, kNone, "123", "200 OK\r\nContent-Length: 123\r\n"},
           Row{kHead, 200, sized(7), "", "200 OK\r\nContent-Length: 7\r\n"},
           Row{kHead, 200, kStream, "", "200 OK\r\n"},
           Row{kHead, 404, sized(0), "0", "404 Not Found\r\nContent-Length: 0\r\n"},
           Row{kGet, 204, kNone, "", "204 No Content\r\n"},
           Row{kGet, 204, sized(0), "0", "204 No Content\r\n"},
           Row{kGet, 304, kNone, "", "304 Not Modified\r\n"},
           Row{kGet, 304, kNone, "55", "304 Not Modified\r\nContent-Length: 55\r\n"},
           Row{kGet, 200, kNone, "", "200 OK\r\nContent-Length: 0\r\n"},
           Row{kGet, 200, sized(0), "0", "200 OK\r\nContent-Length: 0\r\n"},
           Row{kGet, 200, kStream, "", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"},
       }) {
    Exchange exchange(row.request);
    if (row.length.empty()) {
      exchange.send_head(row.status, row.body, true);
    } else {
      exchange.send_head(row.status, row.body, true, {{"Content-Length", row.length}});
    }
    EXPECT_EQ(exchange.sent(), "HTTP/1.1 " + std::string(row.lines) + "\r\n");
    EXPECT_TRUE(exchange.has_ended());
    EXPECT_EQ(exchange.ending(), CodecEnding::kOpen);
  }
}

TEST(H1ServerResponse, DropsABodyThatMustNotBe) {
  Exchange exchange("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  exchange.send_head(200, sized(5), false);
  exchange.send_body("hello", true);
  EXPECT_EQ(exchange.sent(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  EXPECT_TRUE(exchange.has_ended());
}

TEST(H1ServerResponse, BreaksWhereItIsNotAsLongAsItSaid) {
  const auto expect_broken = [](Exchange& exchange) {
    exchange.wire.turn();
    EXPECT_EQ(exchange.wire.last().lines().back(), "reset internal_error");
    EXPECT_EQ(exchange.ending(), CodecEnding::kAbort);
    EXPECT_TRUE(exchange.wire.server.output().empty());
  };
  Exchange short_body;
  short_body.send_head(200, sized(5), false);
  short_body.send_body("hell", true);
  EXPECT_FALSE(short_body.wire.last().has("reset"));  // never from inside the command
  expect_broken(short_body);
  Exchange long_body;
  long_body.send_head(200, sized(5), false);
  long_body.send_body("hello!", false);
  long_body.send_body("more", true);
  expect_broken(long_body);
  Exchange no_body;
  no_body.send_head(200, sized(5), true);
  expect_broken(no_body);
  Exchange trailers_early;
  FieldList trailers{{"a", "b"}};
  trailers_early.send_head(200, sized(5), false);
  trailers_early.stream().send_trailers(*trailers);
  expect_broken(trailers_early);
}

TEST(H1ServerResponse, CannotBeSplitByWhatStandsInAField) {
  Exchange exchange;
  exchange.send_head(200, sized(0), true,
                     {{"A", "x\r\nEvil: 1"},
                      {"B", "x\ny"},
                      {"C", std::string_view("\0", 1)},
                      {"D\r\nE", "x"},
                      {"F", "ok"},
                      {"Location", "12345678\r"},
                      {"G", "1234567\n9012345678"}});
  EXPECT_EQ(exchange.sent(), "HTTP/1.1 200 OK\r\nF: ok\r\nContent-Length: 0\r\n\r\n");
}

TEST(H1ServerResponse, SaysItselfWhatBecomesOfTheConnection) {
  Exchange exchange;
  exchange.send_head(200, sized(0), true,
                     {{"Connection", "close"},
                      {"Keep-Alive", "timeout=5"},
                      {"Transfer-Encoding", "gzip"},
                      {"Proxy-Connection", "x"},
                      {"Content-Length", "5"}});
  EXPECT_EQ(exchange.sent(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

TEST(H1ServerResponse, PassesInterimResponsesToNewClientsAlone) {
  Exchange exchange;
  exchange.send_informational(103);
  exchange.send_informational(102);
  exchange.send_head(200, sized(0), true);
  exchange.send_informational(103);  // too late
  EXPECT_EQ(exchange.sent(),
            "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\nLink: </x>\r\n\r\n"
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  Exchange old("GET / HTTP/1.0\r\n\r\n");
  old.send_informational(103);
  old.send_head(200, sized(0), true);
  EXPECT_TRUE(old.sent().starts_with("HTTP/1.1 200"));
}

TEST(H1ServerResponse, HoldsBackAboveOneMarkAndGoesOnBelowAnother) {
  Exchange exchange;
  exchange.wire.takes_output = false;
  exchange.send_head(200, kStream, false);
  EXPECT_GT(exchange.stream().writable_bytes(), 0u);
  const std::string piece(10000, 'x');
  while (exchange.stream().writable_bytes() > 0) exchange.send_body(piece, false);
  const std::size_t full = exchange.wire.server.output().size();
  EXPECT_GE(full, H1Server::kOutputBytesMax);
  EXPECT_LT(full, H1Server::kOutputBytesMax + 11000);
  exchange.wire.turn();
  exchange.wire.server.output().drop(full - H1Server::kOutputBytesLow - 1);
  exchange.wire.server.on_output_drained();
  EXPECT_EQ(exchange.stream().writable_bytes(), 0u);
  EXPECT_FALSE(exchange.wire.last().has("writable"));
  exchange.wire.server.output().drop(1);
  exchange.wire.server.on_output_drained();
  EXPECT_TRUE(exchange.wire.last().has("writable"));
  EXPECT_EQ(exchange.stream().writable_bytes(), H1Server::kOutputBytesMax - H1Server::kOutputBytesLow);
  exchange.send_body("end", true);
  exchange.wire.takes_output = true;
  exchange.wire.flush();
  EXPECT_TRUE(exchange.has_ended());
  EXPECT_EQ(exchange.wire.last().text().find("writable | writable"), std::string::npos);
}

TEST(H1ServerResponse, EndsOnlyWhenItsBytesHaveLeft) {
  Exchange exchange;
  exchange.wire.takes_output = false;
  exchange.send_head(200, sized(2), false);
  exchange.send_body("ok", true);
  exchange.wire.turn();
  EXPECT_FALSE(exchange.has_ended());
  exchange.wire.server.output().drop(10);
  exchange.wire.server.on_output_drained();
  EXPECT_FALSE(exchange.has_ended());
  exchange.wire.takes_output = true;
  exchange.wire.flush();
  EXPECT_TRUE(exchange.has_ended());
}

TEST(H1ServerResponse, IsCutVisiblyByReset) {
  Exchange exchange("GET / HTTP/1.0\r\n\r\n");
  exchange.send_head(200, kStream, false);
  exchange.send_body("half", false);
  exchange.stream().reset();
  EXPECT_EQ(exchange.sent(), "");
  EXPECT_EQ(exchange.ending(), CodecEnding::kAbort);
  EXPECT_FALSE(exchange.wire.last().has("reset"));
  EXPECT_FALSE(exchange.has_ended());
}

TEST(H1ServerResponse, MayBeNoneAtAll) {
  Exchange exchange;
  exchange.stream().reset();
  EXPECT_EQ(exchange.sent(), "");
  EXPECT_EQ(exchange.ending(), CodecEnding::kLinger);
  EXPECT_EQ(exchange.wire.server.phase(), CodecPhase::kClosing);
  Exchange last("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  last.stream().reset();
  EXPECT_EQ(last.ending(), CodecEnding::kClose);
}

TEST(H1ServerResponse, CopiesSmallPiecesAndMovesLargeOnes) {
  Exchange exchange;
  exchange.wire.takes_output = false;
  exchange.send_head(200, kStream, false);
  for (int i = 0; i < 1000; ++i) exchange.send_body("event", false);
  // A thousand events of five bytes do not hold a thousand chunks.
  EXPECT_LE(exchange.wire.chunks.chunks_in_use(), 4u);
  base::Buffer large(exchange.wire.chunks);
  large.append(std::string(10000, 'x'));
  const char* before = large.front().data();
  exchange.stream().send_body(large, false);
  bool is_moved = false;
  exchange.wire.server.output().for_each([&](std::string_view run) { is_moved = is_moved || run.data() == before; });
  EXPECT_TRUE(is_moved);
}

}  // namespace
}  // namespace viaduct::codec
