// SPDX-License-Identifier: Apache-2.0
#include "os/port_holders.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "os/socket.h"
#include "support/temporary_directory.h"

namespace viaduct::os {
namespace {

base::SocketAddress at(std::string_view ip, std::uint16_t port) {
  return {*base::IpAddress::parse(ip), port};
}

bool is_held_by_us(const base::SocketAddress& address) {
  const auto holders = find_port_holders(address);
  return std::ranges::any_of(holders, [](const PortHolder& holder) { return holder.pid == ::getpid(); });
}

TEST(PortHolders, FindsUsAtOurOwnAddress) {
  const auto socket = listen_on(at("127.0.0.1", 0), {});
  ASSERT_TRUE(socket.has_value());
  const std::uint16_t port = local_address(socket->get()).port();
  ASSERT_TRUE(is_held_by_us(at("127.0.0.1", port)));
  EXPECT_FALSE(find_port_holders(at("127.0.0.1", port)).front().program.empty());
  EXPECT_TRUE(is_held_by_us(at("0.0.0.0", port))) << "all addresses are one of them, too";
  EXPECT_FALSE(is_held_by_us(at("127.0.0.2", port)));
  EXPECT_FALSE(is_held_by_us(at("::1", port)));
}

TEST(PortHolders, KnowsThatAllAddressesAreEachOfThem) {
  const auto socket = listen_on(at("0.0.0.0", 0), {});
  ASSERT_TRUE(socket.has_value());
  const std::uint16_t port = local_address(socket->get()).port();
  EXPECT_TRUE(is_held_by_us(at("127.0.0.1", port)));
  EXPECT_TRUE(is_held_by_us(at("0.0.0.0", port)));
}

TEST(PortHolders, ReadsAddressesOfIpv6) {
  const auto socket = listen_on(at("::1", 0), {});
  if (!socket) GTEST_SKIP() << "no IPv6 on this machine";
  EXPECT_TRUE(is_held_by_us(local_address(socket->get())));
}

TEST(PortHolders, FindsNobodyAtAFreePort) {
  auto socket = listen_on(at("127.0.0.1", 0), {});
  ASSERT_TRUE(socket.has_value());
  const base::SocketAddress address = local_address(socket->get());
  socket->reset();
  EXPECT_FALSE(is_held_by_us(address));
}

TEST(PortHolders, FindsWhoListensOnAUnixSocket) {
  const support::TemporaryDirectory directory;
  const auto address = base::SocketAddress::unix_path(directory / "held.sock");
  EXPECT_FALSE(is_held_by_us(address));
  const auto socket = listen_on(address, {});
  ASSERT_TRUE(socket.has_value());
  EXPECT_TRUE(is_held_by_us(address));
}

}  // namespace
}  // namespace viaduct::os
