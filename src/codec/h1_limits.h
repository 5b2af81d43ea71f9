// SPDX-License-Identifier: Apache-2.0
// What one HTTP/1 connection is granted: the bounds that its parser holds. Plain values from the config
// (client.max_head_size and its neighbours); each worker copies them into its connections.
#pragma once

#include <cstddef>
#include <cstdint>

namespace viaduct::codec {

struct H1Limits {
  // Bytes of all field lines of a head with their line ends and the empty line; trailers are held to the same.
  std::size_t max_head_size = 32 * 1024;
  // Field lines of a head, and again of trailers.
  std::size_t max_fields = 100;
  // Bytes of a request target.
  std::size_t max_target_size = 8 * 1024;
  // Requests on one connection; 0: no bound.
  std::uint64_t max_requests = 0;
};

}  // namespace viaduct::codec
