// SPDX-License-Identifier: Apache-2.0
#include "config/validate_sites.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/format.h"
#include "config/files.h"
#include "config/inherited.h"

namespace viaduct::config {

namespace {

std::string path_of(std::size_t index) {
  return base::format("sites[{}]", index);
}

// The path of item `index` of a list, of which one may also stand without brackets.
std::string item_path(const std::string& list, std::size_t index, const Reading& reading) {
  std::string path = base::format("{}[{}]", list, index);
  return reading.places().has(path) ? path : list;
}

void check_hosts(const ConfigDraft& draft, Reading& reading) {
  std::map<std::string, std::string> first_paths;  // host to the path where it stands first
  for (std::size_t i = 0; i < draft.sites.size(); ++i) {
    const SiteDraft& site = draft.sites[i];
    for (std::size_t j = 0; j < site.hosts.size(); ++j) {
      if (site.hosts[j].empty()) continue;
      const std::string path = item_path(path_of(i) + ".hosts", j, reading);
      const auto [first, is_new] = first_paths.emplace(site.hosts[j], path);
      if (is_new) continue;
      const Place other = reading.places().nearest(first->second);
      reading.error_at(path, base::format("the host {} stands twice, first in {}; keep it in one site", site.hosts[j],
                                          show_place(other, reading.places().nearest(path))));
    }
    if (!site.hosts.empty() || site.is_default) continue;
    if (reading.is_excused(path_of(i), "hosts")) continue;
    const bool is_empty_list = reading.places().has(path_of(i) + ".hosts");
    reading.error_at(path_of(i) + (is_empty_list ? ".hosts" : ""),
                     "the site has no hosts, so no request reaches it; add hosts: [NAME] or default: true");
  }
}

void check_default(const ConfigDraft& draft, Reading& reading) {
  std::string first;
  for (std::size_t i = 0; i < draft.sites.size(); ++i) {
    if (!draft.sites[i].is_default) continue;
    const std::string path = path_of(i) + ".default";
    if (first.empty()) {
      first = path;
      continue;
    }
    reading.error_at(path, base::format("there is a default site already, in {}; keep one of them",
                                        show_place(reading.places().nearest(first), reading.places().nearest(path))));
  }
}

void check_certificates(const SiteDraft& site, const std::string& path, Reading& reading) {
  for (std::size_t i = 0; i < site.certificates.size(); ++i) {
    const std::string item = item_path(path, i, reading);
    for (const auto& [key, file] : {std::pair{".cert", &site.certificates[i].cert},
                                    {".key", &site.certificates[i].key},
                                    {".client_ca", &site.certificates[i].client_ca}}) {
      if (file->empty()) continue;
      std::string fault = explain_unreadable_file(*file);
      if (!fault.empty()) reading.file_error_at(item + key, std::move(fault));
    }
  }
}

void check_client_ca(const SiteDraft& site, const std::string& path, Reading& reading) {
  const CertificateFiles* first = nullptr;
  for (std::size_t i = 0; i < site.certificates.size(); ++i) {
    const CertificateFiles& files = site.certificates[i];
    if (files.client_ca.empty()) continue;
    if (first == nullptr) {
      first = &files;
    } else if (files.client_ca != first->client_ca || files.client_auth != first->client_auth) {
      reading.error_at(item_path(path, i, reading) + ".client_ca",
                       base::format("another certificate of this site has client_ca {}; a site has one, so keep one",
                                    first->client_ca));
    }
  }
}

// Who calls a callback route shows no certificate. `tls`: what sites without a client_ca of their own ask for.
void check_client_auth(const SiteDraft& site, const ListenerTls& tls, const std::string& path, Reading& reading) {
  std::string key = "tls.client_ca";
  bool is_required = !tls.client_ca.empty() && tls.client_auth == ClientAuth::kRequire;
  for (std::size_t i = 0; i < site.certificates.size(); ++i) {
    const CertificateFiles& files = site.certificates[i];
    if (files.client_ca.empty()) continue;
    key = item_path(path, i, reading) + ".client_ca";
    is_required = files.client_auth == ClientAuth::kRequire;
    break;
  }
  const auto callback = std::ranges::find_if(
      site.drafts, [](const RouteDraft& route) { return route.callback != CallbackProvider::kNone; });
  if (!is_required || callback == site.drafts.end()) return;
  reading.error_at(key, base::format("no platform shows a certificate, and {} is a callback route of the site; write "
                                     "client_auth: optional, or move the route to a site without client_ca",
                                     callback->name.empty() ? "one" : callback->name));
}

// What https://hstspreload.org wants before it takes a host.
void check_hsts(const SiteDraft& site, const std::string& path, Reading& reading) {
  if (!site.hsts || !site.hsts->preload) return;
  if (site.hsts->include_subdomains && site.hsts->max_age >= 365 * 24h) return;
  reading.warn_at(path + ".preload",
                  "lists of browsers take a host only with include_subdomains: true and a max_age of 365d or more; "
                  "write both, or preload: false");
}

void check_deny(const SiteDraft& site, const std::string& path, Reading& reading) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < site.deny.size(); ++i) {
    if (site.deny[i].empty() || seen.insert(site.deny[i]).second) continue;
    reading.error_at(item_path(path, i, reading), base::format("{} is denied twice; delete one of them", site.deny[i]));
  }
}

}  // namespace

void validate_sites(const ConfigDraft& draft, Reading& reading) {
  check_hosts(draft, reading);
  check_default(draft, reading);
  for (std::size_t i = 0; i < draft.sites.size(); ++i) {
    const SiteDraft& site = draft.sites[i];
    check_certificates(site, path_of(i) + ".tls", reading);
    check_client_ca(site, path_of(i) + ".tls", reading);
    check_client_auth(site, draft.tls, path_of(i) + ".tls", reading);
    check_hsts(site, path_of(i) + ".hsts", reading);
    check_deny(site, path_of(i) + ".deny", reading);
    if (site.drafts.empty() && reading.places().has(path_of(i) + ".routes")) {
      reading.error_at(path_of(i) + ".routes", "the site has no route, so it answers nothing but 404; add one");
    }
  }
  if (draft.sites.empty() && reading.places().has("sites")) {
    reading.error_at("sites", "the list is empty; add a site with hosts and routes");
  }
}

}  // namespace viaduct::config
