// SPDX-License-Identifier: Apache-2.0
#include "net/name_answer.h"

#include <algorithm>
#include <utility>

#include "net/address_guard.h"

namespace viaduct::net {
namespace {

using Endpoint = std::pair<base::IpAddress, std::uint16_t>;

std::vector<Endpoint> endpoints_of(const NameAnswer& answer) {
  std::vector<Endpoint> endpoints;
  for (const NameHost& host : answer.hosts) {
    for (const NameHost::Family* family : {&host.v6, &host.v4}) {
      for (const base::IpAddress& address : family->addresses) endpoints.emplace_back(address, host.record.port);
    }
  }
  std::ranges::sort(endpoints);
  return endpoints;
}

// One of `hosts`, all of one priority, by its share (RFC 2782: those of weight 0 have a very small one).
std::size_t draw(const std::vector<const NameHost*>& hosts, base::Random& random) {
  std::uint64_t total = 0;
  for (const NameHost* host : hosts) total += host->record.weight;
  if (total == 0) return random.below(hosts.size());
  std::uint64_t drawn = random.below(total + 1);
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (drawn <= hosts[i]->record.weight) return i;
    drawn -= hosts[i]->record.weight;
  }
  return hosts.size() - 1;
}

std::vector<const NameHost*> in_host_order(const std::vector<NameHost>& hosts, base::Random& random) {
  std::vector<const NameHost*> sorted;
  sorted.reserve(hosts.size());
  for (const NameHost& host : hosts) sorted.push_back(&host);
  // Those of weight 0 first, as RFC 2782 has it, so that they are drawn at all.
  std::ranges::stable_sort(
      sorted, {}, [](const NameHost* host) { return std::pair(host->record.priority, host->record.weight > 0); });
  std::vector<const NameHost*> ordered;
  for (std::size_t begin = 0; begin < sorted.size();) {
    std::size_t end = begin;
    while (end < sorted.size() && sorted[end]->record.priority == sorted[begin]->record.priority) ++end;
    std::vector<const NameHost*> equals(sorted.begin() + static_cast<std::ptrdiff_t>(begin),
                                        sorted.begin() + static_cast<std::ptrdiff_t>(end));
    while (!equals.empty()) {
      const auto drawn = equals.begin() + static_cast<std::ptrdiff_t>(draw(equals, random));
      ordered.push_back(*drawn);
      equals.erase(drawn);
    }
    begin = end;
  }
  return ordered;
}

}  // namespace

bool NameAnswer::empty() const {
  return address_count() == 0;
}

std::size_t NameAnswer::address_count() const {
  std::size_t count = 0;
  for (const NameHost& host : hosts) count += host.v6.addresses.size() + host.v4.addresses.size();
  return count;
}

void NameAnswer::keep_unknown(const NameAnswer& earlier) {
  for (NameHost& host : hosts) {
    const auto same = std::ranges::find_if(
        earlier.hosts, [&host](const NameHost& other) { return other.record.host == host.record.host; });
    if (same == earlier.hosts.end()) continue;
    if (!host.v6.is_known) host.v6 = same->v6;
    if (!host.v4.is_known) host.v4 = same->v4;
  }
}

std::vector<RefusedAddress> NameAnswer::take_forbidden(const base::CidrSet& allowed) {
  std::vector<RefusedAddress> refused;
  if (!is_from_network) return refused;
  for (NameHost& host : hosts) {
    for (NameHost::Family* family : {&host.v6, &host.v4}) {
      std::erase_if(family->addresses, [&](const base::IpAddress& address) {
        const std::string_view kind = forbidden_kind(address);
        if (kind.empty() || allowed.contains(address)) return false;
        refused.push_back({.address = address, .kind = kind});
        return true;
      });
    }
  }
  return refused;
}

bool NameAnswer::means_the_same(const NameAnswer& other) const {
  return endpoints_of(*this) == endpoints_of(other);
}

bool NameAnswer::contains(const base::SocketAddress& address, std::uint16_t port) const {
  const auto has = [&address](const NameHost::Family& family) {
    return std::ranges::find(family.addresses, address.ip()) != family.addresses.end();
  };
  return std::ranges::any_of(hosts, [&](const NameHost& host) {
    const std::uint16_t own = host.record.port != 0 ? host.record.port : port;
    return own == address.port() && (has(host.v6) || has(host.v4));
  });
}

std::vector<base::SocketAddress> NameAnswer::in_order(std::uint16_t port, base::Random& random) const {
  std::vector<base::SocketAddress> addresses;
  for (const NameHost* host : in_host_order(hosts, random)) {
    const std::uint16_t own = host->record.port != 0 ? host->record.port : port;
    const std::size_t longest = std::max(host->v6.addresses.size(), host->v4.addresses.size());
    for (std::size_t i = 0; i < longest; ++i) {
      if (i < host->v6.addresses.size()) addresses.emplace_back(host->v6.addresses[i], own);
      if (i < host->v4.addresses.size()) addresses.emplace_back(host->v4.addresses[i], own);
    }
  }
  if (addresses.size() > kAddressesMax) addresses.resize(kAddressesMax);
  return addresses;
}

}  // namespace viaduct::net
