// SPDX-License-Identifier: Apache-2.0
#include "filter/rate_limit.h"

#include <gtest/gtest.h>

#include "support/exchange_scene.h"
#include "support/recording_action.h"

namespace viaduct::filter {
namespace {

using namespace std::chrono_literals;

class RateLimitTest : public testing::Test {
 protected:
  void build(const config::RateLimit& limit) {
    exchange::RoutePlan& plan = scene_.add_route();
    plan.filters.push_back(std::make_unique<RateLimit>(limit));
    plan.action = std::make_unique<support::RecordingAction>(script_);
  }
  int status_from(std::string_view address) {
    scene_.client.peer = base::SocketAddress(*base::IpAddress::parse(address), 40000);
    return scene_.call({}).response.status;
  }

  support::ActionScript script_;
  support::ExchangeScene scene_;
};

TEST_F(RateLimitTest, RefusesWhatComesTooOftenFromOneAddress) {
  build({.requests = 1, .per = 10s, .burst = 1, .key = config::RateKey::kClientIp, .header = {}});
  EXPECT_EQ(status_from("192.0.2.7"), 200);
  EXPECT_EQ(status_from("192.0.2.7"), 200);
  EXPECT_EQ(status_from("192.0.2.7"), 429);
  EXPECT_EQ(status_from("192.0.2.8"), 200);
  EXPECT_EQ(script_.begun, 3);
}

TEST_F(RateLimitTest, SaysWhyAndHowLongToWait) {
  build({.requests = 6, .per = 60s, .burst = 0, .key = config::RateKey::kClientIp, .header = {}});
  EXPECT_EQ(status_from("192.0.2.7"), 200);
  const auto& refused = scene_.call({}).response;
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.field("Retry-After"), "10");
  scene_.turn();
  EXPECT_TRUE(scene_.log().ends_with("429 rate_limited")) << scene_.log();
}

TEST_F(RateLimitTest, TakesANetworkOfIPv6ForOneClient) {
  build({.requests = 1, .per = 10s, .burst = 0, .key = config::RateKey::kClientIp, .header = {}});
  EXPECT_EQ(status_from("2001:db8::1"), 200);
  EXPECT_EQ(status_from("2001:db8::ffff:1"), 429);
  EXPECT_EQ(status_from("2001:db8:0:1::1"), 200);
}

TEST_F(RateLimitTest, CountsTheWholeRoute) {
  build({.requests = 1, .per = 10s, .burst = 0, .key = config::RateKey::kRoute, .header = {}});
  EXPECT_EQ(status_from("192.0.2.7"), 200);
  EXPECT_EQ(status_from("192.0.2.8"), 429);
}

TEST_F(RateLimitTest, CountsEachValueOfAFieldAndThoseWithoutTogether) {
  build({.requests = 1, .per = 10s, .burst = 0, .key = config::RateKey::kHeader, .header = "X-Api-Key"});
  const auto status_with = [&](std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
    support::ExchangeScene::Request request;
    for (const auto& [name, value] : fields) request.fields.emplace_back(name, value);
    return scene_.call(request).response.status;
  };
  EXPECT_EQ(status_with({{"X-Api-Key", "one"}}), 200);
  EXPECT_EQ(status_with({{"x-api-key", "one"}}), 429);
  EXPECT_EQ(status_with({{"X-Api-Key", "two"}}), 200);
  EXPECT_EQ(status_with({}), 200);
  EXPECT_EQ(status_with({}), 429);
  EXPECT_EQ(status_with({{"X-Api-Key", "three"}, {"x-api-key", "four"}}), 429);
}

}  // namespace
}  // namespace viaduct::filter
