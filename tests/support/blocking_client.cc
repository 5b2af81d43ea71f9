// SPDX-License-Identifier: Apache-2.0
#include "support/blocking_client.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>

#include "os/socket.h"

namespace viaduct::support {
namespace {

constexpr int kPatienceSeconds = 20;

}  // namespace

BlockingClient::BlockingClient(const base::SocketAddress& address) {
  sockaddr_storage storage{};
  const socklen_t length = address.to_sockaddr(storage);
  fd_ = os::Fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  is_connected_ = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&storage), length) == 0;
  set_patience();
}

BlockingClient::BlockingClient(os::Fd fd) : fd_(std::move(fd)), is_connected_(static_cast<bool>(fd_)) {
  set_patience();
}

void BlockingClient::set_patience() {
  const timeval patience{.tv_sec = kPatienceSeconds, .tv_usec = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

bool BlockingClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void BlockingClient::cut() {
  const linger reset{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  fd_ = os::Fd();
}

bool BlockingClient::read_some() {
  std::array<char, 64 * 1024> bytes;
  const ssize_t got = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
  EXPECT_FALSE(got < 0 && errno == EAGAIN) << "nothing came; so far: " << received_;
  was_reset_ = got < 0 && errno == ECONNRESET;
  if (got <= 0) return false;
  received_.append(bytes.data(), static_cast<std::size_t>(got));
  return true;
}

std::string BlockingClient::read_until(std::string_view end) {
  while (received_.find(end) == std::string::npos && read_some()) {
  }
  return std::exchange(received_, {});
}

std::string BlockingClient::read_all() {
  while (read_some()) {
  }
  return std::exchange(received_, {});
}

std::string get(const base::SocketAddress& address, std::string_view target, std::string_view host) {
  BlockingClient client(address);
  std::string request("GET ");
  request.append(target).append(" HTTP/1.1\r\nHost: ").append(host).append("\r\nConnection: close\r\n\r\n");
  if (!client.is_connected() || !client.send(request)) return {};
  return client.read_all();
}

BlockingServer::BlockingServer() {
  auto listening = os::listen_on({*base::IpAddress::parse("127.0.0.1"), 0}, {});
  EXPECT_TRUE(listening.has_value());
  fd_ = std::move(*listening);
  address_ = os::local_address(fd_.get());
}

BlockingClient BlockingServer::accept() {
  pollfd ready{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&ready, 1, kPatienceSeconds * 1000), 1) << "no client came";
  return BlockingClient(os::Fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
}

}  // namespace viaduct::support
