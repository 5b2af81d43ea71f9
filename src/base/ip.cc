// SPDX-License-Identifier: Apache-2.0
#include "base/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/bytes.h"
#include "base/check.h"

namespace viaduct::base {

namespace {

constexpr std::string_view kUnixPeer = "unix:";

constexpr std::array<unsigned char, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Copies `text` behind a NUL, as inet_pton(3) wants it. False when it is too long to be an address, or holds a NUL.
bool terminate(std::string_view text, std::array<char, INET6_ADDRSTRLEN>& out) {
  if (text.size() >= out.size() || text.contains('\0')) return false;
  std::ranges::copy(text, out.begin());
  out[text.size()] = '\0';
  return true;
}

char* write_decimal(unsigned number, char* out) {
  if (number >= 100) *out++ = static_cast<char>('0' + number / 100);
  if (number >= 10) *out++ = static_cast<char>('0' + number / 10 % 10);
  *out++ = static_cast<char>('0' + number % 10);
  return out;
}

// One group of IPv6, without leading zeros.
char* write_group(unsigned group, char* out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  bool started = false;
  for (int shift = 12; shift >= 0; shift -= 4) {
    const unsigned digit = (group >> shift) & 0xfU;
    if (digit == 0 && !started && shift > 0) continue;
    started = true;
    *out++ = kDigits[digit];
  }
  return out;
}

char* write_v4(const unsigned char* bytes, char* out) {
  for (int i = 0; i < 4; ++i) {
    if (i > 0) *out++ = '.';
    out = write_decimal(bytes[i], out);
  }
  return out;
}

struct Run {
  int start = -1;
  int length = 0;
};

// RFC 5952 §4.2: the longest run of zero groups, the first of equals, and none of length one.
Run longest_zero_run(const std::array<unsigned, 8>& groups) {
  Run best;
  Run current;
  for (int i = 0; i < 8; ++i) {
    if (groups[static_cast<std::size_t>(i)] != 0) {
      current = Run{};
      continue;
    }
    if (current.length == 0) current.start = i;
    ++current.length;
    if (current.length > best.length) best = current;
  }
  return best.length >= 2 ? best : Run{};
}

char* write_v6(const unsigned char* bytes, char* out) {
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) groups[i] = bytes[2 * i] * 256U + bytes[2 * i + 1];
  const Run run = longest_zero_run(groups);
  for (int i = 0; i < 8;) {
    if (i == run.start) {
      *out++ = ':';
      *out++ = ':';
      i += run.length;
      continue;
    }
    if (i > 0 && i != run.start + run.length) *out++ = ':';
    out = write_group(groups[static_cast<std::size_t>(i)], out);
    ++i;
  }
  return out;
}

// The first `bits` bits of both are equal. REQUIRES: bits fits into both.
bool equal_prefix(const unsigned char* left, const unsigned char* right, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (std::memcmp(left, right, whole) != 0) return false;
  const unsigned rest = bits % 8;
  if (rest == 0) return true;
  return ((left[whole] ^ right[whole]) >> (8 - rest)) == 0;
}

bool is_zero_after(const IpAddress& address, unsigned bits) {
  for (std::size_t bit = bits; bit < address.size() * 8; ++bit) {
    if ((address.bytes()[bit / 8] & (0x80U >> (bit % 8))) != 0) return false;
  }
  return true;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  const bool bracketed = text.size() >= 2 && text.front() == '[' && text.back() == ']';
  if (!terminate(bracketed ? text.substr(1, text.size() - 2) : text, terminated)) return std::nullopt;
  std::array<unsigned char, 16> bytes{};
  if (!bracketed && inet_pton(AF_INET, terminated.data(), bytes.data()) == 1) return from_bytes(bytes.data(), 4);
  if (inet_pton(AF_INET6, terminated.data(), bytes.data()) == 1) return from_bytes(bytes.data(), 16);
  return std::nullopt;
}

IpAddress IpAddress::from_bytes(const unsigned char* bytes, std::size_t size) {
  CHECK(size == 4 || size == 16);
  IpAddress address;
  if (size == 16 && std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes)) {
    bytes += kMappedPrefix.size();
    size = 4;
  }
  address.family_ = size == 4 ? Family::kV4 : Family::kV6;
  std::copy_n(bytes, size, address.bytes_.begin());
  return address;
}

IpAddress IpAddress::unix_peer() {
  IpAddress address;
  address.family_ = Family::kUnix;
  return address;
}

std::string IpAddress::to_string() const {
  std::array<char, 46> text{};
  return {text.data(), write(text.data())};
}

