// SPDX-License-Identifier: Apache-2.0
#include "upstream/server_state.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

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
  UpstreamState state;
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

config::Server server_at(const std::string& url) {
  config::Server server;
  server.url = url;
  return server;
}

TEST(StateTable, KnowsAnUpstreamByItsName) {
  StateTable table;
  config::Upstream upstream = support::make_upstream({server_at("http://10.0.0.1:80")});
  UpstreamState& state = table.find(upstream);
  upstream.max_waiting = 7;
  upstream.servers.push_back(server_at("http://10.0.0.2:80"));
  EXPECT_EQ(&table.find(upstream), &state);
  upstream.name = "other";
  EXPECT_NE(&table.find(upstream), &state);
}

TEST(UpstreamState, KnowsAServerByItsUrl) {
  UpstreamState state;
  const std::shared_ptr<ServerState> one = state.server(server_at("http://10.0.0.1:80"));
  one->drained = true;
  EXPECT_EQ(state.server(server_at("http://10.0.0.1:80")), one);
  EXPECT_NE(state.server(server_at("https://10.0.0.1:80")), one);
  EXPECT_FALSE(state.server(server_at("http://10.0.0.1:81"))->drained.load());
}

TEST(UpstreamState, RemembersServersThatHaveLeftUntilThereAreTooMany) {
  UpstreamState state;
  const std::shared_ptr<ServerState> held = state.server(server_at("held"));
  state.server(server_at("left"))->drained = true;
  held->drained = true;
  for (std::size_t i = 2; i < UpstreamState::kRememberedMax; ++i) state.server(server_at(std::to_string(i)));
  EXPECT_TRUE(state.server(server_at("left"))->drained.load());
  state.server(server_at("one more"));
  EXPECT_FALSE(state.server(server_at("left"))->drained.load());
  EXPECT_EQ(state.server(server_at("held")), held);
}

}  // namespace
}  // namespace viaduct::upstream
