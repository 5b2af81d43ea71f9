// SPDX-License-Identifier: Apache-2.0
#include "upstream/ejector.h"

#include <gtest/gtest.h>

#include <thread>

#include "support/captured_log.h"
#include "support/connect_outcome.h"
#include "support/wait_until.h"
#include "upstream/upstream.h"

namespace viaduct::upstream {
namespace {

using namespace std::chrono_literals;
using http::Reason;

constexpr FailedAttempt kRefused{.reason = Reason::kUpstreamConnectRefused};

class EjectorTest : public testing::Test {
 protected:
  void make(std::size_t servers, config::Eject eject = {}) {
    config_ = support::make_upstream(std::vector<config::Server>(servers));
    for (std::size_t i = 0; i < servers; ++i) {
      config_.servers[i].host = "10.0.0." + std::to_string(i + 1);
      config_.servers[i].url = "http://" + config_.servers[i].host;
    }
    config_.eject = eject;
    make();
  }
  void make() {
    auto made = Upstream::make(resources_, config_);
    ASSERT_TRUE(made.has_value());
    upstream_ = std::move(*made);
  }
  // The servers that requests may go to now, as letters; 'a' is the first.
  std::string available() {
    std::string text;
    Upstream::ServerSet tried;
    while (Server* server = upstream_->pick(tried, {})) tried.set(upstream_->index_of(*server));
    for (std::size_t i = 0; i < config_.servers.size(); ++i) {
      if (tried[i]) text += static_cast<char>('a' + i);
    }
    return text;
  }
  Server& server(std::size_t index) {
    Upstream::ServerSet others;
    others.set().reset(index);
    return *upstream_->pick(others, {});
  }
  void fail(Server& server, int times = 1, const FailedAttempt& attempt = kRefused) {
    for (int i = 0; i < times; ++i) upstream_->note_failure(server, attempt);
  }
  ServerState& state(std::size_t index) { return *states_.find(config_).server(config_.servers[index]); }
  void pass(base::Duration duration) { support::pass_time(loop_, clock_, duration); }

