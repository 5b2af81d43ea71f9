// SPDX-License-Identifier: Apache-2.0
#include "net/dial_race.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <optional>

#include "os/socket.h"
#include "support/no_descriptors.h"
#include "support/scripted_server.h"
#include "support/wait_until.h"

namespace viaduct::net {
namespace {

using namespace std::chrono_literals;

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

base::SocketAddress at(std::uint16_t port) {
  return {*base::IpAddress::parse("127.0.0.1"), port};
}

class DialRaceTest : public testing::Test {
 protected:
  void start(std::vector<base::SocketAddress> addresses) {
    race_.emplace(loop_, caller_);
    race_->start(std::move(addresses));
    EXPECT_EQ(caller_.events, 0);
  }
  bool until_event() {
    return support::wait_until(loop_, [this] { return caller_.events > 0; });
  }
  void pass(base::Duration duration) { support::pass_time(loop_, clock_, duration); }

  support::ManualClock clock_;
  Loop loop_{clock_};
  Caller caller_;
  support::ScriptedServer server_{loop_};
  support::ScriptedServer other_{loop_};
  support::RefusingPort refusing_;
  support::SilentPort silent_;
  base::SocketAddress hole_{at(silent_.config().port)};
  base::SocketAddress refused_{at(refusing_.port())};
  // No kernel routes it: connect(2) fails at once.
  base::SocketAddress unreachable_{*base::IpAddress::parse("255.255.255.255"), 9};
  std::optional<DialRace> race_;
};

TEST_F(DialRaceTest, DialsOneAddress) {
  start({server_.address()});
  ASSERT_TRUE(until_event());
  EXPECT_TRUE(caller_.fd);
  EXPECT_EQ(race_->decided_by(), server_.address());
}

TEST_F(DialRaceTest, TakesTheFirstThatAnswersAndLeavesTheOthersAlone) {
  start({server_.address(), other_.address()});
  ASSERT_TRUE(until_event());
  EXPECT_EQ(race_->decided_by(), server_.address());
  pass(10s);
  EXPECT_EQ(caller_.events, 1);
  EXPECT_TRUE(other_.connections.empty());
}

TEST_F(DialRaceTest, GoesOnAtOnceWhenOneFails) {
  start({refused_, unreachable_, server_.address()});
  ASSERT_TRUE(until_event());  // the clock stands still
  EXPECT_TRUE(caller_.fd);
  EXPECT_EQ(race_->decided_by(), server_.address());
}

TEST_F(DialRaceTest, BeginsTheNextBesideOneThatIsSilent) {
  start({hole_, server_.address()});
  pass(DialRace::kNextAttemptDelay - 1ms);
  EXPECT_EQ(caller_.events, 0);
  EXPECT_TRUE(server_.connections.empty());
  pass(10ms);
  ASSERT_TRUE(until_event());
  EXPECT_EQ(race_->decided_by(), server_.address());
}

TEST_F(DialRaceTest, CountsTheDelayFromTheLastAttempt) {
  start({hole_, refused_, hole_, server_.address()});
  pass(260ms);  // the second begins, is refused, and the third begins
  support::settle(loop_);
  pass(230ms);
  EXPECT_TRUE(server_.connections.empty());
  pass(30ms);
  ASSERT_TRUE(until_event());
  EXPECT_EQ(race_->decided_by(), server_.address());
}

TEST_F(DialRaceTest, WaitsForTheOnesBeforeWhenTheLastHasFailed) {
  start({hole_, refused_});
  pass(260ms);
  support::settle(loop_);
  pass(10h);
  EXPECT_EQ(caller_.events, 0);
  race_->cancel();
}

TEST_F(DialRaceTest, TellsTheErrorThatSaysMost) {
  for (const auto& addresses : {std::vector{unreachable_, refused_}, std::vector{refused_, unreachable_}}) {
    caller_.events = 0;
    start(addresses);
    ASSERT_TRUE(until_event());
    EXPECT_EQ(caller_.error.code, ECONNREFUSED);
    EXPECT_EQ(race_->decided_by(), refused_);
  }
}

TEST_F(DialRaceTest, TellsWhatIsShortHereWhereNoAddressSaysMore) {
  if (!support::NoDescriptors::kIsPossible) GTEST_SKIP();
  {
    const support::NoDescriptors none;
    start({refused_});
  }
  ASSERT_TRUE(until_event());
  EXPECT_EQ(caller_.error.code, EMFILE);
  caller_.events = 0;
  {
    const support::NoDescriptors none;
    start({refused_, unreachable_});  // the second is dialled when there are descriptors again
  }
  ASSERT_TRUE(until_event());
  EXPECT_NE(caller_.error.code, EMFILE);
}

TEST_F(DialRaceTest, TellsTheFirstOfEqualErrors) {
  const support::RefusingPort second;
  start({refused_, at(second.port())});
  ASSERT_TRUE(until_event());
  EXPECT_EQ(race_->decided_by(), refused_);
  EXPECT_EQ(caller_.events, 1);
}

TEST_F(DialRaceTest, SaysNothingAfterCancel) {
  start({hole_, server_.address()});
  race_->cancel();
  pass(1s);
  EXPECT_EQ(caller_.events, 0);
  EXPECT_TRUE(server_.connections.empty());
}

TEST_F(DialRaceTest, EndsAlsoWithMoreFailuresThanATurnTakes) {
  std::vector<base::SocketAddress> addresses(40, unreachable_);
  addresses.push_back(server_.address());
  start(addresses);
  ASSERT_TRUE(until_event());
  EXPECT_TRUE(caller_.fd);
}

}  // namespace
}  // namespace viaduct::net
