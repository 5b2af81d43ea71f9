// SPDX-License-Identifier: Apache-2.0
#include "daemon/build.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <variant>

#include "action/proxy.h"
#include "action/redirect.h"
#include "action/respond.h"
#include "action/static_file.h"
#include "base/check.h"
#include "base/format.h"
#include "daemon/part_checks.h"
#include "filter/allow_list.h"
#include "filter/basic_auth.h"
#include "filter/client_certificate.h"
#include "filter/cors.h"
#include "filter/edit_fields.h"
#include "filter/forwarded.h"
#include "filter/rate_limit.h"
#include "filter/rewrite.h"
#include "tls/key_pair.h"
#include "tls/pair_checks.h"

namespace viaduct::daemon {
namespace {

using config::Severity;

// Collects what is wrong while the parts are made.
class Builder {
 public:
  Builder(const config::Config& config, const exchange::Snapshot* served, BuildResult& result)
      : config_(config), result_(result) {
    if (served != nullptr) keep_rate_limits(*served);
  }

  void fail(const config::Place& place, std::string key, std::string message) {
    result_.problems.push_back(
        {.place = place, .key = std::move(key), .message = std::move(message), .severity = Severity::kError});
  }

  // `key` is where the route, one of `site`, stands: "sites[0].routes[2]".
  exchange::RoutePlan plan_route(const config::Site& site, const config::Route& route, const std::string& key) {
    key_ = key;
    exchange::RoutePlan plan;
    plan.route = &route;
    add_filters(site, route, plan.filters);
    plan.action = std::visit([&](const auto& action) { return make(action, route); }, route.action);
    return plan;
  }

 private:
  using Filters = std::vector<std::shared_ptr<const exchange::Filter>>;

  // The order in which requests meet the filters; answers meet them in reverse, so that cors has the last word.
  void add_filters(const config::Site& site, const config::Route& route, Filters& filters) {
    if (route.allow) filters.push_back(std::make_unique<filter::AllowList>(*route.allow));
    if (route.rate_limit) filters.push_back(limit_rate(site, route));
    if (route.cors) filters.push_back(std::make_unique<filter::Cors>(*route.cors));
    if (route.basic_auth) filters.push_back(std::make_unique<filter::BasicAuth>(*route.basic_auth));
    const bool is_proxy = std::holds_alternative<config::ProxyAction>(route.action);
    if (is_proxy) filters.push_back(std::make_unique<filter::Forwarded>(route.forwarded));
    if (is_proxy && !site.client_ca.empty()) {
      filters.push_back(std::make_unique<filter::ClientCertificate>());
    }
    if (has_edits(route.headers)) add_edits(route, filters);
    // A static route looks its rewritten path up itself.
    if (!route.rewrite || std::holds_alternative<config::StaticAction>(route.action)) return;
    auto rewrite = filter::Rewrite::make(*route.rewrite);
    if (rewrite) {
      filters.push_back(std::move(*rewrite));
    } else {
      fail(route.place, key_ + ".rewrite", rewrite.error().message);
    }
  }

  // What `served` counts, so that a reload does not fill the buckets of those who have emptied them.
  void keep_rate_limits(const exchange::Snapshot& served) {
    for (std::size_t i = 0; i < served.config->sites.size(); ++i) {
      const config::Site& site = served.config->sites[i];
      for (std::size_t j = 0; j < site.routes.size(); ++j) {
        if (!site.routes[j].rate_limit) continue;
        const exchange::RoutePlan& plan =
            served.plans[served.router->route_index(static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j))];
        for (const auto& filter : plan.filters) {
          const bool is_limit = dynamic_cast<const filter::RateLimit*>(filter.get()) != nullptr;
          if (is_limit) kept_limits_.try_emplace(name_of(site, site.routes[j]), *plan.route, filter);
        }
      }
    }
  }

  // Of a route, over reloads.
  static std::string name_of(const config::Site& site, const config::Route& route) {
    std::string name = site.is_default ? "default" : "";
    for (const std::string& host : site.hosts) name += " " + host;
    return name + "\n" + route.name;
  }

  std::shared_ptr<const exchange::Filter> limit_rate(const config::Site& site, const config::Route& route) const {
    const auto kept = kept_limits_.find(name_of(site, route));
    if (kept != kept_limits_.end() && kept->second.route.rate_limit == route.rate_limit) return kept->second.filter;
    return std::make_shared<filter::RateLimit>(*route.rate_limit);
  }

