// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

namespace viaduct::base {

MonoTime SystemClock::mono_now() const {
  return std::chrono::steady_clock::now();
}

WallTime SystemClock::wall_now() const {
  return std::chrono::system_clock::now();
}

}  // namespace viaduct::base
