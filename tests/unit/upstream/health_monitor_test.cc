// SPDX-License-Identifier: Apache-2.0
#include "upstream/health_monitor.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "support/cert_sites.h"
#include "support/connect_outcome.h"
#include "support/scripted_server.h"
#include "support/tls_ends.h"
#include "support/wait_until.h"
#include "tls/cert_store.h"

namespace viaduct::upstream {
namespace {

using namespace std::chrono_literals;
using support::ScriptedServer;
using Health = ServerState::Health;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kDown = "HTTP/1.1 500 Down\r\nContent-Length: 0\r\n\r\n";

class HealthMonitorTest : public testing::Test {
 protected:
  HealthMonitorTest() {
    server_.answer_all(std::string(kOk));
    other_.answer_all(std::string(kOk));
  }
  config::Upstream checked(std::vector<config::Server> servers) {
    config::Upstream upstream = support::make_upstream(std::move(servers));
    upstream.health = config::Health{.path = "/health", .host = {}, .fall = 1};
    return upstream;
  }
  config::Upstream checked() { return checked({server_.config()}); }
  Health health(const config::Upstream& upstream, std::size_t index = 0) {
    return states_.find(upstream).server(upstream.servers[index])->health.load();
  }
  bool until_health(const config::Upstream& upstream, Health wanted, std::size_t index = 0) {
    return support::wait_until(loop_, [&] {
      pass(net::TimerWheel::kTick);
      return health(upstream, index) == wanted;
    });
  }
  void pass(base::Duration duration) { support::pass_time(loop_, clock_, duration); }

  support::ManualClock clock_;
  codec::H2Library h2_library_;
  net::Loop loop_{clock_};
  ScriptedServer server_{loop_};
  ScriptedServer other_{loop_};
  StateTable states_;
  net::Resolver resolver_{loop_};
  Resources resources_{.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = states_};
  std::optional<HealthMonitor> monitor_{std::in_place, resources_};
};

TEST_F(HealthMonitorTest, ChecksEveryServerOfTheUpstreamsThatAskForIt) {
  const support::RefusingPort refusing;
  config::Upstream one = checked({server_.config(), refusing.config()});
  config::Upstream unchecked = support::make_upstream({other_.config()});
  unchecked.name = "unchecked";
  monitor_->adopt({unchecked, one});
  until_health(one, Health::kHealthy, 0);
  until_health(one, Health::kUnhealthy, 1);
  pass(1min);
  EXPECT_EQ(health(unchecked), Health::kUnchecked);
  EXPECT_TRUE(other_.connections.empty());
}

TEST_F(HealthMonitorTest, GoesOnWithChecksThatDidNotChange) {
  const config::Upstream upstream = checked();
  monitor_->adopt({upstream});
  until_health(upstream, Health::kHealthy);
  for (int i = 0; i < 5; ++i) {
    monitor_->adopt({upstream});
    pass(100ms);
  }
  EXPECT_EQ(server_.answered(), 1);
  pass(5500ms + net::TimerWheel::kTick);
  support::wait_until(loop_, [this] { return server_.answered() == 2; });
}

TEST_F(HealthMonitorTest, BeginsAnewWithTheKnownStateWhereTheConfigHasChanged) {
  const config::Upstream before = checked();
  server_.answer_all(std::string(kDown));
  monitor_->adopt({before});
  until_health(before, Health::kUnhealthy);
  server_.answer_all(std::string(kOk));
  const std::function<void(config::Upstream&)> changes[] = {
      [](auto& u) { u.health->interval = 7s; },
      [](auto& u) { u.health->path = "/other"; },
      [](auto& u) { u.keepalive.idle = 1s; },
  };
  for (const auto& change : changes) {
    config::Upstream changed = before;
    change(changed);
    const int asked = server_.answered();
    monitor_->adopt({changed});
    EXPECT_EQ(health(changed), Health::kUnhealthy);
    support::wait_until(loop_, [&] {
      pass(net::TimerWheel::kTick);
      return server_.answered() > asked;
    });
    support::settle(loop_);
    EXPECT_EQ(health(changed), Health::kUnhealthy);  // rise: 2
  }
}

TEST_F(HealthMonitorTest, TakesServersForHealthyThatAreNotCheckedAnyMore) {
  config::Upstream upstream = checked();
  server_.answer_all(std::string(kDown));
  monitor_->adopt({upstream});
  until_health(upstream, Health::kUnhealthy);
  upstream.health.reset();
  monitor_->adopt({upstream});
  EXPECT_EQ(health(upstream), Health::kUnchecked);
  const int asked = server_.answered();
  pass(1min);
  EXPECT_EQ(server_.answered(), asked);
}

TEST_F(HealthMonitorTest, StopsChecksOfUpstreamsThatAreGone) {
  const config::Upstream upstream = checked();
  monitor_->adopt({upstream});
  until_health(upstream, Health::kHealthy);
  monitor_->adopt({});
  pass(1min);
  EXPECT_EQ(server_.answered(), 1);
}

TEST_F(HealthMonitorTest, LeavesItsOwnConnectionsOutOfTheCounts) {
  server_.on_bytes = nullptr;  // no answer: the probe stays under way
  const config::Upstream upstream = checked();
  monitor_->adopt({upstream});
  support::wait_until(loop_, [this] {
    pass(net::TimerWheel::kTick);
    return !server_.connections.empty() && !server_.last().received.empty();
  });
  EXPECT_EQ(states_.find(upstream).server(upstream.servers[0])->connections.load(), 0u);
  EXPECT_EQ(states_.find(upstream).server(upstream.servers[0])->requests.load(), 0u);
}

TEST_F(HealthMonitorTest, EndsInTheMiddleOfAProbe) {
  server_.on_bytes = nullptr;
  const config::Upstream upstream = checked();
  monitor_->adopt({upstream});
  support::wait_until(loop_, [this] {
    pass(net::TimerWheel::kTick);
    return !server_.connections.empty() && !server_.last().received.empty();
  });
  monitor_.reset();
  support::wait_until(loop_, [this] { return server_.last().is_ended || server_.last().is_reset; });
}

// ---- over TLS -------------------------------------------------------------------------------------------------------

class HealthMonitorTlsTest : public HealthMonitorTest {
 protected:
  // An upstream whose server shows a certificate for `host`, and where one for `expected` is asked for.
  config::Upstream tls_upstream(const std::string& host, const std::string& expected, const std::string& path) {
    const tls::PemPair pair = support::make_pair_for({host});
    sites_.add({host}, {pair}, true);
    store_.emplace(sites_.store());
    server_.on_socket = [this](os::Fd fd) {
      ends_.push_back(std::make_unique<support::TlsEnd>(loop_, std::move(fd), store_->new_session(tls::Alpn::kHttp1)));
      ends_.back()->start();
    };
    config::Server server = server_.config();
    server.tls = true;
    config::Upstream upstream = checked({server});
    upstream.tls.sni = expected;
    upstream.tls.ca = sites_.directory().write("ca.pem", pair.cert);
    upstream.health->path = path;
    return upstream;
  }

