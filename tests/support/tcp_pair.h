// SPDX-License-Identifier: Apache-2.0
// Two ends of one TCP connection over the loopback, for tests that must see the difference between an end and a reset,
// which Unix sockets (support/pipe_pair.h) do not make.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/ip.h"
#include "os/fd.h"
#include "os/socket.h"
#include "support/loopback.h"

namespace viaduct::support {

// {the end that connected, the end that was accepted}, both non-blocking.
inline std::pair<os::Fd, os::Fd> tcp_pair() {
  auto listener = os::listen_on({loopback(), 0}, {});
  EXPECT_TRUE(listener.has_value());
  sockaddr_storage storage{};
  const socklen_t length = os::local_address(listener->get()).to_sockaddr(storage);
  os::Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // A signal, such as a fuzzer's clock, lets the call return early and the connection come about all the same.
  int result = 0;
  do {
    result = ::connect(client.get(), reinterpret_cast<const sockaddr*>(&storage), length);
  } while (result == -1 && (errno == EINTR || errno == EALREADY));
  EXPECT_TRUE(result == 0 || errno == EISCONN) << std::strerror(errno);
  EXPECT_EQ(::fcntl(client.get(), F_SETFL, O_NONBLOCK), 0);
  // What is sent arrives at once, also behind what has not been acknowledged.
  const int on = 1;
  EXPECT_EQ(::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
  int descriptor = -1;
  do {
    descriptor = ::accept4(listener->get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (descriptor == -1 && errno == EINTR);
  os::Fd accepted(descriptor);
  EXPECT_TRUE(accepted);
  return {std::move(client), std::move(accepted)};
}

}  // namespace viaduct::support
