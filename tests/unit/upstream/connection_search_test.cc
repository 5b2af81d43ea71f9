// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection_search.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "support/connect_outcome.h"
#include "support/manual_clock.h"
#include "support/recording_stream.h"
#include "support/scripted_server.h"
#include "support/wait_until.h"

namespace viaduct::upstream {
namespace {

using namespace std::chrono_literals;
using http::Reason;

// One request that looks for a connection, and holds the one that it found.
class Request final : private SearchHandler {
 public:
  Request(net::Loop& loop, Upstream& upstream) : loop_(loop), handler_(loop.chunks()), search(loop, upstream, *this) {}
  ~Request() {
    if (stream_ != nullptr) stream_->reset();
  }

  std::string events;
  Server* server = nullptr;
  bool is_reused = false;

  // Ends the request without an answer, so that its connection goes.
  void end() {
    if (stream_ != nullptr) std::exchange(stream_, nullptr)->reset();
  }
  bool is_found() const { return stream_ != nullptr; }

 private:
  void on_found(Server& found, ClientConnection& connection, const ConnectTimes&, bool reused) override {
    events += "found ";
    server = &found;
    is_reused = reused;
    stream_ = &connection.begin(handler_, {});
    http::RequestHead head(handler_.arena());
    head.method = http::Method::kGet;
    head.method_text = "GET";
    head.target = "/";
    head.fields.add(http::FieldName::kHost, "app.test");
    stream_->send_head(head, true);
  }
  void on_server_failed(Server&, const ServerFailure& failure) override {
    if (failure.is_told) events += "told ";
    events += std::string(failure.is_repeated ? "again " : "") + std::string(http::reason_name(failure.reason)) + " ";
  }
  void on_search_failed(Reason reason) override { events += "failed " + std::string(http::reason_name(reason)); }

  net::Loop& loop_;
  support::RecordingResponseHandler handler_;
  http::ClientStream* stream_ = nullptr;

 public:
  ConnectionSearch search;
};

class ConnectionSearchTest : public testing::Test {
 protected:
  void serve(config::Upstream config) {
    auto made = Upstream::make(resources_, config);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    upstream_ = std::move(*made);
  }
  std::unique_ptr<Request> request(const ConnectionSearch::Limits& limits = {.connect = 2s, .attempts = 2}) {
    auto made = std::make_unique<Request>(loop_, *upstream_);
    made->search.start(limits, {});
    return made;
  }
  bool until_found(const Request& request) {
    return support::wait_until(loop_, [&request] { return request.is_found(); });
  }
  void pass(base::Duration duration) { support::pass_time(loop_, clock_, duration); }

