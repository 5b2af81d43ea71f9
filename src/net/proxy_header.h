// SPDX-License-Identifier: Apache-2.0
// The header by which a load balancer says for whom a connection is: the PROXY protocol, version 1 (a line of text) and
// version 2 (binary), as HAProxy's doc/proxy-protocol.txt writes them down. A pure function from bytes to what they
// announce; who may send one, and how the bytes come from a socket, is net/proxy_greeting's business.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/ip.h"

namespace viaduct::net {

struct ProxyHeader {
  enum class Status : std::uint8_t {
    kIncomplete,  // all bytes belong to the header, and more must come
    kComplete,
    kInvalid,
  };

  // Longer headers are invalid: version 1 by its definition (with CR LF), version 2 by our own choice. What balancers
  // send beside the addresses (TLVs) are tens of bytes, and a client's certificate the most of them.
  static constexpr std::size_t kBytesMaxV1 = 107;
  static constexpr std::size_t kBytesMaxV2 = 4096;

  Status status = Status::kIncomplete;
  std::size_t bytes = 0;            // kComplete: its length, TLVs included
  bool announces = false;           // false: the connection is the sender's own, or from where no address can be told
  base::SocketAddress source = {};  // of the client
  base::SocketAddress destination = {};  // where the client connected to
};

// Reads the header at the start of `bytes`; what follows it is not looked at. With kIncomplete all of `bytes` is part
// of the header, fewer than kBytesMaxV2.
ProxyHeader parse_proxy_header(std::string_view bytes);

}  // namespace viaduct::net
