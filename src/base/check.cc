// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace viaduct::base {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "viaduct: CHECK failed: %s at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace viaduct::base
