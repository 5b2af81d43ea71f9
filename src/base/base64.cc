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

}  // namespace viaduct::base
