// SPDX-License-Identifier: Apache-2.0
#include "net/proxy_greeting.h"

#include <gtest/gtest.h>

#include <memory>

#include "support/manual_clock.h"
#include "support/pipe_pair.h"
#include "support/wait_until.h"

namespace viaduct::net {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kHeader = "PROXY TCP4 192.0.2.1 203.0.113.7 54321 443\r\n";

class ProxyGreetingTest : public testing::Test, private ProxyGreetingHandler {
 protected:
  void SetUp() override {
    ProxyGreetingHandler& handler = *this;
    descriptor_ = pair_.left();
    const ProxyGreeting::From from{.sender = {*base::IpAddress::parse("10.0.0.1"), 7}, .listener = 3};
    greeting_ = std::make_unique<ProxyGreeting>(loop_, handler, pair_.take_left(), from).release();
    greeting_->start(10s);
  }
  void TearDown() override {
    if (greeting_ != nullptr) greeting_->cancel();
    turn();
  }
  void send(std::string_view bytes) {
    EXPECT_EQ(::send(pair_.right(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  void turn() { loop_.run_once(false); }
  // What waits in the socket that was handed over.
  std::string rest() {
    std::string bytes(100, '\0');
    const ssize_t got = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }

  support::ManualClock clock_;
  Loop loop_{clock_};
  support::PipePair pair_;
  int descriptor_ = -1;                // of the greeting
  ProxyGreeting* greeting_ = nullptr;  // null once it has ended
  os::Fd fd_;
  ProxyHeader header_;
  http::Reason reason_ = http::Reason::kNone;

 private:
  void on_greeted(ProxyGreeting& greeting, os::Fd fd, const ProxyHeader& header) override {
    EXPECT_EQ(&greeting, greeting_);
    EXPECT_EQ(greeting.from().listener, 3u);
    EXPECT_EQ(greeting.from().sender.to_string(), "10.0.0.1:7");
    greeting_ = nullptr;
    fd_ = std::move(fd);
    header_ = header;
  }
  void on_greeting_failed(ProxyGreeting& greeting, http::Reason reason) override {
    EXPECT_EQ(&greeting, greeting_);
    greeting_ = nullptr;
    reason_ = reason;
  }
};

TEST_F(ProxyGreetingTest, HandsOverWithWhatFollowsTheHeader) {
  send(std::string(kHeader) + "\x16\x03 hello");
  turn();
  ASSERT_TRUE(fd_);
  EXPECT_EQ(header_.source.to_string(), "192.0.2.1:54321");
  EXPECT_EQ(rest(), "\x16\x03 hello");
}

TEST_F(ProxyGreetingTest, TakesTheHeaderByteByByte) {
  for (const char byte : kHeader) {
    EXPECT_FALSE(fd_);
    send({&byte, 1});
    turn();
  }
  ASSERT_TRUE(fd_);
  EXPECT_EQ(header_.destination.to_string(), "203.0.113.7:443");
  EXPECT_EQ(rest(), "");
  send("next");
  EXPECT_EQ(rest(), "next");
}

// What has been read is taken from the socket: a half header does not keep the loop awake.
TEST_F(ProxyGreetingTest, SleepsWhileAHalfHeaderWaits) {
  send(kHeader.substr(0, 20));
  turn();
  char byte = 0;
  EXPECT_EQ(::recv(descriptor_, &byte, 1, MSG_PEEK), -1);
  support::pass_time(loop_, clock_, 10s);
  EXPECT_EQ(reason_, http::Reason::kProxyProtocolTimeout);
}

TEST_F(ProxyGreetingTest, HoldsTheWholeHeaderToItsTime) {
  for (int second = 0; second < 10; ++second) {
    EXPECT_EQ(reason_, http::Reason::kNone) << second;
    send(kHeader.substr(static_cast<std::size_t>(second), 1));
    support::pass_time(loop_, clock_, 1s);
  }
  EXPECT_EQ(reason_, http::Reason::kProxyProtocolTimeout);
}

TEST_F(ProxyGreetingTest, RefusesWhatIsNoHeader) {
  send("GET / HTTP/1.1\r\n\r\n");
  turn();
  EXPECT_EQ(reason_, http::Reason::kProxyProtocolInvalid);
  char byte = 0;
  EXPECT_EQ(::recv(pair_.right(), &byte, 1, 0), -1);  // reset: there were unread bytes
}

TEST_F(ProxyGreetingTest, RefusesAHeaderThatEndsEarly) {
  send(kHeader.substr(0, 20));
  turn();
  ::shutdown(pair_.right(), SHUT_WR);
  turn();
  EXPECT_EQ(reason_, http::Reason::kProxyProtocolInvalid);
}

TEST_F(ProxyGreetingTest, CallsASenderWithoutAByteGone) {
  ::shutdown(pair_.right(), SHUT_WR);
  turn();
  EXPECT_EQ(reason_, http::Reason::kClientClosed);
}

TEST_F(ProxyGreetingTest, EndsWithoutAWordWhenItIsCancelled) {
  send("GET");
  std::exchange(greeting_, nullptr)->cancel();
  turn();
  EXPECT_EQ(reason_, http::Reason::kNone);
  EXPECT_FALSE(fd_);
}

}  // namespace
}  // namespace viaduct::net
