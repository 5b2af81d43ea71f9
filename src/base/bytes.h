// SPDX-License-Identifier: Apache-2.0
// Bytes as text and back: numbers, hexadecimal, ASCII case and UTF-8, all without locale, exceptions or allocation
// (where the result is not a string). Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace viaduct::base {

// ASCII alone: bytes above 0x7f are neither digits nor letters.
constexpr bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}
constexpr char to_lower(char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + ('a' - 'A')) : byte;
}

// The value of a hexadecimal digit in either case, -1 for every other byte.
constexpr int hex_value(char byte) {
  if (is_digit(byte)) return byte - '0';
  const char lower = to_lower(byte);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Eight bytes at once: where any of them is `byte`, or below `limit` (at most 0x80), the result is not 0.
constexpr std::uint64_t kEveryByte = 0x0101010101010101;
constexpr std::uint64_t any_below(std::uint64_t eight, unsigned char limit) {
  return (eight - kEveryByte * limit) & ~eight & (kEveryByte << 7);
}
constexpr std::uint64_t any_equal(std::uint64_t eight, unsigned char byte) {
  return any_below(eight ^ (kEveryByte * byte), 1);
}
inline std::uint64_t eight_bytes(const char* at) {
  std::uint64_t eight = 0;
  std::memcpy(&eight, at, sizeof eight);
  return eight;
}

// How many bytes at the start of `text`, in eights, are no control characters: a quick start for scans byte by byte.
inline std::size_t text_words(std::string_view text) {
  std::size_t count = 0;
  for (; text.size() - count >= sizeof(std::uint64_t); count += sizeof(std::uint64_t)) {
    const std::uint64_t eight = eight_bytes(text.data() + count);
    if ((any_below(eight, 0x20) | any_equal(eight, 0x7f)) != 0) break;
  }
  return count;
}

// True when both texts are equal but for the case of ASCII letters.
bool equals_ignoring_case(std::string_view left, std::string_view right);
// A copy with ASCII letters in lower case.
std::string lower_case(std::string_view text);

// The number that `text` spells: one or more digits and nothing else (no sign, no space; leading zeros are fine).
// Absent when it is no number or does not fit into 64 bits.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

// Writes two lower-case hexadecimal digits for each byte. REQUIRES: room for 2 * bytes.size() at `out`.
void write_hex(std::span<const unsigned char> bytes, char* out);
std::string to_hex(std::span<const unsigned char> bytes);

// The length (1 to 4) of the well-formed UTF-8 sequence that `text` starts with, 0 when there is none. Overlong forms,
// surrogates and code points above U+10FFFF are not well-formed. RFC 3629 §4.
std::size_t utf8_sequence(std::string_view text);
// True when all of `text` is well-formed UTF-8.
bool is_utf8(std::string_view text);
// The largest length, at most `limit`, at which `text` can be cut without splitting a UTF-8 sequence.
std::size_t utf8_cut(std::string_view text, std::size_t limit);

}  // namespace viaduct::base
