// SPDX-License-Identifier: Apache-2.0
#include "os/socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>
#include <string>

#include "support/temporary_directory.h"

namespace viaduct::os {
namespace {

using base::IpAddress;
using base::SocketAddress;
using support::TemporaryDirectory;

SocketAddress loopback(std::uint16_t port, std::string_view text = "127.0.0.1") {
  return {IpAddress::parse(text).value(), port};
}

// A blocking connection to `address`, empty with errno where there is none.
Fd connect_to(const SocketAddress& address) {
  sockaddr_storage storage{};
  const socklen_t length = address.to_sockaddr(storage);
  Fd client(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&storage), length) == -1) return Fd();
  return client;
}

int option(const Fd& fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof(value);
  EXPECT_EQ(::getsockopt(fd.get(), level, name, &value, &length), 0);
  return value;
}

TEST(Listen, TakesAFreePortAndSaysWhich) {
  const auto listener = listen_on(loopback(0), {});
  ASSERT_TRUE(listener.has_value()) << listener.error().message;
  const SocketAddress address = local_address(listener->get());
  EXPECT_EQ(address.ip().to_string(), "127.0.0.1");
  EXPECT_NE(address.port(), 0);
  EXPECT_TRUE(connect_to(address));
}

TEST(Listen, NeverBlocksAndIsNotInherited) {
  const auto listener = listen_on(loopback(0), {});
  ASSERT_TRUE(listener.has_value());
  EXPECT_NE(::fcntl(listener->get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(listener->get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(::accept(listener->get(), nullptr, nullptr), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST(Listen, GivesNoDelayToAcceptedConnections) {
  const auto listener = listen_on(loopback(0), {});
  ASSERT_TRUE(listener.has_value());
  const Fd client = connect_to(local_address(listener->get()));
  ASSERT_TRUE(client);
  const Fd accepted(::accept(listener->get(), nullptr, nullptr));
  ASSERT_TRUE(accepted);
  EXPECT_NE(option(accepted, IPPROTO_TCP, TCP_NODELAY), 0);
}

// A client that reads nothing costs the kernel what was on its way and little more.
TEST(Listen, BoundsWhatAcceptedConnectionsKeepUnsent) {
  const auto listener = listen_on(loopback(0), {});
  ASSERT_TRUE(listener.has_value());
  const Fd client = connect_to(local_address(listener->get()));
  ASSERT_TRUE(client);
  const Fd accepted(::accept4(listener->get(), nullptr, nullptr, SOCK_NONBLOCK));
  ASSERT_TRUE(accepted);
  EXPECT_EQ(option(accepted, IPPROTO_TCP, TCP_NOTSENT_LOWAT), kUnsentBytesMax);
}

TEST(Listen, SharesAPortBetweenWorkersOnlyWhenAsked) {
  const auto first = listen_on(loopback(0), {});
  ASSERT_TRUE(first.has_value());
  const SocketAddress address = local_address(first->get());
  EXPECT_TRUE(listen_on(address, {}).has_value());

  const auto alone = listen_on(loopback(0), {.reuse_port = false});
  ASSERT_TRUE(alone.has_value());
  const SocketAddress taken = local_address(alone->get());
  const auto second = listen_on(taken, {.reuse_port = false});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, EADDRINUSE);
  EXPECT_NE(second.error().message.find(taken.to_string()), std::string::npos) << second.error().message;
}

TEST(Listen, KeepsIpv4OutOfAnIpv6Socket) {
  const auto listener = listen_on(loopback(0, "::1"), {});
  if (!listener.has_value()) GTEST_SKIP() << "no IPv6 here: " << listener.error().message;
  EXPECT_EQ(option(*listener, IPPROTO_IPV6, IPV6_V6ONLY), 1);
  const SocketAddress address = local_address(listener->get());
  EXPECT_EQ(address.ip().to_string(), "::1");
  EXPECT_TRUE(listen_on(loopback(address.port()), {}).has_value());
}

TEST(Listen, RefusesAnAddressThatIsNotHere) {
  const auto listener = listen_on(loopback(0, "192.0.2.1"), {});
  ASSERT_FALSE(listener.has_value());
  EXPECT_EQ(listener.error().code, EADDRNOTAVAIL);
  EXPECT_NE(listener.error().message.find("192.0.2.1:0"), std::string::npos);
}

TEST(ListenUnix, SetsTheModeOfTheSocket) {
  const TemporaryDirectory directory;
  const SocketAddress address = SocketAddress::unix_path(directory / "a.sock");
  const auto listener = listen_on(address, {.unix_mode = 0600});
  ASSERT_TRUE(listener.has_value()) << listener.error().message;
  struct stat status{};
  ASSERT_EQ(::stat(address.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_TRUE(connect_to(address));
  EXPECT_EQ(local_address(listener->get()), address);
}

TEST(ListenUnix, TakesOverASocketThatNobodyListensOn) {
  const TemporaryDirectory directory;
  const SocketAddress address = SocketAddress::unix_path(directory / "a.sock");
  {
    const auto before = listen_on(address, {});
    ASSERT_TRUE(before.has_value());
  }
  ASSERT_TRUE(std::filesystem::exists(address.path()));
  const auto listener = listen_on(address, {});
  ASSERT_TRUE(listener.has_value()) << listener.error().message;
  EXPECT_TRUE(connect_to(address));
}

TEST(ListenUnix, LeavesASocketInUseAlone) {
  const TemporaryDirectory directory;
  const SocketAddress address = SocketAddress::unix_path(directory / "a.sock");
  const auto first = listen_on(address, {});
  ASSERT_TRUE(first.has_value());
  const auto second = listen_on(address, {});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, EADDRINUSE);
  EXPECT_TRUE(connect_to(address));
}

TEST(ListenUnix, LeavesAFileThatIsNoSocketAlone) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("a.sock", "precious");
  const auto listener = listen_on(SocketAddress::unix_path(path), {});
  ASSERT_FALSE(listener.has_value());
  EXPECT_NE(listener.error().message.find("is no socket"), std::string::npos) << listener.error().message;
  EXPECT_EQ(support::file_bytes(path), "precious");
}

TEST(ListenUnix, RefusesAPathThatDoesNotFit) {
  const TemporaryDirectory directory;
  for (const std::size_t length : {107U, 108U}) {
    const std::string path = directory.path() + "/" + std::string(length - directory.path().size() - 1, 's');
    const auto listener = listen_on(SocketAddress::unix_path(path), {});
    EXPECT_EQ(listener.has_value(), length == 107U);
    if (!listener.has_value()) {
      EXPECT_NE(listener.error().message.find("at most 107 bytes"), std::string::npos) << listener.error().message;
    }
  }
}

TEST(ListenUnix, NamesAFolderThatIsNotThere) {
  const auto listener = listen_on(SocketAddress::unix_path("/nonexistent/a.sock"), {});
  ASSERT_FALSE(listener.has_value());
  EXPECT_EQ(listener.error().code, ENOENT);
  EXPECT_NE(listener.error().message.find("/nonexistent/a.sock"), std::string::npos);
}

TEST(LocalAddress, IsNothingForWhatIsNoSocket) {
  EXPECT_EQ(local_address(-1), SocketAddress());
}

TEST(GivenSocket, IsToldFromOthersAndMadeOurs) {
  const auto listening = listen_on(loopback(0), {});
  ASSERT_TRUE(listening.has_value());
  const Fd again = listening->duplicate();
  const auto other = listen_on(loopback(0), {});
  EXPECT_TRUE(is_listening(again.get()));
  const Fd fresh(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_FALSE(is_listening(fresh.get()));
  EXPECT_FALSE(is_listening(-1));
  EXPECT_NE(socket_cookie(listening->get()), 0u);
  EXPECT_EQ(socket_cookie(listening->get()), socket_cookie(again.get()));
  EXPECT_NE(socket_cookie(listening->get()), socket_cookie(other->get()));
  EXPECT_EQ(socket_cookie(-1), 0u);
  make_own(fresh.get());
  EXPECT_NE(::fcntl(fresh.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(fresh.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(SendRuns, SendsOneRunOrSeveral) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const Fd sender(pair[0]);
  Fd receiver(pair[1]);
  std::string first = "one run";
  std::string second = " and another";
  std::array runs = {iovec{.iov_base = first.data(), .iov_len = first.size()},
                     iovec{.iov_base = second.data(), .iov_len = second.size()}};
  std::array<char, 64> got{};
  ASSERT_EQ(send_runs(sender.get(), std::span(runs).first(1)), 7);
  ASSERT_EQ(::read(receiver.get(), got.data(), got.size()), 7);
  EXPECT_EQ(std::string_view(got.data(), 7), "one run");
  ASSERT_EQ(send_runs(sender.get(), runs), 19);
  ASSERT_EQ(::read(receiver.get(), got.data(), got.size()), 19);
  EXPECT_EQ(std::string_view(got.data(), 19), "one run and another");
  // No SIGPIPE, which would end the test.
  receiver.reset();
  for (const std::size_t count : {std::size_t{1}, std::size_t{2}}) {
    EXPECT_EQ(send_runs(sender.get(), std::span(runs).first(count)), -1);
    EXPECT_EQ(errno, EPIPE);
  }
}

}  // namespace
}  // namespace viaduct::os
