// SPDX-License-Identifier: Apache-2.0
// What becomes of the connections of a server whose name means something else.
#include <gtest/gtest.h>

#include "support/connect_outcome.h"
#include "support/recording_stream.h"
#include "support/scripted_dns.h"
#include "support/scripted_server.h"
#include "support/wait_until.h"
#include "upstream/server.h"

namespace viaduct::upstream {
namespace {

using namespace std::chrono_literals;

class ServerNamesTest : public testing::Test {
 protected:
  ServerNamesTest() {
    dns_.names["host.test"] = {"60 A 127.0.0.1"};
    move_to(before_);
    config::Server server;
    server.url = "srv+http://_api._tcp.app.test";
    server.service = "_api._tcp.app.test";
    server.host = "app.test";
    server.allow_addresses.add(*base::Cidr::parse("127.0.0.1"));
    config_ = support::make_upstream({server});
  }

  void make(bool http2 = false) {
    config_.http2 = http2;
    server_ = std::make_unique<Server>(resources_, config_, 0, nullptr);
  }
  // The service is there from now on, as DNS has it.
  void move_to(const support::ScriptedServer& where) {
    dns_.names["_api._tcp.app.test"] = {"60 SRV 1 1 " + std::to_string(where.config().port) + " host.test"};
  }
  // Lets the name be renewed.
  void renew() {
    const int asked = dns_.questions();
    support::pass_time(loop_, clock_, 54100ms);
    support::wait_until(loop_, [&] { return dns_.questions() >= asked + 3; });
    for (int i = 0; i < 5; ++i) support::settle(loop_);
  }
  ClientConnection& connect() {
    support::ConnectOutcome outcome;
    EXPECT_TRUE(server_->reserve());
    std::make_unique<Connector>(loop_, resolver_, *server_, outcome).release()->start(std::nullopt);
    support::wait_until(loop_, [&] { return outcome.events > 0; });
    return *outcome.connection;
  }

  support::ManualClock clock_;
  codec::H2Library h2_library_;
  net::Loop loop_{clock_};
  support::ScriptedDns dns_{loop_};
  net::Resolver resolver_{loop_, {.dns = {.servers = {dns_.address()}, .timeout = 3s}, .ttl = {}}};
  StateTable states_;
  Resources resources_{.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = states_};
  support::ScriptedServer before_{loop_};
  support::ScriptedServer after_{loop_};
  config::Upstream config_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerNamesTest, AreKnownBeforeSomebodyNeedsThem) {
  make();
  support::wait_until(loop_, [this] { return server_->resolved_name()->find() != nullptr; });
  EXPECT_EQ(connect().address(), before_.address());
}

TEST_F(ServerNamesTest, ClosesIdleConnectionsToWhereTheNameLedBefore) {
  make();
  ClientConnection& connection = connect();
  server_->give_back(connection);
  move_to(after_);
  renew();
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_EQ(server_->take(), nullptr);
  EXPECT_EQ(connect().address(), after_.address());
}

TEST_F(ServerNamesTest, KeepsConnectionsWhereTheNameStillLeads) {
  make();
  ClientConnection& connection = connect();
  server_->give_back(connection);
  renew();
  EXPECT_EQ(server_->take(), &connection);
  server_->give_back(connection);
  dns_.set("_api._tcp.app.test", support::DnsManner::kServerFailure);
  support::pass_time(loop_, clock_, 54100ms);
  for (int i = 0; i < 5; ++i) support::settle(loop_);
  EXPECT_EQ(server_->take(), &connection);
}

TEST_F(ServerNamesTest, ClosesABusyConnectionWhenItBecomesIdle) {
  make();
  ClientConnection& connection = connect();
  move_to(after_);
  renew();
  EXPECT_EQ(server_->connections(), 1u);
  server_->give_back(connection);
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(ServerNamesTest, SharesNoConnectionToWhereTheNameLedBefore) {
  make(true);
  ClientConnection& connection = connect();
  support::RecordingResponseHandler response(loop_.chunks());
  connection.begin(response, {});
  EXPECT_EQ(server_->take(), &connection);
  move_to(after_);
  renew();
  EXPECT_EQ(server_->take(), nullptr);
  EXPECT_EQ(server_->connections(), 1u);  // the request under way goes on
}

}  // namespace
}  // namespace viaduct::upstream
