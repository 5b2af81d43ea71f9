// SPDX-License-Identifier: Apache-2.0
// Several requests that wait for one connection.
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <optional>

#include "support/cert_sites.h"
#include "support/connect_outcome.h"
#include "support/recording_stream.h"
#include "support/scripted_server.h"
#include "support/tls_ends.h"
#include "support/wait_until.h"
#include "upstream/connector.h"
#include "upstream/server.h"

namespace viaduct::upstream {
namespace {

using namespace std::chrono_literals;
using http::Reason;

// Begins `requests` on the connection that it gets.
struct Asker final : ConnectHandler {
  explicit Asker(net::Loop& loop, int count = 1) : response(loop.chunks()), requests(count) {}

  support::RecordingResponseHandler response;
  int requests;
  ClientConnection* connection = nullptr;
  Reason reason = Reason::kNone;
  int events = 0;
  bool is_full = false;
  bool is_told = false;
  std::function<void()> on_event;

  void on_connection_full() override {
    ++events;
    is_full = true;
    if (on_event) on_event();
  }

  void on_connected(ClientConnection& connected, const ConnectTimes&) override {
    ++events;
    EXPECT_TRUE(connected.is_reusable());
    connection = &connected;
    for (int i = 0; i < requests && connected.is_reusable(); ++i) connected.begin(response, {});
    if (on_event) on_event();
  }
  void on_connect_failed(Reason why, const base::Error&, bool told) override {
    ++events;
    is_told = told;
    reason = why;
    if (on_event) on_event();
  }
};

class ConnectorWaitersTest : public testing::Test {
 protected:
  Server& serve(const config::Server& server, bool http2 = true) {
    config_ = support::make_upstream({server});
    config_.http2 = http2;
    return server_.emplace(resources_, config_, 0, nullptr);
  }
  // Lets `count` wait for one connection.
  Connector& start(std::size_t count, std::optional<base::Duration> timeout = std::nullopt, int requests = 1) {
    for (std::size_t i = 0; i < count; ++i) waiters_.emplace_back(loop_, requests);
    const std::size_t first = waiters_.size() - count;
    EXPECT_TRUE(server_->reserve());
    Connector& connector = *std::make_unique<Connector>(loop_, resolver_, *server_, waiters_[first]).release();
    for (std::size_t i = first + 1; i < waiters_.size(); ++i) connector.join(waiters_[i]);
    connector.start(timeout);
    return connector;
  }
  bool until_events(int count) {
    return support::wait_until(loop_, [&] {
      int events = 0;
      for (const Asker& waiter : waiters_) events += waiter.events;
      return events >= count;
    });
  }

