// SPDX-License-Identifier: Apache-2.0
#include "upstream/server.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/connect_outcome.h"
#include "support/recording_stream.h"
#include "support/scripted_server.h"
#include "support/wait_until.h"

namespace viaduct::upstream {
namespace {

TEST(ServerNames, AreWhatTheLogShowsAndWhatHostSays) {
  struct Row {
    std::string_view host;
    std::uint16_t port;
    bool tls;
    bool is_unix;
    std::string_view name;
    std::string_view authority;
  };
  const tls::ClientContext* some_context = nullptr;
  support::ManualClock clock;
  codec::H2Library h2_library;
  net::Loop loop(clock);
  net::Resolver resolver(loop);
  StateTable states;
  const Resources resources{.loop = loop, .resolver = resolver, .h2_library = h2_library, .states = states};
  const std::initializer_list<Row> rows = {
      {"10.0.0.6", 8000, false, false, "10.0.0.6:8000", "10.0.0.6:8000"},
      {"10.0.0.6", 80, false, false, "10.0.0.6:80", "10.0.0.6"},
      {"10.0.0.6", 443, false, false, "10.0.0.6:443", "10.0.0.6:443"},
      {"www.app.test", 443, true, false, "www.app.test:443", "www.app.test"},
      {"www.app.test", 80, true, false, "www.app.test:80", "www.app.test:80"},
      {"2001:db8::1", 80, false, false, "[2001:db8::1]:80", "[2001:db8::1]"},
      {"2001:db8::1", 8080, false, false, "[2001:db8::1]:8080", "[2001:db8::1]:8080"},
      {"/run/app.sock", 80, false, true, "unix:/run/app.sock", "localhost"},
  };
  for (const Row& row : rows) {
    config::Server config;
    config.host = row.host;
    config.port = row.port;
    config.tls = row.tls;
    config.is_unix = row.is_unix;
    const config::Upstream upstream = support::make_upstream({config});
    const Server server(resources, upstream, 0, some_context);
    EXPECT_EQ(server.name(), row.name);
    EXPECT_EQ(server.authority(), row.authority);
  }
}

class ServerTest : public testing::Test {
 protected:
  ClientConnection& connect() {
    support::ConnectOutcome outcome;
    EXPECT_TRUE(server_->reserve());
    std::make_unique<Connector>(loop_, resolver_, *server_, outcome).release()->start(std::nullopt);
    support::wait_until(loop_, [&] { return outcome.events > 0; });
    return *outcome.connection;
  }
  std::vector<ClientConnection*> connect(int count) {
    std::vector<ClientConnection*> connections;
    for (int i = 0; i < count; ++i) connections.push_back(&connect());
    return connections;
  }

