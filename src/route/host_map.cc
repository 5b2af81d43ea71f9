// SPDX-License-Identifier: Apache-2.0
#include "route/host_map.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/ip.h"
#include "base/uri.h"

namespace viaduct::route {
namespace {

// A host as the config gives it, an IPv6 address with or without brackets, as hosts are compared.
std::string normal_host(const std::string& configured) {
  const bool is_bare_ipv6 = configured.find(':') != std::string::npos && !configured.starts_with('[');
  const std::optional<NormalHost> host = NormalHost::of(is_bare_ipv6 ? "[" + configured + "]" : configured);
  return host ? std::string(host->text()) : configured;
}

}  // namespace

HostMap::HostMap(const std::vector<config::Site>& sites) {
  for (std::uint32_t number = 0; number < sites.size(); ++number) {
    const config::Site& site = sites[number];
    for (const std::string& host : site.hosts) {
      const Match match{.site = number, .pattern = host};
      if (host.starts_with("*.")) {
        wildcards_.try_emplace(normal_host(host.substr(2)), match);
      } else {
        exact_.try_emplace(normal_host(host), match);
      }
    }
    if (site.is_default && !unknown_) unknown_ = number;
  }
  if (!sites.empty()) default_site_ = unknown_.value_or(0);
}

std::expected<HostMap::Match, HostMap::Failure> HostMap::find(std::string_view authority) const {
  const std::optional<NormalHost> host = NormalHost::of(authority);
  if (!host) return std::unexpected(Failure::kInvalid);
  const auto exact = exact_.find(host->text());
  if (exact != exact_.end()) return exact->second;
  const Match* wildcard = find_wildcard(host->text());
  if (wildcard != nullptr) return *wildcard;
  if (!unknown_) return std::unexpected(Failure::kUnknown);
  return Match{.site = *unknown_, .pattern = {}};
}

const HostMap::Match* HostMap::find_wildcard(std::string_view host) const {
  if (wildcards_.empty()) return nullptr;
  // Cuts label after label off the front, so that the longest suffix is found first.
  for (std::size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
    const auto found = wildcards_.find(host.substr(dot + 1));
    if (dot > 0 && found != wildcards_.end()) return &found->second;
  }
  return nullptr;
}

std::optional<NormalHost> NormalHost::of(std::string_view authority) {
  const std::optional<base::Authority> parts = base::split_authority(authority);
  if (!parts) return std::nullopt;
  NormalHost normal;
  if (parts->is_ipv6) {
    // An IPv4 address mapped into IPv6 becomes that address, as everywhere.
    normal.size_ = base::IpAddress::parse(parts->host)->write(normal.bytes_);
    return normal;
  }
  std::string_view host = parts->host;
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty()) return std::nullopt;
  if (host.size() > kBytesMax) return normal;
  std::ranges::transform(host, normal.bytes_, base::to_lower);
  normal.size_ = host.size();
  return normal;
}

}  // namespace viaduct::route
