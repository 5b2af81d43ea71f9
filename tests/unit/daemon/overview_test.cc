// SPDX-License-Identifier: Apache-2.0
#include "daemon/overview.h"

#include <gtest/gtest.h>

#include "support/overview_scene.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;
using upstream::ServerState;

class OverviewTest : public testing::Test {
 protected:
  std::vector<UpstreamFacts> upstreams() { return scene_.overview.upstreams(*scene_.snapshot); }

  support::OverviewScene scene_;
};

TEST_F(OverviewTest, AddsWorkersUp) {
  observe::Counters more;
  observe::RouteStats more_routes;
  scene_.overview.watch({{scene_.counters, scene_.routes}, {more, more_routes}}, nullptr);
  scene_.counters.count(http::Reason::kNoRoute, 404);
  more.count(http::Reason::kNoRoute, 404);
  scene_.count("api", 200, 1ms);
  more_routes.count(scene_.numbers.find("www.example.com", "api"), 500, 1ms);
  EXPECT_EQ(scene_.overview.workers(), 2U);
  EXPECT_EQ(scene_.overview.counters().reasons[static_cast<std::size_t>(http::Reason::kNoRoute)], 2U);
  EXPECT_EQ(scene_.overview.route(scene_.numbers.find("www.example.com", "api")).requests(), 2U);
  scene_.overview.watch({}, nullptr);
  EXPECT_EQ(scene_.overview.route(scene_.numbers.find("www.example.com", "api")).requests(), 0U);
}

TEST_F(OverviewTest, TellsWhichUpstreamsAreNeeded) {
  const std::vector<UpstreamFacts> all = upstreams();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(all[0].is_needed);
  EXPECT_FALSE(all[1].is_needed);
  ASSERT_EQ(all[0].servers.size(), 2U);
  EXPECT_EQ(all[0].servers[0].name, "127.0.0.1:8001");
  EXPECT_FALSE(all[0].servers[0].is_backup);
  EXPECT_TRUE(all[0].servers[1].is_backup);
}

TEST_F(OverviewTest, TellsTheStateOfServers) {
  EXPECT_EQ(upstreams()[0].servers[0].state, "unchecked");
  scene_.server(0).health = ServerState::Health::kHealthy;
  EXPECT_EQ(upstreams()[0].servers[0].state, "healthy");
  scene_.server(0).ejected_until = (scene_.clock.mono_now() + 1s).time_since_epoch().count();
  EXPECT_EQ(upstreams()[0].servers[0].state, "ejected");
  EXPECT_FALSE(upstreams()[0].servers[0].is_available);
  scene_.server(0).health = ServerState::Health::kUnhealthy;
  EXPECT_EQ(upstreams()[0].servers[0].state, "unhealthy");
  EXPECT_TRUE(upstreams()[0].has_server()) << "the backup";
  scene_.server(1).health = ServerState::Health::kUnhealthy;
  EXPECT_FALSE(upstreams()[0].has_server());
}

TEST_F(OverviewTest, SaysWhatHangs) {
  EXPECT_EQ(scene_.overview.hanging(), "");
  scene_.overview.note_look(scene_.clock.mono_now(), {false, true, true});
  EXPECT_EQ(scene_.overview.hanging(), "worker 1 hangs, worker 2 hangs");
  scene_.overview.note_look(scene_.clock.mono_now(), {false, false, false});
  EXPECT_EQ(scene_.overview.hanging(), "");
  scene_.clock.advance(Overview::kLookPatience);
  EXPECT_EQ(scene_.overview.hanging(), "");
  scene_.clock.advance(1ns);
  EXPECT_EQ(scene_.overview.hanging(), "the main thread hangs");
}

TEST_F(OverviewTest, CountsReloadsAndForgetsARefusalThatIsMended) {
  scene_.overview.note_refusal("viaduct.yaml:1:1: wrong");
  EXPECT_EQ(scene_.overview.facts().reloads_refused, 1U);
  EXPECT_EQ(scene_.overview.facts().refusal, "viaduct.yaml:1:1: wrong");
  scene_.overview.note_snapshot(scene_.snapshot, true);
  EXPECT_EQ(scene_.overview.facts().reloads_done, 1U);
  EXPECT_EQ(scene_.overview.facts().refusal, "");
  EXPECT_FALSE(scene_.overview.facts().is_draining);
  scene_.overview.note_draining();
  EXPECT_TRUE(scene_.overview.facts().is_draining);
}

}  // namespace
}  // namespace viaduct::daemon
