// SPDX-License-Identifier: Apache-2.0
#include "daemon/listen.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "os/socket.h"
#include "support/temporary_directory.h"

namespace viaduct::daemon {
namespace {

base::SocketAddress loopback(std::uint16_t port = 0) {
  return {*base::IpAddress::parse("127.0.0.1"), port};
}

bool connects(const base::SocketAddress& address) {
  sockaddr_storage storage{};
  const socklen_t length = address.to_sockaddr(storage);
  const os::Fd client(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(client.get(), reinterpret_cast<const sockaddr*>(&storage), length) == 0;
}

TEST(Listen, OpensASocketForEveryWorkerOnTheSamePort) {
  const auto opened = open_sockets(loopback(), 3, Sharing::kNobody);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  ASSERT_EQ(opened->size(), 3u);
  const base::SocketAddress local = os::local_address((*opened)[0].get());
  EXPECT_NE(local.port(), 0);
  for (const os::Fd& socket : *opened) EXPECT_EQ(os::local_address(socket.get()), local);
  EXPECT_TRUE(connects(local));
}

// Workers share one socket, since a second one would take the file away from the first.
TEST(Listen, GivesAllWorkersOneUnixSocket) {
  const support::TemporaryDirectory directory;
  const auto address = base::SocketAddress::unix_path(directory / "web.sock");
  const auto opened = open_sockets(address, 2, Sharing::kNobody);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  ASSERT_EQ(opened->size(), 2u);
  for (const os::Fd& socket : *opened) EXPECT_EQ(os::local_address(socket.get()), address);
  EXPECT_TRUE(connects(address));
}

TEST(Listen, RefusesAnAddressOnWhichAnotherDaemonListens) {
  const auto first = open_sockets(loopback(), 2, Sharing::kNobody);
  ASSERT_TRUE(first.has_value());
  const base::SocketAddress taken = os::local_address(first->front().get());
  const auto second = open_sockets(taken, 2, Sharing::kNobody);
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find(taken.to_string()), std::string::npos) << second.error().message;
  EXPECT_TRUE(open_sockets(taken, 2, Sharing::kOurselves).has_value());
}

TEST(Listen, SharesSocketsInTurnWhereThereAreFewerThanWorkers) {
  auto sockets = open_sockets(loopback(), 2, Sharing::kNobody);
  ASSERT_TRUE(sockets.has_value());
  share_sockets(*sockets, 5);
  ASSERT_EQ(sockets->size(), 5u);
  const base::SocketAddress local = os::local_address((*sockets)[0].get());
  for (const os::Fd& socket : *sockets) EXPECT_EQ(os::local_address(socket.get()), local);
  share_sockets(*sockets, 3);
  EXPECT_EQ(sockets->size(), 5u);
}

TEST(Listen, PutsTheAccessLogIntoTheWordsOfItsWriter) {
  config::AccessLog log;
  log.query = config::QueryLogging::kKeys;
  EXPECT_EQ(access_log_options(log).query, observe::QueryLogging::kKeys);
  log.query = config::QueryLogging::kFull;
  EXPECT_EQ(access_log_options(log).query, observe::QueryLogging::kFull);
  const auto line = [&log] {
    const observe::AccessLogOptions options = access_log_options(log);
    observe::AccessRecord record;
    record.status = 204;
    observe::TimeText time;
    std::string text(options.format.line_bytes_max(), '\0');
    const char* end = options.format.render(record, {.query = options.query, .time = time}, text.data());
    return text.substr(0, static_cast<std::size_t>(end - text.data()));
  };
  EXPECT_TRUE(line().starts_with("{\"time\"")) << line();
  log.format = config::AccessFormat::kCombined;
  EXPECT_NE(line().find("\" 204 "), std::string::npos) << line();
  log.format = config::AccessFormat::kTemplate;
  log.line_template = "s=${status}";
  EXPECT_EQ(line(), "s=204\n");
}

}  // namespace
}  // namespace viaduct::daemon
