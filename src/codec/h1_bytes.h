// SPDX-License-Identifier: Apache-2.0
// Which bytes may stand where in an HTTP/1 message, as one table, and the scans that use it. Stricter than llhttp
// on purpose: what is not allowed here never reaches a second parser that might read it otherwise. RFC 9110 §5.5,
// §5.6.2, RFC 9112 §3.2, §7.1.1.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace viaduct::codec {

enum H1ByteClass : std::uint8_t {
  kTokenByte = 1,      // tchar: methods and field names
  kTargetByte = 2,     // request targets: no white space, no control character, no fragment ("#"); UTF-8 may pass
  kValueByte = 4,      // field values and reason phrases: visible, space, tab, and bytes above 127
  kExtensionByte = 8,  // chunk extensions: the same without tab
};

namespace h1_bytes_internal {

constexpr std::uint8_t classes_of(unsigned byte) {
  const bool alphanumeric =
      (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
  const bool mark =
      byte != 0 && std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(byte)) != std::string_view::npos;
  const bool visible = byte > 0x20 && byte != 0x7f;
  unsigned classes = 0;
  if (alphanumeric || (byte < 0x80 && mark)) classes |= kTokenByte;
  if (visible && byte != '#') classes |= kTargetByte;
  if (visible || byte == ' ' || byte == '\t') classes |= kValueByte;
  if (visible || byte == ' ') classes |= kExtensionByte;
  return static_cast<std::uint8_t>(classes);
}

constexpr std::array<std::uint8_t, 256> make_table() {
  std::array<std::uint8_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) table[byte] = classes_of(byte);
  return table;
}

inline constexpr std::array<std::uint8_t, 256> kTable = make_table();

}  // namespace h1_bytes_internal

// How many bytes at the start of `text` are of `wanted`.
inline std::size_t span_of(H1ByteClass wanted, std::string_view text) {
  const bool takes_text = wanted == kValueByte || wanted == kExtensionByte;
  std::size_t count = takes_text ? base::text_words(text) : 0;
  while (count < text.size() && (h1_bytes_internal::kTable[static_cast<unsigned char>(text[count])] & wanted) != 0) {
    ++count;
  }
  return count;
}

// True when every byte of `text` is of `wanted`; also when there is none.
inline bool is_all(H1ByteClass wanted, std::string_view text) {
  return span_of(wanted, text) == text.size();
}

// True when `text` holds no CR, LF or NUL, so that it can stand in a line of a head without ending it.
inline bool is_line_safe(std::string_view text) {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  constexpr unsigned char kAboveBreaks = '\r' + 1;
  if (text.size() >= kWord) {
    // The last word overlaps the one before.
    std::uint64_t found = base::any_below(base::eight_bytes(text.data() + text.size() - kWord), kAboveBreaks);
    for (std::size_t at = 0; at + kWord < text.size(); at += kWord) {
      found |= base::any_below(base::eight_bytes(text.data() + at), kAboveBreaks);
    }
    if (found == 0) return true;
  }
  return std::ranges::none_of(text, [](char byte) { return byte == '\r' || byte == '\n' || byte == '\0'; });
}

}  // namespace viaduct::codec