  support::CertSites sites_;
  std::optional<tls::CertStore> store_;
  std::vector<std::unique_ptr<support::TlsEnd>> ends_;
};

TEST_F(HealthMonitorTlsTest, ShakesHandsWhereThereIsNoPath) {
  const config::Upstream upstream = tls_upstream("app.test", "app.test", "");
  monitor_->adopt({upstream});
  until_health(upstream, Health::kHealthy);
}

TEST_F(HealthMonitorTlsTest, VerifiesTheCertificateAsRequestsDo) {
  const config::Upstream upstream = tls_upstream("app.test", "other.test", "");
  monitor_->adopt({upstream});
  until_health(upstream, Health::kUnhealthy);
}

TEST_F(HealthMonitorTlsTest, AsksOverTls) {
  const config::Upstream upstream = tls_upstream("app.test", "app.test", "/health");
  monitor_->adopt({upstream});
  support::wait_until(loop_, [this] {
    pass(net::TimerWheel::kTick);
    return !ends_.empty() && ends_.back()->received().ends_with("\r\n\r\n");
  });
  ends_.back()->send(kOk);
  until_health(upstream, Health::kHealthy);
}

TEST_F(HealthMonitorTlsTest, KeepsItsChecksWhereFilesCannotBeRead) {
  const config::Upstream upstream = checked();
  monitor_->adopt({upstream});
  until_health(upstream, Health::kHealthy);
  config::Upstream broken = tls_upstream("app.test", "app.test", "");
  broken.tls.ca = "/nonexistent/ca.pem";
  server_.on_socket = nullptr;
  monitor_->adopt({broken});
  pass(5500ms + net::TimerWheel::kTick);
  support::wait_until(loop_, [this] { return server_.answered() == 2; });
}

}  // namespace
}  // namespace viaduct::upstream
