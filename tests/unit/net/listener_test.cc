// SPDX-License-Identifier: Apache-2.0
#include "net/listener.h"

#include <gtest/gtest.h>

#include <vector>

#include "net/dialer.h"
#include "os/socket.h"

namespace viaduct::net {
namespace {

struct Acceptor final : AcceptHandler {
  void on_accept(os::Fd fd, const base::SocketAddress& peer, int listener_id) override {
    fds.push_back(std::move(fd));
    peers.push_back(peer);
    ids.push_back(listener_id);
  }
  bool may_accept() override { return is_open; }
  bool is_open = true;
  std::vector<os::Fd> fds;
  std::vector<base::SocketAddress> peers;
  std::vector<int> ids;
};

struct Caller final : DialHandler {
  void on_dialed(os::Fd dialed) override { fd = std::move(dialed); }
  void on_dial_failed(const base::Error& error) override { code = error.code; }
  os::Fd fd;
  int code = 0;
};

class ListenerTest : public testing::Test {
 protected:
  base::SocketAddress listen() {
    auto fd = os::listen_on({*base::IpAddress::parse("127.0.0.1"), 0}, {});
    EXPECT_TRUE(fd.has_value());
    const base::SocketAddress address = os::local_address(fd->get());
    listener_ = std::make_unique<Listener>(loop_, std::move(*fd), acceptor_, 5);
    return address;
  }

  base::SystemClock clock_;
  Loop loop_{clock_};
  Acceptor acceptor_;
  std::unique_ptr<Listener> listener_;
};

TEST_F(ListenerTest, HandsConnectionsOverWithTheirPeer) {
  const base::SocketAddress address = listen();
  Caller caller;
  Dialer dialer(loop_, caller);
  dialer.dial(address);
  while (acceptor_.fds.empty() || !caller.fd) loop_.run_once(true);
  EXPECT_EQ(acceptor_.ids, std::vector<int>{5});
  EXPECT_EQ(acceptor_.peers[0], os::local_address(caller.fd.get()));
}

TEST_F(ListenerTest, RefusesAfterClose) {
  const base::SocketAddress address = listen();
  listener_->close();
  Caller caller;
  Dialer dialer(loop_, caller);
  dialer.dial(address);
  while (caller.code == 0) loop_.run_once(true);
  EXPECT_EQ(caller.code, ECONNREFUSED);
  EXPECT_TRUE(acceptor_.fds.empty());
}

TEST_F(ListenerTest, TakesWhatWaitsBeforeItCloses) {
  const base::SocketAddress address = listen();
  acceptor_.is_open = false;
  std::vector<std::unique_ptr<Caller>> callers;
  std::vector<std::unique_ptr<Dialer>> dialers;
  constexpr std::size_t kCallers = 100;  // more than one turn takes
  for (std::size_t i = 0; i < kCallers; ++i) {
    callers.push_back(std::make_unique<Caller>());
    dialers.push_back(std::make_unique<Dialer>(loop_, *callers.back()));
    dialers.back()->dial(address);
  }
  for (const auto& caller : callers) {
    while (!caller->fd) loop_.run_once(true);
  }
  EXPECT_TRUE(acceptor_.fds.empty());
  listener_->take_waiting();
  EXPECT_EQ(acceptor_.fds.size(), kCallers);
  listener_->close();
  listener_->take_waiting();
  EXPECT_EQ(acceptor_.fds.size(), kCallers);
}

TEST_F(ListenerTest, LeavesThemToTheKernelWhileItMayNotAccept) {
  const base::SocketAddress address = listen();
  acceptor_.is_open = false;
  Caller caller;
  Dialer dialer(loop_, caller);
  dialer.dial(address);
  while (!caller.fd) loop_.run_once(true);
  loop_.run_once(false);
  EXPECT_TRUE(acceptor_.fds.empty());
  acceptor_.is_open = true;
  const auto start = clock_.mono_now();
  while (acceptor_.fds.empty()) loop_.run_once(true);
  EXPECT_EQ(acceptor_.fds.size(), 1u);
  EXPECT_LT(clock_.mono_now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace viaduct::net
