// SPDX-License-Identifier: Apache-2.0
#include "daemon/orders.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "support/overview_scene.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;

class OrdersTest : public testing::Test {
 protected:
  std::string order(std::string_view command) {
    const auto answer = carry_out_order(command, *scene_.snapshot->config, scene_.states, scene_.clock.mono_now());
    return answer.value_or("(none)");
  }
  upstream::UpstreamState& app() { return scene_.states.find(scene_.snapshot->config->upstreams[0]); }

  support::OverviewScene scene_;
};

TEST_F(OrdersTest, DrainAServerAndTakeItBack) {
  EXPECT_EQ(order("drain app 127.0.0.1:8001"), "ok");
  EXPECT_FALSE(scene_.server(0).is_available(scene_.clock.mono_now()));
  EXPECT_TRUE(scene_.server(1).is_available(scene_.clock.mono_now()));
  EXPECT_EQ(order("drain app 127.0.0.1:8002"), "ok\nwarning: app has no server left that requests are sent to");
  EXPECT_EQ(order("undrain app 127.0.0.1:8001"), "ok");
  EXPECT_TRUE(scene_.server(0).is_available(scene_.clock.mono_now()));
}

TEST_F(OrdersTest, NameWhatIsUnknown) {
  EXPECT_EQ(order("drain ap 127.0.0.1:8001"), "error: there is no upstream ap; there are: app, spare");
  EXPECT_EQ(order("drain app 127.0.0.1:1"),
            "error: app has no server 127.0.0.1:1; it has: 127.0.0.1:8001, 127.0.0.1:8002");
  EXPECT_EQ(order("drain app"), "error: drain UPSTREAM SERVER");
  EXPECT_EQ(order("hold nobody"), "error: there is no upstream nobody; there are: app, spare");
  EXPECT_EQ(order("release"), "error: release UPSTREAM");
  EXPECT_EQ(order("holds app"), "(none)");
  EXPECT_EQ(order("  "), "(none)");
}

TEST_F(OrdersTest, HoldAnUpstreamForATime) {
  EXPECT_EQ(order("release app"), "ok\napp was not held");
  EXPECT_EQ(order("hold app"), "ok\nrequests to app wait for at most 30s, or until: viaduct release app");
  EXPECT_TRUE(app().is_held(scene_.clock.mono_now() + kHoldDefault - 1ms));
  EXPECT_FALSE(app().is_held(scene_.clock.mono_now() + kHoldDefault));
  EXPECT_EQ(order("hold app 2m"), "ok\nrequests to app wait for at most 2m, or until: viaduct release app");
  EXPECT_TRUE(app().is_held(scene_.clock.mono_now() + 119s));
  EXPECT_EQ(order("release app"), "ok");
  EXPECT_FALSE(app().is_held(scene_.clock.mono_now()));
  EXPECT_TRUE(order("hold app 11m").starts_with("error: requests are held for at most 10m"));
  EXPECT_TRUE(order("hold app 0s").starts_with("error: "));
  EXPECT_TRUE(order("hold app soon").starts_with("error: "));
}

TEST_F(OrdersTest, AreGivenToAnotherProcess) {
  const auto in_force = [this] {
    return orders_in_force(*scene_.snapshot->config, scene_.states, scene_.clock.mono_now());
  };
  EXPECT_EQ(in_force(), std::vector<std::string>{});
  order("drain app 127.0.0.1:8002");
  order("hold app 10m");
  const std::vector<std::string> orders = {"drain app 127.0.0.1:8002", "hold app 600000ms"};
  EXPECT_EQ(in_force(), orders);
  support::OverviewScene other;
  for (const std::string& each : in_force()) {
    EXPECT_TRUE(
        carry_out_order(each, *other.snapshot->config, other.states, other.clock.mono_now())->starts_with("ok"));
  }
  EXPECT_EQ(orders_in_force(*other.snapshot->config, other.states, other.clock.mono_now()), orders);
  scene_.clock.advance(10min);
  order("undrain app 127.0.0.1:8002");
  EXPECT_EQ(in_force(), std::vector<std::string>{});
}

TEST_F(OrdersTest, SetTheLevelOfTheLog) {
  EXPECT_EQ(order("log-level error"), "ok");
  EXPECT_FALSE(base::log_enabled(base::LogLevel::kWarning));
  EXPECT_EQ(order("log-level info"), "ok");
  EXPECT_TRUE(base::log_enabled(base::LogLevel::kInfo));
  EXPECT_EQ(order("log-level warn"), "error: log-level debug|info|warning|error");
}

}  // namespace
}  // namespace viaduct::daemon
