// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) of bytes that come in pieces, by OpenSSL: for proving that what arrived is what was sent. Not
// for tables (base/hash.h). One thread.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>

namespace viaduct::base {

class Sha256 {
 public:
  Sha256();

  void update(std::string_view bytes);
  // The digest of all bytes so far as 64 lower-case hexadecimal digits. Ends the computation: call it once, last.
  std::string finish();

 private:
  struct ContextFree {
    void operator()(EVP_MD_CTX* context) const;
  };

  std::unique_ptr<EVP_MD_CTX, ContextFree> context_;
};

// The digest of one text.
std::string sha256_hex(std::string_view bytes);

}  // namespace viaduct::base
