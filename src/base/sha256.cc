// SPDX-License-Identifier: Apache-2.0
#include "base/sha256.h"

#include <openssl/evp.h>

#include <array>
#include <span>

#include "base/bytes.h"
#include "base/check.h"

namespace viaduct::base {

void Sha256::ContextFree::operator()(EVP_MD_CTX* context) const {
  EVP_MD_CTX_free(context);
}

// OpenSSL's own functions fail here only without memory.
Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  CHECK(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::update(std::string_view bytes) {
  CHECK(context_ != nullptr && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  CHECK(context_ != nullptr && EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
  context_.reset();
  return to_hex(std::span<const unsigned char>(digest).first(size));
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

}  // namespace viaduct::base
