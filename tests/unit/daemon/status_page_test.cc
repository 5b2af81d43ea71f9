// SPDX-License-Identifier: Apache-2.0
#include "daemon/status_page.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/overview_scene.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

class StatusPageTest : public testing::Test {
 protected:
  Json page() {
    const std::vector<StatusListener> listeners = {
        {base::SocketAddress(*base::IpAddress::parse("127.0.0.1"), 443), true}};
    const std::string text = status_page(scene_.overview, window_, listeners, start_ + 10s);
    EXPECT_EQ(text.find('\n'), std::string::npos);
    return Json::parse(text);
  }

  support::OverviewScene scene_;
  base::MonoTime start_ = scene_.clock.mono_now();
  RouteWindow window_{scene_.overview, start_};
};

TEST_F(StatusPageTest, TellsOfTheProcessAndItsConfig) {
  scene_.overview.note_refusal("viaduct.yaml:3:1: wrong");
  const Json page = this->page();
  EXPECT_EQ(page["process"]["version"], "1.2.3");
  EXPECT_EQ(page["process"]["state"], "serving");
  EXPECT_EQ(page["process"]["workers"], 1);
  EXPECT_EQ(page["config"]["snapshot"], 7);
  EXPECT_EQ(page["config"]["reloads"], (Json{{"done", 0}, {"refused", 1}}));
  EXPECT_EQ(page["config"]["last_refusal"], "viaduct.yaml:3:1: wrong");
  EXPECT_EQ(page["listeners"], (Json::array({{{"address", "127.0.0.1:443"}, {"tls", true}}})));
  EXPECT_EQ(page["connections"]["open"], 0);
  EXPECT_EQ(page["connections"]["limit"], 20000);
  scene_.overview.note_draining();
  EXPECT_EQ(this->page()["process"]["state"], "draining");
}

TEST_F(StatusPageTest, TellsOfRoutesWithRatesAndPercentiles) {
  for (int i = 0; i < 20; ++i) scene_.count("api", 200, 15ms);
  scene_.count("", 404, 1ms);
  scene_.routes.count(observe::RouteNumbers::kNone, 421, 1ms);
  const Json page = this->page();
  EXPECT_EQ(page["window_s"], 10);
  const Json& site = page["sites"][0];
  EXPECT_EQ(site["hosts"], Json::array({"www.example.com"}));
  const Json& api = site["routes"][0];
  EXPECT_EQ(api["name"], "api");
  EXPECT_EQ(api["requests"], 20);
  EXPECT_EQ(api["statuses"], (Json{{"2xx", 20}}));
  EXPECT_EQ(api["rate"], 2);
  EXPECT_GT(api["p50_ms"], 10);
  EXPECT_LT(api["p99_ms"], 20);
  EXPECT_EQ(site["routes"][1]["requests"], 0);
  EXPECT_FALSE(site["routes"][1].contains("p50_ms"));
  EXPECT_EQ(site["no_route"]["statuses"], (Json{{"4xx", 1}}));
  EXPECT_EQ(page["no_site"]["requests"], 1);
}

TEST_F(StatusPageTest, TellsOfServersAndRefusals) {
  scene_.server(0).health = upstream::ServerState::Health::kHealthy;
  scene_.server(0).attempts = 9;
  scene_.counters.count(http::Reason::kPathDenied, 403);
  const Json page = this->page();
  const Json& app = page["upstreams"][0];
  EXPECT_EQ(app["name"], "app");
  EXPECT_EQ(app["waiting"], 0);
  EXPECT_EQ(app["servers"][0]["server"], "127.0.0.1:8001");
  EXPECT_EQ(app["servers"][0]["state"], "healthy");
  EXPECT_EQ(app["servers"][0]["attempts"], 9);
  EXPECT_EQ(app["servers"][1]["backup"], true);
  EXPECT_EQ(page["refusals"], (Json{{"path_denied", 1}}));
  EXPECT_EQ(page["certificates"], Json::array());
  EXPECT_EQ(page["access_log"]["lost_lines"], 0);
  EXPECT_EQ(page["error_log"]["lost_lines"], 0);
}

}  // namespace
}  // namespace viaduct::daemon
