// SPDX-License-Identifier: Apache-2.0
// The opening handshake of WebSocket over HTTP/1.1: which heads ask for it and agree to it, and the pair of key and
// accept by which a server proves that it has understood. Nothing else may be upgraded to: every other Upgrade is as if
// it were not there. Pure functions but for the random key. RFC 6455 §4, RFC 9110 §7.8.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "http/message.h"

namespace viaduct::codec {

inline constexpr std::string_view kWebsocketProtocol = "websocket";
inline constexpr std::string_view kWebsocketKeyField = "Sec-WebSocket-Key";
inline constexpr std::string_view kWebsocketAcceptField = "Sec-WebSocket-Accept";

// A text of base64, held by value.
template <std::size_t Length>
struct WebsocketText {
  std::array<char, Length + 1> bytes{};  // with the NUL that base/base64 writes

  // Alive as long as this text.
  std::string_view view() const { return {bytes.data(), Length}; }
};
using WebsocketKey = WebsocketText<24>;     // of 16 bytes
using WebsocketAccept = WebsocketText<28>;  // of a SHA-1 digest

// True when a request head, read whole, asks for WebSocket and nothing speaks against it: GET, HTTP/1.1, no body, one
// Upgrade field that says "websocket" alone, Connection naming it, one version and one key.
bool asks_for_websocket(const http::RequestHead& head);
// True when the fields of a 101 response agree: one Upgrade that says "websocket" alone, and Connection naming it.
bool agrees_to_websocket(const http::Fields& fields);

// A fresh key.
WebsocketKey make_websocket_key();
// What a server answers to `key`.
WebsocketAccept websocket_accept(std::string_view key);

}  // namespace viaduct::codec
