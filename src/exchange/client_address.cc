// SPDX-License-Identifier: Apache-2.0
#include "exchange/client_address.h"

#include <optional>
#include <ranges>
#include <string_view>

namespace viaduct::exchange {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// An address, an address with a port as some proxies write it, or what we and nginx write of a client on a Unix socket.
std::optional<base::IpAddress> parse_entry(std::string_view entry) {
  if (entry == "unix:") return base::IpAddress::unix_peer();
  if (const auto address = base::IpAddress::parse(entry)) return address;
  const std::size_t colon = entry.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return base::IpAddress::parse(entry.substr(0, colon));
}

// Walks the entries of one field line from the right. True while the walk may go on to the line before.
bool walk_line(std::string_view line, const base::CidrSet& trusted, base::IpAddress& client, int& entries_left) {
  while (entries_left-- > 0) {
    const std::size_t comma = line.rfind(',');
    const std::string_view entry = comma == std::string_view::npos ? line : line.substr(comma + 1);
    // An empty one counts for nothing (RFC 9110 §5.6.1.2).
    if (const std::string_view text = trim(entry); !text.empty()) {
      const auto address = parse_entry(text);
      if (!address) return false;
      client = *address;
      if (!trusted.contains(client)) return false;
    }
    if (comma == std::string_view::npos) return true;
    line = line.substr(0, comma);
  }
  return false;
}

}  // namespace

base::IpAddress find_client_ip(const base::IpAddress& peer, const base::CidrSet& trusted, const http::Fields& fields) {
  base::IpAddress client = peer;
  if (trusted.empty() || !trusted.contains(peer)) return client;
  int entries_left = kForwardedEntriesMax;
  for (const http::Field& line : fields.lines() | std::views::reverse) {
    if (line.id != http::FieldName::kXForwardedFor) continue;
    if (!walk_line(line.value, trusted, client, entries_left)) break;
  }
  return client;
}

}  // namespace viaduct::exchange
