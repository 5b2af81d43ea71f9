// SPDX-License-Identifier: Apache-2.0
// Bytes as text and back: numbers, hexadecimal, ASCII case and UTF-8, all without locale, exceptions or allocation
// (where the result is not a string). Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
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

// True when both texts are equal but for the case of ASCII letters.
bool equals_ignoring_case(std::string_view left, std::string_view right);
// A copy with ASCII letters in lower case.
std::string lower_case(std::string_view text);

// The number that `text` spells: one or more digits and nothing else (no sign, no space; leading zeros are fine).
// Absent when it is no number or does not fit into 64 bits.
std::optional<std::uint64_t> parse_decimal(std::string_view text);
// The same for hexadecimal digits in either case, without "0x".
std::optional<std::uint64_t> parse_hex(std::string_view text);

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
