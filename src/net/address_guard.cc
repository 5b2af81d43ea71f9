// SPDX-License-Identifier: Apache-2.0
#include "net/address_guard.h"

#include <array>
#include <cstdint>
#include <span>

namespace viaduct::net {
namespace {

struct Range {
  std::array<unsigned char, 16> base;  // IPv4 uses the first four
  unsigned prefix_length = 0;
  std::string_view kind;
};

constexpr Range kV4Ranges[] = {
    {{0}, 8, "unspecified"},  // Linux takes 0.0.0.0 for this machine
    {{127}, 8, "loopback"},
    {{169, 254}, 16, "link_local"},  // with 169.254.169.254, the metadata of most clouds
    {{224}, 4, "multicast"},
    {{255, 255, 255, 255}, 32, "broadcast"},
    {{100, 100, 100, 200}, 32, "metadata"},  // Alibaba Cloud
    {{168, 63, 129, 16}, 32, "metadata"},    // Azure
    {{192, 0, 0, 192}, 32, "metadata"},      // Oracle Cloud
};

constexpr Range kV6Ranges[] = {
    {{0}, 128, "unspecified"},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, "loopback"},
    {{0xfe, 0x80}, 10, "link_local"},
    {{0xff}, 8, "multicast"},
    {{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}, 128, "metadata"},  // AWS
    {{0xfd, 0x20, 0x00, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}, 128, "metadata"},  // Google Cloud
};

// Where an IPv4 address stands in the IPv6 addresses of a range.
struct Embedding {
  std::array<unsigned char, 16> base;
  unsigned prefix_length = 0;
  std::array<std::uint8_t, 4> places;
};

// Mapped addresses (::ffff:a.b.c.d) have become IPv4 already (base/ip.h).
constexpr Embedding kEmbeddings[] = {
    {{0}, 96, {12, 13, 14, 15}},                                   // IPv4-compatible, RFC 4291 §2.5.5.1
    {{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, {12, 13, 14, 15}},  // IPv4-translated, RFC 7915
    {{0x00, 0x64, 0xff, 0x9b}, 96, {12, 13, 14, 15}},              // NAT64, RFC 6052
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, {12, 13, 14, 15}},  // NAT64 of a site, RFC 8215, as /96
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, {6, 7, 9, 10}},     // the same as /48
    {{0x20, 0x02}, 16, {2, 3, 4, 5}},                              // 6to4, RFC 3056
};

bool is_inside(const base::IpAddress& address, const std::array<unsigned char, 16>& base, unsigned prefix_length) {
  for (unsigned bit = 0; bit < prefix_length; ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    if (((address.bytes()[bit / 8] ^ base[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

std::string_view kind_in(std::span<const Range> ranges, const base::IpAddress& address) {
  for (const Range& range : ranges) {
    if (is_inside(address, range.base, range.prefix_length)) return range.kind;
  }
  return {};
}

}  // namespace

std::string_view forbidden_kind(const base::IpAddress& address) {
  if (address.is_v4()) return kind_in(kV4Ranges, address);
  if (const std::string_view kind = kind_in(kV6Ranges, address); !kind.empty()) return kind;
  for (const Embedding& embedding : kEmbeddings) {
    if (!is_inside(address, embedding.base, embedding.prefix_length)) continue;
    std::array<unsigned char, 4> inner{};
    for (std::size_t i = 0; i < inner.size(); ++i) inner[i] = address.bytes()[embedding.places[i]];
    const auto kind = kind_in(kV4Ranges, base::IpAddress::from_bytes(inner.data(), inner.size()));
    if (!kind.empty()) return kind;
  }
  return {};
}

}  // namespace viaduct::net
