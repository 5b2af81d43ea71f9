// SPDX-License-Identifier: Apache-2.0
// What a certificate's authority says of it (OCSP), read from a file that somebody else fetches, and sent along in
// handshakes so that clients need not ask. Used while a snapshot is built, and by its contexts. RFC 6960, RFC 6066 §8.
#pragma once

#include <string>

#include "base/error.h"
#include "base/time.h"
#include "tls/key_pair.h"
#include "tls/openssl_ptr.h"

namespace viaduct::tls {

struct OcspAnswer {
  std::string der;
  base::WallTime until;  // it is not sent any more afterwards
};

// Reads the DER file. An error, which names the file, where it is none, is not about the leaf of `pair`, says that the
// certificate is not good, or is too old or too new at `now`.
[[nodiscard]] base::Result<OcspAnswer> load_ocsp(const std::string& file, const KeyPair& pair, base::WallTime now);

// Sends `answer` to clients of `context` that ask for it and get `leaf`, which is a certificate of the context.
void staple(SSL_CTX& context, const X509& leaf, OcspAnswer answer);

}  // namespace viaduct::tls
