// SPDX-License-Identifier: Apache-2.0
// Frames as a WebSocket client writes them: masked, whole or as a fragment, also such as no client should write. For
// tests of the sample upstreams. RFC 6455 §5.2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace viaduct::support {

struct ClientFrame {
  unsigned opcode = 1;  // text
  std::string_view payload = {};
  bool is_final = true;
  bool is_masked = true;
  unsigned reserved_bits = 0;       // 1 to 7
  std::size_t length_bytes = 0;     // 0: the shortest form; 2 and 8: of that many bytes
  std::uint64_t stated_length = 0;  // 0: that of the payload
};

inline std::string frame_bytes(const ClientFrame& frame) {
  constexpr unsigned char kMask[4] = {0x37, 0xfa, 0x21, 0x3d};
  const std::uint64_t length = frame.stated_length != 0 ? frame.stated_length : frame.payload.size();
  std::size_t length_bytes = frame.length_bytes;
  if (length_bytes == 0 && length > 125) length_bytes = length > 0xFFFF ? 8 : 2;
  std::string bytes;
  bytes += static_cast<char>((frame.is_final ? 0x80U : 0U) | (frame.reserved_bits << 4U) | frame.opcode);
  const auto short_length = static_cast<unsigned>(length_bytes == 0 ? length : length_bytes == 2 ? 126 : 127);
  bytes += static_cast<char>((frame.is_masked ? 0x80U : 0U) | short_length);
  for (std::size_t i = length_bytes; i > 0; --i) bytes += static_cast<char>((length >> (8 * (i - 1))) & 0xFFU);
  if (frame.is_masked) bytes.append(reinterpret_cast<const char*>(kMask), sizeof kMask);
  std::size_t at = 0;
  for (const char byte : frame.payload) {
    const unsigned char mask = frame.is_masked ? kMask[at++ % sizeof kMask] : 0;
    bytes += static_cast<char>(static_cast<unsigned char>(byte) ^ mask);
  }
  return bytes;
}

}  // namespace viaduct::support
