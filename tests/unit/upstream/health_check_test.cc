// SPDX-License-Identifier: Apache-2.0
#include "upstream/health_check.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>

#include "support/captured_log.h"
#include "support/connect_outcome.h"
#include "support/no_descriptors.h"
#include "support/scripted_server.h"
#include "support/wait_until.h"

namespace viaduct::upstream {
namespace {

using namespace std::chrono_literals;
using support::ScriptedConnection;
using Health = ServerState::Health;

class HealthCheckTest : public testing::Test {
 protected:
  HealthCheckTest() {
    listener_.on_bytes = [this](ScriptedConnection& connection) {
      if (!connection.take_request()) return;
      ++asked_;
      connection.send("HTTP/1.1 " + std::to_string(status_) + " Status\r\nContent-Length: 0\r\n\r\n");
    };
  }
  void start() {
    check_.emplace(HealthCheck::Setup{
        .upstream = "app", .config = config_, .server = server_, .state = state_, .random = random_});
  }
  // The next probes, answered with these statuses; what the server is taken for after each: u(nchecked), h(ealthy) or
  // d(own).
  std::string probe(const std::vector<int>& statuses) {
    std::string text;
    for (const int status : statuses) {
      status_ = status;
      const int before = asked_;
      pass(config_.interval + config_.interval / 10 + net::TimerWheel::kTick);
      support::wait_until(loop_, [&] { return asked_ > before; });
      support::settle(loop_);
      EXPECT_EQ(asked_, before + 1);
      text += "uhd"[static_cast<int>(state_.health.load())];
    }
    return text;
  }
  void pass(base::Duration duration) { support::pass_time(loop_, clock_, duration); }

