// SPDX-License-Identifier: Apache-2.0
#include "route/router.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "base/bytes.h"
#include "base/format.h"
#include "route/path_readings.h"
#include "route/path_scan.h"

namespace viaduct::route {
namespace {

using http::Reason;

// The method that a CORS preflight asks for; empty for every other request (Fetch, CORS-preflight request).
std::string_view preflight_method(const RequestView& request) {
  if (request.method != http::Method::kOptions || request.fields->find(http::FieldName::kOrigin) == nullptr) return {};
  return request.fields->value(http::FieldName::kAccessControlRequestMethod);
}

// The entry of `deny` that covers `path`, received as `target`.
std::string_view denying_entry(const config::Site& site, std::string_view path, std::string_view target,
                               base::Arena& arena) {
  for (const std::string& entry : site.deny) {
    const DenyTree tree(std::span(&entry, 1));
    if (tree.covers(path) || tree.covers_some_reading(target, arena)) return entry;
  }
  return {};
}

}  // namespace

// What stays the same while one request is decided.
struct Router::Search {
  const SiteTable& site;
  RequestView request;
  std::string_view query;
  std::string_view preflight_method;
  base::Arena& arena;
  Trace* trace;
};

// Holds the choices of all readings against the first one.
class Router::Comparison final : public ReadingVisitor {
 public:
  Comparison(const Search& search, Decision& decision) : search_(search), decision_(decision) {}

  bool on_reading(std::string_view path, std::string_view) override {
    if (search_.trace != nullptr && is_listed(path)) return true;
    const Choice choice = Router::choose(search_, path, decision_);
    differs_ = differs_ || (first_ && *first_ != choice);
    if (!first_) first_ = choice;
    // A trace shows all readings; a decision is clear with the first difference.
    return !differs_ || search_.trace != nullptr;
  }

  Choice result() const { return differs_ || !first_ ? Choice{.reason = Reason::kPathAmbiguous} : *first_; }

 private:
  bool is_listed(std::string_view path) const {
    return std::ranges::any_of(search_.trace->readings,
                               [&](const Trace::Reading& reading) { return reading.path == path; });
  }

