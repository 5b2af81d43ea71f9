// SPDX-License-Identifier: Apache-2.0
#include "codec/h1_writer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "support/field_list.h"

namespace viaduct::codec {
namespace {

using namespace std::string_view_literals;
using http::BodyKind;
using support::FieldList;
using Lines = std::initializer_list<FieldList::Line>;

class H1WriterTest : public ::testing::Test {
 protected:
  std::string response(int status, std::string_view phrase, H1Framing framing, Lines lines = {},
                       http::BodySize body = {}, H1Connection connection = H1Connection::kNothing) {
    http::ResponseHead head(arena_);
    head.status = status;
    head.reason_phrase = phrase;
    head.body = body;
    for (const FieldList::Line& line : lines) head.fields.add(line.name, line.value);
    out_.clear();
    write_response_head(head, framing, connection, out_);
    return out_.to_string();
  }
  std::string request(std::string_view method, std::string_view target, H1Framing framing, Lines lines = {},
                      http::BodySize body = {}) {
    http::RequestHead head(arena_);
    head.method_text = method;
    head.target = target;
    head.body = body;
    for (const FieldList::Line& line : lines) head.fields.add(line.name, line.value);
    out_.clear();
    return write_request_head(head, framing, {}, out_) ? out_.to_string() : "refused";
  }

  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
  base::Buffer out_{chunks_};
};

TEST_F(H1WriterTest, WritesStatusLines) {
  EXPECT_EQ(response(200, "", H1Framing::kNone), "HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(response(200, "Fine \xe5\xa5\xbd", H1Framing::kNone), "HTTP/1.1 200 Fine \xe5\xa5\xbd\r\n\r\n");
  EXPECT_EQ(response(799, "", H1Framing::kNone), "HTTP/1.1 799 \r\n\r\n");
  EXPECT_EQ(response(404, "a\r\nb", H1Framing::kNone), "HTTP/1.1 404 Not Found\r\n\r\n");
  EXPECT_DEATH(response(99, "", H1Framing::kNone), "status");
  EXPECT_DEATH(response(1000, "", H1Framing::kNone), "status");
}

TEST_F(H1WriterTest, KeepsSpellingOrderAndRepetition) {
  EXPECT_EQ(
      response(200, "OK", H1Framing::kNone, {{"set-COOKIE", "a"}, {"X", ""}, {"Set-Cookie", "b\tc \xff"}, {"x", "1"}}),
      "HTTP/1.1 200 OK\r\nset-COOKIE: a\r\nX: \r\nSet-Cookie: b\tc \xff\r\nx: 1\r\n\r\n");
}

TEST_F(H1WriterTest, FramesByWhatTheCodecDecided) {
  const http::BodySize five{.kind = BodyKind::kSized, .bytes = 5};
  const std::string line = "HTTP/1.1 200 OK\r\n";
  EXPECT_EQ(response(200, "", H1Framing::kSized, {{"A", "b"}}, five), line + "A: b\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(response(200, "", H1Framing::kSized, {{"content-length", "005"}, {"A", "b"}}, five),
            line + "content-length: 005\r\nA: b\r\n\r\n");
  for (const std::string_view wrong : {"6", "x", "", "5, 5", "+5"}) {
    EXPECT_EQ(response(200, "", H1Framing::kSized, {{"Content-Length", wrong}, {"A", "b"}}, five),
              line + "A: b\r\nContent-Length: 5\r\n\r\n");
  }
  EXPECT_EQ(response(200, "", H1Framing::kSized, {{"Content-Length", "5"}, {"Content-Length", "5"}}, five),
            line + "Content-Length: 5\r\n\r\n");
  EXPECT_EQ(response(200, "", H1Framing::kChunked, {{"Content-Length", "5"}, {"transfer-encoding", "gzip"}}),
            line + "Transfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(response(200, "", H1Framing::kUntilClose, {{"Content-Length", "5"}}), line + "\r\n");
  EXPECT_EQ(response(200, "", H1Framing::kNone, {{"Content-Length", "5"}}), line + "\r\n");
  EXPECT_EQ(response(200, "", H1Framing::kHeadOnly, {{"Content-Length", "12"}}), line + "Content-Length: 12\r\n\r\n");
  EXPECT_EQ(response(200, "", H1Framing::kHeadOnly, {}, five), line + "Content-Length: 5\r\n\r\n");
  const http::BodySize huge{.kind = BodyKind::kSized, .bytes = ~std::uint64_t{0}};
  EXPECT_EQ(response(200, "", H1Framing::kSized, {}, huge), line + "Content-Length: 18446744073709551615\r\n\r\n");
}

TEST_F(H1WriterTest, SpeaksOfTheConnectionForItself) {
  const std::string line = "HTTP/1.1 200 OK\r\n";
  const Lines theirs = {
      {"connection", "x"}, {"Keep-Alive", "y"}, {"Proxy-Connection", "z"}, {"Upgrade", "h2c"}, {"A", "b"}};
  EXPECT_EQ(response(200, "", H1Framing::kNone, theirs), line + "A: b\r\n\r\n");
  EXPECT_EQ(response(200, "", H1Framing::kNone, theirs, {}, H1Connection::kClose),
            line + "A: b\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(response(200, "", H1Framing::kNone, theirs, {}, H1Connection::kKeepAlive),
            line + "A: b\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(response(101, "", H1Framing::kNone, theirs, {}, H1Connection::kUpgrade),
            "HTTP/1.1 101 Switching Protocols\r\nA: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST_F(H1WriterTest, AsksForAWebsocketWhereTheHeadDoes) {
  http::RequestHead head(arena_);
  head.method = http::Method::kGet;
  head.target = "/";
  head.fields.add("Upgrade", "h2c");
  EXPECT_TRUE(write_request_head(head, H1Framing::kNone, {}, out_));
  EXPECT_EQ(out_.to_string(), "GET / HTTP/1.1\r\n\r\n");
  head.protocol = "websocket";
  out_.clear();
  EXPECT_TRUE(write_request_head(head, H1Framing::kNone, {}, out_));
  EXPECT_EQ(out_.to_string(), "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  out_.clear();
  EXPECT_TRUE(write_request_head(head, H1Framing::kNone, "key", out_));
  EXPECT_EQ(out_.to_string(),
            "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: key\r\n\r\n");
}

TEST_F(H1WriterTest, LeavesOutWhatWouldEndALine) {
  EXPECT_EQ(
      response(200, "", H1Framing::kNone, {{"A", "1\r\n2"}, {"B\n", "1"}, {"C", "1\0"sv}, {"D", "\r"}, {"E", "1"}}),
      "HTTP/1.1 200 OK\r\nE: 1\r\n\r\n");
  FieldList trailers{{"A", "1\r\n\r\nGET"}, {"B", "2"}};
  out_.clear();
  write_trailer_section(*trailers, out_);
  EXPECT_EQ(out_.to_string(), "B: 2\r\n\r\n");
}

TEST_F(H1WriterTest, WritesRequestLines) {
  EXPECT_EQ(request("M-SEARCH", "*", H1Framing::kNone, {{"Host", "a"}}), "M-SEARCH * HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(request("GET", "/\xe6?%zz", H1Framing::kNone), "GET /\xe6?%zz HTTP/1.1\r\n\r\n");
  for (const std::string_view method : {"", " ", "G T", "GET\n", "G:"}) {
    EXPECT_EQ(request(method, "/", H1Framing::kNone), "refused");
    EXPECT_TRUE(out_.empty());
  }
  for (const std::string_view target : {""sv, " "sv, "/ "sv, "/\r"sv, "/\n"sv, "/\0"sv, "/\x7f"sv, "/a#b"sv}) {
    EXPECT_EQ(request("GET", target, H1Framing::kNone), "refused");
    EXPECT_TRUE(out_.empty());
  }
  http::RequestHead named(arena_);
  named.method = http::Method::kDelete;
  named.target = "/";
  EXPECT_TRUE(write_request_head(named, H1Framing::kNone, {}, out_));
  EXPECT_EQ(out_.to_string(), "DELETE / HTTP/1.1\r\n\r\n");
}

TEST_F(H1WriterTest, WritesHeadsOfAnySizeInOneRunWhereTheyFit) {
  const std::string long_value(10000, 'v');
  EXPECT_EQ(response(200, "", H1Framing::kNone, {{"A", long_value}}),
            "HTTP/1.1 200 OK\r\nA: " + long_value + "\r\n\r\n");
  EXPECT_EQ(out_.front().size(), out_.size());
  const std::string huge_value(40000, 'v');
  EXPECT_EQ(
      response(200, "", H1Framing::kNone, {{"A", long_value}, {"B", huge_value}, {"C", long_value}, {"D", "d"}}),
      "HTTP/1.1 200 OK\r\nA: " + long_value + "\r\nB: " + huge_value + "\r\nC: " + long_value + "\r\nD: d\r\n\r\n");
  // Behind what is in the buffer already, and before what follows.
  out_.clear();
  out_.append("first");
  http::ResponseHead head(arena_);
  head.status = 204;
  write_response_head(head, H1Framing::kNone, H1Connection::kNothing, out_);
  out_.append("last");
  EXPECT_EQ(out_.front(), "firstHTTP/1.1 204 No Content\r\n\r\nlast");
}

}  // namespace
}  // namespace viaduct::codec
