// SPDX-License-Identifier: Apache-2.0
// What an HTTP/2 client says, byte by byte, so that tests can say what no client would: frames with any type, flags and
// length, and header blocks of any fields. Blocks name no entry of the dynamic table, so that they can be put together
// in any order. RFC 9113 §4, RFC 7541. One thread.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"

namespace viaduct::support {

inline constexpr std::string_view kH2Magic = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

inline constexpr std::uint8_t kH2End = NGHTTP2_FLAG_END_STREAM;
inline constexpr std::uint8_t kH2EndHeaders = NGHTTP2_FLAG_END_HEADERS;

using H2Fields = std::vector<std::pair<std::string, std::string>>;

// `number` in its last `count` bytes, most significant first.
inline std::string h2_number(std::uint64_t number, int count) {
  std::string bytes;
  for (int shift = 8 * (count - 1); shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift);
  return bytes;
}

// A frame as it stands on the wire; `length` is a lie where it is given.
inline std::string h2_frame(std::uint8_t type, std::uint8_t flags, std::int32_t stream, std::string_view payload,
                            std::size_t length = std::string_view::npos) {
  std::string bytes = h2_number(length == std::string_view::npos ? payload.size() : length, 3);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  bytes += h2_number(static_cast<std::uint32_t>(stream), 4);
  return bytes.append(payload);
}

// A header block of exactly these fields.
inline std::string h2_block(const H2Fields& fields) {
  std::vector<nghttp2_nv> entries;
  const auto bytes = [](const std::string& text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  for (const auto& [name, value] : fields) {
    entries.push_back({.name = bytes(name),
                       .value = bytes(value),
                       .namelen = name.size(),
                       .valuelen = value.size(),
                       .flags = NGHTTP2_NV_FLAG_NO_INDEX});
  }
  nghttp2_hd_deflater* deflater = nullptr;
  CHECK(nghttp2_hd_deflate_new(&deflater, NGHTTP2_DEFAULT_HEADER_TABLE_SIZE) == 0);
  std::string block(nghttp2_hd_deflate_bound(deflater, entries.data(), entries.size()), '\0');
  const ssize_t size = nghttp2_hd_deflate_hd(deflater, reinterpret_cast<std::uint8_t*>(block.data()), block.size(),
                                             entries.data(), entries.size());
  nghttp2_hd_deflate_del(deflater);
  CHECK(size >= 0);
  block.resize(static_cast<std::size_t>(size));
  return block;
}

inline std::string h2_settings(const std::vector<std::pair<std::uint16_t, std::uint32_t>>& entries = {}) {
  std::string payload;
  for (const auto& [id, value] : entries) payload += h2_number(id, 2) + h2_number(value, 4);
  return h2_frame(NGHTTP2_SETTINGS, 0, 0, payload);
}
inline std::string h2_preface(const std::vector<std::pair<std::uint16_t, std::uint32_t>>& entries = {}) {
  return std::string(kH2Magic) + h2_settings(entries);
}
inline std::string h2_headers(std::int32_t stream, const H2Fields& fields, std::uint8_t flags) {
  return h2_frame(NGHTTP2_HEADERS, flags | kH2EndHeaders, stream, h2_block(fields));
}
inline std::string h2_data(std::int32_t stream, std::string_view bytes, std::uint8_t flags = 0) {
  return h2_frame(NGHTTP2_DATA, flags, stream, bytes);
}
inline std::string h2_reset(std::int32_t stream, std::uint32_t code = NGHTTP2_CANCEL) {
  return h2_frame(NGHTTP2_RST_STREAM, 0, stream, h2_number(code, 4));
}
inline std::string h2_window(std::int32_t stream, std::uint32_t bytes) {
  return h2_frame(NGHTTP2_WINDOW_UPDATE, 0, stream, h2_number(bytes, 4));
}
inline std::string h2_ping(std::uint8_t flags = 0) {
  return h2_frame(NGHTTP2_PING, flags, 0, "pingpong");
}
inline std::string h2_goaway(std::int32_t last, std::uint32_t code = NGHTTP2_NO_ERROR) {
  return h2_frame(NGHTTP2_GOAWAY, 0, 0, h2_number(static_cast<std::uint32_t>(last), 4) + h2_number(code, 4));
}
inline std::string h2_priority_update(std::int32_t stream, std::string_view value) {
  return h2_frame(NGHTTP2_PRIORITY_UPDATE, 0, 0, h2_number(static_cast<std::uint32_t>(stream), 4).append(value));
}

// The fields of a request to https://a, `more` behind them.
inline H2Fields h2_request(std::string_view method, std::string_view path = "/", const H2Fields& more = {}) {
  H2Fields fields = {{":method", std::string(method)}, {":scheme", "https"}, {":authority", "a"}};
  fields.emplace_back(":path", path);
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}
inline std::string h2_get(std::int32_t stream, const H2Fields& more = {}) {
  return h2_headers(stream, h2_request("GET", "/", more), kH2End);
}
// A request whose body follows.
inline std::string h2_post(std::int32_t stream, const H2Fields& more = {}) {
  return h2_headers(stream, h2_request("POST", "/", more), 0);
}

}  // namespace viaduct::support
