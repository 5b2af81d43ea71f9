// SPDX-License-Identifier: Apache-2.0
// IP addresses, address ranges and socket addresses as values. IPv4 addresses mapped into IPv6 (::ffff:a.b.c.d) are
// always turned into IPv4, so that one host has one spelling in rules and logs. RFC 4291, RFC 4632, RFC 5952.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::base {

// An IPv4 or IPv6 address, or that of whoever comes over a Unix socket and has none. Default: the IPv4 address 0.0.0.0.
class IpAddress {
 public:
  IpAddress() = default;

  // Reads "192.0.2.1", "2001:db8::1" or "[2001:db8::1]"; no zone, no port, no leading zeros in IPv4. Absent when `text`
  // is anything else.
  static std::optional<IpAddress> parse(std::string_view text);
  // From 4 bytes (IPv4) or 16 bytes (IPv6) in network order. REQUIRES: size is 4 or 16.
  static IpAddress from_bytes(const unsigned char* bytes, std::size_t size);

  // Of all that come over Unix sockets.
  static IpAddress unix_peer();

  bool is_v4() const { return family_ == Family::kV4; }
  bool is_unix() const { return family_ == Family::kUnix; }
  // 4 or 16 bytes in network order, none of a Unix peer, alive as long as this address.
  const unsigned char* bytes() const { return bytes_.data(); }
  std::size_t size() const { return is_unix() ? 0 : is_v4() ? 4 : 16; }
  // The canonical spelling of RFC 5952, without brackets; "unix:" for a Unix peer, as nginx writes it.
  std::string to_string() const;
  // Writes to_string() into `out` (at least 46 bytes) and returns its length, without allocation.
  std::size_t write(char* out) const;
  auto operator<=>(const IpAddress&) const = default;

 private:
  friend class Cidr;

  enum class Family : std::uint8_t { kV4, kV6, kUnix };

  std::array<unsigned char, 16> bytes_{};  // IPv4 uses the first four
  Family family_ = Family::kV4;
};

// An address range. "10.0.0.0/8", "2001:db8::/32", one address, or "unix:" for all who come over Unix sockets.
class Cidr {
 public:
  // Absent when `text` is no range, the length is too large, or bits below the length are set.
  static std::optional<Cidr> parse(std::string_view text);
  // Never true across families: "::/0" contains no IPv4 address.
  bool contains(const IpAddress& address) const;
  // Always with the length: "192.0.2.1/32"; or "unix:".
  std::string to_string() const;
  bool operator==(const Cidr&) const = default;

 private:
  IpAddress base_;
  unsigned prefix_length_ = 0;
};

// A set of ranges; asked once a request where the config has one, so a plain list does.
class CidrSet {
 public:
  // What the internet does not route, so that only a machine of one's own has such an address: loopback, RFC 1918, RFC
  // 6598 (providers, and load balancers of clouds), RFC 4193 and link-local.
  static CidrSet private_networks();

  void add(const Cidr& range) { ranges_.push_back(range); }
  bool empty() const { return ranges_.empty(); }
  const std::vector<Cidr>& ranges() const { return ranges_; }
  bool contains(const IpAddress& address) const;
  bool operator==(const CidrSet&) const = default;

 private:
  std::vector<Cidr> ranges_;
};

// Where a socket is bound or connected: IP address and port, or the path of a Unix socket.
class SocketAddress {
 public:
  SocketAddress() = default;
  SocketAddress(const IpAddress& ip, std::uint16_t port) : ip_(ip), port_(port) {}
  static SocketAddress unix_path(std::string path);
  // From the kernel's form. An unknown family gives the default address 0.0.0.0:0.
  static SocketAddress from_sockaddr(const sockaddr* address, socklen_t length);

  // Fills `storage` and returns the length that bind(2) and connect(2) want.
  socklen_t to_sockaddr(sockaddr_storage& storage) const;
  bool is_unix() const { return !path_.empty(); }
  const IpAddress& ip() const { return ip_; }
  std::uint16_t port() const { return port_; }
  const std::string& path() const { return path_; }
  // "192.0.2.1:80", "[2001:db8::1]:80" or "unix:/path".
  std::string to_string() const;
  bool operator==(const SocketAddress&) const = default;

 private:
  IpAddress ip_;
  std::uint16_t port_ = 0;
  std::string path_;
};

}  // namespace viaduct::base
