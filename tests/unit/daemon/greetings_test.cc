// SPDX-License-Identifier: Apache-2.0
#include "daemon/greetings.h"

#include <gtest/gtest.h>

#include "daemon/listening.h"
#include "support/captured_log.h"
#include "support/manual_clock.h"
#include "support/pipe_pair.h"
#include "support/wait_until.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;

base::SocketAddress address(std::string_view ip, std::uint16_t port) {
  return {*base::IpAddress::parse(ip), port};
}

class GreetingsTest : public testing::Test, private GreetingsOwner, private ListeningOwner {
 protected:
  GreetingsTest() { listen_on(address("10.0.0.9", 443)); }
  void listen_on(const base::SocketAddress& local) {
    ListeningOwner& owner = *this;
    WorkerListener setup{.number = 3, .local = local};
    setup.options.proxy_protocol = true;
    setup.options.proxy_from = base::CidrSet::private_networks();
    listening_ = std::make_unique<Listening>(loop_, owner, std::move(setup));
  }
  // A connection from `sender` that says `bytes`.
  void connect(std::string_view sender, std::string_view bytes) {
    auto& pair = pairs_.emplace_back(std::make_unique<support::PipePair>());
    greetings_.take(pair->take_left(), {.sender = address(sender, 7), .listener = 3}, client_);
    ::send(pair->right(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    loop_.run_once(false);
  }
  std::uint64_t count(http::Reason reason) const { return counters_.with_reason(reason); }

  support::CapturedLog log_;
  support::ManualClock clock_;
  net::Loop loop_{clock_};
  ConnectionLimits limits_;
  observe::Counters counters_;
  config::Client client_;
  std::unique_ptr<Listening> listening_;
  int over_ = 0;
  std::vector<std::unique_ptr<support::PipePair>> pairs_;
  std::string known_;  // who came, one behind the other
  Greetings greetings_{loop_, limits_, counters_, *this};

 private:
  void on_client_known(Listening& listening, os::Fd fd, const ConnectionEnds& ends) override {
    EXPECT_TRUE(fd);
    EXPECT_EQ(&listening, listening_.get());
    known_ += ends.peer.to_string() + ">" + ends.local.to_string() + " ";
  }
  Listening* find_listening(std::uint32_t number) override {
    EXPECT_EQ(number, 3u);
    return listening_.get();
  }
  void on_greeting_over() override { ++over_; }
  void on_accept(Listening&, os::Fd, const base::SocketAddress&) override {}
  void on_patience_over(Listening&) override {}
};

TEST_F(GreetingsTest, GiveTheClientThatIsAnnounced) {
  connect("10.0.0.1", "PROXY TCP4 192.0.2.1 203.0.113.7 54321 8443\r\n");
  EXPECT_EQ(known_, "192.0.2.1:54321>203.0.113.7:8443 ");
  EXPECT_EQ(limits_.connections(), 0u);  // the worker counts it anew
}

TEST_F(GreetingsTest, KeepTheSenderWhereNobodyIsAnnounced) {
  connect("10.0.0.1", "PROXY UNKNOWN\r\n");
  EXPECT_EQ(known_, "10.0.0.1:7>10.0.0.9:443 ");
}

TEST_F(GreetingsTest, RefuseSendersThatAreNotListed) {
  connect("192.0.2.1", "PROXY TCP4 10.0.0.1 203.0.113.7 54321 8443\r\n");
  EXPECT_EQ(known_, "");
  EXPECT_EQ(count(http::Reason::kProxySenderNotAllowed), 1u);
  EXPECT_EQ(limits_.connections(), 0u);
  listen_on(base::SocketAddress::unix_path("/run/viaduct/http.sock"));  // has no sender
  connect("0.0.0.0", "PROXY TCP4 192.0.2.1 203.0.113.7 54321 8443\r\n");
  EXPECT_EQ(known_, "192.0.2.1:54321>203.0.113.7:8443 ");
}

TEST_F(GreetingsTest, RefuseWhatIsNoHeaderAndCountIt) {
  connect("10.0.0.1", "GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(count(http::Reason::kProxyProtocolInvalid), 1u);
  connect("10.0.0.1", "PROXY ");
  EXPECT_EQ(limits_.connections(), 1u);
  support::pass_time(loop_, clock_, client_.handshake_timeout);
  EXPECT_EQ(count(http::Reason::kProxyProtocolTimeout), 1u);
  EXPECT_EQ(limits_.connections(), 0u);
  EXPECT_EQ(known_, "");
}

TEST_F(GreetingsTest, CountNothingForASenderThatOnlyKnocks) {
  connect("10.0.0.1", "");
  pairs_.clear();
  loop_.run_once(false);
  EXPECT_EQ(limits_.connections(), 0u);
  EXPECT_EQ(count(http::Reason::kClientClosed), 0u);
}

TEST_F(GreetingsTest, LoseTheirListenerWithoutHarm) {
  connect("10.0.0.1", "PROXY ");
  EXPECT_TRUE(greetings_.has(3));
  EXPECT_FALSE(greetings_.has(4));
  listening_.reset();
  ::send(pairs_.back()->right(), "UNKNOWN\r\n", 9, MSG_NOSIGNAL);
  loop_.run_once(false);
  EXPECT_TRUE(greetings_.is_empty());
  EXPECT_EQ(limits_.connections(), 0u);
  EXPECT_EQ(known_, "");
}

TEST_F(GreetingsTest, AreCancelledWithTheirListener) {
  connect("10.0.0.1", "PROXY ");
  connect("10.0.0.2", "PROXY ");
  greetings_.cancel(4);
  EXPECT_TRUE(greetings_.has(3));
  greetings_.cancel(3);
  EXPECT_TRUE(greetings_.is_empty());
  EXPECT_EQ(limits_.connections(), 0u);
  loop_.run_once(false);
}

TEST_F(GreetingsTest, CountThoseThatWaitAmongAllConnections) {
  client_.max_connections = 2;
  client_.max_connections_per_address = 1;  // is the client's, not the balancer's
  for (int i = 0; i < 3; ++i) connect("10.0.0.1", "PROXY ");
  EXPECT_EQ(limits_.connections(), 2u);
  EXPECT_EQ(count(http::Reason::kConnectionLimit), 1u);
  greetings_.cancel_all();
  EXPECT_EQ(limits_.connections(), 0u);
  loop_.run_once(false);
}

}  // namespace
}  // namespace viaduct::daemon
