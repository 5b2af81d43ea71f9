// SPDX-License-Identifier: Apache-2.0
#include "daemon/service_reports.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "config/address.h"
#include "daemon/listen.h"
#include "os/socket.h"
#include "support/notify_socket.h"

namespace viaduct::daemon {
namespace {

using testing::ElementsAre;

base::SocketAddress address_of(const std::string& text) {
  return config::parse_listener_address(text)->front();
}

std::string stored(const std::string& name, int count) {
  return "FDSTORE=1\nFDNAME=" + name + "\nFDPOLL=0 +" + std::to_string(count);
}

std::string forgotten(const std::string& name) {
  return "FDSTOREREMOVE=1\nFDNAME=" + name;
}

// Listeners on real sockets, and what systemd hears of them.
class ServiceReportsTest : public testing::Test {
 protected:
  BoundListener open(const std::string& wanted, std::size_t workers = 1) {
    auto opened = open_sockets(address_of(wanted), workers, Sharing::kNobody);
    BoundListener row{.number = 1, .wanted = address_of(wanted), .local = {}, .options = {}, .sockets = {}};
    for (os::Fd& socket : *opened) {
      row.sockets.push_back(socket.get());
      sockets_.push_back(std::move(socket));
    }
    row.local = os::local_address(row.sockets.front());
    return row;
  }
  static std::string name_of(const BoundListener& row) { return stored_name(row.wanted, row.local); }
  static InheritedListener handed_over(const BoundListener& row) {
    return {.wanted = row.wanted, .local = row.local, .sockets = {}};
  }

  support::NotifySocket systemd_;
  base::SystemClock clock_;
  net::Loop loop_{clock_};
  std::vector<os::Fd> sockets_;
};

TEST(StoredName, SaysTheAddressOfTheConfig) {
  struct Row {
    std::string wanted;
    std::string local;
    std::string name;
  };
  for (const Row& row :
       {Row{"0.0.0.0:443", "0.0.0.0:443", "listener-0.0.0.0%3A443"},
        Row{"[::]:443", "[::]:443", "listener-[%3A%3A]%3A443"},
        Row{"127.0.0.1:0", "127.0.0.1:41234", "listener-127.0.0.1%3A0,127.0.0.1%3A41234"},
        Row{"unix:/run/a b%,\\.sock", "unix:/run/a b%,\\.sock", "listener-unix%3A/run/a%20b%25%2C%5C.sock"}}) {
    EXPECT_EQ(stored_name(address_of(row.wanted), address_of(row.local)), row.name);
    EXPECT_EQ(wanted_of_stored_name(row.name), address_of(row.wanted)) << row.name;
  }
  for (const char* name : {"", "viaduct.socket", "listener-", "listener-x", "listener-%3A443", "listener-1.2.3.4"}) {
    EXPECT_EQ(wanted_of_stored_name(name), std::nullopt) << name;
  }
}

TEST(StoredName, IsNoneWhereItWouldBeTooLong) {
  // "listener-unix%3A/" and as many bytes as three of a name each.
  const std::string longest(79, ':');
  EXPECT_EQ(stored_name(address_of("unix:/x" + longest), {}).size(), os::kStoredNameBytesMax);
  EXPECT_EQ(stored_name(address_of("unix:/xy" + longest), {}), "");
}

TEST_F(ServiceReportsTest, StoreWhatListensAndForgetWhatDoesNotAnyMore) {
  ServiceReports reports(loop_);
  EXPECT_TRUE(reports.take_sockets().empty());
  const BoundListener two = open("127.0.0.1:0", 2);
  const BoundListener one = open("[::1]:0");
  reports.serve("serving", {two});
  EXPECT_THAT(systemd_.all(), ElementsAre(stored(name_of(two), 2), "READY=1\nSTATUS=serving"));
  reports.serve("still", {two});
  EXPECT_THAT(systemd_.all(), ElementsAre("STATUS=still"));
  reports.serve("others", {one});
  EXPECT_THAT(systemd_.all(), ElementsAre(forgotten(name_of(two)), stored(name_of(one), 1), "STATUS=others"));
}

TEST_F(ServiceReportsTest, StoreASocketThatWorkersShareOnce) {
  ServiceReports reports(loop_);
  BoundListener row = open("127.0.0.1:0");
  sockets_.push_back(sockets_.front().duplicate());
  row.sockets.push_back(sockets_.back().get());
  reports.serve("serving", {row});
  EXPECT_EQ(systemd_.heard(), stored(name_of(row), 1));
}

TEST_F(ServiceReportsTest, StoreUnderTheNewNameWhatTheConfigNamesOtherwise) {
  ServiceReports reports(loop_);
  BoundListener row = open("127.0.0.1:0");
  const std::string before = name_of(row);
  reports.serve("serving", {row});
  row.wanted = row.local;
  reports.serve("serving", {row});
  EXPECT_THAT(systemd_.all(), ElementsAre(stored(before, 1), "READY=1\nSTATUS=serving", forgotten(before),
                                          stored(name_of(row), 1), "STATUS=serving"));
}

TEST_F(ServiceReportsTest, AreHeardOfASuccessorWhenTheProcessBeforeItHasTold) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  os::Fd writing(ends[1]);
  const BoundListener kept = open("127.0.0.1:0");
  const BoundListener gone = open("127.0.0.1:0");
  std::vector<InheritedListener> handed;
  handed.push_back(handed_over(kept));
  handed.push_back(handed_over(gone));
  ServiceReports reports(loop_);
  reports.follow(handed, os::Fd(ends[0]));
  reports.serve("first", {kept});
  reports.serve("second", {kept});
  loop_.run_once(false);
  EXPECT_THAT(systemd_.all(), ElementsAre());
  writing.reset();
  loop_.run_once(true);
  EXPECT_THAT(systemd_.all(),
              ElementsAre(forgotten(name_of(gone)), stored(name_of(kept), 1), "READY=1\nSTATUS=second"));
  reports.serve("third", {kept});
  EXPECT_THAT(systemd_.all(), ElementsAre("STATUS=third"));
}

TEST_F(ServiceReportsTest, DoNotWaitForAProcessThatNeverTells) {
  const BoundListener row = open("127.0.0.1:0");
  std::vector<InheritedListener> handed;
  handed.push_back(handed_over(row));
  ServiceReports reports(loop_);
  reports.follow(handed, os::Fd());
  reports.serve("serving", {row});
  EXPECT_THAT(systemd_.all(), ElementsAre(stored(name_of(row), 1), "READY=1\nSTATUS=serving"));
}

}  // namespace
}  // namespace viaduct::daemon
