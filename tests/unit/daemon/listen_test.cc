// SPDX-License-Identifier: Apache-2.0
#include "daemon/listen.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>

#include "os/socket.h"
#include "support/temporary_directory.h"

namespace viaduct::daemon {
namespace {

base::SocketAddress loopback(std::uint16_t port = 0) {
  return {*base::IpAddress::parse("127.0.0.1"), port};
}

config::Listener listener_on(const base::SocketAddress& address, bool tls = false) {
  config::Listener listener;
  listener.addresses = {address};
  listener.tls = tls;
  return listener;
}

bool connects(const base::SocketAddress& address) {
  sockaddr_storage storage{};
  const socklen_t length = address.to_sockaddr(storage);
  const os::Fd client(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(client.get(), reinterpret_cast<const sockaddr*>(&storage), length) == 0;
}

TEST(Listen, OpensASocketForEveryWorkerOnTheSamePort) {
  auto opened = open_listeners({listener_on(loopback()), listener_on(loopback(), true)}, 3);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  ASSERT_EQ(opened->by_worker.size(), 3u);
  ASSERT_EQ(opened->addresses.size(), 2u);
  EXPECT_EQ(opened->is_tls, (std::vector<bool>{false, true}));
  EXPECT_NE(opened->addresses[0].port(), 0);
  EXPECT_NE(opened->addresses[0], opened->addresses[1]);
  for (const auto& worker : opened->by_worker) {
    ASSERT_EQ(worker.size(), 2u);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(os::local_address(worker[i].fd.get()), opened->addresses[i]);
      EXPECT_EQ(worker[i].local, opened->addresses[i]);
      EXPECT_EQ(worker[i].is_tls, i == 1);
      EXPECT_EQ(worker[i].https_port, opened->addresses[1].port());
    }
  }
  EXPECT_NE(opened->by_worker[0][0].fd.get(), opened->by_worker[1][0].fd.get());
  EXPECT_TRUE(connects(opened->addresses[0]));
}

TEST(Listen, OpensEveryAddressOfAListener) {
  config::Listener both = listener_on(loopback());
  both.addresses.emplace_back(*base::IpAddress::parse("::1"), 0);
  both.redirect_to_https = true;
  const auto opened = open_listeners({both}, 1);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  ASSERT_EQ(opened->addresses.size(), 2u);
  EXPECT_TRUE(opened->by_worker[0][0].redirect_to_https);
  EXPECT_TRUE(opened->by_worker[0][1].redirect_to_https);
  EXPECT_TRUE(connects(opened->addresses[1]));
}

// Workers share one socket, since a second one would take the file away from the first.
TEST(Listen, GivesAllWorkersOneUnixSocket) {
  const support::TemporaryDirectory directory;
  const auto address = base::SocketAddress::unix_path(directory / "web.sock");
  const auto opened = open_listeners({listener_on(address)}, 2);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  ASSERT_EQ(opened->by_worker.size(), 2u);
  for (const auto& worker : opened->by_worker) EXPECT_EQ(worker[0].local, address);
  EXPECT_TRUE(connects(address));
}

TEST(Listen, RefusesAnAddressOnWhichAnotherDaemonListens) {
  const auto first = open_listeners({listener_on(loopback())}, 2);
  ASSERT_TRUE(first.has_value());
  const auto second = open_listeners({listener_on(loopback()), listener_on(first->addresses[0])}, 2);
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find(first->addresses[0].to_string()), std::string::npos) << second.error().message;
}

TEST(Listen, LeavesNothingOpenWhenOneAddressCannotBeHad) {
  const auto taken = open_listeners({listener_on(loopback())}, 1);
  ASSERT_TRUE(taken.has_value());
  base::SocketAddress free_address;
  {
    const auto free_port = open_listeners({listener_on(loopback())}, 1);
    free_address = free_port->addresses[0];
  }
  EXPECT_FALSE(open_listeners({listener_on(free_address), listener_on(taken->addresses[0])}, 2).has_value());
  EXPECT_FALSE(connects(free_address));
}

TEST(Listen, TellsWhetherTwoConfigsListenAlike) {
  using Change = std::function<void(std::vector<config::Listener>&)>;
  const std::vector<config::Listener> before = {listener_on(loopback(80)), listener_on(loopback(443), true)};
  EXPECT_TRUE(is_same_listening(before, before));
  std::vector<config::Listener> elsewhere = before;
  elsewhere[0].place = {.file = "b.yaml", .line = 3, .column = 1};
  EXPECT_TRUE(is_same_listening(before, elsewhere));
  const std::vector<Change> changes = {
      [](auto& after) { after.pop_back(); },
      [](auto& after) { after.push_back(listener_on(loopback(81))); },
      [](auto& after) { after[0].addresses[0] = loopback(81); },
      [](auto& after) { after[0].addresses.push_back(loopback(81)); },
      [](auto& after) { std::swap(after[0], after[1]); },
      [](auto& after) { after[0].tls = true; },
      [](auto& after) { after[0].redirect_to_https = true; },
      [](auto& after) { after[1].http2 = false; },
      [](auto& after) { after[0].h2c = true; },
      [](auto& after) { after[0].proxy_protocol = true; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    std::vector<config::Listener> after = before;
    changes[i](after);
    EXPECT_FALSE(is_same_listening(before, after)) << "change " << i;
  }
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
