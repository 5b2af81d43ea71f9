// SPDX-License-Identifier: Apache-2.0
// One look over the path of a request, as received: is it well-formed, does it need decoding, and can two servers read
// it in two ways? Nearly every path answers no to the last two, and is matched as it is without further work. A pure
// function; any thread. RFC 3986 §3.3, §2.1.
#pragma once

#include <cstdint>
#include <string_view>

namespace viaduct::route {

// What was seen in a path, as bits.
struct PathTraits {
  static constexpr std::uint8_t kEscapes = 1 << 0;  // at least one '%'
  // "." or ".." as a segment, an empty segment before the last one, a backslash, or an escape of / . % \ or of a
  // control character: what makes a path ambiguous.
  static constexpr std::uint8_t kAmbiguous = 1 << 1;
  // An escape of a control character: 0x00 to 0x1f and 0x7f.
  static constexpr std::uint8_t kControls = 1 << 2;
  // ';' or its escape: servlet containers cut a segment there. Not ambiguous; but denied paths stay denied.
  static constexpr std::uint8_t kParameters = 1 << 3;
  // Bytes above 0x7f, raw or as escapes: the decoded path may not be UTF-8.
  static constexpr std::uint8_t kHighBytes = 1 << 4;
  // Not a path: it does not start with '/', an escape is malformed, or it holds '#', '?', a space or a control
  // character.
  static constexpr std::uint8_t kInvalid = 1 << 7;

  std::uint8_t bits = 0;

  bool has(std::uint8_t trait) const { return (bits & trait) != 0; }
};

// Looks over `path` once.
PathTraits scan_path(std::string_view path);

}  // namespace viaduct::route
