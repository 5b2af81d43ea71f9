// SPDX-License-Identifier: Apache-2.0
// A daemon::Overview of a config text and of one worker whose counts the test makes by hand, for tests of what shows
// it. The clock stands still.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "daemon/build.h"
#include "daemon/overview.h"
#include "support/config_load.h"
#include "support/manual_clock.h"
#include "support/temporary_directory.h"

namespace viaduct::support {

class OverviewScene {
 public:
  // A proxied route "api" and a route "page" of one site; a route "other" of another one; two upstreams, of which a
  // route needs "app" alone.
  static constexpr std::string_view kConfig =
      "listeners: [{ address: '127.0.0.1:0' }]\n"
      "upstreams:\n"
      "  app: { servers: ['http://127.0.0.1:8001', { url: 'http://127.0.0.1:8002', backup: true }] }\n"
      "  spare: { servers: ['http://127.0.0.1:8003'] }\n"
      "sites:\n"
      "  - hosts: [www.example.com]\n"
      "    routes:\n"
      "      - { name: api, match: { prefix: /api/ }, upstream: app }\n"
      "      - { name: page, match: { prefix: / }, respond: { body: hello } }\n"
      "  - hosts: [other.example.com]\n"
      "    routes: [{ name: other, match: { prefix: / }, respond: { body: other } }]\n";

  explicit OverviewScene(std::string_view text = kConfig)
      : overview({.clock = clock, .states = states, .limits = limits, .version = "1.2.3"}) {
    auto config = config_of(std::string(text), directory_.path());
    auto built = daemon::build_snapshot(*config, 7, ticket_keys_, clock.wall_now());
    EXPECT_NE(built.snapshot, nullptr);
    exchange::number_routes(*built.snapshot, numbers);
    snapshot = built.snapshot;
    for (const config::Upstream& upstream : snapshot->config->upstreams) states.find(upstream);
    overview.note_snapshot(snapshot, false);
    overview.watch({{counters, routes}}, nullptr);
  }

  // Counts a request on a route of the first site; an empty `route`: on none.
  void count(std::string_view route, int status, base::Duration took) {
    routes.count(numbers.find("www.example.com", route), status, took);
  }
  upstream::ServerState& server(std::size_t index) {
    const config::Upstream& upstream = snapshot->config->upstreams.front();
    return *states.find(upstream).server(upstream.servers[index]);
  }

  ManualClock clock;
  upstream::StateTable states;
  daemon::ConnectionLimits limits;
  observe::Counters counters;
  observe::RouteStats routes;
  observe::RouteNumbers numbers;
  daemon::Overview overview;
  exchange::SnapshotRef snapshot;

 private:
  TemporaryDirectory directory_;
  tls::TicketKeys ticket_keys_;
};

}  // namespace viaduct::support
