// SPDX-License-Identifier: Apache-2.0
// Routes, sites and requests in a few words, for tests of routing: a config made of structs, and one decision from a
// method, a target and some fields. A test's Scene owns the arena of its decisions.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "config/types.h"
#include "route/router.h"

namespace viaduct::support {

// A route called `name` to the upstream "app".
inline config::Route make_route(std::string name, config::Match match) {
  config::Route route;
  route.name = std::move(name);
  route.match = std::move(match);
  route.action = config::ProxyAction{.upstream = "app"};
  return route;
}

inline config::Match exact(std::string path, std::vector<std::string> methods = {}) {
  config::Match match;
  match.exact = {std::move(path)};
  match.methods = std::move(methods);
  return match;
}

inline config::Match prefix(std::string path, std::vector<std::string> methods = {}) {
  config::Match match;
  match.prefix = {std::move(path)};
  match.methods = std::move(methods);
  return match;
}

inline config::Match regex(std::string pattern, std::vector<std::string> methods = {}) {
  config::Match match;
  match.regex = {std::move(pattern)};
  match.methods = std::move(methods);
  return match;
}

inline config::Site make_site(std::vector<std::string> hosts, std::vector<config::Route> routes,
                              std::vector<std::string> deny = {}) {
  config::Site site;
  site.hosts = std::move(hosts);
  site.routes = std::move(routes);
  site.deny = std::move(deny);
  // Places as a file of one route a line would give them.
  for (std::size_t number = 0; number < site.routes.size(); ++number) {
    site.routes[number].place = {.file = "v.yaml", .line = static_cast<int>(number) + 1, .column = 1};
  }
  return site;
}

// A config with its router, and the means to ask it.
class Scene {
 public:
  explicit Scene(std::vector<config::Site> sites) : config_(with(std::move(sites))) {}
  // One site for every host.
  explicit Scene(std::vector<config::Route> routes, std::vector<std::string> deny = {})
      : Scene(std::vector{make_site({"host.test"}, std::move(routes), std::move(deny))}) {
    config_.sites[0].is_default = true;
    router_ = route::Router::build(config_);
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  const config::Config& config() const { return config_; }
  // REQUIRES: the config builds.
  const route::Router& router() const { return *router_; }

  struct Request {
    std::string_view method = "GET";
    std::string_view target = "/";
    std::vector<std::pair<std::string_view, std::string_view>> fields = {};
    std::string_view authority = "host.test";
    http::Version version = http::Version::kHttp11;
  };

  // The decision lives as long as the scene.
  route::Decision decide(const Request& request, route::Trace* trace = nullptr) {
    auto* fields = fields_.emplace_back(std::make_unique<http::Fields>(arena_)).get();
    for (const auto& [name, value] : request.fields) fields->add(name, value);
    route::RequestView view;
    view.method = http::parse_method(request.method);
    view.method_text = request.method;
    view.target = request.target;
    view.authority = request.authority;
    view.version = request.version;
    view.fields = fields;
    return router_->decide(view, arena_, trace);
  }

  // The name of the route that takes the request, or the reason for which none does.
  std::string outcome(const Request& request) { return outcome_of(decide(request)); }
  std::string outcome(std::string_view method, std::string_view target) {
    return outcome(Request{.method = method, .target = target});
  }
  static std::string outcome_of(const route::Decision& decision) {
    return decision.is_routed() ? decision.route->name : std::string(http::reason_name(decision.reason));
  }

 private:
  static config::Config with(std::vector<config::Site> sites) {
    config::Config config;
    config.sites = std::move(sites);
    return config;
  }

  config::Config config_;
  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
  std::vector<std::unique_ptr<http::Fields>> fields_;
  base::Result<route::Router> router_ = route::Router::build(config_);
};

}  // namespace viaduct::support
