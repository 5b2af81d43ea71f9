// SPDX-License-Identifier: Apache-2.0
#include "daemon/listening.h"

#include <gtest/gtest.h>

#include "os/socket.h"
#include "support/blocking_client.h"
#include "support/client_side.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kGet = "GET /x HTTP/1.1\r\nHost: host.test\r\n\r\n";

// One listener, whose accepted sockets are counted, and a connection that is added by hand.
class ListeningTest : public testing::Test, private ListeningOwner {
 protected:
  ListeningTest() {
    side_.script.body = "ok\n";
    make();
  }
  void make() {
    auto socket = os::listen_on({*base::IpAddress::parse("127.0.0.1"), 0}, {});
    EXPECT_TRUE(socket.has_value());
    address_ = os::local_address(socket->get());
    WorkerListener setup{.number = 3, .local = address_};
    setup.sockets.push_back(std::move(*socket));
    ListeningOwner& owner = *this;
    listening_ = std::make_unique<Listening>(side_.scene.loop, owner, std::move(setup));
  }
  void on_accept(Listening& listening, os::Fd fd, const base::SocketAddress&) override {
    EXPECT_EQ(&listening, listening_.get());
    accepted_.push_back(std::move(fd));
  }
  void on_patience_over(Listening& listening) override {
    EXPECT_EQ(&listening, listening_.get());
    ++patience_over_;
  }
  // A connection that has had an answer and waits for the next request.
  support::ScriptedConnection& add_idle() {
    support::ScriptedConnection& client = side_.connect();
    side_.connection().base::ListHook<Connection>::unlink();
    listening_->add(side_.connection());
    client.send(kGet);
    EXPECT_TRUE(side_.until_received("ok\n"));
    return client;
  }

  support::ClientSide side_;
  base::SocketAddress address_;
  std::vector<os::Fd> accepted_;
  int patience_over_ = 0;
  std::unique_ptr<Listening> listening_;
};

TEST_F(ListeningTest, HandsConnectionsToItsOwner) {
  const support::BlockingClient client(address_);
  ASSERT_TRUE(side_.until([this] { return accepted_.size() == 1; }));
  EXPECT_EQ(listening_->number(), 3u);
  EXPECT_EQ(listening_->local(), address_);
}

TEST_F(ListeningTest, TakesWhatWaitsBeforeAPatientEnd) {
  const support::BlockingClient client(address_);
  EXPECT_TRUE(accepted_.empty());  // no turn has passed
  listening_->drain(DrainMode::kPatient, 10s);
  EXPECT_EQ(accepted_.size(), 1u);
  EXPECT_FALSE(support::BlockingClient(address_).is_connected());
}

TEST_F(ListeningTest, EndsIdleConnectionsBeforeTheDeadlineOfAPatientEnd) {
  struct Row {
    base::Duration deadline;
    base::Duration patience;
  };
  for (const Row& row : {Row{30s, 25s}, Row{4s, 2s}}) {
    make();
    support::ScriptedConnection& client = add_idle();
    listening_->drain(DrainMode::kPatient, row.deadline);
    side_.pass(row.patience - 100ms);
    EXPECT_TRUE(listening_->has_connections());
    side_.pass(200ms);
    ASSERT_TRUE(side_.until_closed());
    EXPECT_TRUE(client.is_ended);
    EXPECT_FALSE(client.is_reset);
    EXPECT_FALSE(listening_->has_connections());
  }
}

TEST_F(ListeningTest, LeavesTheEndOfAPatientEndToWhatHasBegun) {
  support::ScriptedConnection& client = add_idle();
  listening_->drain(DrainMode::kPatient, 30s);
  side_.pass(24s);
  side_.script.status = 0;
  client.send(kGet);
  side_.settle();
  EXPECT_EQ(patience_over_, 0);
  side_.pass(5900ms);
  EXPECT_EQ(patience_over_, 1);
  EXPECT_TRUE(listening_->has_connections());
  side_.pass(200ms);
  EXPECT_FALSE(listening_->has_connections());
  EXPECT_EQ(patience_over_, 1);
}

TEST_F(ListeningTest, EndsIdleConnectionsAtOnceWhereThereIsNoTime) {
  add_idle();
  listening_->drain(DrainMode::kNow, 10s);
  ASSERT_TRUE(side_.until_closed());
  EXPECT_FALSE(listening_->has_connections());
}

TEST_F(ListeningTest, CutsWhatIsBusyAtTheDeadline) {
  side_.script.status = 0;
  support::ScriptedConnection& client = side_.connect();
  side_.connection().base::ListHook<Connection>::unlink();
  listening_->add(side_.connection());
  client.send(kGet);
  side_.settle();
  listening_->drain(DrainMode::kNow, 10s);
  side_.pass(9s);
  EXPECT_TRUE(listening_->has_connections());
  side_.pass(1100ms);
  EXPECT_FALSE(listening_->has_connections());
}

TEST_F(ListeningTest, AsksWhoComesWhileItDrainsToEndAfterOneExchange) {
  listening_->drain(DrainMode::kPatient, 10s);
  support::ScriptedConnection& client = side_.connect();
  side_.connection().base::ListHook<Connection>::unlink();
  listening_->add(side_.connection());
  client.send(kGet);
  ASSERT_TRUE(side_.until_closed());
  EXPECT_NE(client.received.find("Connection: close\r\n"), std::string::npos) << client.received;
  client.finish();
  ASSERT_TRUE(side_.until([this] { return !listening_->has_connections(); }));
}

TEST_F(ListeningTest, MakesRoomByTheConnectionThatIsSilentForTheLongestTime) {
  EXPECT_FALSE(listening_->make_room());  // there is none
  support::ScriptedConnection& first = add_idle();
  side_.pass(1s);
  support::ScriptedConnection& second = add_idle();
  side_.pass(1s);
  first.received.clear();
  first.send(kGet);
  ASSERT_TRUE(side_.until([&first] { return first.received.ends_with("ok\n"); }));
  EXPECT_TRUE(listening_->make_room());
  ASSERT_TRUE(side_.until([&second] { return second.is_ended || second.is_reset; }));
  EXPECT_EQ(side_.refused_for, http::Reason::kConnectionLimit);
  EXPECT_FALSE(first.is_ended || first.is_reset);
  // Who waits for us is not silent.
  side_.script.status = 0;
  first.send(kGet);
  side_.settle();
  EXPECT_FALSE(listening_->make_room());
  listening_->cut();
}

TEST_F(ListeningTest, ChangesItsOptions) {
  EXPECT_FALSE(listening_->options().redirect_to_https);
  listening_->change({.number = 3, .options = {.redirect_to_https = true, .https_port = 8443}});
  EXPECT_TRUE(listening_->options().redirect_to_https);
  EXPECT_EQ(listening_->options().https_port, 8443);
}

}  // namespace
}  // namespace viaduct::daemon
