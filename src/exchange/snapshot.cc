// SPDX-License-Identifier: Apache-2.0
#include "exchange/snapshot.h"

namespace viaduct::exchange {

std::string_view site_name(const config::Site& site) {
  return site.hosts.empty() ? std::string_view{} : std::string_view(site.hosts.front());
}

void number_routes(Snapshot& snapshot, observe::RouteNumbers& numbers) {
  const std::vector<config::Site>& sites = snapshot.config->sites;
  snapshot.site_numbers.clear();
  for (std::uint32_t i = 0; i < sites.size(); ++i) {
    const std::string_view site = site_name(sites[i]);
    snapshot.site_numbers.push_back(numbers.find(site, {}));
    for (std::uint32_t j = 0; j < sites[i].routes.size(); ++j) {
      snapshot.plans[snapshot.router->route_index(i, j)].number = numbers.find(site, sites[i].routes[j].name);
    }
  }
}

std::string_view authorities_of(const Snapshot& snapshot, const route::Decision& decision) {
  const bool is_known = decision.site != nullptr && decision.site_index < snapshot.site_authorities.size();
  return is_known ? std::string_view(snapshot.site_authorities[decision.site_index]) : std::string_view();
}

std::uint32_t number_of(const Snapshot& snapshot, const route::Decision& decision) {
  if (decision.route != nullptr) return snapshot.plans[decision.route_index].number;
  const bool is_known = decision.site != nullptr && decision.site_index < snapshot.site_numbers.size();
  return is_known ? snapshot.site_numbers[decision.site_index] : observe::RouteNumbers::kNone;
}

}  // namespace viaduct::exchange