  support::CapturedLog log_;
  support::ManualClock clock_;
  net::Loop loop_{clock_};
  net::Resolver resolver_{loop_};
  codec::H2Library h2_library_;
  StateTable states_;
  Resources resources_{.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = states_};
  config::Upstream config_;
  std::unique_ptr<Upstream> upstream_;
};

TEST_F(EjectorTest, LeavesAServerOutAfterAsManyFailuresInARowAndForAsLongAsTheConfigSays) {
  make(3, {.failures = 3, .duration = 4min});
  Server& bad = server(1);
  fail(bad, 2);
  EXPECT_EQ(available(), "abc");
  fail(bad);
  EXPECT_EQ(available(), "ac");
  pass(4min - 1ms);
  EXPECT_EQ(available(), "ac");
  EXPECT_TRUE(log_.lines("server_returned").empty());
  pass(1ms);
  EXPECT_EQ(available(), "abc");
  EXPECT_EQ(available(), "abc");
  EXPECT_EQ(log_.lines("server_"),
            (std::vector<std::string>{"server_ejected upstream=app server=10.0.0.2:80 reason=upstream_connect_refused "
                                      "failures=3 for_ms=240000",
                                      "server_returned upstream=app server=10.0.0.2:80 "
                                      "reason=upstream_connect_refused"}));
}

TEST_F(EjectorTest, CountsFailuresInARowAlone) {
  make(2);
  Server& bad = server(0);
  for (int i = 0; i < 5; ++i) {
    fail(bad, 2);
    upstream_->note_success(bad);
  }
  EXPECT_EQ(available(), "ab");
  fail(server(1), 2);  // of another server
  EXPECT_EQ(available(), "ab");
  fail(bad, 3);
  EXPECT_EQ(available(), "b");
}

TEST_F(EjectorTest, LeavesAServerOutAgainAtItsFirstFailureAfterItsReturn) {
  make(2);
  Server& bad = server(0);
  fail(bad, 3);
  pass(10s);
  EXPECT_EQ(available(), "ab");
  fail(bad);
  EXPECT_EQ(available(), "b");
  pass(10s);
  EXPECT_EQ(available(), "ab");
  upstream_->note_success(bad);
  fail(bad, 2);
  EXPECT_EQ(available(), "ab");
}

TEST_F(EjectorTest, DoesNotCountWhatComesInWhileTheServerIsLeftOut) {
  make(2);
  Server& bad = server(0);
  fail(bad, 3);
  pass(9s);
  fail(bad, 50);
  pass(1s);
  EXPECT_EQ(available(), "ab");
  EXPECT_EQ(log_.lines("server_ejected").size(), 1u);
}

TEST_F(EjectorTest, NeverLeavesTheLastAvailableServerOut) {
  make(1);
  fail(server(0), 10);
  EXPECT_EQ(available(), "a");
  EXPECT_TRUE(log_.lines("server_").empty());  // there is nothing to choose
  make(2);
  fail(server(0), 3);
  fail(server(1), 10);
  EXPECT_EQ(available(), "b");
  EXPECT_EQ(log_.lines("server_kept"),
            std::vector<std::string>{"server_kept upstream=app server=10.0.0.2:80 reason=upstream_connect_refused "
                                     "failures=3 why=last_available"});
  pass(10s);
  EXPECT_EQ(available(), "ab");
  fail(server(1));
  EXPECT_EQ(available(), "a");
}

TEST_F(EjectorTest, TakesUnhealthyServersForUnavailable) {
  make(3);
  Server& bad = server(0);
  Server& other = server(1);
  state(1).health = ServerState::Health::kUnhealthy;
  state(2).health = ServerState::Health::kUnhealthy;
  fail(bad, 5);
  EXPECT_EQ(available(), "a");
  fail(other, 5);  // is out already
  EXPECT_EQ(state(1).ejected_until.load(), 0);
}

TEST_F(EjectorTest, LeavesHalfOfTheServersOutAtMost) {
  struct Row {
    std::size_t servers;
    std::size_t left;
  };
  for (const Row row : {Row{1, 1}, Row{2, 1}, Row{3, 1}, Row{4, 2}, Row{5, 2}, Row{8, 4}}) {
    make(row.servers);
    std::vector<Server*> all;
    for (std::size_t i = 0; i < row.servers; ++i) all.push_back(&server(i));
    for (Server* each : all) fail(*each, 4);
    EXPECT_EQ(available().size(), row.left) << row.servers;
    pass(10s);
    for (Server* each : all) upstream_->note_success(*each);
    EXPECT_EQ(available().size(), row.servers);
  }
}

TEST_F(EjectorTest, CountsBackupsAsServers) {
  make(2);
  config_.servers[1].backup = true;
  config_.name = "with a backup";
  make();
  fail(server(0), 3);
  EXPECT_EQ(available(), "b");
}

TEST_F(EjectorTest, GivesAServerASmallShareAfterItsReturn) {
  make(2);
  config_.servers[0].weight = 4;
  config_.name = "weighted";
  config_.slow_start = 10s;
  make();
  Server& bad = server(0);
  const auto share = [&] {
    int picked = 0;
    for (int i = 0; i < 1000; ++i) picked += upstream_->pick({}, {}) == &bad ? 1 : 0;
    return picked;
  };
  EXPECT_EQ(share(), 800);
  fail(bad, 3);
  EXPECT_EQ(share(), 0);
  pass(10s);
  EXPECT_NEAR(share(), 1000 * 40 / 140, 2);
  pass(5s);
  EXPECT_NEAR(share(), 1000 * 220 / 320, 2);
  pass(5s);
  EXPECT_NEAR(share(), 800, 2);
}

TEST_F(EjectorTest, DoesNothingWhereTheConfigSaysSo) {
  make(2);
  fail(server(0), 3);
  EXPECT_EQ(available(), "b");
  config_.eject.reset();
  make();  // a reload
  EXPECT_EQ(available(), "ab");
  fail(server(0), 10);
  EXPECT_EQ(available(), "ab");
}

TEST_F(EjectorTest, KeepsItsCountsOverAReload) {
  make(2);
  fail(server(0), 2);
  make();
  fail(server(0));
  EXPECT_EQ(available(), "b");
  make();
  EXPECT_EQ(available(), "b");
}

// Every worker has an Upstream of its own; what they know of its servers is the same.
TEST_F(EjectorTest, CountsAConnectionThatManyWaitedForOnce) {
  make(3, {.failures = 2, .duration = 4min});
  Server& bad = server(1);
  fail(bad);
  fail(bad, 50, {.told = true, .reason = Reason::kUpstreamConnectTimeout});
  EXPECT_EQ(available(), "abc");
  EXPECT_EQ(state(1).failed_attempts.load(), 51u) << "each request had its attempt";
  fail(bad);
  EXPECT_EQ(available(), "ac");
}

TEST_F(EjectorTest, LeavesOneServerOutWhenAllWorkersFailAtOnce) {
  make(2);
  const auto work = [this] {
    net::Loop loop(clock_);
    net::Resolver resolver(loop);
    codec::H2Library library;
    const Resources resources{.loop = loop, .resolver = resolver, .h2_library = library, .states = states_};
    const auto upstream = *Upstream::make(resources, config_);
    for (int i = 0; i < 200; ++i) {
      Server* picked = upstream->pick({}, {});
      ASSERT_NE(picked, nullptr);
      upstream->note_failure(*picked, kRefused);
    }
  };
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) workers.emplace_back(work);
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(available().size(), 1u);
  EXPECT_EQ(log_.lines("server_ejected").size(), 1u);
}

TEST(SpeaksAgainstServer, KnowsWhoseFaultAFailureIs) {
  struct Row {
    FailedAttempt attempt;
    bool speaks;
  };
  const Row rows[] = {
      {{.reason = Reason::kUpstreamConnectRefused}, true},
      {{.reason = Reason::kUpstreamConnectTimeout}, true},
      {{.reason = Reason::kUpstreamConnectFailed}, true},
      {{.reason = Reason::kUpstreamConnectExhausted}, false},
      {{.reason = Reason::kUpstreamTlsFailed}, true},
      {{.reason = Reason::kUpstreamCertificateInvalid}, true},
      {{.reason = Reason::kUpstreamNameUnresolved}, true},
      {{.reason = Reason::kUpstreamClosed}, true},
      {{.reason = Reason::kUpstreamReset}, true},
      {{.reused = true, .reason = Reason::kUpstreamClosed}, false},
      {{.reused = true, .reason = Reason::kUpstreamReset}, false},
      {{.reused = true, .answered = true, .reason = Reason::kUpstreamReset}, true},
      {{.reused = true, .answered = true, .reason = Reason::kUpstreamTruncated}, true},
      {{.reused = true, .reason = Reason::kUpstreamHeaderTimeout}, true},
      {{.answered = true, .reason = Reason::kUpstreamReadTimeout}, true},
      {{.reason = Reason::kUpstreamSendTimeout}, true},
      {{.reason = Reason::kUpstreamTotalTimeout}, true},
      {{.reason = Reason::kUpstreamInvalidResponse}, true},
      {{.reason = Reason::kUpstreamRefusedStream}, false},
      {{.reason = Reason::kUpstreamQueueFull}, false},
      {{.reason = Reason::kUpstreamUnavailable}, false},
      {{.reason = Reason::kInternalError}, false},
      {{.reason = Reason::kWebsocketIdle}, false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(speaks_against_server(row.attempt), row.speaks)
        << http::reason_name(row.attempt.reason) << (row.attempt.reused ? " reused" : "")
        << (row.attempt.answered ? " answered" : "");
  }
}

}  // namespace
}  // namespace viaduct::upstream
