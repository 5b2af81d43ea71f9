// SPDX-License-Identifier: Apache-2.0
#include "config/validate_routes.h"

#include <algorithm>
#include <map>

#include "base/format.h"
#include "config/callback_rules.h"
#include "config/files.h"
#include "config/inherited.h"
#include "config/match_rules.h"
#include "config/route_conflicts.h"
#include "config/spelling.h"
#include "config/units.h"

namespace viaduct::config {

namespace {

std::string_view without_last_slash(std::string_view path) {
  return path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

// Whether `path` is `above` or lies below it; both without a slash at the end.
bool is_within(std::string_view path, std::string_view above) {
  return path.starts_with(above) && (path.size() == above.size() || path[above.size()] == '/');
}

// The path that `rewrite` leads to `denied` or below it; empty where none does.
std::string path_to_denied(const ReplacePrefix& rewrite, std::string_view denied) {
  const std::string_view from = without_last_slash(rewrite.from);
  const std::string_view to = without_last_slash(rewrite.to);
  if (is_within(to, denied)) return std::string(from);
  return is_within(denied, to) ? std::string(from) + std::string(denied.substr(to.size())) : "";
}

// One route under check, with what the messages need.
class RouteCheck {
 public:
  RouteCheck(const ConfigDraft& config, const RouteDraft& route, RoutePosition position, Reading& reading)
      : config_(config), route_(route), position_(position), reading_(reading) {}

  void run() {
    check_action();
    check_cors();
    check_rewrite();
    check_timeouts();
    check_websocket();
    if (route_.allow) require(!route_.allow->addresses.empty(), "allow", "addresses");
    if (route_.rate_limit) check_rate_limit(*route_.rate_limit);
    check_callback(route_, position_, reading_);
  }

 private:
  // Where `key` was written, or the route itself.
  std::string path_of(const std::string& key) const {
    const std::string path = find_key_path(reading_.places(), position_, key);
    return path.empty() ? position_.path() : path;
  }

  // An inherited object may lack a key that each route should have added.
  void require(bool is_there, const std::string& object, const std::string& key) {
    if (is_there || has_own_key(reading_.places(), position_, object)) return;
    // The key was written, and what is wrong with it is told already.
    if (!find_key_path(reading_.places(), position_, object + "." + key).empty()) return;
    reading_.add({.place = reading_.places().nearest(position_.path()),
                  .key = base::format("{}.{}.{}", position_.path(), object, key),
                  .message = base::format("the route inherits {0} without {1}; add {0}: {{ {1}: ... }}", object, key)});
  }

  void check_action() {
    if (std::holds_alternative<std::monostate>(route_.chosen)) {
      for (const char* key : {"upstream", "static", "redirect", "respond"}) {
        if (reading_.is_excused(position_.path(), key)) return;
      }
      return reading_.error_at(position_.path(),
                               "the route has no action; add upstream: NAME, static, redirect or respond");
    }
    if (const auto* proxy = std::get_if<ProxyAction>(&route_.chosen)) check_upstream(*proxy);
    if (const auto* files = std::get_if<StaticAction>(&route_.chosen)) check_static(*files);
    if (const auto* redirect = std::get_if<RedirectAction>(&route_.chosen)) {
      require(!redirect->to.empty(), "redirect", "to");
    }
    if (const auto* respond = std::get_if<RespondAction>(&route_.chosen)) check_respond(*respond);
  }

  void check_upstream(const ProxyAction& proxy) {
    std::vector<std::string> names;
    names.reserve(config_.upstreams.size());
    for (const Upstream& upstream : config_.upstreams) names.push_back(upstream.name);
    if (proxy.upstream.empty() || std::ranges::find(names, proxy.upstream) != names.end()) return;
    const std::string advice = names.empty()
                                   ? base::format("add upstreams: {{ {}: {{ servers: [URL] }} }}", proxy.upstream)
                                   : suggestion(proxy.upstream, names);
    reading_.error_at(path_of("upstream"), base::format("there is no upstream \"{}\"; {}", proxy.upstream,
                                                        advice.empty() ? "add it to upstreams" : advice));
  }

  void check_static(const StaticAction& files) {
    require(!files.root.empty(), "static", "root");
    if (files.root.empty()) return;
    if (std::string fault = explain_unreadable_directory(files.root); !fault.empty()) {
      return reading_.file_error_at(path_of("static.root"), std::move(fault));
    }
    if (!files.fallback.empty()) {
      std::string fault = explain_unreadable_file(files.root + files.fallback);
      if (!fault.empty()) reading_.file_error_at(path_of("static.fallback"), std::move(fault));
    }
    if (!files.strip_prefix.empty() && !can_start_with(files.strip_prefix)) {
      reading_.warn_at(
          path_of("static.strip_prefix"),
          base::format("no path of this route starts with {}, so nothing is stripped", files.strip_prefix));
    }
  }

  // False when no path that the route takes can start with `prefix`.
  bool can_start_with(const std::string& prefix) const {
    const Match& match = route_.match;
    const auto overlaps = [&](const std::string& path) { return path.starts_with(prefix) || prefix.starts_with(path); };
    return !match.regex.empty() || std::ranges::any_of(match.prefix, overlaps) ||
           std::ranges::any_of(match.exact, [&](const std::string& path) { return path.starts_with(prefix); });
  }

  void check_respond(const RespondAction& respond) {
    const bool is_bodiless = respond.status == 204 || respond.status == 205 || respond.status == 304;
    if (!is_bodiless || respond.body.empty()) return;
    reading_.error_at(path_of("respond.body"),
                      base::format("an answer with status {} has no body; delete it, or answer 200", respond.status));
  }

  void check_cors() {
    if (!route_.cors) return;
    const Cors& cors = *route_.cors;
    require(!cors.allow_origins.empty(), "cors", "allow_origins");
    const bool takes_all = std::ranges::find(cors.allow_origins, "*") != cors.allow_origins.end();
    if (takes_all && cors.allow_credentials) {
      reading_.error_at(path_of("cors.allow_credentials"),
                        "browsers refuse \"*\" together with credentials; list the allow_origins, or drop "
                        "allow_credentials");
    }
    if (takes_all && cors.allow_origins.size() > 1) {
      reading_.error_at(path_of("cors.allow_origins"), "\"*\" takes every origin that CORS knows; let it stand alone");
    }
    check_cors_list(cors.allow_headers, "allow_headers");
    check_cors_list(cors.allow_methods, "allow_methods");
    check_cors_list(cors.expose_headers, "expose_headers");
  }

  void check_cors_list(const std::vector<std::string>& names, const std::string& key) {
    if (!route_.cors->allow_credentials || std::ranges::find(names, "*") == names.end()) return;
    reading_.error_at(path_of("cors." + key), "with credentials, browsers take \"*\" for a name; list the names");
  }

  void check_rewrite() {
    if (!route_.rewrite || route_.callback != CallbackProvider::kNone) return;
    const bool has_path_to_change =
        std::holds_alternative<ProxyAction>(route_.chosen) || std::holds_alternative<StaticAction>(route_.chosen);
    if (!has_path_to_change && has_own_key(reading_.places(), position_, "rewrite")) {
      return reading_.error_at(path_of("rewrite"),
                               "this route neither forwards the request nor looks a file up, so there "
                               "is nothing to rewrite; delete it");
    }
    const auto* strip = std::get_if<StripPrefix>(&*route_.rewrite);
    const auto* replace = std::get_if<ReplacePrefix>(&*route_.rewrite);
    const std::string prefix = strip != nullptr ? strip->prefix : replace != nullptr ? replace->from : "";
    if (has_path_to_change && !prefix.empty() && !can_start_with(prefix)) {
      reading_.warn_at(path_of("rewrite"),
                       base::format("no path of this route starts with {}, so nothing is changed", prefix));
    } else if (has_path_to_change && replace != nullptr) {
      check_denied_by_rewrite(*replace);
    }
  }

  // `deny` is about paths as they come. What it keeps from a server should not be reached by another path unawares.
  void check_denied_by_rewrite(const ReplacePrefix& rewrite) {
    const SiteDraft& site = config_.sites[position_.site];
    const bool has_sibling = std::ranges::any_of(site.drafts, [this](const RouteDraft& other) {
      return &other != &route_ && !other.rewrite && other.chosen == route_.chosen;
    });
    if (!has_sibling) return;
    for (const std::string& entry : site.deny) {
      const std::string path = path_to_denied(rewrite, without_last_slash(entry));
      const bool is_denied = std::ranges::any_of(
          site.deny, [&path](const std::string& each) { return is_within(path, without_last_slash(each)); });
      if (path.empty() || is_denied) continue;
      return reading_.warn_at(
          path_of("rewrite"),
          base::format("{} leads to {}, which deny keeps from all other routes; deny {} too, unless "
                       "that is meant",
                       path, entry, path));
    }
  }

  void check_rate_limit(const RateLimit& limit) {
    require(limit.requests > 0, "rate_limit", "rate");
    if (limit.requests == 0 || limit.burst == 0) return;
    const Duration per_request = std::max(limit.per / static_cast<std::int64_t>(limit.requests), Duration(1));
    const std::int64_t burst_max = kBurstTimeMax / per_request;
    if (limit.burst <= burst_max) return;
    reading_.error_at(path_of("rate_limit.burst"),
                      base::format("at {}, {} requests would be there again after more than 100 years, which cannot be "
                                   "counted; write at most {}",
                                   format_rate({.events = limit.requests, .per = limit.per}), limit.burst, burst_max));
  }

  void check_timeouts() {
    const Timeouts& timeouts = route_.timeouts;
    if (!timeouts.total || !timeouts.connect || *timeouts.connect <= *timeouts.total) return;
    if (!reading_.places().has(path_of("timeouts.connect"))) return;
    reading_.warn_at(path_of("timeouts.connect"),
                     base::format("connect ({}) is longer than total ({}), so it never ends first; make it shorter",
                                  format_duration(*timeouts.connect), format_duration(*timeouts.total)));
  }

  // Where it is inherited, a route without upstream does not mean it.
  void check_websocket() {
    if (!route_.websocket) return;
    const auto* proxy = std::get_if<ProxyAction>(&route_.chosen);
    if (proxy == nullptr) {
      const bool has_action = !std::holds_alternative<std::monostate>(route_.chosen);
      if (!has_action || !has_own_key(reading_.places(), position_, "websocket")) return;
      return reading_.error_at(path_of("websocket"),
                               "this route has no upstream that could speak WebSocket; delete it, or write upstream: "
                               "NAME");
    }
    const auto upstream = std::ranges::find(config_.upstreams, proxy->upstream, &Upstream::name);
    if (upstream == config_.upstreams.end() || !upstream->http2) return;
    reading_.error_at(path_of("websocket"),
                      base::format("WebSocket needs an HTTP/1.1 upstream; write http2: false at upstreams.{}, or "
                                   "websocket: false at the route {}",
                                   upstream->name, route_.name));
  }

  const ConfigDraft& config_;
  const RouteDraft& route_;
  RoutePosition position_;
  Reading& reading_;
};

void check_names(const SiteDraft& site, std::size_t site_index, Reading& reading) {
  std::map<std::string, RoutePosition> first;
  for (std::size_t i = 0; i < site.drafts.size(); ++i) {
    const RoutePosition position{.site = site_index, .route = i};
    const auto [same, is_new] = first.emplace(site.drafts[i].name, position);
    if (is_new) continue;
    const Place place = reading.places().nearest(position.path() + ".name");
    const Place other = reading.places().nearest(same->second.path() + ".name");
    reading.error_at(position.path() + ".name",
                     base::format("there is a route \"{}\" in this site already, in {}; give one another name",
                                  site.drafts[i].name, show_place(other, place)));
  }
}

}  // namespace

void validate_routes(const ConfigDraft& draft, Reading& reading) {
  for (std::size_t i = 0; i < draft.sites.size(); ++i) {
    const SiteDraft& site = draft.sites[i];
    check_names(site, i, reading);
    for (std::size_t j = 0; j < site.drafts.size(); ++j) {
      RouteCheck(draft, site.drafts[j], {.site = i, .route = j}, reading).run();
    }
    check_route_conflicts(site, i, reading);
  }
}

}  // namespace viaduct::config
