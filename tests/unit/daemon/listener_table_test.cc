// SPDX-License-Identifier: Apache-2.0
#include "daemon/listener_table.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "daemon/listen.h"
#include "os/socket.h"
#include "support/temporary_directory.h"

namespace viaduct::daemon {
namespace {

using Lines = std::vector<std::string>;

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

// A table with its workers' sockets.
struct Scene {
  explicit Scene(std::size_t workers) : table(workers), held(workers) {}

  // False, and the error in `message`, when the change cannot be made.
  bool take(const std::vector<config::Listener>& wanted, std::vector<InheritedListener> inherited = {}) {
    auto change = table.prepare(wanted, inherited);
    left = inherited.size();
    message = change ? "" : change.error().message;
    if (!change) return false;
    lines = change->lines;
    by_worker = table.commit(std::move(*change));
    for (std::size_t i = 0; i < by_worker.size(); ++i) {
      for (WorkerListener& one : by_worker[i]) {
        for (os::Fd& socket : one.sockets) held[i].push_back(std::move(socket));
      }
    }
    return true;
  }
  const base::SocketAddress& local(std::size_t row) const { return table.rows()[row].local; }

  ListenerTable table;
  std::vector<std::vector<os::Fd>> held;  // by worker
  std::vector<std::vector<WorkerListener>> by_worker;
  Lines lines;
  std::string message;
  std::size_t left = 0;
};

TEST(ListenerTable, GivesEveryWorkerASocketOfEveryAddress) {
  Scene scene(3);
  config::Listener both = listener_on(loopback());
  both.addresses.emplace_back(*base::IpAddress::parse("::1"), 0);
  both.redirect_to_https = true;
  ASSERT_TRUE(scene.take({both, listener_on(loopback(), true)})) << scene.message;
  ASSERT_EQ(scene.table.rows().size(), 3u);
  for (std::size_t worker = 0; worker < 3; ++worker) {
    ASSERT_EQ(scene.held[worker].size(), 3u);
    for (std::size_t row = 0; row < 3; ++row) {
      const WorkerListener& given = scene.by_worker[worker][row];
      EXPECT_EQ(os::local_address(scene.held[worker][row].get()), scene.local(row));
      EXPECT_EQ(given.local, scene.local(row));
      EXPECT_EQ(given.number, scene.table.rows()[row].number);
      EXPECT_EQ(given.options.redirect_to_https, row < 2);
      EXPECT_EQ(given.options.is_tls, row == 2);
      EXPECT_EQ(given.options.https_port, scene.local(2).port());
    }
  }
  for (std::size_t row = 0; row < 3; ++row) EXPECT_TRUE(connects(scene.local(row)));
  EXPECT_EQ(scene.table.addresses()[1], scene.local(1));
}

TEST(ListenerTable, LeavesEverythingAsItIsWhenOneAddressCannotBeHad) {
  const auto taken = open_sockets(loopback(), 1, Sharing::kNobody);
  const base::SocketAddress taken_address = os::local_address(taken->front().get());
  base::SocketAddress free_address;
  {
    const auto free_port = open_sockets(loopback(), 1, Sharing::kNobody);
    free_address = os::local_address(free_port->front().get());
  }
  Scene scene(2);
  ASSERT_TRUE(scene.take({listener_on(loopback())}));
  const base::SocketAddress before = scene.local(0);
  EXPECT_FALSE(scene.take({listener_on(free_address), listener_on(taken_address)}));
  EXPECT_NE(scene.message.find(taken_address.to_string()), std::string::npos) << scene.message;
  EXPECT_FALSE(connects(free_address));
  ASSERT_EQ(scene.table.rows().size(), 1u);
  EXPECT_EQ(scene.local(0), before);
  EXPECT_TRUE(connects(before));
}

TEST(ListenerTable, KeepsSocketsWhoseOptionsChange) {
  Scene scene(2);
  ASSERT_TRUE(scene.take({listener_on(loopback()), listener_on(loopback())}));
  const base::SocketAddress first = scene.local(0);
  const std::uint32_t number = scene.table.rows()[0].number;
  config::Listener changed = listener_on(loopback());
  changed.h2c = true;
  ASSERT_TRUE(scene.take({changed, listener_on(loopback())}));
  // Who wants all of a row comes first: the one that changed has the row that is left.
  EXPECT_EQ(scene.lines, Lines{"listener changed: " + scene.local(0).to_string() + " (plain, h2c, was plain)"});
  EXPECT_EQ(scene.local(1), first);
  EXPECT_EQ(scene.table.rows()[1].number, number);
  EXPECT_EQ(scene.held[0].size(), 2u);
  EXPECT_TRUE(scene.by_worker[1][0].options.h2c);
  ASSERT_TRUE(scene.take({changed, listener_on(loopback())}));
  EXPECT_EQ(scene.lines, Lines{});
}

TEST(ListenerTable, TellsWhatComesAndGoes) {
  Scene scene(2);
  ASSERT_TRUE(scene.take({listener_on(loopback()), listener_on(loopback(), true)}));
  const base::SocketAddress first = scene.local(0);
  const base::SocketAddress second = scene.local(1);
  ASSERT_TRUE(scene.take({listener_on(loopback(), true)}));
  EXPECT_EQ(scene.lines, Lines{"listener removed: " + first.to_string()});
  EXPECT_EQ(scene.local(0), second);
  // By the port that the kernel has chosen it is the same listener.
  ASSERT_TRUE(scene.take({listener_on(second, true), listener_on(loopback())}));
  EXPECT_EQ(scene.local(0), second);
  EXPECT_EQ(scene.lines, Lines{"listener added: " + scene.local(1).to_string() + " (plain)"});
  EXPECT_EQ(scene.by_worker[0][0].sockets.size(), 0u);
}

TEST(ListenerTable, OpensAnAddressThatOneOfItsOwnCovers) {
  Scene scene(2);
  ASSERT_TRUE(scene.take({listener_on({*base::IpAddress::parse("0.0.0.0"), 0})}));
  const std::uint16_t port = scene.local(0).port();
  EXPECT_TRUE(scene.take({listener_on(loopback(port))})) << scene.message;
  EXPECT_EQ(scene.local(0), loopback(port));
}

TEST(ListenerTable, RemovesTheFileOfAUnixSocketThatEnds) {
  const support::TemporaryDirectory directory;
  const auto address = base::SocketAddress::unix_path(directory / "web.sock");
  Scene scene(2);
  ASSERT_TRUE(scene.take({listener_on(address), listener_on(loopback())}));
  ASSERT_TRUE(scene.take({listener_on(address)}));
  EXPECT_TRUE(connects(address));
  ASSERT_TRUE(scene.take({listener_on(loopback())}));
  struct stat status{};
  EXPECT_EQ(::stat(address.path().c_str(), &status), -1);
}

// The files of all listeners go by a reload that drops them, or at the end of the process.
class ListenerTableFiles : public testing::TestWithParam<bool> {};

TEST_P(ListenerTableFiles, AreRemovedAndNobodyElses) {
  const bool by_reload = GetParam();
  const support::TemporaryDirectory directory;
  const auto at = [&](const char* name) { return base::SocketAddress::unix_path(directory / name); };
  const auto inherit = [&](const base::SocketAddress& address, std::optional<os::SocketFile> file) {
    auto sockets = open_sockets(address, 1, Sharing::kNobody);
    return InheritedListener{.wanted = address, .local = address, .sockets = std::move(*sockets), .file = file};
  };
  std::vector<InheritedListener> inherited;
  inherited.push_back(inherit(at("unit.sock"), std::nullopt));
  inherited.push_back(inherit(at("handed.sock"), std::nullopt));
  inherited.back().file = os::find_socket_file(directory / "handed.sock");
  Scene scene(2);
  ASSERT_TRUE(scene.take({listener_on(at("own.sock")), listener_on(at("replaced.sock")), listener_on(at("unit.sock")),
                          listener_on(at("handed.sock")), listener_on(loopback())},
                         std::move(inherited)))
      << scene.message;
  ASSERT_EQ(::unlink((directory / "replaced.sock").c_str()), 0);
  const auto another = open_sockets(at("replaced.sock"), 1, Sharing::kNobody);
  ASSERT_TRUE(another.has_value());
  // A reload keeps what is known of them.
  ASSERT_TRUE(scene.take({listener_on(loopback()), listener_on(at("own.sock")), listener_on(at("replaced.sock")),
                          listener_on(at("unit.sock")), listener_on(at("handed.sock"))}));
  if (by_reload) {
    ASSERT_TRUE(scene.take({listener_on(loopback())}));
  } else {
    scene.table.remove_files();
  }
  EXPECT_FALSE(os::find_socket_file(directory / "own.sock"));
  EXPECT_FALSE(os::find_socket_file(directory / "handed.sock"));
  EXPECT_TRUE(connects(at("replaced.sock")));
  EXPECT_TRUE(os::find_socket_file(directory / "unit.sock"));
}

INSTANTIATE_TEST_SUITE_P(ByReloadAndAtTheEnd, ListenerTableFiles, testing::Bool());

TEST(ListenerTable, LeavesNoFileWhereAChangeIsNotMade) {
  const support::TemporaryDirectory directory;
  const auto taken = open_sockets(loopback(), 1, Sharing::kNobody);
  const auto served = base::SocketAddress::unix_path(directory / "served.sock");
  const auto added = base::SocketAddress::unix_path(directory / "added.sock");
  const auto has_file = [](const base::SocketAddress& address) {
    struct stat status{};
    return ::stat(address.path().c_str(), &status) == 0;
  };
  Scene scene(2);
  ASSERT_TRUE(scene.take({listener_on(served)}));
  EXPECT_FALSE(
      scene.take({listener_on(served), listener_on(added), listener_on(os::local_address(taken->front().get()))}));
  EXPECT_FALSE(has_file(added));
  {
    const auto change = scene.table.prepare({listener_on(served), listener_on(added)});
    ASSERT_TRUE(change.has_value());
    EXPECT_TRUE(has_file(added));
  }
  EXPECT_FALSE(has_file(added));
  EXPECT_TRUE(connects(served));
  ASSERT_TRUE(scene.take({listener_on(served), listener_on(added)}));
  EXPECT_TRUE(connects(added));
}

TEST(ListenerTable, TakesInheritedSocketsBeforeItOpensAny) {
  struct Row {
    std::size_t sockets;
    std::size_t workers;
    std::vector<std::size_t> held;
  };
  for (const Row& row : {Row{2, 2, {1, 1}}, Row{3, 2, {2, 1}}, Row{2, 3, {1, 1, 1}}, Row{1, 1, {1}}}) {
    auto sockets = open_sockets(loopback(), row.sockets, Sharing::kNobody);
    const base::SocketAddress local = os::local_address(sockets->front().get());
    std::vector<InheritedListener> inherited;
    inherited.push_back({.wanted = loopback(), .local = local, .sockets = std::move(*sockets)});
    auto other = open_sockets(loopback(), 1, Sharing::kNobody);
    const base::SocketAddress other_local = os::local_address(other->front().get());
    inherited.push_back({.wanted = other_local, .local = other_local, .sockets = std::move(*other)});
    Scene scene(row.workers);
    ASSERT_TRUE(scene.take({listener_on(loopback())}, std::move(inherited))) << scene.message;
    EXPECT_EQ(scene.local(0), local);
    for (std::size_t i = 0; i < row.workers; ++i) EXPECT_EQ(scene.held[i].size(), row.held[i]);
    EXPECT_EQ(scene.left, 1u);
  }
}

TEST(ListenerTable, FindsInheritedSocketsByTheirBoundAddressToo) {
  auto sockets = open_sockets(loopback(), 1, Sharing::kNobody);
  const base::SocketAddress local = os::local_address(sockets->front().get());
  std::vector<InheritedListener> inherited;
  inherited.push_back({.wanted = loopback(), .local = local, .sockets = std::move(*sockets)});
  Scene scene(1);
  ASSERT_TRUE(scene.take({listener_on(local)}, std::move(inherited))) << scene.message;
  EXPECT_EQ(scene.left, 0u);
}

TEST(ListenerTable, OpensWhatStoredSocketsLackToOneForEachWorker) {
  for (const std::size_t stored : {1U, 3U, 5U}) {
    auto sockets = open_sockets(loopback(), stored, Sharing::kNobody);
    const base::SocketAddress local = os::local_address(sockets->front().get());
    std::vector<InheritedListener> inherited;
    inherited.push_back({.wanted = loopback(), .local = local, .sockets = std::move(*sockets), .is_stored = true});
    Scene scene(3);
    ASSERT_TRUE(scene.take({listener_on(loopback())}, std::move(inherited))) << scene.message;
    EXPECT_EQ(scene.local(0), local);
    std::set<std::uint64_t> cookies;
    for (const int socket : scene.table.rows()[0].sockets) cookies.insert(os::socket_cookie(socket));
    EXPECT_EQ(cookies.size(), std::max<std::size_t>(stored, 3));
  }
}

TEST(ListenerTable, OpensBesideInheritedSocketsThatCoverAnAddress) {
  auto sockets = open_sockets({*base::IpAddress::parse("0.0.0.0"), 0}, 1, Sharing::kNobody);
  const base::SocketAddress everywhere = os::local_address(sockets->front().get());
  const base::SocketAddress here(loopback().ip(), everywhere.port());
  std::vector<InheritedListener> inherited;
  inherited.push_back({.wanted = everywhere, .local = everywhere, .sockets = std::move(*sockets), .is_stored = true});
  Scene scene(1);
  ASSERT_TRUE(scene.take({listener_on(here)}, std::move(inherited))) << scene.message;
  EXPECT_EQ(scene.local(0), here);
  EXPECT_EQ(scene.left, 1u);
}

}  // namespace
}  // namespace viaduct::daemon
