// SPDX-License-Identifier: Apache-2.0
// Makes certificates with their keys in memory: the temporary one of `viaduct demo`, and those of tests, good and bad.
// Not for serving the public: nobody trusts them.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace viaduct::tls {

enum class KeyKind : std::uint8_t { kEcdsaP256, kRsa };

// Both as PEM text.
struct PemPair {
  std::string cert;
  std::string key;
};

struct SelfSigned {
  std::vector<std::string> names;  // host names and IP addresses; the first is the common name
  KeyKind key = KeyKind::kEcdsaP256;
  int rsa_bits = 2048;
  base::WallTime not_before = {};
  base::WallTime not_after = {};
  bool is_authority = false;        // may sign others
  const PemPair* issuer = nullptr;  // signs in place of the certificate's own key
};

// Fails only where OpenSSL does, for a name that is neither host nor address for example.
[[nodiscard]] base::Result<PemPair> make_self_signed(const SelfSigned& wanted);

}  // namespace viaduct::tls