  support::ManualClock clock_;
  codec::H2Library h2_library_;
  net::Loop loop_{clock_};
  net::Resolver resolver_{loop_};
  StateTable states_;
  Resources resources_{.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = states_};
  support::ScriptedServer listener_{loop_};
  config::Upstream config_ = support::make_upstream({listener_.config()});
  std::unique_ptr<Server> server_ = std::make_unique<Server>(resources_, config_, 0, nullptr);
};

TEST_F(ServerTest, TakesTheConnectionThatWasUsedLast) {
  const auto connections = connect(3);
  EXPECT_EQ(server_->take_idle(), nullptr);
  for (ClientConnection* connection : connections) server_->give_back(*connection);
  EXPECT_TRUE(connections[0]->is_pooled());
  EXPECT_EQ(server_->take_idle(), connections[2]);
  EXPECT_EQ(server_->take_idle(), connections[1]);
  server_->give_back(*connections[2]);
  EXPECT_EQ(server_->take_idle(), connections[2]);
  EXPECT_EQ(server_->take_idle(), connections[0]);
  EXPECT_EQ(server_->take_idle(), nullptr);
  EXPECT_FALSE(connections[0]->is_pooled());
  EXPECT_EQ(server_->connections(), 3u);
}

TEST_F(ServerTest, KeepsAsManyAsTheConfigSaysAndClosesTheOneThatRestsLongest) {
  config_.keepalive.max_idle = 2;
  const auto connections = connect(3);
  server_->give_back(*connections[0]);
  server_->give_back(*connections[1]);
  EXPECT_EQ(server_->connections(), 3u);
  server_->give_back(*connections[2]);
  EXPECT_EQ(server_->connections(), 2u);
  EXPECT_EQ(server_->take_idle(), connections[2]);
  EXPECT_EQ(server_->take_idle(), connections[1]);
  EXPECT_EQ(server_->take_idle(), nullptr);
}

TEST_F(ServerTest, KeepsNoneWhereTheConfigSaysSo) {
  config_.keepalive.max_idle = 0;
  server_->give_back(connect());
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_EQ(server_->take_idle(), nullptr);
}

TEST_F(ServerTest, ClosesWhatIsIdleAndWhatBecomesIdleOnceItsPoolIsRetired) {
  const auto connections = connect(2);
  server_->give_back(*connections[0]);
  server_->retire_pool();
  EXPECT_EQ(server_->connections(), 1u);
  server_->give_back(*connections[1]);
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(ServerTest, ForgetsAConnectionThatClosesInItsPool) {
  config_.keepalive.max_idle = 1;
  const auto connections = connect(2);
  server_->give_back(*connections[0]);
  connections[0]->close();
  EXPECT_EQ(server_->take_idle(), nullptr);
  server_->give_back(*connections[1]);  // there is room again
  EXPECT_EQ(server_->take_idle(), connections[1]);
}

TEST_F(ServerTest, ClosesAllConnectionsWhenItGoes) {
  const auto connections = connect(3);
  server_->give_back(*connections[0]);
  support::wait_until(loop_, [this] { return listener_.connections.size() == 3; });
  server_.reset();
  support::wait_until(loop_, [this] {
    return std::ranges::all_of(listener_.connections, [](const auto& each) { return each->is_ended; });
  });
}

// ---- connections that requests share --------------------------------------------------------------------------------

class ServerSharedTest : public ServerTest {
 protected:
  ServerSharedTest() {
    config_.http2 = true;
    server_ = std::make_unique<Server>(resources_, config_, 0, nullptr);
  }
  // Begins a request, which has no answer as long as nobody turns the loop.
  http::ClientStream& begin(ClientConnection& connection) { return connection.begin(handler_, {}); }

  support::RecordingResponseHandler handler_{loop_.chunks()};
};

TEST_F(ServerSharedTest, TakesAConnectionWithRequestsBeforeAnIdleOne) {
  const auto connections = connect(2);
  server_->give_back(*connections[0]);
  begin(*connections[1]);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(server_->take(), connections[1]);
    begin(*connections[1]);
  }
  EXPECT_TRUE(connections[0]->is_pooled());
  EXPECT_EQ(server_->take_idle(), connections[0]);
}

TEST_F(ServerSharedTest, TakesAnIdleConnectionOutOfThePoolToShareIt) {
  ClientConnection& connection = connect();
  server_->give_back(connection);
  ASSERT_EQ(server_->take(), &connection);
  EXPECT_FALSE(connection.is_pooled());
  http::ClientStream& first = begin(connection);
  http::ClientStream& second = begin(connection);
  first.reset();
  EXPECT_FALSE(connection.is_pooled());
  EXPECT_EQ(server_->take(), &connection);
  second.reset();
  EXPECT_TRUE(connection.is_pooled());
  EXPECT_EQ(server_->take_idle(), &connection);
  EXPECT_EQ(server_->take(), nullptr);
}

TEST_F(ServerSharedTest, LeavesAConnectionWithoutRoomOut) {
  const auto connections = connect(2);
  begin(*connections[1]);
  http::ClientStream* last = nullptr;
  while (connections[0]->is_reusable()) last = &begin(*connections[0]);
  EXPECT_EQ(server_->take(), connections[1]);
  // There is room again.
  last->reset();
  EXPECT_EQ(server_->take(), connections[0]) << "the one that had room last comes first";
  server_->set_shared(*connections[0], false);
  EXPECT_EQ(server_->take(), connections[1]);
  server_->set_shared(*connections[1], false);
  EXPECT_EQ(server_->take(), nullptr);
  server_->set_shared(*connections[0], true);
  EXPECT_EQ(server_->take(), connections[0]);
}

// The list says what was; whether there is room is asked of the connection.
TEST_F(ServerSharedTest, PassesOverAConnectionThatTakesNoMoreRequests) {
  const auto connections = connect(2);
  while (connections[0]->is_reusable()) begin(*connections[0]);
  begin(*connections[1]);
  server_->set_shared(*connections[0], true);
  EXPECT_EQ(server_->take(), connections[1]);
  EXPECT_EQ(server_->take(), connections[1]);
}

TEST_F(ServerSharedTest, ForgetsASharedConnectionThatCloses) {
  const auto connections = connect(2);
  begin(*connections[0]);
  connections[0]->close();
  EXPECT_EQ(server_->take(), nullptr);
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(ServerSharedTest, LetsRequestsEndOnceItsPoolIsRetired) {
  const auto connections = connect(2);
  server_->give_back(*connections[0]);
  http::ClientStream& stream = begin(*connections[1]);
  server_->retire_pool();
  EXPECT_EQ(server_->connections(), 1u);
  stream.reset();
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_EQ(server_->take(), nullptr);
}

TEST_F(ServerSharedTest, ClosesAllConnectionsWhenItGoes) {
  const auto connections = connect(4);
  server_->give_back(*connections[0]);
  begin(*connections[1]);
  while (connections[2]->is_reusable()) begin(*connections[2]);
  support::wait_until(loop_, [this] { return listener_.connections.size() == 4; });
  server_.reset();
  support::wait_until(loop_, [this] {
    return std::ranges::all_of(listener_.connections, [](const auto& each) { return each->is_ended; });
  });
  EXPECT_EQ(handler_.text(), "");
}

}  // namespace
}  // namespace viaduct::upstream