  support::ManualClock clock_;
  codec::H2Library h2_library_;
  net::Loop loop_{clock_};
  net::Resolver resolver_{loop_};
  StateTable states_;
  Resources resources_{.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = states_};
  support::ScriptedServer server_{loop_};
  support::RefusingPort refusing_;
  std::unique_ptr<Upstream> upstream_;
};

TEST_F(ConnectionSearchTest, GoesToTheNextServerWhenOneRefuses) {
  serve(support::make_upstream({refusing_.config(), server_.config()}));
  const auto one = request();
  ASSERT_TRUE(until_found(*one));
  EXPECT_EQ(one->events, "upstream_connect_refused found ");
  EXPECT_FALSE(one->is_reused);
}

TEST_F(ConnectionSearchTest, TriesAsManyServersAsItMay) {
  serve(support::make_upstream({refusing_.config(), server_.config()}));
  const auto one = request({.connect = 2s, .attempts = 1});
  ASSERT_TRUE(support::wait_until(loop_, [&] { return one->events.contains("failed"); }));
  EXPECT_EQ(one->events, "upstream_connect_refused failed upstream_connect_refused");
}

TEST_F(ConnectionSearchTest, TriesAllServersWhereNobodySaysHowMany) {
  support::RefusingPort other;
  support::RefusingPort third;
  serve(support::make_upstream({refusing_.config(), other.config(), third.config(), server_.config()}));
  const auto one = request({.connect = 2s, .attempts = std::nullopt});
  ASSERT_TRUE(until_found(*one));
  EXPECT_EQ(one->events, "upstream_connect_refused upstream_connect_refused upstream_connect_refused found ");
}

// The one that failed is counted out behind this call alone.
TEST_F(ConnectionSearchTest, WaitsForTheOnlyPlaceOfTheConnectionThatFailed) {
  config::Upstream config = support::make_upstream({server_.config()});
  config.max_connections = 1;
  serve(config);
  const auto one = request();
  ASSERT_TRUE(until_found(*one));
  one->search.start_fresh(*one->server);
  EXPECT_EQ(states_.find(config).waiting.load(), 1u);
  one->end();
  ASSERT_TRUE(until_found(*one));
  EXPECT_EQ(one->events, "found found ");
  EXPECT_FALSE(one->is_reused);
}

TEST_F(ConnectionSearchTest, TakesThePlaceOfAnIdleConnectionForAFreshOne) {
  config::Upstream config = support::make_upstream({server_.config()});
  config.max_connections = 2;
  serve(config);
  const auto one = request();
  ASSERT_TRUE(until_found(*one));
  support::ConnectOutcome outcome;
  Server& server = *one->server;
  ASSERT_TRUE(upstream_->connect(server, outcome, std::nullopt));
  ASSERT_TRUE(support::wait_until(loop_, [&] { return outcome.connection != nullptr; }));
  server.give_back(*outcome.connection);
  one->search.start_fresh(server);
  one->end();
  ASSERT_TRUE(until_found(*one));
  EXPECT_FALSE(one->is_reused) << "what was kept may be as dead as the one before";
  EXPECT_EQ(server_.connections.size(), 3u);
}

TEST_F(ConnectionSearchTest, GivesIdleConnectionsUpForRequestsOfOtherWorkers) {
  config::Upstream config = support::make_upstream({server_.config()});
  config.max_connections = 1;
  serve(config);
  auto made = Upstream::make(resources_, config);  // another worker's
  ASSERT_TRUE(made.has_value());
  support::ConnectOutcome outcome;
  Server& kept_at = (*made)->server(0);
  ASSERT_TRUE((*made)->connect(kept_at, outcome, std::nullopt));
  ASSERT_TRUE(support::wait_until(loop_, [&] { return outcome.connection != nullptr; }));
  kept_at.give_back(*outcome.connection);
  EXPECT_EQ(kept_at.connections(), 1u);
  const auto one = request();
  ASSERT_TRUE(support::wait_until(loop_, [&] {
    clock_.advance(WaitingRoom::kPollInterval);
    return one->is_found();
  }));
  EXPECT_EQ(kept_at.connections(), 0u);
  EXPECT_EQ(states_.find(config).server(config.servers[0])->connections.load(), 1u);
}

TEST_F(ConnectionSearchTest, FailsAtOnceWhereNoServerIsHealthy) {
  serve(support::make_upstream({server_.config()}));
  states_.find(upstream_->config()).server(upstream_->config().servers[0])->health = ServerState::Health::kUnhealthy;
  EXPECT_EQ(request()->events, "failed upstream_unavailable");
}

TEST_F(ConnectionSearchTest, LetsRequestsWaitInTheirOrderBeyondTheConnectionsOfAServer) {
  config::Upstream config = support::make_upstream({server_.config()});
  config.max_connections = 1;
  serve(config);
  const auto first = request();
  const auto second = request();
  const auto third = request();
  ASSERT_TRUE(until_found(*first));
  EXPECT_EQ(second->events, "");
  EXPECT_EQ(states_.find(config).waiting.load(), 2u);
  first->end();
  ASSERT_TRUE(until_found(*second));
  EXPECT_EQ(third->events, "");
  second->end();
  ASSERT_TRUE(until_found(*third));
  EXPECT_EQ(server_.connections.size(), 3u);
  EXPECT_EQ(states_.find(config).waiting.load(), 0u);
  EXPECT_EQ(states_.find(config).server(config.servers[0])->connections.load(), 1u);
}

TEST_F(ConnectionSearchTest, GoesToAServerThatHasRoomWhereTheChosenOneIsFull) {
  support::ScriptedServer other{loop_};
  config::Upstream config = support::make_upstream({server_.config(), other.config()});
  config.servers[0].weight = 100;
  config.max_connections = 1;
  serve(config);
  const auto first = request();
  ASSERT_TRUE(until_found(*first));
  EXPECT_EQ(first->search.choice(), Choice::kRoundRobin);
  const auto second = request();
  ASSERT_TRUE(until_found(*second));
  EXPECT_NE(second->server, first->server);
  EXPECT_EQ(second->search.choice(), Choice::kLastLeft);
  const auto third = request();
  EXPECT_EQ(states_.find(config).waiting.load(), 1u);
  second->end();
  ASSERT_TRUE(until_found(*third));
}

TEST_F(ConnectionSearchTest, LetsNobodyPassThoseWhoWait) {
  config::Upstream config = support::make_upstream({server_.config()});
  config.max_connections = 1;
  serve(config);
  const auto first = request();
  ASSERT_TRUE(until_found(*first));
  const auto second = request();
  first->end();
  const auto late = request();  // before the one who waits has had its turn
  ASSERT_TRUE(until_found(*second));
  EXPECT_EQ(late->events, "");
}

TEST_F(ConnectionSearchTest, RefusesWhatDoesNotFitIntoTheWaitingRoom) {
  config::Upstream config = support::make_upstream({server_.config()});
  config.max_connections = 1;
  config.max_waiting = 1;
  serve(config);
  const auto first = request();
  const auto second = request();
  EXPECT_EQ(request()->events, "failed upstream_queue_full");
  EXPECT_EQ(second->events, "");
}

TEST_F(ConnectionSearchTest, WaitsForAPlaceAsLongAsForAConnection) {
  config::Upstream config = support::make_upstream({server_.config()});
  config.max_connections = 1;
  serve(config);
  const auto first = request();
  ASSERT_TRUE(until_found(*first));
  const auto second = request({.connect = 500ms, .attempts = 1});
  pass(490ms);
  EXPECT_EQ(second->events, "");
  pass(20ms);
  EXPECT_EQ(second->events, "failed upstream_queue_timeout");
}

TEST_F(ConnectionSearchTest, HoldsARequestUntilAServerIsHealthy) {
  config::Upstream config = support::make_upstream({server_.config()});
  config.hold = 4s;
  serve(config);
  ServerState& state = *states_.find(config).server(config.servers[0]);
  state.health = ServerState::Health::kUnhealthy;
  const auto one = request();
  pass(3s);
  EXPECT_EQ(one->events, "");
  state.health = ServerState::Health::kHealthy;
  pass(ConnectionSearch::kHoldPauseMax);
  EXPECT_TRUE(until_found(*one));
}

TEST_F(ConnectionSearchTest, HoldsARequestUntilARefusingServerIsThere) {
  config::Upstream config = support::make_upstream({refusing_.config()});
  config.hold = 1s;
  serve(config);
  const auto one = request();
  for (int i = 0; i < 20; ++i) pass(60ms);
  ASSERT_TRUE(support::wait_until(loop_, [&] { return one->events.contains("failed"); }));
  EXPECT_TRUE(one->events.starts_with("upstream_connect_refused again upstream_connect_refused again ")) << one->events;
  EXPECT_TRUE(one->events.ends_with("failed upstream_unavailable")) << one->events;
}

TEST_F(ConnectionSearchTest, HoldsRequestsWhileTheOperatorWantsIt) {
  const config::Upstream config = support::make_upstream({server_.config()});
  serve(config);
  UpstreamState& state = states_.find(config);
  state.held_until = (loop_.now() + 10s).time_since_epoch().count();
  const auto one = request();
  pass(9s);
  EXPECT_EQ(one->events, "");
  state.held_until = 0;
  pass(ConnectionSearch::kHoldPauseMax);
  EXPECT_TRUE(until_found(*one));
  state.held_until = (loop_.now() + 1s).time_since_epoch().count();
  const auto other = request();
  pass(900ms);
  EXPECT_EQ(other->events, "");
  pass(ConnectionSearch::kHoldPauseMax);
  EXPECT_TRUE(until_found(*other)) << "nobody holds for ever";
}

TEST_F(ConnectionSearchTest, WaitsNoLongerThanTheConfigSaysOnceTheOperatorLetsGo) {
  config::Upstream config = support::make_upstream({refusing_.config()});
  config.hold = 300ms;
  serve(config);
  UpstreamState& state = states_.find(config);
  state.held_until = (loop_.now() + 10s).time_since_epoch().count();
  const auto one = request();
  pass(1s);
  EXPECT_EQ(one->events, "");
  state.held_until = 0;
  for (int i = 0; i < 20; ++i) pass(60ms);
  ASSERT_TRUE(support::wait_until(loop_, [&] { return one->events.contains("failed"); })) << one->events;
  EXPECT_TRUE(one->events.ends_with("failed upstream_unavailable")) << one->events;
}

TEST_F(ConnectionSearchTest, IsLetGoTogetherWithRequestsBehindAReload) {
  config::Upstream config = support::make_upstream({server_.config()});
  serve(config);
  states_.find(config).held_until = (loop_.now() + 10s).time_since_epoch().count();
  const auto one = request();
  pass(1s);
  config.servers.push_back(refusing_.config());
  states_.find(config).held_until = 0;  // as an order behind the reload
  pass(ConnectionSearch::kHoldPauseMax);
  EXPECT_TRUE(until_found(*one)) << one->events;
}

TEST_F(ConnectionSearchTest, SaysNothingMoreOnceItIsCancelled) {
  config::Upstream config = support::make_upstream({server_.config()});
  config.max_connections = 1;
  config.hold = 4s;
  serve(config);
  const auto first = request();
  const auto waiting = request();
  waiting->search.cancel();
  EXPECT_EQ(states_.find(config).waiting.load(), 0u);
  first->search.cancel();
  support::settle(loop_);
  EXPECT_EQ(first->events + waiting->events, "");
  EXPECT_EQ(states_.find(config).server(config.servers[0])->connections.load(), 0u);
}

}  // namespace
}  // namespace viaduct::upstream
