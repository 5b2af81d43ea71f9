// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_server.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "net/tcp_transport.h"
#include "os/socket.h"
#include "support/loopback.h"

namespace viaduct::support {
namespace {

config::Server plain_server(std::uint16_t port, const base::IpAddress& address = loopback()) {
  config::Server server;
  server.host = address.to_string();
  server.url = "http://" + server.host + ":" + std::to_string(port);
  server.port = port;
  return server;
}

base::SocketAddress any_port() {
  return {loopback(), 0};
}

}  // namespace

// ---- one connection -------------------------------------------------------------------------------------------------

ScriptedConnection::ScriptedConnection(net::Loop& loop, os::Fd fd) : fd_(std::move(fd)), watch_(loop) {
  watch_.open(fd_.get(), *this);
  watch_.set_reading(true);
}

void ScriptedConnection::send(std::string_view bytes) {
  ASSERT_TRUE(is_open()) << "the connection is closed";
  unsent_ += bytes;
  on_fd_writable();
}

void ScriptedConnection::on_fd_writable() {
  while (!unsent_.empty()) {
    const ssize_t sent = ::send(fd_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno != EAGAIN) unsent_.clear();  // the client is gone
      break;
    }
    unsent_.erase(0, static_cast<std::size_t>(sent));
  }
  watch_.set_writing(!unsent_.empty());
}

void ScriptedConnection::on_fd_readable() {
  std::array<char, 64 * 1024> bytes;
  const ssize_t got = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (got > 0) {
    received.append(bytes.data(), static_cast<std::size_t>(got));
    if (on_bytes) on_bytes(*this);
    return;
  }
  is_ended = got == 0;
  is_reset = got < 0;
  watch_.set_reading(false);
}

void ScriptedConnection::finish() {
  ::shutdown(fd_.get(), SHUT_WR);
}

void ScriptedConnection::close() {
  watch_.close();
  fd_.reset();
}

void ScriptedConnection::reset() {
  net::set_abortive_close(fd_.get());
  close();
}

bool ScriptedConnection::take_request() {
  const std::size_t end = received.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  received.erase(0, end + 4);
  return true;
}

// ---- the server -----------------------------------------------------------------------------------------------------

ScriptedServer::ScriptedServer(net::Loop& loop) : loop_(loop) {
  listen(any_port());
}

ScriptedServer::ScriptedServer(net::Loop& loop, const std::string& unix_path) : loop_(loop) {
  listen(base::SocketAddress::unix_path(unix_path));
}

void ScriptedServer::listen(const base::SocketAddress& wanted) {
  auto fd = os::listen_on(wanted, {});
  ASSERT_TRUE(fd.has_value()) << fd.error().message;
  address_ = os::local_address(fd->get());
  listener_ = std::make_unique<net::Listener>(loop_, std::move(*fd), static_cast<net::AcceptHandler&>(*this), 0);
}

config::Server ScriptedServer::config() const {
  if (!address_.is_unix()) return plain_server(address_.port(), address_.ip());
  config::Server server;
  server.url = "unix:" + address_.path();
  server.host = address_.path();
  server.is_unix = true;
  return server;
}

void ScriptedServer::answer_all(std::string response) {
  response_ = std::move(response);
  on_bytes = [this](ScriptedConnection& connection) {
    while (connection.is_open() && connection.take_request()) {
      ++answered_;
      connection.send(response_);
    }
  };
}

void ScriptedServer::on_accept(os::Fd fd, const base::SocketAddress&, int) {
  if (on_socket) {
    on_socket(std::move(fd));
    return;
  }
  auto& connection = connections.emplace_back(std::make_unique<ScriptedConnection>(loop_, std::move(fd)));
  connection->on_bytes = [this](ScriptedConnection& each) {
    if (on_bytes) on_bytes(each);
  };
}

// ---- ports where nobody is at home ----------------------------------------------------------------------------------

RefusingPort::RefusingPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_storage storage{};
  const socklen_t length = any_port().to_sockaddr(storage);
  EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&storage), length), 0);
  port_ = os::local_address(fd_.get()).port();
}

config::Server RefusingPort::config() const {
  return plain_server(port_);
}

SilentPort::SilentPort() {
  auto fd = os::listen_on(any_port(), {.backlog = 0, .reuse_port = false, .unix_mode = 0});
  EXPECT_TRUE(fd.has_value());
  listener_ = std::move(*fd);
  port_ = os::local_address(listener_.get()).port();
  sockaddr_storage storage{};
  const socklen_t length = os::local_address(listener_.get()).to_sockaddr(storage);
  // A queue of nothing takes one connection: the next one is not made.
  for (bool is_full = false; !is_full && waiting_.size() < 16;) {
    os::Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&storage), length) == -1) {
      pollfd ready{.fd = client.get(), .events = POLLOUT, .revents = 0};
      is_full = ::poll(&ready, 1, 50) == 0;
    }
    waiting_.push_back(std::move(client));
  }
}

config::Server SilentPort::config() const {
  return plain_server(port_);
}

}  // namespace viaduct::support