  void add_edits(const config::Route& route, Filters& filters) {
    auto edits = filter::EditFields::make(route.headers);
    if (edits) {
      filters.push_back(std::move(*edits));
    } else {
      fail(route.place, key_ + ".headers", edits.error().message);
    }
  }

  static bool has_edits(const config::HeaderEdits& edits) {
    const auto any = [](const config::FieldEdits& side) {
      return !side.remove.empty() || !side.set.empty() || !side.add.empty();
    };
    return any(edits.request) || any(edits.response);
  }

  std::unique_ptr<const exchange::Action> make(const config::ProxyAction& action, const config::Route&) {
    const auto found = std::ranges::find(config_.upstreams, action.upstream, &config::Upstream::name);
    CHECK(found != config_.upstreams.end());  // config/validate refuses unknown names
    return std::make_unique<action::ProxyAction>(static_cast<std::size_t>(found - config_.upstreams.begin()));
  }

  std::unique_ptr<const exchange::Action> make(const config::StaticAction& action, const config::Route& route) {
    if (config_.opens_no_files) return nullptr;
    auto made = action::StaticFile::make(action, route.rewrite);
    if (made) return std::move(*made);
    fail(route.place, key_ + ".static.root", made.error().message);
    return nullptr;
  }

  std::unique_ptr<const exchange::Action> make(const config::RedirectAction& action, const config::Route& route) {
    auto made = action::Redirect::make(action);
    if (made) return std::move(*made);
    fail(route.place, key_ + ".redirect.to", made.error().message);
    return nullptr;
  }

  std::unique_ptr<const exchange::Action> make(const config::RespondAction& action, const config::Route&) {
    return std::make_unique<action::Respond>(action);
  }

  // The filter of a route that is served.
  struct KeptLimit {
    const config::Route& route;
    std::shared_ptr<const exchange::Filter> filter;
  };

  const config::Config& config_;
  std::unordered_map<std::string, KeptLimit> kept_limits_;  // by name_of
  BuildResult& result_;
  std::string key_;  // of the route that is being planned
};

void take_certificates(tls::CertLoad load, exchange::Snapshot& snapshot, BuildResult& result) {
  // Where plain HTTP is answered, a site may be for that alone.
  const bool is_plain_served = std::ranges::any_of(snapshot.config->listeners, [](const config::Listener& listener) {
    return !listener.tls && !listener.redirect_to_https;
  });
  for (tls::CertProblem& problem : load.problems) {
    if (is_plain_served && problem.kind == tls::CertProblem::Kind::kBareSite) continue;
    const bool is_error = problem.severity == tls::CertProblem::Severity::kError;
    result.problems.push_back({.place = problem.place,
                               .key = std::move(problem.key),
                               .message = std::move(problem.message),
                               .severity = is_error ? Severity::kError : Severity::kWarning});
  }
  result.certificate_stamps.add(load.stamps);
  if (!load.store) return;
  snapshot.site_authorities.clear();
  for (const config::Site& site : snapshot.config->sites) {
    snapshot.site_authorities.push_back(load.store->authorities_of(site));
  }
  snapshot.certificates = std::make_shared<const tls::CertStore>(std::move(*load.store));
}

// A site whose pair cannot be used is looked at no further.
void add_client_authorities(const config::Config& config, BuildResult& result) {
  for (config::Problem& problem : check_client_authorities(config)) {
    const bool is_told =
        std::ranges::find(result.problems, problem.message, &config::Problem::message) != result.problems.end();
    if (!is_told) result.problems.push_back(std::move(problem));
  }
}

// Tries what the upstreams' TLS files hold. What cannot be used is an error, or with `served` one that leaves in use
// what was read before.
class UpstreamTrial {
 public:
  UpstreamTrial(base::WallTime now, const BuildResult* served, BuildResult& result)
      : now_(now), served_(served), result_(result) {}

  void try_all(const std::vector<config::Upstream>& upstreams) {
    for (std::size_t i = 0; i < upstreams.size(); ++i) {
      const config::Upstream& upstream = upstreams[i];
      tls::FileStamps stamps;
      bool is_usable = true;
      if (std::ranges::any_of(upstream.servers, &config::Server::tls)) {
        stamps = stamps_of(upstream.tls);
        is_usable = try_one(upstream);
      }
      const bool has_changed = served_ != nullptr && served_->upstream_stamps[i].changed();
      result_.differs = result_.differs || (has_changed && is_usable);
      if (!is_usable && served_ != nullptr) stamps = served_->upstream_stamps[i];
      result_.upstream_stamps.push_back(std::move(stamps));
    }
  }

