// SPDX-License-Identifier: Apache-2.0
// How far a part of a message has come: what the pieces of the HTTP/1 parser answer to the codecs above them after they
// were given bytes.
#pragma once

#include <cstdint>

namespace viaduct::codec {

enum class H1Progress : std::uint8_t {
  kMore,     // all bytes were taken, more are needed
  kDone,     // the part is complete; bytes behind it were left
  kRefused,  // the part is malformed or beyond a limit; the connection cannot go on
};

}  // namespace viaduct::codec
