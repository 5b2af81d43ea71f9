// SPDX-License-Identifier: Apache-2.0
#include "net/timer_wheel.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace viaduct::net {
namespace {

using namespace std::chrono_literals;

// A wheel with a clock that the test turns by hand.
class TimerWheelTest : public testing::Test, public TimerWheelObserver, public TimerHandler {
 protected:
  void on_earlier_deadline(base::MonoTime deadline) override { earliest_ = deadline; }
  base::MonoTime wheel_now() override { return now_; }
  void on_timer(int timer_id) override {
    fired_.push_back(timer_id);
    if (on_fire_) on_fire_(timer_id);
  }
  void pass(base::Duration time) {
    now_ += time;
    wheel_.advance(now_);
  }

  base::MonoTime now_{1000s};
  base::MonoTime earliest_{};
  std::vector<int> fired_;
  void (*on_fire_)(int) = nullptr;
  TimerWheel wheel_{*this, now_};
};

TEST_F(TimerWheelTest, NeverFiresEarlyAndAtMostOneTickLate) {
  for (const base::Duration delay : {1ns, 999999ns, 7999999ns, 8000000ns, 8000001ns, 100000000ns}) {
    fired_.clear();
    Timer timer(wheel_, *this, 7);
    timer.start_after(delay);
    pass(delay - 1ns);
    EXPECT_TRUE(fired_.empty()) << delay.count();
    pass(1ns + 2 * TimerWheel::kTick);
    EXPECT_EQ(fired_, std::vector<int>{7}) << delay.count();
    EXPECT_FALSE(timer.is_running());
  }
}

TEST_F(TimerWheelTest, FiresTimersLongerThanOneTurnOfTheWheelOnceAndInTime) {
  Timer timer(wheel_, *this, 1);
  timer.start_after(1h);
  for (int i = 0; i < 3599; ++i) pass(1s);
  EXPECT_TRUE(fired_.empty());
  pass(1s + TimerWheel::kTick);
  EXPECT_EQ(fired_, std::vector<int>{1});
}

TEST_F(TimerWheelTest, JumpsOverSeveralTurnsAtOnce) {
  Timer near(wheel_, *this, 1);
  Timer far(wheel_, *this, 2);
  near.start_after(10ms);
  far.start_after(40s);
  pass(30s);
  EXPECT_EQ(fired_, std::vector<int>{1});
  pass(30s);
  EXPECT_EQ(fired_, (std::vector<int>{1, 2}));
}

TEST_F(TimerWheelTest, RestartingMovesTheDeadline) {
  Timer timer(wheel_, *this, 1);
  timer.start_after(50ms);
  pass(40ms);
  timer.start_after(50ms);
  pass(40ms);
  EXPECT_TRUE(fired_.empty());
  pass(20ms);
  EXPECT_EQ(fired_.size(), 1u);
  EXPECT_EQ(wheel_.size(), 0u);
}

TEST_F(TimerWheelTest, StoppedAndDestroyedTimersDoNotFire) {
  Timer stopped(wheel_, *this, 1);
  stopped.start_after(10ms);
  stopped.stop();
  {
    Timer gone(wheel_, *this, 2);
    gone.start_after(10ms);
    EXPECT_EQ(wheel_.size(), 1u);
  }
  EXPECT_EQ(wheel_.size(), 0u);
  pass(1s);
  EXPECT_TRUE(fired_.empty());
}

TEST_F(TimerWheelTest, AHandlerMayDestroyAnotherTimerThatIsDue) {
  struct Killer final : TimerHandler {
    void on_timer(int) override {
      ++fired;
      victim.reset();
    }
    int fired = 0;
    std::unique_ptr<Timer> victim;
  } killer;
  Timer first(wheel_, killer, 1);
  first.start_after(10ms);
  killer.victim = std::make_unique<Timer>(wheel_, *this, 2);
  killer.victim->start_after(10ms);
  pass(1s);
  EXPECT_EQ(killer.fired, 1);
  EXPECT_TRUE(fired_.empty());
  EXPECT_EQ(wheel_.size(), 0u);
}

TEST_F(TimerWheelTest, AHandlerMayRestartItsTimer) {
  struct Repeater final : TimerHandler {
    explicit Repeater(TimerWheel& wheel) : timer(wheel, *this) {}
    void on_timer(int) override {
      ++fired;
      timer.start_after(10ms);
    }
    Timer timer;
    int fired = 0;
  } repeater(wheel_);
  repeater.timer.start_after(10ms);
  for (int i = 0; i < 10; ++i) pass(20ms);
  EXPECT_EQ(repeater.fired, 10);
}

TEST_F(TimerWheelTest, TellsTheNextDeadlineSoThatTheLoopSleepsUntilThen) {
  EXPECT_FALSE(wheel_.next_deadline().has_value());
  Timer timer(wheel_, *this, 1);
  timer.start_after(100ms);
  ASSERT_TRUE(wheel_.next_deadline().has_value());
  EXPECT_GE(*wheel_.next_deadline(), now_ + 100ms);
  EXPECT_LE(*wheel_.next_deadline(), now_ + 100ms + TimerWheel::kTick);
  EXPECT_EQ(earliest_, *wheel_.next_deadline());
}

}  // namespace
}  // namespace viaduct::net
