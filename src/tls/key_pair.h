// SPDX-License-Identifier: Apache-2.0
// A certificate with its chain and its private key, read from two PEM files and proven to belong together. Used while a
// snapshot is built, for sites and for client certificates. RFC 7468.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "tls/openssl_ptr.h"

namespace viaduct::tls {

struct KeyPair {
  X509Ptr leaf;
  std::vector<X509Ptr> chain;  // what follows the leaf in its file
  PkeyPtr key;
};

// Reads and checks both files (they may be one). The error names the file, or both where they do not match.
[[nodiscard]] base::Result<KeyPair> load_key_pair(const std::string& cert_file, const std::string& key_file);

// The same once more: references, no copies.
KeyPair share(const KeyPair& pair);
std::vector<X509Ptr> share(const std::vector<X509Ptr>& certificates);

// The certificates of a PEM file in their order; an error when it cannot be read or has none.
[[nodiscard]] base::Result<std::vector<X509Ptr>> load_certificates(const std::string& file);

// Adds the pair to `context`, which keeps references of its own. A pair of another kind of key (RSA, ECDSA) stays
// beside it, one of the same kind is replaced.
[[nodiscard]] base::Result<void> use_key_pair(SSL_CTX& context, const KeyPair& pair);

}  // namespace viaduct::tls
