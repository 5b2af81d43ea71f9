// SPDX-License-Identifier: Apache-2.0
// The Priority field of RFC 9218: which of the responses of one connection come first. Used by H2Server.
// Pure function; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace viaduct::codec {

struct H2Priority {
  std::uint32_t urgency = 3;  // 0 first, 7 last (RFC 9218 §4.1)
  bool incremental = false;   // may be sent by turns with others of its urgency (§4.2)

  bool operator==(const H2Priority&) const = default;
};

// Reads the members "u" and "i" of the dictionary; what is missing, malformed or out of range has its default.
H2Priority read_priority(std::string_view value);

}  // namespace viaduct::codec
