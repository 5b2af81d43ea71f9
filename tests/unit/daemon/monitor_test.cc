// SPDX-License-Identifier: Apache-2.0
#include "daemon/monitor.h"

#include <gtest/gtest.h>

#include "support/blocking_client.h"
#include "support/overview_scene.h"

namespace viaduct::daemon {
namespace {

using support::get;

class MonitorTest : public testing::Test {
 protected:
  void SetUp() override {
    auto socket = Monitor::listen(base::SocketAddress(*base::IpAddress::parse("127.0.0.1"), 0));
    ASSERT_TRUE(socket.has_value()) << socket.error().message;
    auto started = Monitor::start(clock_, scene_.overview, std::move(*socket));
    ASSERT_TRUE(started.has_value()) << started.error().message;
    monitor_ = std::move(*started);
  }
  std::string ask(std::string_view target) { return get(monitor_->address(), target, "any.host"); }

  base::SystemClock clock_;
  support::OverviewScene scene_;
  std::unique_ptr<Monitor> monitor_;
};

TEST_F(MonitorTest, AnswersWhereverItIsAskedFrom) {
  const std::string answer = ask("/livez");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nok\n")) << answer;
  EXPECT_NE(answer.find("Cache-Control: no-store\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(ask("/").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(ask("/metrics/").starts_with("HTTP/1.1 404 "));
}

TEST_F(MonitorTest, SaysWhatHangs) {
  scene_.overview.note_look(scene_.clock.mono_now(), {true});
  const std::string answer = ask("/livez");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nworker 0 hangs\n")) << answer;
}

TEST_F(MonitorTest, TellsWhetherItIsReady) {
  std::string answer = ask("/readyz");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_NE(answer.find("Content-Type: application/json\r\n"), std::string::npos) << answer;
  scene_.server(0).health = upstream::ServerState::Health::kUnhealthy;
  scene_.server(1).health = upstream::ServerState::Health::kUnhealthy;
  answer = ask("/readyz");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
  EXPECT_NE(answer.find("\"upstream\":\"app\""), std::string::npos) << answer;
}

TEST_F(MonitorTest, GivesMetrics) {
  const std::string answer = ask("/metrics");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_NE(answer.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), std::string::npos);
  EXPECT_NE(answer.find("\nviaduct_build_info{version=\"1.2.3\"} 1\n"), std::string::npos);
}

TEST_F(MonitorTest, TakesNothingButQuestions) {
  support::BlockingClient client(monitor_->address());
  client.send("POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 ")) << answer;
  EXPECT_NE(answer.find("Allow: GET, HEAD\r\n"), std::string::npos) << answer;
}

TEST_F(MonitorTest, SaysWhereItCannotListen) {
  const auto second = Monitor::listen(monitor_->address());
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find(monitor_->address().to_string()), std::string::npos) << second.error().message;
}

// Whoever says nothing keeps nobody out.
TEST_F(MonitorTest, MakesRoomForWhoeverComesInThePlaceOfTheMostSilent) {
  constexpr std::string_view kQuestion = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";
  std::vector<support::BlockingClient> clients;
  for (std::uint32_t i = 0; i < Monitor::kConnectionsMax; ++i) {
    clients.emplace_back(monitor_->address());
    clients.back().send(kQuestion);
    ASSERT_TRUE(clients.back().read_until("ok\n").ends_with("ok\n"));
  }
  clients.front().send(kQuestion);
  ASSERT_TRUE(clients.front().read_until("ok\n").ends_with("ok\n"));
  EXPECT_TRUE(ask("/livez").starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(clients[1].read_until("ok\n"), "");  // closed
  for (std::size_t i = 0; i < clients.size(); ++i) {
    if (i == 1) continue;
    clients[i].send(kQuestion);
    EXPECT_TRUE(clients[i].read_until("ok\n").ends_with("ok\n")) << i;
  }
}

}  // namespace
}  // namespace viaduct::daemon
