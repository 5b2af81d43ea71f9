// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_head_writer.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "support/field_list.h"

namespace viaduct::codec {
namespace {

using namespace std::string_view_literals;
using http::BodyKind;
using support::FieldList;

std::string text_of(const H2FieldList& list) {
  std::string text;
  const auto bytes = [](const std::uint8_t* at, std::size_t size) {
    return std::string(reinterpret_cast<const char*>(at), size);
  };
  for (const nghttp2_nv& entry : list.entries()) {
    text.append(text.empty() ? "" : "|").append(bytes(entry.name, entry.namelen)).append(": ");
    text.append(bytes(entry.value, entry.valuelen));
  }
  return text;
}

class H2HeadWriterTest : public testing::Test {
 protected:
  std::string response(int status, const std::vector<FieldList::Line>& lines, const http::BodySize& body = {}) {
    http::ResponseHead head(arena_);
    head.status = status;
    head.reason_phrase = "Whatever";
    head.body = body;
    for (const FieldList::Line& line : lines) head.fields.add(line.name, line.value);
    return text_of(response_fields(head));
  }

  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
};

TEST_F(H2HeadWriterTest, WritesAResponse) {
  EXPECT_EQ(response(200, {}), ":status: 200");
  EXPECT_EQ(response(999, {{"Server", "x"}, {"a", ""}, {"Set-Cookie", "1"}, {"Set-Cookie", "2"}}),
            ":status: 999|Server: x|a: |Set-Cookie: 1|Set-Cookie: 2");
  EXPECT_EQ(response(103, {{"Link", "</x>"}}), ":status: 103|Link: </x>");
}

TEST_F(H2HeadWriterTest, StatesTheLengthThatIsTrue) {
  const http::BodySize stream{.kind = BodyKind::kStream};
  const auto sized = [](std::uint64_t bytes) { return http::BodySize{.kind = BodyKind::kSized, .bytes = bytes}; };
  EXPECT_EQ(response(200, {}, sized(0)), ":status: 200|content-length: 0");
  EXPECT_EQ(response(200, {{"Content-Length", "7"}}, sized(18446744073709551615u)),
            ":status: 200|content-length: 18446744073709551615");
  EXPECT_EQ(response(200, {{"Content-Length", "7"}}, stream), ":status: 200");
  // How long the body would be.
  EXPECT_EQ(response(200, {{"Content-Length", "7"}}), ":status: 200|content-length: 7");
  EXPECT_EQ(response(304, {{"Content-Length", "7"}}), ":status: 304|content-length: 7");
  EXPECT_EQ(response(204, {{"Content-Length", "0"}}), ":status: 204");
  EXPECT_EQ(response(103, {{"Content-Length", "0"}}), ":status: 103");
}

TEST_F(H2HeadWriterTest, MakesTheAnswerToAnExtendedConnectOfAnUpgrade) {
  EXPECT_EQ(response(101, {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Sec-WebSocket-Protocol", "chat"}}),
            ":status: 200|Sec-WebSocket-Protocol: chat");
}

TEST_F(H2HeadWriterTest, LeavesOutWhatIsAboutAConnection) {
  EXPECT_EQ(response(200, {{"Connection", "close"},
                           {"keep-alive", "timeout=5"},
                           {"PROXY-CONNECTION", "close"},
                           {"Transfer-Encoding", "chunked"},
                           {"Upgrade", "h2c"},
                           {"TE", "gzip"},
                           {"HTTP2-Settings", "x"},
                           {"Host", "a"},
                           {"X", "1"}}),
            ":status: 200|X: 1");
}

TEST_F(H2HeadWriterTest, LeavesOutWhatCouldBeReadAsTwoFields) {
  const std::vector<FieldList::Line> lines = {
      {"X\r\nY", "1"}, {"X Y", "1"},       {"", "1"},    {":path", "/b"}, {":status", "500"}, {"X:", "1"},
      {"X\0"sv, "1"},  {"X", "1\r\nY: 2"}, {"X", "1\n"}, {"X", "1\r"},    {"X", "\0"sv},      {"Z", "1"},
  };
  EXPECT_EQ(response(200, lines), ":status: 200|Z: 1");
}

TEST_F(H2HeadWriterTest, WritesARequest) {
  http::RequestHead head(arena_);
  head.method_text = "POST";
  head.target = "/x?y";
  head.authority = "never";
  head.body = {.kind = BodyKind::kSized, .bytes = 5};
  head.fields.add("Accept", "*/*");
  head.fields.add("Host", "b:8");
  head.fields.add("Connection", "close");
  head.fields.add("TE", "gzip");
  head.fields.add("Content-Length", "7");
  EXPECT_EQ(text_of(request_fields(head, "http")),
            ":method: POST|:scheme: http|:authority: b:8|:path: /x?y|Accept: */*|content-length: 5|te: trailers");
  http::RequestHead bare(arena_);
  bare.method_text = "GET";
  bare.target = "/";
  bare.body = {.kind = BodyKind::kStream};
  EXPECT_EQ(text_of(request_fields(bare, "https")), ":method: GET|:scheme: https|:path: /|te: trailers");
}

TEST_F(H2HeadWriterTest, SubmitsTrailers) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session* session = nullptr;
  ASSERT_EQ(nghttp2_session_callbacks_new(&callbacks), 0);
  ASSERT_EQ(nghttp2_session_server_new(&session, callbacks, nullptr), 0);
  nghttp2_session_callbacks_del(callbacks);
  FieldList trailers{{"X-Sum", "1"}, {"Connection", "close"}};
  submit_trailers(session, 1, *trailers);
  submit_trailers(session, 1, *FieldList());
  EXPECT_EQ(nghttp2_session_get_outbound_queue_size(session), 2u);
  nghttp2_session_del(session);
}

}  // namespace
}  // namespace viaduct::codec
