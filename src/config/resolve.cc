// SPDX-License-Identifier: Apache-2.0
#include "config/resolve.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "base/bytes.h"

namespace viaduct::config {

namespace {

// Names show in every log line; a part of the path is enough.
constexpr std::size_t kMadeNameMax = 40;

std::string_view first_path(const Match& match) {
  if (!match.exact.empty()) return match.exact.front();
  if (!match.prefix.empty()) return match.prefix.front();
  if (!match.regex.empty()) return match.regex.front();
  return {};
}

// "/api/v1/" becomes "api-v1"; a path without letters or digits becomes "root".
std::string name_of_path(std::string_view path) {
  std::string name;
  for (const char byte : path) {
    const char lower = base::to_lower(byte);
    const bool is_kept = base::is_digit(byte) || (lower >= 'a' && lower <= 'z') || byte == '_' || byte == '.';
    if (is_kept) {
      name += byte;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
    if (name.size() == kMadeNameMax) break;
  }
  while (name.ends_with('-')) name.pop_back();
  return name.empty() ? "root" : name;
}

// What the site asks of its clients: what a pair of its own says, else what all TLS listeners do.
void choose_client_auth(const ListenerTls& tls, Site& site) {
  site.client_ca = tls.client_ca;
  site.client_auth = tls.client_auth;
  for (const CertificateFiles& files : site.certificates) {
    if (files.client_ca.empty()) continue;
    site.client_ca = files.client_ca;
    site.client_auth = files.client_auth;
    return;
  }
}

void write_hsts(Site& site) {
  if (!site.hsts) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(site.hsts->max_age).count();
  site.hsts->text = "max-age=" + std::to_string(seconds);
  if (site.hsts->include_subdomains) site.hsts->text += "; includeSubDomains";
  if (site.hsts->preload) site.hsts->text += "; preload";
}

std::string unlike(const std::string& name, const std::set<std::string>& taken) {
  std::string candidate = name;
  for (int number = 2; taken.contains(candidate); ++number) candidate = name + "-" + std::to_string(number);
  return candidate;
}

Action action_of(const RouteDraft& draft) {
  if (const auto* proxy = std::get_if<ProxyAction>(&draft.chosen)) return *proxy;
  if (const auto* files = std::get_if<StaticAction>(&draft.chosen)) return *files;
  if (const auto* redirect = std::get_if<RedirectAction>(&draft.chosen)) return *redirect;
  const auto* respond = std::get_if<RespondAction>(&draft.chosen);
  // Without any it was not validated, and is not served.
  return respond != nullptr ? *respond : RespondAction();
}

}  // namespace

void complete_routes(ConfigDraft& draft) {
  for (SiteDraft& site : draft.sites) {
    std::set<std::string> taken;
    for (const RouteDraft& route : site.drafts) taken.insert(route.name);
    for (RouteDraft& route : site.drafts) {
      const Match& match = route.match;
      if (match.exact.empty() && match.prefix.empty() && match.regex.empty()) route.match.prefix = {"/"};
      if (!route.name.empty()) continue;
      route.name = unlike(name_of_path(first_path(route.match)), taken);
      taken.insert(route.name);
    }
  }
}

std::unique_ptr<Config> resolve(ConfigDraft draft) {
  auto config = std::make_unique<Config>();
  config->listeners = std::move(draft.listeners);
  config->tls = draft.tls;
  config->client = draft.client;
  config->upstreams = std::move(draft.upstreams);
  for (Upstream& upstream : config->upstreams) {
    // One that is written was compared already.
    if (upstream.health) upstream.health->timeout = std::min(upstream.health->timeout, upstream.health->interval);
  }
  config->resolver = std::move(draft.resolver);
  config->errors = std::move(draft.errors);
  config->access_log = std::move(draft.logs.access);
  config->error_log = std::move(draft.logs.error);
  config->admin = std::move(draft.admin);
  config->process = std::move(draft.process);
  for (SiteDraft& draft_site : draft.sites) {
    Site& site = config->sites.emplace_back(std::move(static_cast<Site&>(draft_site)));
    choose_client_auth(config->tls, site);
    write_hsts(site);
    for (RouteDraft& draft_route : draft_site.drafts) {
      Action action = action_of(draft_route);
      site.routes.push_back(std::move(static_cast<Route&>(draft_route)));
      Route& route = site.routes.back();
      route.action = std::move(action);
      // Inherited, it is for the routes that are no callbacks; written there, it is an error.
      if (route.callback != CallbackProvider::kNone) route.websocket = false;
    }
  }
  return config;
}

ConfigDraft to_draft(const Config& config) {
  ConfigDraft draft;
  draft.listeners = config.listeners;
  draft.tls = config.tls;
  draft.client = config.client;
  draft.upstreams = config.upstreams;
  draft.resolver = config.resolver;
  draft.errors = config.errors;
  draft.logs = {.access = config.access_log, .error = config.error_log};
  draft.admin = config.admin;
  draft.process = config.process;
  for (const Site& site : config.sites) {
    SiteDraft& draft_site = draft.sites.emplace_back();
    static_cast<Site&>(draft_site) = site;
    for (const Route& route : site.routes) {
      RouteDraft& draft_route = draft_site.drafts.emplace_back();
      static_cast<Route&>(draft_route) = route;
      std::visit([&draft_route](const auto& action) { draft_route.chosen = action; }, route.action);
    }
  }
  return draft;
}

}  // namespace viaduct::config
