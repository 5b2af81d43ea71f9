// SPDX-License-Identifier: Apache-2.0
// Whose the places are among the connections of a server that is full: those of two workers, each with its own room.
#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "support/connect_outcome.h"
#include "support/recording_stream.h"
#include "support/scripted_server.h"
#include "support/wait_until.h"
#include "upstream/server.h"

namespace viaduct::upstream {
namespace {

using namespace std::chrono_literals;

// Waits without end.
class Patient final : public Waiter {
 public:
  bool on_turn_to_connect() override { return false; }
};

class Giver final : public PlaceGiver {
 public:
  void give_place() override {}
};

class ServerPlacesTest : public testing::Test {
 protected:
  ServerPlacesTest() { config_.http2 = true; }
  ~ServerPlacesTest() override {
    for (Patient& waiter : waiters_) {
      room_.leave(waiter);
      other_room_.leave(waiter);
    }
  }
  void serve(std::uint32_t places, bool http2 = true) {
    config_.max_connections = places;
    config_.http2 = http2;
    server_ = std::make_unique<Server>(resources_, config_, 0, nullptr);
    server_->set_waiting_room(&room_);
  }
  // A connection that has served for as long as it may without giving way.
  ClientConnection& connect() {
    support::ConnectOutcome outcome;
    EXPECT_TRUE(server_->reserve());
    std::make_unique<Connector>(loop_, resolver_, *server_, outcome).release()->start(std::nullopt);
    support::wait_until(loop_, [&] { return outcome.events > 0; });
    return *outcome.connection;
  }
  http::ClientStream& begin(ClientConnection& connection) { return connection.begin(handler_, {}); }
  void pass(base::Duration duration) { support::pass_time(loop_, clock_, duration); }

  support::ManualClock clock_;
  codec::H2Library h2_library_;
  net::Loop loop_{clock_};
  net::Resolver resolver_{loop_};
  StateTable states_;
  Resources resources_{.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = states_};
  support::ScriptedServer listener_{loop_};
  config::Upstream config_ = support::make_upstream({listener_.config()});
  Giver giver_;
  UpstreamState& state_ = states_.find(config_);
  WaitingRoom room_{loop_, state_, giver_, 100};
  WaitingRoom other_room_{loop_, state_, giver_, 100};
  std::array<Patient, 3> waiters_;
  support::RecordingResponseHandler handler_{loop_.chunks()};
  std::unique_ptr<Server> server_;
};

TEST_F(ServerPlacesTest, KeepsItsConnectionsWhileNobodyElseWaits) {
  serve(1);
  ClientConnection& connection = connect();
  begin(connection);
  pass(1s);
  EXPECT_FALSE(server_->give_place());
  EXPECT_EQ(server_->take(), &connection);
}

TEST_F(ServerPlacesTest, GivesASharedConnectionUpWhenItsRequestsEndSoon) {
  serve(1);
  ClientConnection& connection = connect();
  http::ClientStream& stream = begin(connection);
  ASSERT_TRUE(other_room_.enter(waiters_[0]));
  EXPECT_FALSE(server_->give_place()) << "it has hardly served";
  pass(20ms);
  EXPECT_TRUE(server_->give_place());
  EXPECT_EQ(server_->take(), nullptr);
  stream.reset();
  support::settle(loop_);
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_FALSE(server_->reserve()) << "the place is for the one who waits";
  pass(WaitingRoom::kPollInterval);
  EXPECT_TRUE(server_->reserve()) << "who has not come for it";
  server_->release();
}

TEST_F(ServerPlacesTest, TakesASharedConnectionBackWhoseRequestsLast) {
  serve(1);
  ClientConnection& connection = connect();
  begin(connection);
  ASSERT_TRUE(other_room_.enter(waiters_[0]));
  pass(20ms);
  for (const base::Duration given_up : {50ms, 100ms, 200ms, 200ms}) {
    ASSERT_TRUE(server_->give_place());
    pass(given_up - 1ms);
    EXPECT_EQ(server_->take(), nullptr);
    pass(1ms);
    EXPECT_EQ(server_->take(), &connection);
    EXPECT_TRUE(connection.is_reusable());
    pass(999ms);
    EXPECT_FALSE(server_->give_place()) << "not again and again";
    pass(1ms);
  }
}

TEST_F(ServerPlacesTest, TakesItBackAtOnceWhereARequestWouldBeRefused) {
  serve(1);
  ClientConnection& connection = connect();
  begin(connection);
  ASSERT_TRUE(other_room_.enter(waiters_[0]));
  pass(20ms);
  EXPECT_FALSE(server_->reclaim()) << "nothing is being given up";
  ASSERT_TRUE(server_->give_place());
  EXPECT_TRUE(server_->reclaim());
  EXPECT_EQ(server_->take(), &connection);
}

TEST_F(ServerPlacesTest, GivesOneUpAtATimeThatHasTheFewestRequests) {
  serve(3);
  std::array<ClientConnection*, 3> connections{};
  for (ClientConnection*& connection : connections) connection = &connect();
  for (const std::size_t asked : {0U, 0U, 0U, 1U, 2U, 2U}) begin(*connections[asked]);
  ASSERT_TRUE(other_room_.enter(waiters_[0]));
  pass(20ms);
  EXPECT_TRUE(server_->give_place());
  EXPECT_FALSE(connections[1]->is_reusable());
  EXPECT_FALSE(server_->give_place());
  EXPECT_TRUE(connections[0]->is_reusable() && connections[2]->is_reusable());
  pass(1h);
  EXPECT_NE(server_->take(), connections[1]) << "there is room elsewhere";
}

TEST_F(ServerPlacesTest, GivesAnIdleConnectionBeforeASharedOne) {
  serve(2);
  ClientConnection& shared = connect();
  begin(shared);
  server_->give_back(connect());
  ASSERT_TRUE(other_room_.enter(waiters_[0]));
  EXPECT_TRUE(server_->give_place());
  EXPECT_EQ(server_->connections(), 1u);
  EXPECT_TRUE(shared.is_reusable());
}

// Each change of hands is a connection that is made.
TEST_F(ServerPlacesTest, ServesThoseWhoWaitHereForAWhileBeforeAPlaceGoesToOthers) {
  serve(1, false);
  ClientConnection& connection = connect();
  ASSERT_TRUE(room_.enter(waiters_[0]));
  ASSERT_TRUE(other_room_.enter(waiters_[1]));
  ASSERT_TRUE(other_room_.enter(waiters_[2]));
  server_->give_back(connection);
  EXPECT_EQ(server_->take(), &connection);
  pass(20ms);
  server_->give_back(connection);
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(ServerPlacesTest, GivesAPlaceToOthersAtOnceWhereNobodyWaitsHere) {
  serve(1, false);
  ClientConnection& connection = connect();
  ASSERT_TRUE(other_room_.enter(waiters_[0]));
  server_->give_back(connection);
  EXPECT_EQ(server_->connections(), 0u);
}

// ---- servers that are gone ------------------------------------------------------------------------------------------

TEST_F(ServerPlacesTest, ClosesWhatRestsWhereNothingWasHeardSince) {
  for (const bool is_heard : {true, false}) {
    serve(3, false);
    server_->give_back(connect());
    server_->give_back(connect());
    const base::MonoTime since = loop_.now();
    if (is_heard) server_->note_heard(since + 1ms);
    server_->doubt_idle(since);
    EXPECT_EQ(server_->connections(), is_heard ? 2u : 0u);
    server_.reset();
    support::settle(loop_);
  }
}

}  // namespace
}  // namespace viaduct::upstream
