// SPDX-License-Identifier: Apache-2.0
// Base64 with the alphabet of RFC 4648 §4 and padding, by OpenSSL. No line breaks, no allocation where the result is
// not a string. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace viaduct::base {

// How many characters `bytes` bytes become: four for each three begun.
constexpr std::size_t base64_length(std::size_t bytes) {
  return (bytes + 2) / 3 * 4;
}

// Writes base64_length(bytes.size()) characters. REQUIRES: room for one more at `out`, which becomes NUL.
void write_base64(std::span<const unsigned char> bytes, char* out);
std::string to_base64(std::span<const unsigned char> bytes);

}  // namespace viaduct::base
