// SPDX-License-Identifier: Apache-2.0
#include "upstream/registry.h"

#include <algorithm>

#include "base/format.h"

namespace viaduct::upstream {

std::string fingerprint_of(const config::Upstream& config) {
  std::string text =
      base::format("{}|{}|{}|{}|{}|{}|{}", config.name, static_cast<int>(config.balance.kind), config.balance.header,
                   static_cast<int>(config.host_mode), config.host, config.http2, config.hold.count());
  const config::UpstreamTls& tls = config.tls;
  text += base::format("|{}|{}|{}|{}|{}|{}", tls.verify, tls.sni, tls.verify_name, tls.ca, tls.cert, tls.key);
  text += base::format("|{}|{}|{}|{}", config.keepalive.max_idle, config.keepalive.idle.count(), config.max_connections,
                       config.max_waiting);
  for (const config::Server& server : config.servers) {
    text += base::format("|{} {} {} {} {} {} {}", server.url, server.tls, server.host, server.port, server.is_unix,
                         server.weight, server.backup);
  }
  return text;
}

base::Result<void> Registry::adopt(const std::vector<config::Upstream>& configs) {
  std::vector<Entry> added;
  std::vector<std::string> fingerprints;
  for (const config::Upstream& config : configs) {
    fingerprints.push_back(fingerprint_of(config));
    if (std::ranges::find(entries_, fingerprints.back(), &Entry::fingerprint) != entries_.end()) continue;
    auto made = Upstream::make(loop_, resolver_, config);
    if (!made) return std::unexpected(std::move(made).error());
    added.push_back({.fingerprint = fingerprints.back(), .upstream = std::move(*made), .is_current = false});
  }
  std::ranges::move(added, std::back_inserter(entries_));
  for (Entry& entry : entries_) {
    const bool wanted = std::ranges::find(fingerprints, entry.fingerprint) != fingerprints.end();
    if (entry.is_current && !wanted) entry.upstream->retire_pools();
    if (!entry.is_current && wanted) entry.upstream->revive_pools();
    entry.is_current = wanted;
  }
  current_.clear();
  for (const std::string& fingerprint : fingerprints) {
    current_.push_back(std::ranges::find(entries_, fingerprint, &Entry::fingerprint)->upstream.get());
  }
  sweep();
  return {};
}

void Registry::sweep() {
  std::erase_if(entries_, [](const Entry& entry) { return !entry.is_current && !entry.upstream->is_in_use(); });
}

}  // namespace viaduct::upstream
