// SPDX-License-Identifier: Apache-2.0
#include "upstream/registry.h"

#include <algorithm>

#include "base/format.h"

namespace viaduct::upstream {
namespace {

tls::FileStamps tls_files_of(const config::Upstream& config) {
  tls::FileStamps stamps;
  if (std::ranges::none_of(config.servers, &config::Server::tls)) return stamps;
  for (const std::string& file : {config.tls.ca, config.tls.cert, config.tls.key}) {
    if (!file.empty()) stamps.add(file);
  }
  return stamps;
}

}  // namespace

std::string fingerprint_of(const config::Upstream& config) {
  std::string text =
      base::format("{}|{}|{}|{}|{}|{}|{}", config.name, static_cast<int>(config.balance.kind), config.balance.header,
                   static_cast<int>(config.host_mode), config.host, config.http2, config.hold.count());
  const config::UpstreamTls& tls = config.tls;
  text += base::format("|{}|{}|{}|{}|{}|{}", tls.verify, tls.sni, tls.verify_name, tls.ca, tls.cert, tls.key);
  text += base::format("|{}|{}|{}|{}", config.keepalive.max_idle, config.keepalive.idle.count(), config.max_connections,
                       config.max_waiting);
  for (const base::Cidr& range : config.allow_addresses.ranges()) text += "|" + range.to_string();
  text += base::format("|{}", config.slow_start.count());
  if (config.eject) text += base::format("|{}|{}", config.eject->failures, config.eject->duration.count());
  for (const config::Server& server : config.servers) {
    text += base::format("|{} {} {} {} {} {} {}", server.url, server.tls, server.host, server.port, server.is_unix,
                         server.weight, server.backup);
  }
  return text;
}

Selection::Selection(std::vector<Upstream*> upstreams) : upstreams_(std::move(upstreams)) {
  for (Upstream* upstream : upstreams_) upstream->enter();
}

Selection::~Selection() {
  for (Upstream* upstream : upstreams_) upstream->leave();
}

Upstream* Registry::find(const std::string& fingerprint) const {
  const auto found = std::ranges::find_if(entries_, [&fingerprint](const Entry& entry) {
    return entry.fingerprint == fingerprint && !entry.tls_files.changed();
  });
  return found == entries_.end() ? nullptr : found->upstream.get();
}

Upstream* Registry::find_current(const std::string& fingerprint) const {
  const auto found = std::ranges::find_if(
      entries_, [&fingerprint](const Entry& entry) { return entry.is_current && entry.fingerprint == fingerprint; });
  return found == entries_.end() ? nullptr : found->upstream.get();
}

base::Result<void> Registry::adopt(const std::vector<config::Upstream>& configs) {
  std::vector<Entry> added;
  std::vector<Upstream*> wanted;
  for (const config::Upstream& config : configs) {
    Entry entry{.fingerprint = fingerprint_of(config), .tls_files = tls_files_of(config)};
    Upstream* upstream = find(entry.fingerprint);
    if (upstream == nullptr) {
      auto made = Upstream::make(resources_, config);
      // A file that is broken by now, where something else is the news.
      if (!made) upstream = find_current(entry.fingerprint);
      if (!made && upstream == nullptr) return std::unexpected(std::move(made).error());
      if (made) {
        entry.upstream = std::move(*made);
        upstream = entry.upstream.get();
        added.push_back(std::move(entry));
      }
    }
    wanted.push_back(upstream);
  }
  std::ranges::move(added, std::back_inserter(entries_));
  for (Entry& entry : entries_) {
    const bool is_wanted = std::ranges::find(wanted, entry.upstream.get()) != wanted.end();
    if (entry.is_current && !is_wanted) entry.upstream->retire_pools();
    if (!entry.is_current && is_wanted) entry.upstream->revive_pools();
    entry.is_current = is_wanted;
  }
  current_ = std::move(wanted);
  sweep();
  return {};
}

void Registry::sweep() {
  std::erase_if(entries_, [](const Entry& entry) { return !entry.is_current && !entry.upstream->is_in_use(); });
}

}  // namespace viaduct::upstream
