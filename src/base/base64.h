// SPDX-License-Identifier: Apache-2.0
// Base64 with the alphabet of RFC 4648 §4 and padding, by OpenSSL. No line breaks, no allocation where the result is
// not a string. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace viaduct::base {

// How many characters `bytes` bytes become: four for each three begun.
constexpr std::size_t base64_length(std::size_t bytes) {
  return (bytes + 2) / 3 * 4;
}

// Writes base64_length(bytes.size()) characters. REQUIRES: room for one more at `out`, which becomes NUL.
void write_base64(std::span<const unsigned char> bytes, char* out);
std::string to_base64(std::span<const unsigned char> bytes);

// The most bytes that `characters` characters can stand for.
constexpr std::size_t base64_bytes_max(std::size_t characters) {
  return characters / 4 * 3;
}
// Reads text with its padding into `out` and returns how many bytes that were; absent where it is no such text, or has
// bits that stand for nothing. REQUIRES: room for base64_bytes_max(text.size()) at `out`.
std::optional<std::size_t> read_base64(std::string_view text, char* out);

}  // namespace viaduct::base
