// SPDX-License-Identifier: Apache-2.0
#include "os/service_manager.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "support/notify_socket.h"

namespace viaduct::os {
namespace {

class ServiceManagerTest : public testing::Test {
 protected:
  ~ServiceManagerTest() override {
    for (const char* name : {"WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}) {
      ::unsetenv(name);
    }
  }
  std::string heard() const { return systemd_.heard(); }

  support::NotifySocket systemd_;
};

TEST_F(ServiceManagerTest, HearsWhatBecomesOfTheProcess) {
  notify_ready("2 workers\nEVIL=1");
  EXPECT_EQ(heard(), "READY=1\nSTATUS=2 workers EVIL=1");
  notify_status("3 workers\nEVIL=1");
  EXPECT_EQ(heard(), "STATUS=3 workers EVIL=1");
  notify_reloading();
  const std::string reloading = heard();
  EXPECT_TRUE(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC=")) << reloading;
  notify_stopping("draining");
  EXPECT_EQ(heard(), "STOPPING=1\nSTATUS=draining");
  notify_successor(123);
  EXPECT_EQ(heard(), "MAINPID=123");
  feed_watchdog();
  EXPECT_EQ(heard(), "WATCHDOG=1");
}

TEST_F(ServiceManagerTest, HearsNothingWhereThereIsNone) {
  EXPECT_TRUE(has_service_manager());
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_FALSE(has_service_manager());
  notify_ready("");
  EXPECT_EQ(heard(), "");
}

TEST_F(ServiceManagerTest, SaysHowOftenItWantsToHear) {
  EXPECT_EQ(watchdog_interval(), std::nullopt);
  ::setenv("WATCHDOG_USEC", "1500000", 1);
  EXPECT_EQ(watchdog_interval(), std::chrono::milliseconds(1500));
  ::setenv("WATCHDOG_PID", "1", 1);  // somebody else
  EXPECT_EQ(watchdog_interval(), std::nullopt);
}

TEST_F(ServiceManagerTest, GivesNoSocketsToAProcessThatItDidNotStart) {
  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv("LISTEN_PID", "1", 1);
  EXPECT_TRUE(take_given_sockets().empty());
  EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr);
}

TEST_F(ServiceManagerTest, NamesWhatWasGivenAndDoesNotListen) {
  // Three is open since something of this test has it, and nobody listens on it.
  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  ::setenv("LISTEN_FDNAMES", "first", 1);
  const std::vector<GivenSocket> given = take_given_sockets();
  ASSERT_EQ(given.size(), 1u);
  EXPECT_EQ(given[0].name, "first");
  EXPECT_FALSE(given[0].fd);
  EXPECT_EQ(std::getenv("LISTEN_FDNAMES"), nullptr);
  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  ::setenv("LISTEN_FDNAMES", "first:second", 1);
  EXPECT_EQ(take_given_sockets().at(0).name, "") << "which of them?";
}

TEST_F(ServiceManagerTest, KeepsSocketsUnderAName) {
  const std::vector<int> sockets(kStoredAtOnce + 2, systemd_.descriptor());
  store_sockets("listener", sockets);
  EXPECT_EQ(heard(), "FDSTORE=1\nFDNAME=listener\nFDPOLL=0 +128");
  EXPECT_EQ(heard(), "FDSTORE=1\nFDNAME=listener\nFDPOLL=0 +2");
  store_sockets("listener", {});
  forget_sockets("listener");
  EXPECT_EQ(heard(), "FDSTOREREMOVE=1\nFDNAME=listener");
}

}  // namespace
}  // namespace viaduct::os
