// SPDX-License-Identifier: Apache-2.0
#include "net/loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#include "support/pipe_pair.h"

namespace viaduct::net {
namespace {

using namespace std::chrono_literals;

struct Recorder final : FdHandler, TimerHandler, TurnEnd {
  void on_fd_readable() override { ++readable; }
  void on_fd_writable() override { ++writable; }
  void on_timer(int) override { ++timers; }
  void on_turn_end() override { ++turn_ends; }
  int readable = 0;
  int writable = 0;
  int timers = 0;
  int turn_ends = 0;
};

struct Ending final : Retirable {
  explicit Ending(int& count) : disposed(count) {}
  void dispose() override { ++disposed; }
  int& disposed;
};

class LoopTest : public testing::Test {
 protected:
  base::SystemClock clock_;
  Loop loop_{clock_};
  Recorder recorder_;
};

TEST_F(LoopTest, TellsWhenADescriptorIsReadableAsLongAsItIsWatched) {
  support::PipePair pair;
  FdWatch watch(loop_);
  watch.open(pair.left(), recorder_);
  loop_.run_once(false);
  EXPECT_EQ(recorder_.readable, 0);
  watch.set_reading(true);
  ASSERT_EQ(::write(pair.right(), "x", 1), 1);
  loop_.run_once(true);
  loop_.run_once(true);
  EXPECT_EQ(recorder_.readable, 2) << "level-triggered: until it is read";
  watch.set_reading(false);
  loop_.run_once(false);
  EXPECT_EQ(recorder_.readable, 2);
  watch.close();
}

TEST_F(LoopTest, TellsWhenADescriptorIsWritable) {
  support::PipePair pair;
  FdWatch watch(loop_);
  watch.open(pair.left(), recorder_);
  watch.set_writing(true);
  loop_.run_once(true);
  EXPECT_EQ(recorder_.writable, 1);
}

TEST_F(LoopTest, RunsAnEndOfTurnOnceHoweverOftenItIsAskedFor) {
  loop_.at_turn_end(recorder_);
  loop_.at_turn_end(recorder_);
  loop_.run_once(true);
  EXPECT_EQ(recorder_.turn_ends, 1);
  loop_.run_once(false);
  EXPECT_EQ(recorder_.turn_ends, 1);
}

// Notes in which order it is called; whoever reads asks for the end of the reads and for that of the turn.
struct OrderRecorder final : FdHandler, TimerHandler, ReadEnd, TurnEnd {
  explicit OrderRecorder(Loop& owner) : loop(owner) {}
  void on_fd_readable() override {
    order += "read ";
    loop.at_read_end(*this);
    loop.at_read_end(*this);
    loop.at_turn_end(*this);
  }
  void on_fd_writable() override {}
  void on_timer(int) override { order += "timer "; }
  void on_read_end() override { order += "handled "; }
  void on_turn_end() override { order += "flushed"; }
  Loop& loop;
  std::string order;
};

TEST_F(LoopTest, HandlesWhatWasReadBeforeTimersAndFlushes) {
  support::PipePair pair;
  OrderRecorder recorder(loop_);
  FdWatch watch(loop_);
  watch.open(pair.left(), recorder);
  watch.set_reading(true);
  ASSERT_EQ(::write(pair.right(), "x", 1), 1);
  Timer timer(loop_.timers(), recorder);
  timer.start_after(1ms);
  const base::MonoTime due = clock_.mono_now() + 3 * TimerWheel::kTick;
  while (clock_.mono_now() < due) continue;  // so that both are due when the loop looks
  loop_.run_once(true);
  EXPECT_EQ(recorder.order, "read handled timer flushed");
}

TEST_F(LoopTest, FreesRetiredObjectsBehindTheEndsOfTheTurn) {
  int disposed = 0;
  Ending object(disposed);
  loop_.retire(object);
  loop_.retire(object);
  EXPECT_EQ(disposed, 0);
  loop_.run_once(true);
  EXPECT_EQ(disposed, 1);
}

TEST_F(LoopTest, FiresTimersWithoutOtherEvents) {
  Timer timer(loop_.timers(), recorder_);
  timer.start_after(20ms);
  const auto start = clock_.mono_now();
  while (recorder_.timers == 0) loop_.run_once(true);
  EXPECT_GE(clock_.mono_now() - start, 20ms);
}

TEST_F(LoopTest, AnEarlierTimerIsNotKeptWaitingByALaterOne) {
  Timer late(loop_.timers(), recorder_);
  Timer early(loop_.timers(), recorder_);
  late.start_after(1h);
  early.start_after(10ms);
  while (recorder_.timers == 0) loop_.run_once(true);
  EXPECT_TRUE(late.is_running());
}

TEST_F(LoopTest, ReadsTheClockOnceATurn) {
  const auto first = loop_.now();
  EXPECT_EQ(loop_.now(), first);
  loop_.at_turn_end(recorder_);
  loop_.run_once(true);
  EXPECT_GE(loop_.now(), first);
}

TEST_F(LoopTest, CountsReadsAlsoOfWhoHasAskedAlready) {
  struct Reading final : ReadEnd {
    void on_read_end() override { ++ends; }
    int ends = 0;
  } reading;
  const auto before = loop_.reads();
  loop_.at_read_end(reading);
  EXPECT_EQ(loop_.reads(), before + 1);
  loop_.at_read_end(reading);
  EXPECT_EQ(loop_.reads(), before + 2);
  loop_.run_once(false);
  EXPECT_EQ(reading.ends, 1);
  EXPECT_EQ(loop_.reads(), before + 2);
}

TEST_F(LoopTest, RunsTasksOfOtherThreadsInItsOwn) {
  struct Order final : Task {
    Order(Loop& order_loop, std::thread::id& ran_in) : loop(order_loop), where(ran_in) {}
    void run() override {
      where = std::this_thread::get_id();
      loop.stop();
    }
    Loop& loop;
    std::thread::id& where;
  };
  std::thread::id where;
  std::thread other([&] { loop_.post(std::make_unique<Order>(loop_, where)); });
  loop_.run();
  other.join();
  EXPECT_EQ(where, std::this_thread::get_id());
}

}  // namespace
}  // namespace viaduct::net
