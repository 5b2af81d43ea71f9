// SPDX-License-Identifier: Apache-2.0
// Which ports of 127.0.0.1 a demo listens on: those that were asked for, or free ones in place of what is taken. A
// function; any thread.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace viaduct::cli {

struct DemoPorts {
  std::uint16_t http = 8080;
  std::uint16_t https = 8443;

  bool operator==(const DemoPorts&) const = default;
};

// `wanted` where it can be listened on; 0, and a port that is taken or not ours to take, become a free one. The two are
// never equal. Nothing stays bound: who is quick may still take them.
base::Result<DemoPorts> choose_ports(const DemoPorts& wanted);

}  // namespace viaduct::cli