  support::ManualClock clock_;
  codec::H2Library h2_library_;
  net::Loop loop_{clock_};
  net::Resolver resolver_{loop_};
  StateTable states_;
  Resources resources_{.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = states_};
  support::ScriptedServer listener_{loop_};
  config::Upstream config_;
  std::deque<Asker> waiters_;  // outlive the server, whose connections they have requests on
  std::optional<Server> server_;
};

TEST_F(ConnectorWaitersTest, ServesAllByOneConnection) {
  serve(listener_.config());
  start(Connector::kWaitersMax);
  ASSERT_TRUE(until_events(static_cast<int>(Connector::kWaitersMax)));
  for (const Asker& waiter : waiters_) {
    EXPECT_EQ(waiter.connection, waiters_[0].connection);
    EXPECT_FALSE(waiter.is_connecting());
  }
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(ConnectorWaitersTest, TellsTheOthersWhereTheConnectionCarriesOne) {
  serve(listener_.config(), false);
  start(3);
  ASSERT_TRUE(until_events(3));
  EXPECT_NE(waiters_[0].connection, nullptr) << "who came first";
  EXPECT_TRUE(waiters_[1].is_full && waiters_[2].is_full);
  EXPECT_EQ(server_->connections(), 1u);
  EXPECT_FALSE(server_->is_sharing());
}

TEST_F(ConnectorWaitersTest, TellsTheOthersWhereTheConnectionCarriesSome) {
  serve(listener_.config());
  start(5, std::nullopt, 50);  // 100 fit
  ASSERT_TRUE(until_events(5));
  EXPECT_EQ(server_->connections(), 1u);
  EXPECT_EQ(waiters_[0].connection, waiters_[1].connection);
  for (std::size_t i = 2; i < 5; ++i) EXPECT_TRUE(waiters_[i].is_full);
  EXPECT_TRUE(server_->is_sharing());
}

TEST_F(ConnectorWaitersTest, HasRoomForThoseWhoWaitAsLong) {
  const support::SilentPort port;
  serve(port.config());
  Connector& connector = start(Connector::kWaitersMax - 1, 2s);
  EXPECT_TRUE(connector.has_room(2s, loop_.now()));
  EXPECT_FALSE(connector.has_room(3s, loop_.now()));
  EXPECT_FALSE(connector.has_room(std::nullopt, loop_.now()));
  Asker last(loop_);
  connector.join(last);
  EXPECT_FALSE(connector.has_room(2s, loop_.now()));
  last.cancel_connect();
  EXPECT_TRUE(connector.has_room(2s, loop_.now()));
  EXPECT_TRUE(connector.has_room(2s, loop_.now() + 1s)) << "half of its time is left";
  EXPECT_FALSE(connector.has_room(2s, loop_.now() + 1001ms));
  for (Asker& waiter : waiters_) waiter.cancel_connect();
}

// ---- who leaves -----------------------------------------------------------------------------------------------------

TEST_F(ConnectorWaitersTest, GoesOnForTheOthersWhenOneLeaves) {
  for (const std::size_t leaver : {0U, 1U, 2U}) {
    waiters_.clear();
    serve(listener_.config());
    start(3);
    EXPECT_TRUE(waiters_[leaver].is_connecting());
    waiters_[leaver].cancel_connect();
    EXPECT_FALSE(waiters_[leaver].is_connecting());
    waiters_[leaver].cancel_connect();  // says nothing new
    ASSERT_TRUE(until_events(2));
    support::settle(loop_);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(waiters_[i].events, i == leaver ? 0 : 1);
    EXPECT_EQ(server_->connections(), 1u);
    server_.reset();
    support::settle(loop_);
  }
}

TEST_F(ConnectorWaitersTest, GivesUpWhenAllHaveLeft) {
  serve(listener_.config());
  server_->set_joinable(&start(3, 2s));
  for (Asker& waiter : waiters_) {
    EXPECT_NE(server_->joinable(), nullptr);
    waiter.cancel_connect();
  }
  EXPECT_EQ(server_->joinable(), nullptr);
  support::pass_time(loop_, clock_, 3s);
  for (const Asker& waiter : waiters_) EXPECT_EQ(waiter.events, 0);
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(ConnectorWaitersTest, LetsOthersLeaveInsideAnEvent) {
  const support::RefusingPort refusing;
  for (const bool is_refused : {false, true}) {
    for (const std::size_t stays : {1U, 2U, 3U}) {  // 3: none
      waiters_.clear();
      serve(is_refused ? refusing.config() : listener_.config());
      start(3, 2s);
      waiters_[0].on_event = [&] {
        for (std::size_t i = 1; i < 3; ++i) {
          if (i != stays) waiters_[i].cancel_connect();
        }
      };
      ASSERT_TRUE(until_events(stays == 3 ? 1 : 2));
      support::settle(loop_);
      EXPECT_EQ(waiters_[0].events, 1);
      for (std::size_t i = 1; i < 3; ++i) EXPECT_EQ(waiters_[i].events, i == stays ? 1 : 0);
      server_.reset();
      support::settle(loop_);
    }
  }
}

// The event of one ends the waiting of all others: the connector, which has counted its place out, has nothing to end.
TEST_F(ConnectorWaitersTest, CountsItsPlaceOutOnceWhenAllOthersLeaveInsideAnEvent) {
  const support::RefusingPort refusing;
  serve(refusing.config());
  start(3, 2s);
  EXPECT_EQ(server_->state().connections.load(), 1u);
  waiters_[0].on_event = [&] {
    waiters_[1].cancel_connect();
    waiters_[2].cancel_connect();
  };
  ASSERT_TRUE(until_events(1));
  support::settle(loop_);
  EXPECT_EQ(server_->state().connections.load(), 0u);
}

// ---- failures -------------------------------------------------------------------------------------------------------

TEST_F(ConnectorWaitersTest, TellsAllOfAFailure) {
  const support::RefusingPort port;
  serve(port.config());
  start(3, 2s);
  ASSERT_TRUE(until_events(3));
  for (const Asker& waiter : waiters_) EXPECT_EQ(waiter.reason, Reason::kUpstreamConnectRefused);
  EXPECT_FALSE(waiters_[0].is_told);
  EXPECT_TRUE(waiters_[1].is_told && waiters_[2].is_told) << "one failure of the server";
}

TEST_F(ConnectorWaitersTest, TellsAllThatTheirTimeIsUp) {
  const support::SilentPort port;
  serve(port.config());
  start(3, 2s);
  support::pass_time(loop_, clock_, 1990ms);
  for (const Asker& waiter : waiters_) EXPECT_EQ(waiter.events, 0);
  support::pass_time(loop_, clock_, 20ms);
  for (const Asker& waiter : waiters_) EXPECT_EQ(waiter.reason, Reason::kUpstreamConnectTimeout);
}

// ---- TLS ------------------------------------------------------------------------------------------------------------

// What a server speaks is known behind the handshake.
TEST_F(ConnectorWaitersTest, LearnsThatAServerOffersNoHttp2) {
  for (const tls::Alpn alpn : {tls::Alpn::kHttp1, tls::Alpn::kHttp2AndHttp1}) {
    support::CertSites sites;
    const tls::PemPair pair = support::make_pair_for({"app.test"});
    sites.add({"app.test"}, {pair}, true);
    const tls::CertStore store = sites.store();
    std::vector<std::unique_ptr<support::TlsEnd>> ends;
    listener_.on_socket = [&](os::Fd fd) {
      ends.push_back(std::make_unique<support::TlsEnd>(loop_, std::move(fd), store.new_session(alpn)));
      ends.back()->start();
    };
    config_ = support::make_upstream({listener_.config()});
    config_.http2 = true;
    config_.servers[0].tls = true;
    config_.tls.sni = "app.test";
    config_.tls.ca = sites.directory().write("ca.pem", pair.cert);
    auto context = tls::ClientContext::load(config_.tls);
    ASSERT_TRUE(context.has_value()) << context.error().message;
    waiters_.clear();
    server_.emplace(resources_, config_, 0, &*context);
    start(3, 2s);
    ASSERT_TRUE(until_events(3));
    EXPECT_EQ(server_->connections(), 1u);
    EXPECT_EQ(server_->is_sharing(), alpn != tls::Alpn::kHttp1);
    EXPECT_EQ(waiters_[2].is_full, alpn == tls::Alpn::kHttp1);
    server_.reset();
    support::settle(loop_);
  }
}

}  // namespace
}  // namespace viaduct::upstream
