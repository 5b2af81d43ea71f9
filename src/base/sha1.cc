// SPDX-License-Identifier: Apache-2.0
#include "base/sha1.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace viaduct::base {

std::array<unsigned char, kSha1Bytes> sha1(std::string_view bytes) {
  std::array<unsigned char, kSha1Bytes> digest{};
  unsigned size = 0;
  // OpenSSL's own function fails here only without memory.
  CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha1(), nullptr) == 1);
  CHECK(size == digest.size());
  return digest;
}

}  // namespace viaduct::base
