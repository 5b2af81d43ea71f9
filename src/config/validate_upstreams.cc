// SPDX-License-Identifier: Apache-2.0
#include "config/validate_upstreams.h"

#include <algorithm>

#include "base/format.h"
#include "config/files.h"
#include "config/units.h"

namespace viaduct::config {

namespace {

// Metrics, logs and orders tell the servers of an upstream apart by address or service, without a scheme.
bool has_same_name(const Server& left, const Server& right) {
  if (left.is_unix != right.is_unix || left.service != right.service) return false;
  return !left.service.empty() || (left.host == right.host && left.port == right.port);
}

void check_servers(const Upstream& upstream, const std::string& path, Reading& reading) {
  const std::vector<Server>& servers = upstream.servers;
  if (servers.empty() && reading.places().has(path + ".servers")) {
    return reading.error_at(path + ".servers", "the list is empty; add a server, like http://127.0.0.1:8000");
  }
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const auto same = std::find_if(servers.begin(), servers.begin() + static_cast<std::ptrdiff_t>(i),
                                   [&](const Server& other) { return has_same_name(other, servers[i]); });
    if (same == servers.begin() + static_cast<std::ptrdiff_t>(i) || servers[i].url.empty()) continue;
    const std::string place = base::format("{}.servers[{}]", path, i);
    if (same->tls == servers[i].tls) {
      reading.error_at(place, base::format("{} is listed twice, first in line {}; list it once, with a weight",
                                           servers[i].url, same->place.line));
    } else {
      reading.error_at(place, base::format("{} is the server {} of line {} by another scheme; keep the one that it "
                                           "speaks, or put this one into an upstream of its own",
                                           servers[i].url, same->url, same->place.line));
    }
  }
  if (!servers.empty() && std::ranges::all_of(servers, &Server::backup)) {
    reading.error_at(path + ".servers", "every server is a backup; let at least one be none");
  }
}

void check_file(const std::string& file, const std::string& path, Reading& reading) {
  if (file.empty()) return;
  if (std::string fault = explain_unreadable_file(file); !fault.empty()) reading.file_error_at(path, std::move(fault));
}

void check_tls(const Upstream& upstream, const std::string& path, Reading& reading) {
  check_file(upstream.tls.ca, path + ".ca", reading);
  check_file(upstream.tls.cert, path + ".cert", reading);
  check_file(upstream.tls.key, path + ".key", reading);
  if (upstream.tls.cert.empty() != upstream.tls.key.empty()) {
    reading.error_at(
        path, upstream.tls.cert.empty() ? "key without cert; add cert: FILE" : "cert without key; add key: FILE");
  }
  const bool has_tls = std::ranges::any_of(upstream.servers, &Server::tls);
  if (reading.places().has(path) && !has_tls && !upstream.servers.empty()) {
    reading.warn_at(path,
                    "no server of this upstream has an https URL, so tls has no effect; write https:// or delete it");
  }
  if (!upstream.tls.verify) {
    reading.warn_at(path + ".verify",
                    "the servers' certificates are not verified, so anybody on the way can answer; set ca instead");
  }
}

void check_health(const Upstream& upstream, const std::string& path, Reading& reading) {
  const std::string timeout = path + ".timeout";
  if (!upstream.health || upstream.health->timeout <= upstream.health->interval) return;
  if (!reading.places().has(timeout)) return;  // resolve() makes the default shorter
  reading.error_at(timeout,
                   base::format("timeout ({}) is longer than interval ({}); make it shorter",
                                format_duration(upstream.health->timeout), format_duration(upstream.health->interval)));
}

}  // namespace

void validate_upstreams(const ConfigDraft& draft, Reading& reading) {
  for (const Upstream& upstream : draft.upstreams) {
    const std::string path = "upstreams." + upstream.name;
    check_servers(upstream, path, reading);
    check_tls(upstream, path + ".tls", reading);
    check_health(upstream, path + ".health", reading);
  }
}

}  // namespace viaduct::config
