// SPDX-License-Identifier: Apache-2.0
#include "net/dialer.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "os/socket.h"
#include "support/no_descriptors.h"
#include "support/temporary_directory.h"

namespace viaduct::net {
namespace {

struct Caller final : DialHandler {
  void on_dialed(os::Fd dialed) override {
    fd = std::move(dialed);
    ++events;
  }
  void on_dial_failed(const base::Error& dial_error) override {
    error = dial_error;
    ++events;
  }
  os::Fd fd;
  base::Error error;
  int events = 0;
};

class DialerTest : public testing::Test {
 protected:
  void run_until_event() {
    while (caller_.events == 0) loop_.run_once(true);
  }

  base::SystemClock clock_;
  Loop loop_{clock_};
  Caller caller_;
  Dialer dialer_{loop_, caller_};
};

TEST_F(DialerTest, ConnectsLaterThanTheCall) {
  auto listening = os::listen_on({*base::IpAddress::parse("127.0.0.1"), 0}, {});
  ASSERT_TRUE(listening.has_value());
  dialer_.dial(os::local_address(listening->get()));
  EXPECT_EQ(caller_.events, 0);
  run_until_event();
  EXPECT_TRUE(caller_.fd);
}

TEST_F(DialerTest, SaysThatAPortRefusesAndThatNothingWasSent) {
  base::SocketAddress closed;
  {
    auto listening = os::listen_on({*base::IpAddress::parse("127.0.0.1"), 0}, {});
    ASSERT_TRUE(listening.has_value());
    closed = os::local_address(listening->get());
  }
  dialer_.dial(closed);
  run_until_event();
  EXPECT_EQ(caller_.error.code, ECONNREFUSED);
  EXPECT_TRUE(caller_.error.retryable);
  EXPECT_EQ(caller_.error.side, base::Side::kUpstream);
}

TEST_F(DialerTest, FailsLaterThanTheCallAlsoWhereTheKernelFailsAtOnce) {
  support::TemporaryDirectory directory;
  dialer_.dial(base::SocketAddress::unix_path(directory.path() + "/missing.sock"));
  EXPECT_EQ(caller_.events, 0);
  run_until_event();
  EXPECT_EQ(caller_.error.code, ENOENT);
}

TEST_F(DialerTest, DoesNotBlameTheServerForWhatIsShortHere) {
  auto listening = os::listen_on({*base::IpAddress::parse("127.0.0.1"), 0}, {});
  ASSERT_TRUE(listening.has_value());
  const base::SocketAddress address = os::local_address(listening->get());
  {
    const support::NoDescriptors none;
    dialer_.dial(address);
  }
  run_until_event();
  EXPECT_EQ(caller_.error.code, EMFILE);
  EXPECT_EQ(caller_.error.side, base::Side::kInternal);
  EXPECT_TRUE(caller_.error.retryable);
}

TEST(IsShortage, IsWhatOthersCannotBringAbout) {
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL, EAGAIN}) EXPECT_TRUE(is_shortage(error));
  for (const int error :
       {0, ECONNREFUSED, ECONNRESET, ETIMEDOUT, ENETUNREACH, EHOSTUNREACH, ENOENT, EACCES, EPERM, EAFNOSUPPORT}) {
    EXPECT_FALSE(is_shortage(error)) << error;
  }
}

TEST_F(DialerTest, SaysNothingAfterCancel) {
  auto listening = os::listen_on({*base::IpAddress::parse("127.0.0.1"), 0}, {});
  ASSERT_TRUE(listening.has_value());
  dialer_.dial(os::local_address(listening->get()));
  dialer_.cancel();
  loop_.run_once(false);
  loop_.run_once(false);
  EXPECT_EQ(caller_.events, 0);
  dialer_.dial(os::local_address(listening->get()));
  run_until_event();
  EXPECT_TRUE(caller_.fd);
}

}  // namespace
}  // namespace viaduct::net
