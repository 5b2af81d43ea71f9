// SPDX-License-Identifier: Apache-2.0
// Headers of the PROXY protocol, good and bad. Held: what is complete is complete at exactly that byte whatever follows
// it, is incomplete before, and stays within its bounds; what is invalid stays so when more comes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "net/proxy_header.h"

using viaduct::net::parse_proxy_header;
using viaduct::net::ProxyHeader;
using Status = viaduct::net::ProxyHeader::Status;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ProxyHeader whole = parse_proxy_header(bytes);
  CHECK(whole.status != Status::kIncomplete || size < ProxyHeader::kBytesMaxV2);
  CHECK(whole.status != Status::kComplete || whole.bytes <= size);
  CHECK(!whole.announces || whole.status == Status::kComplete);
  for (std::size_t cut = 0; cut < size; ++cut) {
    const ProxyHeader part = parse_proxy_header(bytes.substr(0, cut));
    if (part.status == Status::kInvalid) CHECK(whole.status == Status::kInvalid);
    if (whole.status != Status::kComplete) continue;
    CHECK((part.status == Status::kComplete) == (cut >= whole.bytes));
    if (part.status != Status::kComplete) continue;
    CHECK(part.bytes == whole.bytes && part.source == whole.source && part.destination == whole.destination);
  }
  return 0;
}
