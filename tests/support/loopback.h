// SPDX-License-Identifier: Apache-2.0
// Where the fakes listen. A connection that both ends closed properly keeps its pair of addresses for a minute, and an
// address has 28,000 ports; who makes more connections than that goes from one address of 127.0.0.0/8 to the next.
#pragma once

#include <array>

#include "base/ip.h"

namespace viaduct::support {

// The address for what comes next: 127.0.0.1 as long as nobody changes it. One thread.
inline base::IpAddress& loopback() {
  static base::IpAddress address = *base::IpAddress::parse("127.0.0.1");
  return address;
}

// Moves on to one of four million addresses, in turn.
inline void use_next_loopback() {
  static unsigned counter = 0;
  counter = (counter + 1) % (1U << 22U);
  const std::array<unsigned char, 4> bytes{127, static_cast<unsigned char>(1U + (counter >> 16U)),
                                           static_cast<unsigned char>(counter >> 8U),
                                           static_cast<unsigned char>(counter)};
  loopback() = base::IpAddress::from_bytes(bytes.data(), bytes.size());
}

}  // namespace viaduct::support
