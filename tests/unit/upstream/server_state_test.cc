// SPDX-License-Identifier: Apache-2.0
#include "upstream/server_state.h"

#include <gtest/gtest.h>

#include "support/connect_outcome.h"

namespace viaduct::upstream {
namespace {

using namespace std::chrono_literals;

TEST(ServerState, TakesRequestsUnlessItIsUnhealthyOrLeftOut) {
  ServerState state;
  const base::MonoTime now(1h);
  EXPECT_TRUE(state.is_available(now));
  state.health = ServerState::Health::kUnhealthy;
  EXPECT_FALSE(state.is_available(now));
  state.health = ServerState::Health::kHealthy;
  EXPECT_TRUE(state.is_available(now));
  state.ejected_until = (now + 1ms).time_since_epoch().count();
  EXPECT_FALSE(state.is_available(now));
  EXPECT_TRUE(state.is_available(now + 1ms));
}

TEST(StateTable, KnowsAnUpstreamByItsNameAndServers) {
  StateTable table;
  config::Server server;
  server.url = "http://10.0.0.1:80";
  config::Upstream upstream = support::make_upstream({server});
  UpstreamState& state = table.find(upstream);
  EXPECT_EQ(state.count(), 1u);
  upstream.max_waiting = 7;
  EXPECT_EQ(&table.find(upstream), &state);
  upstream.servers.push_back(server);
  EXPECT_NE(&table.find(upstream), &state);
  EXPECT_EQ(table.find(upstream).count(), 2u);
}

}  // namespace
}  // namespace viaduct::upstream
