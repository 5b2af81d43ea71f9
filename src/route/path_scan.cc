// SPDX-License-Identifier: Apache-2.0
#include "route/path_scan.h"

#include <array>

#include "base/bytes.h"

namespace viaduct::route {
namespace {

// What a raw byte tells by itself. '/' and '%' need a look at what follows.
constexpr std::uint8_t kLookAhead = 1 << 6;

constexpr auto kByteTraits = [] {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t byte = 0; byte <= 0x20; ++byte) table[byte] = PathTraits::kInvalid;
  for (std::size_t byte = 0x80; byte < 256; ++byte) table[byte] = PathTraits::kHighBytes;
  table[0x7f] = table['#'] = table['?'] = PathTraits::kInvalid;
  table['\\'] = PathTraits::kAmbiguous;
  table[';'] = PathTraits::kParameters;
  table['/'] = table['%'] = kLookAhead;
  return table;
}();

// What the escape that `text` starts with tells.
std::uint8_t traits_of_escape(std::string_view text) {
  if (text.size() < 3) return PathTraits::kInvalid;
  const int high = base::hex_value(text[1]);
  const int low = base::hex_value(text[2]);
  if (high < 0 || low < 0) return PathTraits::kInvalid;
  const int byte = high * 16 + low;
  if (byte < 0x20 || byte == 0x7f) {
    return PathTraits::kEscapes | PathTraits::kAmbiguous | PathTraits::kControls;
  }
  if (byte >= 0x80) return PathTraits::kEscapes | PathTraits::kHighBytes;
  if (byte == '/' || byte == '.' || byte == '%' || byte == '\\') return PathTraits::kEscapes | PathTraits::kAmbiguous;
  return byte == ';' ? PathTraits::kEscapes | PathTraits::kParameters : PathTraits::kEscapes;
}

// What the segment behind the slash that `text` starts with tells: empty but not last, or a dot segment. Dots spelled
// as escapes are ambiguous by themselves.
std::uint8_t traits_of_slash(std::string_view text) {
  if (text.size() == 1) return 0;
  if (text[1] == '/') return PathTraits::kAmbiguous;
  if (text[1] != '.') return 0;
  const std::size_t end = text.size() > 2 && text[2] == '.' ? 3 : 2;
  return text.size() == end || text[end] == '/' ? PathTraits::kAmbiguous : std::uint8_t{0};
}

}  // namespace

PathTraits scan_path(std::string_view path) {
  if (!path.starts_with('/')) return {PathTraits::kInvalid};
  unsigned bits = 0;
  for (std::size_t at = 0; at < path.size(); ++at) {
    const std::uint8_t traits = kByteTraits[static_cast<unsigned char>(path[at])];
    if (traits == kLookAhead) {
      bits |= path[at] == '%' ? traits_of_escape(path.substr(at)) : traits_of_slash(path.substr(at));
    } else {
      bits |= traits;
    }
  }
  return {static_cast<std::uint8_t>(bits)};
}

}  // namespace viaduct::route
