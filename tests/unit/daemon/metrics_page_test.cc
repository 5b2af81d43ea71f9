// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics_page.h"

#include <gtest/gtest.h>

#include "support/overview_scene.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;

class MetricsPageTest : public testing::Test {
 protected:
  bool shows(const std::string& line) {
    const std::string page = "\n" + metrics_page(scene_.overview);
    return page.find("\n" + line + "\n") != std::string::npos;
  }
  bool mentions(const std::string& text) { return metrics_page(scene_.overview).find(text) != std::string::npos; }

  support::OverviewScene scene_;
};

TEST_F(MetricsPageTest, ShowsRequestsOfRoutesThatHadSome) {
  scene_.count("api", 200, 3ms);
  scene_.count("api", 502, 3ms);
  scene_.count("", 404, 1ms);
  scene_.routes.count(observe::RouteNumbers::kNone, 421, 1ms);
  EXPECT_TRUE(shows("viaduct_requests_total{site=\"www.example.com\",route=\"api\",code=\"2xx\"} 1"));
  EXPECT_TRUE(shows("viaduct_requests_total{site=\"www.example.com\",route=\"api\",code=\"4xx\"} 0"));
  EXPECT_TRUE(shows("viaduct_requests_total{site=\"www.example.com\",route=\"api\",code=\"5xx\"} 1"));
  EXPECT_TRUE(shows("viaduct_requests_total{site=\"www.example.com\",route=\"\",code=\"4xx\"} 1"));
  EXPECT_TRUE(shows("viaduct_requests_total{site=\"\",route=\"\",code=\"4xx\"} 1"));
  EXPECT_TRUE(shows("viaduct_request_duration_seconds_bucket{site=\"www.example.com\",route=\"api\",le=\"0.005\"} 2"));
  EXPECT_TRUE(shows("viaduct_request_duration_seconds_count{site=\"www.example.com\",route=\"api\"} 2"));
  EXPECT_FALSE(mentions("route=\"page\"")) << "it had none";
  EXPECT_FALSE(mentions("code=\"none\""));
}

// A platform is told of a failure with 200 where its rules say so.
TEST_F(MetricsPageTest, ShowsFailuresOfRoutesWhateverTheirStatus) {
  const std::uint32_t api = scene_.snapshot->plans[0].number;
  scene_.routes.count(api, 200, 1ms, http::Reason::kNone);
  scene_.routes.count(api, 200, 1ms, http::Reason::kUpstreamConnectRefused);
  scene_.routes.count(api, 503, 1ms, http::Reason::kNone);
  scene_.routes.count(api, 404, 1ms, http::Reason::kNone);
  EXPECT_TRUE(shows("viaduct_route_failures_total{site=\"www.example.com\",route=\"api\"} 2"));
}

TEST_F(MetricsPageTest, ShowsRefusalsAndHandshakes) {
  scene_.counters.count(http::Reason::kPathDenied, 403);
  scene_.counters.count(http::Reason::kTlsPlainHttp, 0);
  scene_.counters.count_handshake("TLSv1.3", true);
  scene_.counters.count_handshake("TLSv1.2", false);
  scene_.counters.count_handshake("SSLv3", false);
  scene_.counters.count_connection();
  EXPECT_TRUE(shows("viaduct_refusals_total{reason=\"path_denied\"} 1"));
  EXPECT_TRUE(shows("viaduct_refusals_total{reason=\"no_route\"} 0"));
  EXPECT_TRUE(shows("viaduct_tls_handshake_failures_total{reason=\"tls_plain_http\"} 1"));
  EXPECT_FALSE(mentions("viaduct_refusals_total{reason=\"tls_plain_http\"}")) << "counted once";
  EXPECT_TRUE(shows("viaduct_tls_handshakes_total{version=\"TLSv1.3\",resumed=\"true\"} 1"));
  EXPECT_TRUE(shows("viaduct_tls_handshakes_total{version=\"TLSv1.2\",resumed=\"false\"} 1"));
  EXPECT_TRUE(shows("viaduct_connections_total 1"));
  EXPECT_TRUE(shows("viaduct_connections 0"));
}

TEST_F(MetricsPageTest, ShowsServers) {
  scene_.server(0).health = upstream::ServerState::Health::kUnhealthy;
  scene_.server(0).attempts = 12;
  scene_.server(0).failed_attempts = 3;
  scene_.server(1).connections = 4;
  scene_.states.find(scene_.snapshot->config->upstreams[0]).retries = 2;
  EXPECT_TRUE(shows("viaduct_upstream_server_up{upstream=\"app\",server=\"127.0.0.1:8001\"} 0"));
  EXPECT_TRUE(shows("viaduct_upstream_server_up{upstream=\"app\",server=\"127.0.0.1:8002\"} 1"));
  EXPECT_TRUE(shows("viaduct_upstream_attempts_total{upstream=\"app\",server=\"127.0.0.1:8001\"} 12"));
  EXPECT_TRUE(shows("viaduct_upstream_failures_total{upstream=\"app\",server=\"127.0.0.1:8001\"} 3"));
  EXPECT_TRUE(shows("viaduct_upstream_server_connections{upstream=\"app\",server=\"127.0.0.1:8002\"} 4"));
  EXPECT_TRUE(shows("viaduct_upstream_retries_total{upstream=\"app\"} 2"));
}

TEST_F(MetricsPageTest, ShowsTheProcessAndItsConfig) {
  scene_.overview.note_refusal("wrong");
  EXPECT_TRUE(shows("viaduct_build_info{version=\"1.2.3\"} 1"));
  EXPECT_TRUE(shows("viaduct_snapshot_version 7"));
  EXPECT_TRUE(shows("viaduct_reloads_total{result=\"refused\"} 1"));
  EXPECT_TRUE(shows("viaduct_access_log_lost_lines_total 0"));
  EXPECT_TRUE(shows("viaduct_error_log_lost_lines_total 0"));
  for (const char* name : {"cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds", "start_time_seconds"}) {
    EXPECT_TRUE(mentions(std::string("\nviaduct_process_") + name + " ")) << name;
  }
  EXPECT_FALSE(mentions("viaduct_certificate_days_left")) << "no listener speaks TLS";
}

}  // namespace
}  // namespace viaduct::daemon