std::size_t IpAddress::write(char* out) const {
  if (is_unix()) return static_cast<std::size_t>(std::ranges::copy(kUnixPeer, out).out - out);
  const char* end = is_v4() ? write_v4(bytes_.data(), out) : write_v6(bytes_.data(), out);
  return static_cast<std::size_t>(end - out);
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  if (text == kUnixPeer) {
    Cidr all;
    all.base_ = IpAddress::unix_peer();
    return all;
  }
  const std::size_t slash = text.find('/');
  const auto base = IpAddress::parse(text.substr(0, slash));
  if (!base) return std::nullopt;
  Cidr range;
  range.base_ = *base;
  range.prefix_length_ = static_cast<unsigned>(base->size() * 8);
  if (slash == std::string_view::npos) return range;
  const std::string_view digits = text.substr(slash + 1);
  auto length = parse_decimal(digits);
  if (!length || digits.size() > 3 || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
  // "::ffff:10.0.0.0/104" has become 10.0.0.0; its length counts from the start of the mapped form.
  if (base->is_v4() && text.substr(0, slash).contains(':')) {
    if (*length < 96) return std::nullopt;
    *length -= 96;
  }
  if (*length > range.prefix_length_ || !is_zero_after(*base, static_cast<unsigned>(*length))) return std::nullopt;
  range.prefix_length_ = static_cast<unsigned>(*length);
  return range;
}

bool Cidr::contains(const IpAddress& address) const {
  return address.family_ == base_.family_ && equal_prefix(address.bytes(), base_.bytes(), prefix_length_);
}

std::string Cidr::to_string() const {
  return base_.is_unix() ? base_.to_string() : base_.to_string() + "/" + std::to_string(prefix_length_);
}

CidrSet CidrSet::private_networks() {
  CidrSet set;
  for (const std::string_view range : {"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
                                       "169.254.0.0/16", "::1", "fc00::/7", "fe80::/10"}) {
    const auto parsed = Cidr::parse(range);
    CHECK(parsed.has_value());
    set.add(*parsed);
  }
  return set;
}

bool CidrSet::contains(const IpAddress& address) const {
  return std::ranges::any_of(ranges_, [&](const Cidr& range) { return range.contains(address); });
}

SocketAddress SocketAddress::unix_path(std::string path) {
  SocketAddress address;
  address.ip_ = IpAddress::unix_peer();
  address.path_ = std::move(path);
  return address;
}

SocketAddress SocketAddress::from_sockaddr(const sockaddr* address, socklen_t length) {
  if (address == nullptr || length < sizeof(sa_family_t)) return {};
  if (address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    std::array<unsigned char, 4> bytes{};
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    return {IpAddress::from_bytes(bytes.data(), bytes.size()), ntohs(v4.sin_port)};
  }
  if (address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    return {IpAddress::from_bytes(v6.sin6_addr.s6_addr, sizeof v6.sin6_addr.s6_addr), ntohs(v6.sin6_port)};
  }
  constexpr std::size_t kPathOffset = offsetof(sockaddr_un, sun_path);
  if (address->sa_family == AF_UNIX && length > kPathOffset) {
    sockaddr_un local{};
    std::memcpy(&local, address, std::min<std::size_t>(length, sizeof local));
    return unix_path(std::string(local.sun_path, strnlen(local.sun_path, length - kPathOffset)));
  }
  if (address->sa_family == AF_UNIX) return {IpAddress::unix_peer(), 0};
  return {};
}

socklen_t SocketAddress::to_sockaddr(sockaddr_storage& storage) const {
  storage = {};
  if (is_unix()) {
    sockaddr_un local{};
    CHECK(path_.size() < sizeof local.sun_path);
    local.sun_family = AF_UNIX;
    std::memcpy(local.sun_path, path_.c_str(), path_.size() + 1);
    std::memcpy(&storage, &local, sizeof local);
    return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_.size() + 1);
  }
  if (ip_.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port_);
    std::memcpy(&v4.sin_addr, ip_.bytes(), ip_.size());
    std::memcpy(&storage, &v4, sizeof v4);
    return sizeof v4;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port_);
  std::memcpy(&v6.sin6_addr, ip_.bytes(), ip_.size());
  std::memcpy(&storage, &v6, sizeof v6);
  return sizeof v6;
}

std::string SocketAddress::to_string() const {
  if (ip_.is_unix()) return std::string(kUnixPeer) + path_;
  const std::string port = ":" + std::to_string(port_);
  return ip_.is_v4() ? ip_.to_string() + port : "[" + ip_.to_string() + "]" + port;
}

}  // namespace viaduct::base