  support::CapturedLog log_;
  support::ManualClock clock_;
  net::Loop loop_{clock_};
  net::Resolver resolver_{loop_};
  codec::H2Library h2_library_;
  StateTable states_;
  Resources resources_{.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = states_};
  support::ScriptedServer listener_{loop_};
  config::Upstream upstream_ = [this] {
    config::Upstream upstream = support::make_upstream({listener_.config()});
    upstream.keepalive.max_idle = 0;
    return upstream;
  }();
  Server server_{resources_, upstream_, 0, nullptr};
  config::Health config_{.path = "/health", .host = {}, .interval = 5s, .timeout = 2s, .rise = 2, .fall = 3};
  ServerState state_;
  base::Random random_;
  std::optional<HealthCheck> check_;
  int status_ = 200;
  int asked_ = 0;
};

TEST_F(HealthCheckTest, AsksAtOnce) {
  start();
  EXPECT_EQ(state_.health.load(), Health::kUnchecked);
  pass(net::TimerWheel::kTick);
  support::wait_until(loop_, [this] { return asked_ == 1; });
  support::wait_until(loop_, [this] { return state_.health.load() == Health::kHealthy; });
  EXPECT_TRUE(log_.lines("server_").empty());  // nothing has changed for requests
  EXPECT_EQ(state_.recovered_at.load(), 0);
}

TEST_F(HealthCheckTest, FollowsResultsInARow) {
  struct Row {
    std::vector<int> statuses;
    std::string health;
  };
  const Row rows[] = {
      {{200, 200}, "hh"},
      {{500, 500, 500, 500}, "uudd"},
      {{500, 500, 200, 500, 500, 200}, "uuhhhh"},
      {{200, 500, 500, 500, 200, 200, 200}, "hhhddhh"},
      {{500, 500, 500, 200, 500, 200, 500, 200, 200}, "uuddddddh"},
      {{500, 500, 500, 200, 200, 500, 500, 500}, "uuddhhhd"},
  };
  for (const Row& row : rows) {
    state_.health = Health::kUnchecked;
    start();
    EXPECT_EQ(probe(row.statuses), row.health);
  }
}

TEST_F(HealthCheckTest, WritesOneLineForAChangeWithTheLastResult) {
  start();
  EXPECT_EQ(probe({500, 500, 503, 503, 503, 200, 204, 200, 200}), "uuddddhhh");
  const std::string server = "upstream=app server=" + server_.name();
  EXPECT_EQ(log_.lines("server_"), (std::vector<std::string>{
                                       "server_unhealthy " + server +
                                           " reason=unexpected_status after=3 error=\"status 503, expected 200-399\"",
                                       "server_healthy " + server + " after=2 result=\"status 204\"",
                                   }));
}

TEST_F(HealthCheckTest, NotesWhenTheServerCameBack) {
  start();
  probe({500, 500, 500, 200});
  EXPECT_EQ(state_.recovered_at.load(), 0);
  probe({200});
  EXPECT_EQ(state_.recovered_at.load(), clock_.mono_now().time_since_epoch().count());
}

TEST_F(HealthCheckTest, GoesOnWithWhatIsKnownOfTheServer) {
  state_.health = Health::kUnhealthy;
  start();
  EXPECT_EQ(probe({200, 500, 200, 200}), "dddh");
}

TEST_F(HealthCheckTest, TakesAServerThatCannotBeReachedForBad) {
  config_.fall = 1;
  listener_.stop();
  start();
  pass(net::TimerWheel::kTick);
  support::wait_until(loop_, [this] { return state_.health.load() == Health::kUnhealthy; });
  const std::string line = log_.lines("server_unhealthy").at(0);
  EXPECT_NE(line.find(" reason=upstream_connect_refused after=1 error="), std::string::npos) << line;
}

// What is short here says nothing about the server, whatever it was taken for.
TEST_F(HealthCheckTest, CountsNoProbeForWhichThereIsNoDescriptor) {
  if (!support::NoDescriptors::kIsPossible) GTEST_SKIP();
  config_.fall = 2;
  start();
  EXPECT_EQ(probe({200, 500}), "hh");
  const auto probe_in_vain = [this] {
    const support::NoDescriptors none;
    pass(config_.interval + config_.interval / 10 + net::TimerWheel::kTick);
  };
  for (int i = 0; i < 3; ++i) probe_in_vain();
  EXPECT_EQ(asked_, 2);
  EXPECT_EQ(state_.health.load(), Health::kHealthy);
  EXPECT_EQ(probe({500, 500}), "dd");
  EXPECT_EQ(probe({200}), "d");
  for (int i = 0; i < 3; ++i) probe_in_vain();
  EXPECT_EQ(state_.health.load(), Health::kUnhealthy);
  EXPECT_EQ(probe({200}), "h");
  const std::vector<std::string> lines = log_.lines("health_unknown");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "health_unknown upstream=app server=" + server_.name() +
                          " reason=upstream_connect_exhausted error=\"server " + server_.name() +
                          ": connect: Too many open files\"");
}

TEST_F(HealthCheckTest, TakesASilentServerForBadAndAsksAgainInTime) {
  listener_.on_bytes = [this](ScriptedConnection&) { ++asked_; };
  config_.fall = 1;
  config_.timeout = config_.interval;
  start();
  pass(net::TimerWheel::kTick);
  support::wait_until(loop_, [this] { return asked_ == 1; });
  pass(config_.timeout + 10ms);
  EXPECT_EQ(state_.health.load(), Health::kUnhealthy);
  pass(config_.interval / 10 + net::TimerWheel::kTick);
  support::wait_until(loop_, [this] { return asked_ == 2; });
}

// Far from each other, and never together with those of other servers.
TEST_F(HealthCheckTest, AsksInIntervalsThatDifferByATenth) {
  start();
  std::set<base::Duration> intervals;
  base::MonoTime last = clock_.mono_now();
  for (int probes = 0; probes < 20; ++probes) {
    const std::size_t before = listener_.connections.size();
    while (listener_.connections.size() == before) pass(50ms);
    support::wait_until(loop_, [&] { return asked_ == static_cast<int>(before) + 1; });
    support::settle(loop_);
    const base::Duration interval = clock_.mono_now() - last;
    last = clock_.mono_now();
    if (probes == 0) continue;
    EXPECT_GE(interval, 4500ms - 50ms);
    EXPECT_LE(interval, 5500ms + 60ms);
    intervals.insert(interval);
  }
  EXPECT_GT(intervals.size(), 4u);
}

}  // namespace
}  // namespace viaduct::upstream
