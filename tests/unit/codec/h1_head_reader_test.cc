// SPDX-License-Identifier: Apache-2.0
// The rules as rows are in h1_server_test.cc and h1_server_refusals_test.cc; here are their order and what is filled
// in.
#include "codec/h1_head_reader.h"

#include <gtest/gtest.h>

#include <string_view>

#include "support/field_list.h"

namespace viaduct::codec {
namespace {

using http::BodyKind;
using http::Method;
using http::Reason;
using http::Version;
using support::FieldList;

class H1HeadReaderTest : public ::testing::Test {
 protected:
  Reason read_request(std::string_view bytes) {
    input_.clear();
    input_.append(bytes);
    head_ = arena_.make<http::RequestHead>(arena_);
    H1Parser parser(H1Parser::Kind::kRequest, limits_);
    parser.begin(arena_);
    const H1Progress progress = parser.parse_head(input_, head_->fields);
    copy_request_line(parser, *head_);
    return progress == H1Progress::kDone ? read_request_head(*head_) : refusal_of(parser, *head_);
  }
  std::expected<http::ResponseFraming, Reason> read_response(std::string_view bytes, Method method) {
    input_.clear();
    input_.append(bytes);
    response_ = arena_.make<http::ResponseHead>(arena_);
    H1Parser parser(H1Parser::Kind::kResponse, limits_);
    parser.begin(arena_);
    EXPECT_EQ(parser.parse_head(input_, response_->fields), H1Progress::kDone);
    return read_response_head(parser, method, *response_);
  }

  H1Limits limits_;
  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
  base::Buffer input_{chunks_};
  http::RequestHead* head_ = nullptr;
  http::ResponseHead* response_ = nullptr;
};

TEST_F(H1HeadReaderTest, FillsInARequest) {
  EXPECT_EQ(
      read_request("POST http://b:8/x?y HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n"),
      Reason::kNone);
  EXPECT_EQ(head_->method, Method::kPost);
  EXPECT_EQ(head_->method_text, "POST");
  EXPECT_EQ(head_->target, "/x?y");
  EXPECT_EQ(head_->authority, "b:8");
  EXPECT_EQ(head_->version, Version::kHttp11);
  EXPECT_EQ(head_->body, (http::BodySize{.kind = BodyKind::kSized, .bytes = 7}));
  EXPECT_TRUE(head_->expects_continue);
  EXPECT_EQ(FieldList::text_of(head_->fields), "Host: b:8|Expect: 100-continue|Content-Length: 7");
}

TEST_F(H1HeadReaderTest, AsksForMethodTargetHostFramingAndExpectationInThisOrder) {
  EXPECT_EQ(read_request("CONNECT x HTTP/1.1\r\nContent-Length: 1\r\nExpect: x\r\n\r\n"), Reason::kUnsupportedMethod);
  EXPECT_EQ(read_request("GET * HTTP/1.1\r\nTransfer-Encoding: x\r\nExpect: x\r\n\r\n"), Reason::kMalformedRequestLine);
  EXPECT_EQ(read_request("GET / HTTP/1.1\r\nTransfer-Encoding: x\r\nExpect: x\r\n\r\n"), Reason::kMissingHost);
  EXPECT_EQ(read_request("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\nExpect: x\r\n\r\n"),
            Reason::kUnsupportedTransferEncoding);
  EXPECT_EQ(read_request("GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n"), Reason::kUnsupportedExpectation);
}

TEST_F(H1HeadReaderTest, NamesTheProtocolThatMayBeUpgradedTo) {
  constexpr std::string_view kRest =
      "Host: a\r\nConnection: upgrade\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n";
  const auto protocol = [&](std::string_view lines) {
    EXPECT_EQ(read_request("GET / HTTP/1.1\r\n" + std::string(kRest) + std::string(lines) + "\r\n"), Reason::kNone);
    return head_->protocol;
  };
  EXPECT_EQ(protocol("Upgrade: WebSocket\r\n"), "websocket");
  EXPECT_EQ(protocol(""), "");
  EXPECT_EQ(protocol("Upgrade: h2c\r\n"), "");
  EXPECT_EQ(protocol("Upgrade: websocket\r\nContent-Length: 1\r\n"), "");
}

TEST_F(H1HeadReaderTest, NamesFramingRefusalsAsFramingDoesWhereLlhttpStoppedFirst) {
  EXPECT_EQ(read_request("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"),
            Reason::kInvalidContentLength);
  EXPECT_EQ(read_request("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
            Reason::kConflictingFraming);
  EXPECT_EQ(head_->fields.size(), 3u);
}

TEST_F(H1HeadReaderTest, FillsInAResponse) {
  const auto framing = read_response("HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n", Method::kGet);
  ASSERT_TRUE(framing.has_value());
  EXPECT_TRUE(framing->is_chunked);
  EXPECT_EQ(response_->status, 200);
  EXPECT_EQ(response_->reason_phrase, "Fine");
  EXPECT_EQ(response_->body.kind, BodyKind::kStream);
  const auto head = read_response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Method::kHead);
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(response_->body.kind, BodyKind::kNone);
  const auto close = read_response("HTTP/1.0 200 OK\r\n\r\n", Method::kGet);
  ASSERT_TRUE(close.has_value());
  EXPECT_TRUE(close->until_close);
  EXPECT_EQ(read_response("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Method::kGet).error(),
            Reason::kUpstreamInvalidResponse);
}

TEST_F(H1HeadReaderTest, KnowsWhoMeansToKeepAConnection) {
  const auto keeps = [](Version version, std::initializer_list<FieldList::Line> lines) {
    FieldList fields(lines);
    return is_persistent(version, *fields);
  };
  EXPECT_TRUE(keeps(Version::kHttp11, {}));
  EXPECT_FALSE(keeps(Version::kHttp10, {}));
  EXPECT_TRUE(keeps(Version::kHttp10, {{"connection", "Keep-Alive"}}));
  EXPECT_FALSE(keeps(Version::kHttp11, {{"Connection", ", a ,CLOSE"}}));
  EXPECT_FALSE(keeps(Version::kHttp10, {{"Connection", "keep-alive"}, {"Connection", "close"}}));
  EXPECT_TRUE(keeps(Version::kHttp11, {{"Connection", "not-close"}, {"Close", "close"}}));
}

}  // namespace
}  // namespace viaduct::codec
