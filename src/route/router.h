// SPDX-License-Identifier: Apache-2.0
// Decides which route a request takes: a pure function of the config and the request's head, the same for the daemon
// and for `viaduct explain`. In order: the host gives the site; the path must be well-formed, is not denied in any
// reading (deny_tree.h), and leads to the same decision in all of them (path_readings.h); the best match whose
// conditions hold wins (path_table.h). A clean path costs one scan of its bytes and allocates nothing. Immutable; any
// thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/error.h"
#include "config/types.h"
#include "http/reason.h"
#include "route/deny_tree.h"
#include "route/host_map.h"
#include "route/path_table.h"
#include "route/request_view.h"
#include "route/trace.h"

namespace viaduct::route {

// Where a request goes, or why nowhere. Views point into the request's target or into the arena.
struct Decision {
  // kNone: there is a route. Else host_unknown, invalid_host, path_invalid, path_denied, path_ambiguous, no_route or
  // method_not_allowed.
  http::Reason reason = http::Reason::kNone;
  const config::Site* site = nullptr;    // null where the host leads to none
  const config::Route* route = nullptr;  // null unless reason is kNone
  std::uint32_t site_index = 0;          // in Config::sites; REQUIRES: site
  std::uint32_t route_index = 0;         // counted through all sites, below Router::route_count(); REQUIRES: route
  std::string_view path;                 // as received; "*" for OPTIONS *
  std::string_view query;                // as received, without '?'
  bool has_query = false;
  // The path as a static root looks it up: decoded once, %2F being a slash, dot and empty segments resolved. The same
  // as `path` where there is nothing to decode. Empty where the path is invalid.
  std::string_view decoded_path;
  bool is_ambiguous = false;  // servers could read the path in two ways; all ways lead here
  bool has_control = false;   // decoded_path holds a control character (NUL, CR, LF ...); no file may have it
  bool is_utf8 = true;        // decoded_path is well-formed UTF-8
  bool is_preflight = false;  // a CORS preflight, routed by the method that it asks for
  std::string_view allow;     // method_not_allowed: the value of the field Allow
  // method_not_allowed: the best of the routes that wanted another method and nothing else, counted as route_index.
  std::uint32_t refusing_index = 0;

  bool is_routed() const { return route != nullptr; }
};

class Router {
 public:
  // `config` must outlive the router and stay where it is. The error is one line that begins with the place.
  static base::Result<Router> build(const config::Config& config);

  // Decides on `request`. What cannot be a view of the request is made in `arena`. `trace`, when not null, is filled
  // with how the decision came about. REQUIRES: request.fields is not null.
  Decision decide(const RequestView& request, base::Arena& arena, Trace* trace = nullptr) const;

  // True when `decision`, for a static route, is about a path that an upstream route matches at least as well as the
  // route that was taken, whatever the conditions of that upstream route: a fallback page would pass for its answer.
  // False where the decision has no route.
  bool path_has_upstream_route(const Decision& decision) const;

  // How many routes there are in all sites: one more than the highest Decision::route_index.
  std::uint32_t route_count() const { return route_count_; }
  // The number of route `route` of site `site` in that count.
  std::uint32_t route_index(std::uint32_t site, std::uint32_t route) const { return sites_[site].first_route + route; }
  const HostMap& hosts() const { return hosts_; }

 private:
  struct SiteTable {
    const config::Site* site;
    DenyTree deny;
    PathTable paths;
    std::uint32_t first_route;  // the route_index of its first route
  };
  // What one reading of a path leads to.
  struct Choice {
    http::Reason reason = http::Reason::kNoRoute;
    std::uint32_t route = 0;  // its number in the site; kNone alone

    bool operator==(const Choice&) const = default;
  };
  struct Outcome {
    Choice choice;
    MethodSet lacking;           // of the routes that wanted another method and nothing else
    std::uint32_t refusing = 0;  // the first of them; REQUIRES: lacking is not empty
  };
  struct Search;
  class Comparison;

  Router(const config::Config& config, std::vector<SiteTable> sites, std::uint32_t route_count);

  bool find_site(const RequestView& request, Decision& decision, Trace* trace) const;
  void decide_path(const Search& search, Decision& decision) const;
  Choice choose_in_all_readings(const Search& search, Decision& decision) const;
  static Choice choose(const Search& search, std::string_view path, Decision& decision);
  static bool names_options(const SiteTable& site, const Choice& choice);
  static Outcome choose_for(const Search& search, const RequestView& request, std::string_view path,
                            Trace::Reading* reading);

  HostMap hosts_;
  std::vector<SiteTable> sites_;
  std::uint32_t route_count_;
};

// True when a listener with `redirect_to_https` serves this request itself instead of redirecting it: the route is a
// callback, or the path is one of a certificate authority's or of WeChat's proofs (/.well-known/acme-challenge/,
// MP_verify_*.txt).
bool spares_https_redirect(const Decision& decision);

}  // namespace viaduct::route
