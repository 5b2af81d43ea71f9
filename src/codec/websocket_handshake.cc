// SPDX-License-Identifier: Apache-2.0
#include "codec/websocket_handshake.h"

#include <algorithm>

#include "base/base64.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/random.h"
#include "base/sha1.h"
#include "http/syntax.h"

namespace viaduct::codec {

using http::Field;
using http::FieldName;

namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::string_view kVersionField = "Sec-WebSocket-Version";
// Room for any key that a client may send: those that are well-formed have 24 characters.
constexpr std::size_t kKeyBytesMax = 64;

bool connection_names_upgrade(const http::Fields& fields) {
  for (const Field& field : fields) {
    if (field.id != FieldName::kConnection) continue;
    for (http::ListReader list(field.value); !list.done(); list.next()) {
      if (base::equals_ignoring_case(list.member(), "upgrade")) return true;
    }
  }
  return false;
}

bool has_one(const http::Fields& fields, std::string_view name) {
  const auto is_named = [name](const Field& field) { return base::equals_ignoring_case(field.name, name); };
  return std::ranges::count_if(fields, is_named) == 1;
}

}  // namespace

bool asks_for_websocket(const http::RequestHead& head) {
  const http::Field* upgrade = head.fields.find(FieldName::kUpgrade);
  if (upgrade == nullptr) return false;  // nearly always
  const bool has_body = head.body.kind == http::BodyKind::kStream || head.body.bytes > 0;
  const bool is_get = head.method == http::Method::kGet && head.version == http::Version::kHttp11;
  if (!is_get || has_body || !agrees_to_websocket(head.fields)) return false;
  const http::Field* key = head.fields.find(kWebsocketKeyField);
  return has_one(head.fields, kVersionField) && has_one(head.fields, kWebsocketKeyField) && !key->value.empty() &&
         key->value.size() <= kKeyBytesMax;
}

bool agrees_to_websocket(const http::Fields& fields) {
  return fields.count(FieldName::kUpgrade) == 1 &&
         base::equals_ignoring_case(fields.value(FieldName::kUpgrade), kWebsocketProtocol) &&
         connection_names_upgrade(fields);
}

WebsocketKey make_websocket_key() {
  std::array<unsigned char, 16> bytes;
  base::fill_random(bytes);
  WebsocketKey key;
  base::write_base64(bytes, key.bytes.data());
  return key;
}

WebsocketAccept websocket_accept(std::string_view key) {
  std::array<char, kKeyBytesMax + kGuid.size()> text;
  CHECK(key.size() <= kKeyBytesMax);
  const auto behind_key = std::ranges::copy(key, text.begin()).out;
  std::ranges::copy(kGuid, behind_key);
  WebsocketAccept accept;
  base::write_base64(base::sha1({text.data(), key.size() + kGuid.size()}), accept.bytes.data());
  return accept;
}

}  // namespace viaduct::codec
