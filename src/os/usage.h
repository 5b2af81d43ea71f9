// SPDX-License-Identifier: Apache-2.0
// What the process uses of the machine, as the kernel counts it (getrusage(2), /proc/self). What cannot be read is 0.
// Opens files: for pages that somebody asked for, not for the request path. Any thread.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace viaduct::os {

struct Usage {
  base::Duration cpu{};              // user and system, of all threads
  std::uint64_t resident_bytes = 0;  // now
  std::uint64_t descriptors = 0;     // open now
  std::uint64_t descriptors_max = 0;
};

Usage read_usage();

}  // namespace viaduct::os
