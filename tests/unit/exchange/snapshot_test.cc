// SPDX-License-Identifier: Apache-2.0
#include "exchange/snapshot.h"

#include <gtest/gtest.h>

#include "support/routing.h"

namespace viaduct::exchange {
namespace {

std::shared_ptr<Snapshot> make_snapshot(std::vector<config::Site> sites) {
  auto config = std::make_unique<config::Config>();
  config->sites = std::move(sites);
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->config = std::move(config);
  auto router = route::Router::build(*snapshot->config);
  EXPECT_TRUE(router.has_value());
  snapshot->router = std::make_unique<const route::Router>(std::move(*router));
  snapshot->plans.resize(snapshot->router->route_count());
  return snapshot;
}

config::Site make_site(std::vector<std::string> hosts, std::vector<std::string> paths) {
  config::Site site;
  site.hosts = std::move(hosts);
  for (std::string& path : paths) site.routes.push_back(support::make_route("route " + path, support::exact(path)));
  return site;
}

TEST(Snapshot, KeepsTheNumberOfARouteThatMoves) {
  observe::RouteNumbers numbers;
  const auto first = make_snapshot({make_site({"a.test"}, {"/x", "/y"}), make_site({"b.test"}, {"/x"})});
  number_routes(*first, numbers);
  const auto second = make_snapshot({make_site({"b.test"}, {"/new", "/x"}), make_site({"a.test"}, {"/y"})});
  number_routes(*second, numbers);
  EXPECT_EQ(second->plans[1].number, first->plans[2].number) << "b.test /x";
  EXPECT_EQ(second->plans[2].number, first->plans[1].number) << "a.test /y";
  EXPECT_NE(second->plans[0].number, observe::RouteNumbers::kNone);
  EXPECT_EQ(second->site_numbers[1], first->site_numbers[0]);
}

TEST(Snapshot, CountsADecisionUnderItsRouteElseItsSite) {
  observe::RouteNumbers numbers;
  const auto snapshot = make_snapshot({make_site({"a.test"}, {"/x"})});
  route::Decision decision;
  EXPECT_EQ(number_of(*snapshot, decision), observe::RouteNumbers::kNone);
  decision.site = &snapshot->config->sites[0];
  EXPECT_EQ(number_of(*snapshot, decision), observe::RouteNumbers::kNone) << "nobody counts";
  number_routes(*snapshot, numbers);
  EXPECT_EQ(number_of(*snapshot, decision), numbers.find("a.test", ""));
  decision.route = &snapshot->config->sites[0].routes[0];
  EXPECT_EQ(number_of(*snapshot, decision), numbers.find("a.test", "route /x"));
}

TEST(Snapshot, NamesASiteByItsFirstHost) {
  EXPECT_EQ(site_name(make_site({"a.test", "b.test"}, {})), "a.test");
  EXPECT_EQ(site_name(make_site({}, {})), "");
}

}  // namespace
}  // namespace viaduct::exchange