  const Search& search_;
  Decision& decision_;
  std::optional<Choice> first_;
  bool differs_ = false;
};

base::Result<Router> Router::build(const config::Config& config) {
  std::vector<SiteTable> tables;
  tables.reserve(config.sites.size());
  std::uint32_t route_count = 0;
  for (const config::Site& site : config.sites) {
    base::Result<PathTable> paths = PathTable::build(site.routes);
    if (!paths) return std::unexpected(std::move(paths).error());
    tables.push_back(
        {.site = &site, .deny = DenyTree(site.deny), .paths = std::move(*paths), .first_route = route_count});
    route_count += static_cast<std::uint32_t>(site.routes.size());
  }
  return Router(config, std::move(tables), route_count);
}

Router::Router(const config::Config& config, std::vector<SiteTable> sites, std::uint32_t route_count)
    : hosts_(config.sites), sites_(std::move(sites)), route_count_(route_count) {}

Decision Router::decide(const RequestView& request, base::Arena& arena, Trace* trace) const {
  Decision decision;
  const std::size_t mark = request.target.find('?');
  decision.path = request.target.substr(0, mark);
  decision.has_query = mark != std::string_view::npos;
  if (decision.has_query) decision.query = request.target.substr(mark + 1);
  if (!find_site(request, decision, trace)) return decision;
  const Search search{.site = sites_[decision.site_index],
                      .request = request,
                      .query = decision.query,
                      .preflight_method = preflight_method(request),
                      .arena = arena,
                      .trace = trace};
  if (trace != nullptr) trace->preflight_method = search.preflight_method;
  decide_path(search, decision);
  return decision;
}

// Finds the site, or fills in why there is none.
bool Router::find_site(const RequestView& request, Decision& decision, Trace* trace) const {
  HostMap::Match match;
  if (request.authority.empty()) {
    // HTTP/1.0 may name no host. Later versions must, so that an empty one is a host that nobody has.
    const bool may_be_missing = request.version == http::Version::kHttp10;
    const std::optional<std::uint32_t> site = may_be_missing ? hosts_.default_site() : hosts_.site_for_unknown();
    if (!site) {
      decision.reason = Reason::kHostUnknown;
      return false;
    }
    match.site = *site;
  } else {
    const auto found = hosts_.find(request.authority);
    if (!found) {
      decision.reason = found.error() == HostMap::Failure::kInvalid ? Reason::kInvalidHost : Reason::kHostUnknown;
      return false;
    }
    match = *found;
  }
  decision.site_index = match.site;
  decision.site = sites_[match.site].site;
  if (trace != nullptr) {
    const std::optional<NormalHost> host = NormalHost::of(request.authority);
    if (host) trace->host = host->text();
    trace->host_pattern = match.pattern;
  }
  return true;
}

// Decides on everything behind the site.
void Router::decide_path(const Search& search, Decision& decision) const {
  if (decision.path == "*" && search.request.method == http::Method::kOptions) {
    // It asks about the server, not about a path; no route is about that.
    decision.reason = Reason::kNoRoute;
    return;
  }
  const PathTraits traits = scan_path(decision.path);
  if (traits.has(PathTraits::kInvalid)) {
    decision.reason = Reason::kPathInvalid;
    return;
  }
  const std::string_view literal =
      traits.has(PathTraits::kEscapes) ? decode_path(decision.path, search.arena) : decision.path;
  decision.is_ambiguous = traits.has(PathTraits::kAmbiguous);
  decision.has_control = traits.has(PathTraits::kControls);
  decision.decoded_path = decision.is_ambiguous ? resolve_path(decision.path, search.arena) : literal;
  decision.is_utf8 = !traits.has(PathTraits::kHighBytes) || base::is_utf8(decision.decoded_path);

  const DenyTree& deny = search.site.deny;
  const bool has_readings = traits.has(PathTraits::kAmbiguous | PathTraits::kParameters);
  if (deny.covers(literal) || (has_readings && deny.covers_some_reading(decision.path, search.arena))) {
    decision.reason = Reason::kPathDenied;
    if (search.trace != nullptr) {
      search.trace->deny = denying_entry(*decision.site, literal, decision.path, search.arena);
    }
    return;
  }
  const Choice choice =
      decision.is_ambiguous ? choose_in_all_readings(search, decision) : choose(search, literal, decision);
  decision.reason = choice.reason;
  if (choice.reason != Reason::kNone) return;
  decision.route = &decision.site->routes[choice.route];
  decision.route_index = search.site.first_route + choice.route;
}

Router::Choice Router::choose_in_all_readings(const Search& search, Decision& decision) const {
  Comparison comparison(search, decision);
  PathReadings readings(decision.path, search.arena);
  if (readings.visit(comparison) == PathReadings::Result::kTooMuch) return {.reason = Reason::kPathAmbiguous};
  return comparison.result();
}

// What `path`, one reading, leads to. A CORS preflight takes the route of the method that it asks for, since that route
// will get the request itself; one without `cors` yields to a route that names OPTIONS for this path.
Router::Choice Router::choose(const Search& search, std::string_view path, Decision& decision) {
  Trace::Reading asked_reading;
  Trace::Reading own_reading;
  const bool is_traced = search.trace != nullptr;
  Outcome asked;
  Outcome outcome;
  if (!search.preflight_method.empty()) {
    RequestView request = search.request;
    request.method_text = search.preflight_method;
    request.method = http::parse_method(search.preflight_method);
    asked = choose_for(search, request, path, is_traced ? &asked_reading : nullptr);
  }
  const bool has_asked = asked.choice.reason == Reason::kNone;
  if (!has_asked || !search.site.site->routes[asked.choice.route].cors) {
    outcome = choose_for(search, search.request, path, is_traced ? &own_reading : nullptr);
  }
  decision.is_preflight = has_asked && !names_options(search.site, outcome.choice);
  if (decision.is_preflight) outcome = std::move(asked);
  if (outcome.choice.reason == Reason::kMethodNotAllowed && decision.allow.empty()) {
    decision.allow = outcome.lacking.list(search.arena);
    decision.refusing_index = search.site.first_route + outcome.refusing;
  }
  if (is_traced) search.trace->readings.push_back(std::move(decision.is_preflight ? asked_reading : own_reading));
  return outcome.choice;
}

bool Router::names_options(const SiteTable& site, const Choice& choice) {
  return choice.reason == Reason::kNone &&
         site.paths.conditions(choice.route).methods().contains(http::Method::kOptions, "OPTIONS");
}

// The best match for `path` whose conditions `request` fulfils. Fills `reading` when it is not null.
Router::Outcome Router::choose_for(const Search& search, const RequestView& request, std::string_view path,
                                   Trace::Reading* reading) {
  Outcome outcome;
  Choice& choice = outcome.choice;
  search.site.paths.search(path, [&](const PathTable::Candidate& candidate) {
    const Verdict verdict = candidate.conditions->check(request, search.query);
    const bool was_taken = choice.reason == Reason::kNone;
    if (reading != nullptr) {
      const Verdict shown = verdict == Verdict::kTaken && was_taken ? Verdict::kLessSpecific : verdict;
      reading->candidates.push_back({.route = &search.site.site->routes[candidate.route],
                                     .kind = candidate.kind,
                                     .pattern = std::string(candidate.pattern),
                                     .verdict = shown,
                                     .why = candidate.conditions->describe(shown, request, search.query)});
    }
    if (verdict == Verdict::kMethod) {
      if (outcome.lacking.empty()) outcome.refusing = candidate.route;
      outcome.lacking.add_all(candidate.conditions->methods());
    }
    if (verdict == Verdict::kTaken && !was_taken) choice = {.reason = Reason::kNone, .route = candidate.route};
    // A reading lists all candidates, also behind the one that is taken.
    return verdict == Verdict::kTaken && reading == nullptr;
  });
  if (choice.reason != Reason::kNone && !outcome.lacking.empty()) choice.reason = Reason::kMethodNotAllowed;
  if (reading != nullptr) {
    reading->path = path;
    reading->reason = choice.reason;
    reading->route = choice.reason == Reason::kNone ? &search.site.site->routes[choice.route] : nullptr;
  }
  return outcome;
}

bool Router::path_has_upstream_route(const Decision& decision) const {
  if (decision.route == nullptr) return false;
  const SiteTable& table = sites_[decision.site_index];
  bool has_upstream = false;
  std::optional<PathTable::Candidate> taken;
  table.paths.search(decision.decoded_path, [&](const PathTable::Candidate& candidate) {
    if (taken && (taken->kind != candidate.kind || taken->pattern != candidate.pattern)) return true;
    const config::Route& route = table.site->routes[candidate.route];
    has_upstream = has_upstream || std::holds_alternative<config::ProxyAction>(route.action);
    if (&route == decision.route && !taken) taken = candidate;
    return has_upstream;
  });
  return has_upstream;
}

bool spares_https_redirect(const Decision& decision) {
  if (decision.route != nullptr && decision.route->callback != config::CallbackProvider::kNone) return true;
  const std::string_view path = decision.decoded_path;
  if (decision.is_ambiguous) return false;
  const std::string_view file = path.substr(std::min(path.rfind('/'), path.size()));
  return path.starts_with("/.well-known/acme-challenge/") ||
         (file.starts_with("/MP_verify_") && file.ends_with(".txt"));
}

}  // namespace viaduct::route
