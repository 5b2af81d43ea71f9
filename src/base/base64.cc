// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <openssl/evp.h>

namespace viaduct::base {

void write_base64(std::span<const unsigned char> bytes, char* out) {
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out), bytes.data(), static_cast<int>(bytes.size()));
}

std::string to_base64(std::span<const unsigned char> bytes) {
  std::string text(base64_length(bytes.size()), '\0');  // its own NUL is the one more
  write_base64(bytes, text.data());
  return text;
}

namespace {

// 0 to 63, or -1.
int digit_value(char byte) {
  if (byte >= 'A' && byte <= 'Z') return byte - 'A';
  if (byte >= 'a' && byte <= 'z') return byte - 'a' + 26;
  if (byte >= '0' && byte <= '9') return byte - '0' + 52;
  if (byte == '+') return 62;
  return byte == '/' ? 63 : -1;
}

}  // namespace

std::optional<std::size_t> read_base64(std::string_view text, char* out) {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  std::uint32_t bits = 0;
  unsigned count = 0;  // of the bits that are not written yet
  std::size_t written = 0;
  for (const char byte : text) {
    const int value = digit_value(byte);
    if (value < 0) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out[written++] = static_cast<char>(bits >> count & 0xffU);
  }
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return written;
}

}  // namespace viaduct::base
