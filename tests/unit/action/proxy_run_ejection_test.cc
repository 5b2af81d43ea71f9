// SPDX-License-Identifier: Apache-2.0
// What an attempt says about its server: which endings count against it, and that requests keep away from a server that
// was left out.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "action/proxy_run.h"
#include "support/forwarding.h"

namespace viaduct::action {
namespace {

using namespace std::chrono_literals;
using http::BodyKind;
using support::kOkResponse;
using support::RefusingPort;
using support::ScriptedConnection;
using support::ScriptedServer;

class ProxyEjectionTest : public support::ForwardingTest {
 protected:
  // A server that every request goes to while it is available, and a backup. Two failures are enough.
  void forward_with_backup(const config::Server& server) {
    spare_.answer_all(std::string(kOkResponse));
    forward_to({server, spare_.config()});
    config::Upstream& upstream = scene_.config.upstreams.back();
    upstream.servers[1].backup = true;
    upstream.eject = config::Eject{.failures = 2, .duration = 10s};
    route().retry.attempts = 1;
  }
  bool is_ejected() { return scene_.upstream().index_of(*scene_.upstream().pick({}, {})) == 1; }
  // Whether the server has got bytes on a connection behind the first `count`.
  bool has_come(std::ptrdiff_t count) {
    return std::ssize(server_.connections) > count && !server_.last().received.empty();
  }
  // Two requests that end as `answer` does it, a time that they wait before, and whether the server is left out then.
  template <typename Answer>
  bool is_ejected_after(Answer answer, base::Duration waited = 0s) {
    forward_with_backup(server_.config());
    server_.on_bytes = answer;
    for (int i = 0; i < 2; ++i) {
      Call& call = scene_.call({});
      scene_.run_until([&] { return has_come(i) || call.response.is_complete; });
      if (waited > 0s) scene_.pass(waited);
      wait_answer(call);
      scene_.turn();
      EXPECT_TRUE(i == 1 || !is_ejected());
    }
    return is_ejected();
  }

  ScriptedServer server_{scene_.loop};
  ScriptedServer spare_{scene_.loop};
};

TEST_F(ProxyEjectionTest, KeepsAwayFromAServerThatRefusesConnections) {
  const RefusingPort refusing;
  forward_with_backup(refusing.config());
  EXPECT_EQ(ask({}).response.status, 502);
  EXPECT_EQ(ask({}).response.status, 502);
  EXPECT_EQ(ask({}).response.status, 200);
  EXPECT_EQ(last_line(), "200 - 1");
  scene_.pass(10s);
  EXPECT_EQ(ask({}).response.status, 502);  // it is asked again, and fails again
  EXPECT_EQ(ask({}).response.status, 200);
}

TEST_F(ProxyEjectionTest, CountsAServerThatDoesNotConnectInTime) {
  const support::SilentPort silent;
  forward_with_backup(silent.config());
  for (int i = 0; i < 2; ++i) {
    Call& call = scene_.call({});
    scene_.pass(2010ms);
    EXPECT_EQ(call.response.status, 504);
  }
  EXPECT_TRUE(is_ejected());
}

TEST_F(ProxyEjectionTest, CountsAConnectionThatClosesBeforeAnAnswer) {
  EXPECT_TRUE(is_ejected_after([](ScriptedConnection& connection) { connection.close(); }));
}

TEST_F(ProxyEjectionTest, CountsAnAnswerThatBreaksOff) {
  EXPECT_TRUE(is_ejected_after([](ScriptedConnection& connection) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    connection.close();
  }));
}

TEST_F(ProxyEjectionTest, CountsGarbage) {
  EXPECT_TRUE(is_ejected_after([](ScriptedConnection& connection) { connection.send("SSH-2.0-OpenSSH_9.2\r\n"); }));
}

TEST_F(ProxyEjectionTest, CountsAnAnswerThatDoesNotComeInTime) {
  EXPECT_TRUE(is_ejected_after([](ScriptedConnection&) {}, 4100ms));
}

TEST_F(ProxyEjectionTest, CountsAnAnswerThatTheTotalLimitDidNotWaitFor) {
  forward_with_backup(server_.config());
  route().timeouts.total = 1s;
  for (int i = 0; i < 2; ++i) {
    Call& call = scene_.call({});
    scene_.run_until([&] { return has_come(i); });
    scene_.pass(1100ms);
    EXPECT_EQ(call.response.status, 504);
  }
  EXPECT_TRUE(is_ejected());
}

TEST_F(ProxyEjectionTest, DoesNotBlameTheServerForAClientThatIsSlow) {
  forward_with_backup(server_.config());
  route().timeouts.total = 1s;
  for (int i = 0; i < 3; ++i) {
    Call& call = scene_.call({.method = "POST", .body = {BodyKind::kSized, 200'000}});
    scene_.run_until([&] { return has_come(i); });
    call.send_body("a part", false);
    scene_.turn();
    scene_.pass(1100ms);
    EXPECT_TRUE(call.response.is_complete);
  }
  EXPECT_FALSE(is_ejected());
}

TEST_F(ProxyEjectionTest, TakesErrorsOfTheServerForAnswers) {
  EXPECT_FALSE(is_ejected_after([](ScriptedConnection& connection) {
    while (connection.take_request()) {
      connection.send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
  }));
}

TEST_F(ProxyEjectionTest, DoesNotCountKeptConnectionsThatHaveEnded) {
  forward_with_backup(server_.config());
  for (int i = 0; i < 3; ++i) {
    warm_up(server_);
    Call& call = scene_.call({.method = "POST"});
    ASSERT_TRUE(until_received(server_, "\r\n\r\n"));
    server_.last().close();
    wait_answer(call);
    EXPECT_EQ(call.response.status, 502);
    scene_.turn();
  }
  EXPECT_FALSE(is_ejected());
}

TEST_F(ProxyEjectionTest, ForgetsFailuresWhenAnAnswerIsWhole) {
  forward_with_backup(server_.config());
  for (int i = 0; i < 3; ++i) {
    server_.on_bytes = [](ScriptedConnection& connection) { connection.close(); };
    EXPECT_EQ(ask({}).response.status, 502);
    scene_.turn();
    server_.on_bytes = [](ScriptedConnection& connection) {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    EXPECT_EQ(ask({}).response.status, 200);
    scene_.turn();
  }
  EXPECT_FALSE(is_ejected());
}

TEST_F(ProxyEjectionTest, SendsTheSameClientToTheSameServer) {
  ScriptedServer others[2] = {ScriptedServer(scene_.loop), ScriptedServer(scene_.loop)};
  for (ScriptedServer& other : others) other.answer_all(std::string(kOkResponse));
  server_.answer_all(std::string(kOkResponse));
  forward_to({server_.config(), others[0].config(), others[1].config()});
  scene_.config.upstreams.back().balance.kind = config::BalanceKind::kHashPath;
  for (int i = 0; i < 9; ++i) EXPECT_EQ(ask({.target = "/one"}).response.status, 200);
  const std::array counts = {server_.answered(), others[0].answered(), others[1].answered()};
  EXPECT_EQ(*std::ranges::max_element(counts), 9);
}

}  // namespace
}  // namespace viaduct::action
