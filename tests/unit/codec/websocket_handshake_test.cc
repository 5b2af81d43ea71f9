// SPDX-License-Identifier: Apache-2.0
#include "codec/websocket_handshake.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "support/field_list.h"

namespace viaduct::codec {
namespace {

using support::FieldList;
using Lines = std::vector<FieldList::Line>;

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
const Lines kUsual = {{"Host", "a"},
                      {"Upgrade", "websocket"},
                      {"Connection", "Upgrade"},
                      {"Sec-WebSocket-Key", kKey},
                      {"Sec-WebSocket-Version", "13"}};

struct Request {
  http::Method method = http::Method::kGet;
  http::Version version = http::Version::kHttp11;
  http::BodySize body{};
};

bool asks(const Lines& lines, const Request& request = {}) {
  FieldList list;
  http::RequestHead head(list.arena());
  head.method = request.method;
  head.version = request.version;
  head.body = request.body;
  for (const FieldList::Line& line : lines) head.fields.add(line.name, line.value);
  return asks_for_websocket(head);
}

// The usual lines, those called `name` replaced by one line for each value.
Lines with(std::string_view name, std::initializer_list<std::string_view> values) {
  Lines lines;
  for (const FieldList::Line& line : kUsual) {
    if (!base::equals_ignoring_case(line.name, name)) lines.push_back(line);
  }
  for (const std::string_view value : values) lines.push_back({name, value});
  return lines;
}

TEST(WebsocketHandshake, IsAskedForByAWholeRequest) {
  EXPECT_TRUE(asks(kUsual));
  EXPECT_TRUE(asks(with("UPGRADE", {"WebSocket"})));
  EXPECT_TRUE(asks(with("connection", {"keep-alive, upgrade"})));
  EXPECT_TRUE(asks(with("Connection", {"keep-alive", "UPGRADE"})));
  EXPECT_TRUE(asks(with("Sec-WebSocket-Version", {"8"})));  // for the upstream to refuse
  EXPECT_TRUE(asks(kUsual, {.body = {.kind = http::BodyKind::kSized, .bytes = 0}}));
}

TEST(WebsocketHandshake, IsNotAskedForByAnythingElse) {
  EXPECT_FALSE(asks(kUsual, {.method = http::Method::kPost}));
  EXPECT_FALSE(asks(kUsual, {.method = http::Method::kHead}));
  EXPECT_FALSE(asks(kUsual, {.version = http::Version::kHttp10}));
  EXPECT_FALSE(asks(kUsual, {.version = http::Version::kHttp2}));
  EXPECT_FALSE(asks(kUsual, {.body = {.kind = http::BodyKind::kSized, .bytes = 1}}));
  EXPECT_FALSE(asks(kUsual, {.body = {.kind = http::BodyKind::kStream}}));
  for (const std::string_view value :
       {"", "h2c", "websocket2", "web socket", "websocket, h2c", "h2c, websocket", "websocket/13", "\"websocket\""}) {
    EXPECT_FALSE(asks(with("Upgrade", {value}))) << value;
  }
  EXPECT_FALSE(asks(with("Upgrade", {})));
  EXPECT_FALSE(asks(with("Upgrade", {"websocket", "websocket"})));
  EXPECT_FALSE(asks(with("Upgrade", {"websocket", "h2c"})));
  EXPECT_FALSE(asks(with("Connection", {})));
  EXPECT_FALSE(asks(with("Connection", {"keep-alive"})));
  EXPECT_FALSE(asks(with("Connection", {"\"upgrade\""})));
  EXPECT_FALSE(asks(with("Sec-WebSocket-Version", {})));
  EXPECT_FALSE(asks(with("Sec-WebSocket-Version", {"13", "8"})));
  EXPECT_FALSE(asks(with("Sec-WebSocket-Key", {})));
  EXPECT_FALSE(asks(with("Sec-WebSocket-Key", {""})));
  EXPECT_FALSE(asks(with("Sec-WebSocket-Key", {kKey, kKey})));
  EXPECT_TRUE(asks(with("Sec-WebSocket-Key", {std::string(64, 'x')})));
  EXPECT_FALSE(asks(with("Sec-WebSocket-Key", {std::string(65, 'x')})));
}

TEST(WebsocketHandshake, IsAgreedToByUpgradeAndConnection) {
  EXPECT_TRUE(agrees_to_websocket(*FieldList{{"upgrade", "WEBSOCKET"}, {"connection", "Upgrade"}}));
  EXPECT_FALSE(agrees_to_websocket(*FieldList{}));
  EXPECT_FALSE(agrees_to_websocket(*FieldList{{"Upgrade", "websocket"}}));
  EXPECT_FALSE(agrees_to_websocket(*FieldList{{"Upgrade", "websocket"}, {"Connection", "close"}}));
  EXPECT_FALSE(agrees_to_websocket(*FieldList{{"Upgrade", "h2c"}, {"Connection", "Upgrade"}}));
  EXPECT_FALSE(
      agrees_to_websocket(*FieldList{{"Upgrade", "websocket"}, {"Upgrade", "websocket"}, {"Connection", "Upgrade"}}));
}

// RFC 6455 §1.3.
TEST(WebsocketHandshake, AcceptsKeysAsTheStandardDoes) {
  EXPECT_EQ(websocket_accept(kKey).view(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebsocketHandshake, MakesKeysOfSixteenBytesThatDiffer) {
  const WebsocketKey key = make_websocket_key();
  EXPECT_EQ(key.view().size(), 24U);
  EXPECT_TRUE(key.view().ends_with("=="));
  EXPECT_NE(key.view(), make_websocket_key().view());
}

}  // namespace
}  // namespace viaduct::codec
