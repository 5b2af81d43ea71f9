// SPDX-License-Identifier: Apache-2.0
#include "base/wipe.h"

#include <openssl/crypto.h>

namespace viaduct::base {

void wipe(std::string& text) {
  text.resize(text.capacity());
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace viaduct::base
