// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace viaduct::base {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

unsigned char byte_at(std::string_view text, std::size_t index) {
  return static_cast<unsigned char>(text[index]);
}

// The well-formed forms of RFC 3629 §4: what the second byte may be depends on the first, which keeps out overlong
// forms (E0, F0), surrogates (ED) and code points above U+10FFFF (F4).
struct Utf8Form {
  unsigned char first_from, first_to;
  unsigned char second_from, second_to;
  std::size_t length;
};
constexpr Utf8Form kUtf8Forms[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
    {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

}  // namespace

bool equals_ignoring_case(std::string_view left, std::string_view right) {
  // Mostly they are the same, letter by letter.
  return left == right || std::ranges::equal(left, right, {}, to_lower, to_lower);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), to_lower);
  return lower;
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  // from_chars takes a minus sign even for unsigned types (and wraps), hence the look at the first byte.
  if (text.empty() || hex_value(text.front()) < 0) return std::nullopt;
  std::uint64_t value = 0;
  const char* begin = text.data();
  const char* end = begin + text.size();
  const auto [stopped, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

void write_hex(std::span<const unsigned char> bytes, char* out) {
  for (const unsigned char byte : bytes) {
    *out++ = kHexDigits[byte >> 4];
    *out++ = kHexDigits[byte & 0x0f];
  }
}

std::string to_hex(std::span<const unsigned char> bytes) {
  std::string text(bytes.size() * 2, '\0');
  write_hex(bytes, text.data());
  return text;
}

std::size_t utf8_sequence(std::string_view text) {
  if (text.empty()) return 0;
  const unsigned char first = byte_at(text, 0);
  if (first < 0x80) return 1;
  for (const Utf8Form& form : kUtf8Forms) {
    if (first < form.first_from || first > form.first_to) continue;
    if (text.size() < form.length) return 0;
    if (byte_at(text, 1) < form.second_from || byte_at(text, 1) > form.second_to) return 0;
    for (std::size_t index = 2; index < form.length; ++index) {
      if ((byte_at(text, index) & 0xc0) != 0x80) return 0;
    }
    return form.length;
  }
  return 0;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::size_t utf8_cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text.size();
  // Back to the first byte of the sequence that stands across the limit, at most three bytes before it; where there is
  // none, the text is not UTF-8 here and any place will do.
  for (std::size_t back = 0; back < 4 && back <= limit; ++back) {
    if ((byte_at(text, limit - back) & 0xc0) != 0x80) {
      return utf8_sequence(text.substr(limit - back)) > back ? limit - back : limit;
    }
  }
  return limit;
}

}  // namespace viaduct::base