 private:
  tls::FileStamps stamps_of(const config::UpstreamTls& tls) {
    tls::FileStamps stamps;
    for (const std::string* file : {&tls.ca, &tls.cert, &tls.key}) {
      if (file->empty()) continue;
      stamps.add(*file);
      result_.certificate_stamps.add(*file);
    }
    return stamps;
  }

  bool try_one(const config::Upstream& upstream) {
    const config::UpstreamTls& tls = upstream.tls;
    const std::vector<TlsFault> faults = find_tls_faults(tls);
    const std::string_view meanwhile = served_ != nullptr ? "; until then what was read before is used" : "";
    for (const TlsFault& fault : faults) {
      note(upstream, Severity::kError, fault.key, base::format("{}{}", fault.message, meanwhile));
    }
    if (!faults.empty()) return false;
    if (tls.cert.empty()) return true;
    const auto pair = tls::load_key_pair(tls.cert, tls.key);
    if (!pair) return true;  // replaced a moment ago, which the next look tells
    const tls::PairInUse use{.cert_file = tls.cert, .key_file = tls.key, .shown_to = "servers"};
    for (tls::PairFault& fault : tls::date_faults(*pair, use, now_)) {
      note(upstream, Severity::kWarning, "tls." + fault.key, std::move(fault.message));
    }
    return true;
  }

  void note(const config::Upstream& upstream, Severity severity, std::string_view key, std::string message) {
    result_.problems.push_back({.place = upstream.place,
                                .key = base::format("upstreams.{}.{}", upstream.name, key),
                                .message = std::move(message),
                                .severity = severity});
  }

  base::WallTime now_;
  const BuildResult* served_;
  BuildResult& result_;
};

void plan_routes(const config::Config& config, Builder& builder, exchange::Snapshot& snapshot) {
  auto router = route::Router::build(config);
  if (!router) {
    builder.fail({}, "sites", router.error().message);
    return;
  }
  snapshot.router = std::make_unique<const route::Router>(std::move(*router));
  snapshot.plans.resize(snapshot.router->route_count());
  for (std::uint32_t i = 0; i < config.sites.size(); ++i) {
    for (std::uint32_t j = 0; j < config.sites[i].routes.size(); ++j) {
      snapshot.plans[snapshot.router->route_index(i, j)] =
          builder.plan_route(config.sites[i], config.sites[i].routes[j], base::format("sites[{}].routes[{}]", i, j));
    }
  }
}

}  // namespace

BuildResult build_snapshot(const config::Config& config, std::uint64_t version, tls::TicketKeys& ticket_keys,
                           base::WallTime now, const exchange::Snapshot* served) {
  BuildResult result;
  auto snapshot = std::make_shared<exchange::Snapshot>();
  snapshot->version = version;
  snapshot->config = std::make_unique<const config::Config>(config);
  const config::Config& kept = *snapshot->config;
  result.problems = check_parts(kept);
  Builder builder(kept, served, result);
  if (result.problems.empty()) plan_routes(kept, builder, *snapshot);
  if (!kept.opens_no_files) UpstreamTrial(now, nullptr, result).try_all(kept.upstreams);
  if (!kept.opens_no_files && std::ranges::any_of(kept.listeners, &config::Listener::tls)) {
    take_certificates(tls::CertStore::load(kept.sites, kept.tls, ticket_keys, now), *snapshot, result);
    if (snapshot->certificates == nullptr) add_client_authorities(kept, result);
  }
  if (!config::has_errors(result.problems)) result.snapshot = std::move(snapshot);
  return result;
}

BuildResult renew_certificates(const BuildResult& served, std::uint64_t version, tls::TicketKeys& ticket_keys,
                               base::WallTime now) {
  BuildResult result;
  result.snapshot = std::make_shared<exchange::Snapshot>(*served.snapshot);
  result.snapshot->version = version;
  const config::Config& config = *served.snapshot->config;
  UpstreamTrial(now, &served, result).try_all(config.upstreams);
  const tls::CertStore* certificates = served.snapshot->certificates.get();
  if (certificates == nullptr) return result;
  tls::CertLoad load = tls::CertStore::renew(*certificates, config.sites, config.tls, ticket_keys, now);
  take_certificates(std::move(load), *result.snapshot, result);
  result.differs = result.differs || result.snapshot->certificates->differs_from(*certificates);
  return result;
}

}  // namespace viaduct::daemon
