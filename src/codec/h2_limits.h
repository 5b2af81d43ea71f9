// SPDX-License-Identifier: Apache-2.0
// What one HTTP/2 connection of a client is granted, from the config's `client` section, and the bounds that are fixed.
// Plain values; each connection has its copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace viaduct::codec {

struct H2Limits {
  // As on HTTP/1: names and values of the fields of a head, with four bytes each for what stands around them.
  std::size_t max_head_size = 32 * 1024;
  std::size_t max_fields = 100;
  std::size_t max_target_size = 8 * 1024;
  // Requests on one connection; 0: no bound.
  std::uint64_t max_requests = 0;
  // How long one stream may wait for the client: for the next bytes of a body that is wanted, or for room to send.
  std::optional<base::Duration> body_timeout{};
  // Bytes a second that a stream which waits must keep up, behind 10 s of grace; absent: no bound.
  std::optional<std::uint64_t> min_rate{};
};

// Streams that may be open at once; more are refused with REFUSED_STREAM (RFC 9113 §5.1.2).
inline constexpr std::uint32_t kH2StreamsMax = 128;
// Bytes of request bodies under way: on one connection, on one stream at first, and on one whose body proves long.
inline constexpr std::int32_t kH2ConnectionWindow = 1024 * 1024;
inline constexpr std::int32_t kH2StreamWindow = 64 * 1024;
inline constexpr std::int32_t kH2StreamWindowLong = 256 * 1024;
// Bytes of answers that wait on one connection for windows or their turn. From the first bound on it is crowded: then a
// stream gets only what the client's windows let through at once, and that in small pieces; from the second on nothing.
inline constexpr std::size_t kH2WaitingBytesCrowd = 768 * 1024;
inline constexpr std::size_t kH2WaitingBytesMax = 1024 * 1024;
// The size of those pieces.
inline constexpr std::size_t kH2PieceBytesMax = 16 * 1024;
// Serialised bytes that wait for the transport.
inline constexpr std::size_t kH2OutputBytesMax = 64 * 1024;

}  // namespace viaduct::codec
