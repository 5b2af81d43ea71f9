// SPDX-License-Identifier: Apache-2.0
#include "net/proxy_header.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"

namespace viaduct::net {
namespace {

using Status = ProxyHeader::Status;

constexpr std::string_view kSignatureV1 = "PROXY ";
constexpr std::string_view kSignatureV2{"\r\n\r\n\0\r\nQUIT\n", 12};
// Signature, version with command, family with transport, length of the rest.
constexpr std::size_t kFixedBytesV2 = 16;
constexpr std::size_t kPortDigitsMax = 5;

ProxyHeader invalid() {
  return {.status = Status::kInvalid};
}

// Cuts the text up to the next space, or to the end, from the front of `line`.
std::string_view take_word(std::string_view& line) {
  const std::size_t space = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(std::min(space + 1, line.size()));
  return word;
}

std::optional<base::IpAddress> parse_address(std::string_view text, bool is_v4) {
  if (text.starts_with('[') || text.contains(':') == is_v4) return std::nullopt;
  return base::IpAddress::parse(text);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text.empty() || text.size() > kPortDigitsMax || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  unsigned port = 0;
  for (const char byte : text) {
    if (!base::is_digit(byte)) return std::nullopt;
    port = port * 10 + static_cast<unsigned>(byte - '0');
  }
  if (port > 0xffff) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

// `line` without CR LF and behind the signature.
ProxyHeader parse_line(std::string_view line) {
  ProxyHeader header{.status = Status::kComplete};
  const std::string_view family = take_word(line);
  if (family == "UNKNOWN") return header;  // whatever follows
  if (family != "TCP4" && family != "TCP6") return invalid();
  if (std::ranges::count(line, ' ') != 3) return invalid();
  const bool is_v4 = family == "TCP4";
  const auto source = parse_address(take_word(line), is_v4);
  const auto destination = parse_address(take_word(line), is_v4);
  const auto source_port = parse_port(take_word(line));
  const auto destination_port = parse_port(line);
  if (!source || !destination || !source_port || !destination_port) return invalid();
  header.announces = true;
  header.source = {*source, *source_port};
  header.destination = {*destination, *destination_port};
  return header;
}

ProxyHeader parse_v1(std::string_view bytes) {
  const std::string_view start = bytes.substr(0, ProxyHeader::kBytesMaxV1);
  const std::size_t end = start.find_first_of("\r\n");
  if (end == std::string_view::npos) return start.size() < ProxyHeader::kBytesMaxV1 ? ProxyHeader{} : invalid();
  if (start[end] == '\n') return invalid();
  if (end + 1 == start.size()) return start.size() < ProxyHeader::kBytesMaxV1 ? ProxyHeader{} : invalid();
  if (start[end + 1] != '\n') return invalid();
  ProxyHeader header = parse_line(start.substr(kSignatureV1.size(), end - kSignatureV1.size()));
  header.bytes = header.status == Status::kComplete ? end + 2 : 0;
  return header;
}

unsigned byte_at(std::string_view bytes, std::size_t place) {
  return static_cast<unsigned char>(bytes[place]);
}

std::uint16_t number_at(std::string_view bytes, std::size_t place) {
  return static_cast<std::uint16_t>(byte_at(bytes, place) << 8U | byte_at(bytes, place + 1));
}

// Both addresses and then both ports, as in the wire's block for a family of addresses of `size` bytes.
void read_addresses(std::string_view block, std::size_t size, ProxyHeader& header) {
  const auto* raw = reinterpret_cast<const unsigned char*>(block.data());
  header.announces = true;
  header.source = {base::IpAddress::from_bytes(raw, size), number_at(block, 2 * size)};
  header.destination = {base::IpAddress::from_bytes(raw + size, size), number_at(block, 2 * size + 2)};
}

ProxyHeader parse_v2(std::string_view bytes) {
  if (bytes.size() > 12 && byte_at(bytes, 12) >> 4U != 2) return invalid();
  if (bytes.size() < kFixedBytesV2) return {};
  const unsigned command = byte_at(bytes, 12) & 0xfU;
  const unsigned family = byte_at(bytes, 13) >> 4U;
  const unsigned transport = byte_at(bytes, 13) & 0xfU;
  const std::size_t length = number_at(bytes, 14);
  // 1: stream. No datagram ever comes by a connection, so that 2 is a lie.
  if (command > 1 || family > 3 || transport > 1) return invalid();
  if (kFixedBytesV2 + length > ProxyHeader::kBytesMaxV2) return invalid();
  constexpr std::size_t kAddressBytes[] = {0, 12, 36, 216};  // by family: unspecified, IPv4, IPv6, Unix
  const bool is_proxied = command == 1 && transport == 1;
  if (is_proxied && length < kAddressBytes[family]) return invalid();
  if (bytes.size() < kFixedBytesV2 + length) return {};
  ProxyHeader header{.status = Status::kComplete, .bytes = kFixedBytesV2 + length};
  if (!is_proxied) return header;
  const std::string_view block = bytes.substr(kFixedBytesV2, length);
  // A Unix path is no address of a client: the sender's own stands.
  if (family == 1) read_addresses(block, 4, header);
  if (family == 2) read_addresses(block, 16, header);
  return header;
}

}  // namespace

ProxyHeader parse_proxy_header(std::string_view bytes) {
  const auto begins = [bytes](std::string_view signature) {
    return signature.starts_with(bytes.substr(0, signature.size()));
  };
  if (begins(kSignatureV1)) return bytes.size() < kSignatureV1.size() ? ProxyHeader{} : parse_v1(bytes);
  if (begins(kSignatureV2)) return bytes.size() < kSignatureV2.size() ? ProxyHeader{} : parse_v2(bytes);
  return invalid();
}

}  // namespace viaduct::net
