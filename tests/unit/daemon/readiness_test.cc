// SPDX-License-Identifier: Apache-2.0
#include "daemon/readiness.h"

#include <gtest/gtest.h>

#include "support/overview_scene.h"

namespace viaduct::daemon {
namespace {

using upstream::ServerState;

TEST(Readiness, NeedsAServerOfEveryUpstreamThatARouteNeeds) {
  support::OverviewScene scene;
  EXPECT_EQ(find_readiness(scene.overview).to_json(), "{\"ready\":true,\"reasons\":[]}\n");
  // Nobody needs "spare".
  const config::Upstream& other = scene.snapshot->config->upstreams[1];
  scene.states.find(other).server(other.servers[0])->health = ServerState::Health::kUnhealthy;
  EXPECT_TRUE(find_readiness(scene.overview).is_ready());
  scene.server(0).health = ServerState::Health::kUnhealthy;
  EXPECT_TRUE(find_readiness(scene.overview).is_ready()) << "there is a backup";
  scene.server(1).health = ServerState::Health::kUnhealthy;
  EXPECT_EQ(
      find_readiness(scene.overview).to_json(),
      "{\"ready\":false,\"reasons\":[{\"upstream\":\"app\",\"reason\":\"no server is available: 127.0.0.1:8001 is "
      "unhealthy, 127.0.0.1:8002 is unhealthy\"}]}\n");
}

TEST(Readiness, EndsWithTheProcess) {
  support::OverviewScene scene;
  scene.overview.note_draining();
  const Readiness readiness = find_readiness(scene.overview);
  ASSERT_EQ(readiness.problems.size(), 1U);
  EXPECT_EQ(readiness.to_json(), "{\"ready\":false,\"reasons\":[{\"reason\":\"the process is shutting down\"}]}\n");
}

}  // namespace
}  // namespace viaduct::daemon
