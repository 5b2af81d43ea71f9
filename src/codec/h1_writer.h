// SPDX-License-Identifier: Apache-2.0
// Writes HTTP/1.1 heads into a buffer: fields as given, with spelling, order and repetition, and the fields of this
// connection (Connection, Transfer-Encoding, Content-Length) by what the codec decided. A field whose name or value
// holds CR, LF or NUL is left out: whatever filled it in, it cannot add a line. Pure functions but for the buffer.
// RFC 9112 §3, §4, §5, §6, RFC 9110 §7.6.1.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/buffer.h"
#include "http/message.h"

namespace viaduct::codec {

// How the body behind a head is framed on the wire (RFC 9112 §6).
enum class H1Framing : std::uint8_t {
  kNone,        // no body, and no field speaks of one: 1xx, 204, requests without body
  kHeadOnly,    // no body, but Content-Length may say how long it would be: HEAD, 304
  kSized,       // Content-Length
  kChunked,     // Transfer-Encoding: chunked
  kUntilClose,  // ends with the connection
};

// What the Connection field says; kNothing leaves it out. kUpgrade agrees to a WebSocket, with the Upgrade field.
enum class H1Connection : std::uint8_t { kNothing, kClose, kKeepAlive, kUpgrade };

// Writes a final or interim response head. An empty reason phrase is filled in by the status. `head.body` gives the
// number for kSized. REQUIRES: 100 <= head.status <= 999.
void write_response_head(const http::ResponseHead& head, H1Framing framing, H1Connection connection, base::Buffer& out);

// Writes a request head; target and fields go out as given, and where `head.protocol` asks for a WebSocket, the fields
// that do so, with `websocket_key` unless it is empty. False, and nothing written, when method or target cannot stand
// in a request line.
[[nodiscard]] bool write_request_head(const http::RequestHead& head, H1Framing framing, std::string_view websocket_key,
                                      base::Buffer& out);

// Writes trailer lines and the empty line that ends them. Leaves out what may not be a trailer: fields of framing and
// of the connection, and Host (RFC 9110 §6.5.1).
void write_trailer_section(const http::Fields& trailers, base::Buffer& out);

}  // namespace viaduct::codec
