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
  state.drained = true;
  EXPECT_FALSE(state.is_available(now + 1ms));
}

TEST(UpstreamState, IsHeldForATime) {
  UpstreamState state(1);
  const base::MonoTime now(1h);
  EXPECT_FALSE(state.is_held(now));
  state.held_until = (now + 1s).time_since_epoch().count();
  EXPECT_TRUE(state.is_held(now));
  EXPECT_FALSE(state.is_held(now + 1s));
}

TEST(StateTable, OnlyLooksWhereItIsPeekedInto) {
  StateTable table;
  config::Server server;
  server.url = "http://10.0.0.1:80";
  const config::Upstream upstream = support::make_upstream({server});
  EXPECT_EQ(table.peek(upstream), nullptr);
  UpstreamState& state = table.find(upstream);
  EXPECT_EQ(table.peek(upstream), &state);
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

TEST(StateTable, CarriesWhatIsKnownOfServersThatStayOverToANewListOfThem) {
  StateTable table;
  std::vector<config::Server> servers(3);
  for (std::size_t i = 0; i < servers.size(); ++i) servers[i].url = "http://10.0.0." + std::to_string(i);
  const config::Upstream before = support::make_upstream({servers[0], servers[1]});
  const config::Upstream after = support::make_upstream({servers[2], servers[1]});
  ServerState& known = table.find(before).server(1);
  known.health = ServerState::Health::kUnhealthy;
  known.ejected_until = 7;
  known.ejected_for = http::Reason::kUpstreamReset;
  known.recovered_at = 5;
  known.failures = 3;
  known.drained = true;
  known.attempts = 11;
  known.ejections = 2;
  table.find(before).held_until = 17;
  known.requests = 9;
  table.find(before).server(0).failures = 2;
  const ServerState& carried = table.find(after).server(1);
  EXPECT_EQ(carried.health.load(), ServerState::Health::kUnhealthy);
  EXPECT_EQ(carried.ejected_until.load(), 7);
  EXPECT_EQ(carried.ejected_for.load(), http::Reason::kUpstreamReset);
  EXPECT_EQ(carried.recovered_at.load(), 5);
  EXPECT_EQ(carried.failures.load(), 3u);
  EXPECT_TRUE(carried.drained.load());
  EXPECT_EQ(carried.attempts.load(), 11u);
  EXPECT_EQ(carried.ejections.load(), 2u);
  EXPECT_EQ(table.find(after).held_until.load(), 17);
  EXPECT_EQ(carried.requests.load(), 0u);
  EXPECT_EQ(table.find(after).server(0).failures.load(), 0u);
  // The edit is taken back: what was learnt meanwhile counts.
  table.find(after).server(1).health = ServerState::Health::kHealthy;
  EXPECT_EQ(table.find(before).server(1).health.load(), ServerState::Health::kHealthy);
  EXPECT_EQ(table.find(before).server(0).failures.load(), 2u);
  config::Upstream other = after;
  other.name = "other";
  EXPECT_EQ(table.find(other).server(1).failures.load(), 0u);
}

}  // namespace
}  // namespace viaduct::upstream
