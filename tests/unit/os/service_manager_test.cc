// SPDX-License-Identifier: Apache-2.0
#include "os/service_manager.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/ip.h"
#include "support/temporary_directory.h"

namespace viaduct::os {
namespace {

// Hears what systemd would.
class ServiceManagerTest : public testing::Test {
 protected:
  ServiceManagerTest() {
    sockaddr_storage storage{};
    const std::string path = directory_ / "notify";
    const socklen_t length = base::SocketAddress::unix_path(path).to_sockaddr(storage);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&storage), length), 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~ServiceManagerTest() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID"}) {
      ::unsetenv(name);
    }
  }
  std::string heard() const {
    std::array<char, 4096> bytes;
    const ssize_t got = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    return got > 0 ? std::string(bytes.data(), static_cast<std::size_t>(got)) : "";
  }

  support::TemporaryDirectory directory_;
  Fd fd_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

TEST_F(ServiceManagerTest, HearsWhatBecomesOfTheProcess) {
  notify_ready("2 workers\nEVIL=1");
  EXPECT_EQ(heard(), "READY=1\nSTATUS=2 workers EVIL=1");
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
  ::unsetenv("NOTIFY_SOCKET");
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
  EXPECT_TRUE(take_activated_sockets().empty());
  EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr);
}

}  // namespace
}  // namespace viaduct::os
