// SPDX-License-Identifier: Apache-2.0
#include "net/dialer.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <vector>

#include "os/socket.h"
#include "support/no_descriptors.h"
#include "support/temporary_directory.h"
#include "support/wait_until.h"

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

TEST_F(DialerTest, SaysThatAPortRefuses) {
  base::SocketAddress closed;
  {
    auto listening = os::listen_on({*base::IpAddress::parse("127.0.0.1"), 0}, {});
    ASSERT_TRUE(listening.has_value());
    closed = os::local_address(listening->get());
  }
  dialer_.dial(closed);
  run_until_event();
  EXPECT_EQ(caller_.error.code, ECONNREFUSED);
}

TEST_F(DialerTest, FailsLaterThanTheCallAlsoWhereTheKernelFailsAtOnce) {
  support::TemporaryDirectory directory;
  dialer_.dial(base::SocketAddress::unix_path(directory.path() + "/missing.sock"));
  EXPECT_EQ(caller_.events, 0);
  run_until_event();
  EXPECT_EQ(caller_.error.code, ENOENT);
}

TEST_F(DialerTest, TellsWhatIsShortHere) {
  if (!support::NoDescriptors::kIsPossible) GTEST_SKIP();
  auto listening = os::listen_on({*base::IpAddress::parse("127.0.0.1"), 0}, {});
  ASSERT_TRUE(listening.has_value());
  const base::SocketAddress address = os::local_address(listening->get());
  {
    const support::NoDescriptors none;
    dialer_.dial(address);
  }
  run_until_event();
  EXPECT_EQ(caller_.error.code, EMFILE);
}

TEST(IsShortage, IsWhatOthersCannotBringAbout) {
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL, EAGAIN}) EXPECT_TRUE(is_shortage(error));
  for (const int error :
       {0, ECONNREFUSED, ECONNRESET, ETIMEDOUT, ENETUNREACH, EHOSTUNREACH, ENOENT, EACCES, EPERM, EAFNOSUPPORT}) {
    EXPECT_FALSE(is_shortage(error)) << error;
  }
}

// A Unix socket that listens and whose queue is full.
class FullSocket {
 public:
  FullSocket() : listening_(*os::listen_on(address(), {.backlog = 0, .reuse_port = false, .unix_mode = 0600})) {
    sockaddr_storage storage{};
    const socklen_t length = address().to_sockaddr(storage);
    for (int result = 0; result == 0;) {
      os::Fd& waiting = waiting_.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      result = ::connect(waiting.get(), reinterpret_cast<const sockaddr*>(&storage), length);
    }
    EXPECT_EQ(errno, EAGAIN);
  }

  base::SocketAddress address() const { return base::SocketAddress::unix_path(directory_.path() + "/full.sock"); }
  void accept_one() { EXPECT_TRUE(os::Fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC))); }

 private:
  support::TemporaryDirectory directory_;
  os::Fd listening_;
  std::vector<os::Fd> waiting_;
};

class PatientDialerTest : public testing::Test {
 protected:
  void pass(base::Duration duration) { support::pass_time(loop_, clock_, duration); }

  FullSocket full_;
  support::ManualClock clock_;
  Loop loop_{clock_};
  Caller caller_;
  Dialer dialer_{loop_, caller_};
};

TEST_F(PatientDialerTest, WaitsForRoomInTheQueueOfAUnixSocket) {
  dialer_.dial(full_.address());
  for (int i = 0; i < 10; ++i) pass(2 * Dialer::kFullQueuePause);
  EXPECT_EQ(caller_.events, 0);
  full_.accept_one();
  pass(2 * Dialer::kFullQueuePause + TimerWheel::kTick);
  EXPECT_EQ(caller_.events, 1);
  EXPECT_TRUE(caller_.fd);
}

TEST_F(PatientDialerTest, GivesUpAFullQueueInTheEnd) {
  dialer_.dial(full_.address());
  pass(Dialer::kFullQueuePatience - Dialer::kFullQueuePause);
  EXPECT_EQ(caller_.events, 0);
  pass(4 * Dialer::kFullQueuePause);
  EXPECT_EQ(caller_.events, 1);
  EXPECT_EQ(caller_.error.code, ETIMEDOUT);
}

TEST_F(PatientDialerTest, WaitsForNoRoomAfterCancel) {
  dialer_.dial(full_.address());
  pass(2 * Dialer::kFullQueuePause);
  dialer_.cancel();
  full_.accept_one();
  pass(2 * Dialer::kFullQueuePause + TimerWheel::kTick);
  EXPECT_EQ(caller_.events, 0);
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
