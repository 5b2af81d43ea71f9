// SPDX-License-Identifier: Apache-2.0
// Waiting without sleeping: a loop is turned until something has happened, and time passes when the test says so. For
// tests of everything that lives on a net::Loop, with the clock of the system or one that stands still. One thread.
#pragma once

#include <gtest/gtest.h>

#include <chrono>

#include "net/loop.h"
#include "support/manual_clock.h"

namespace viaduct::support {

// Keeps a waiting turn of the loop from waiting for ever. libevent counts in real time, so that it does so with a
// ManualClock too.
class LoopWaker final : private net::TimerHandler {
 public:
  explicit LoopWaker(net::Loop& loop) : timer_(loop.timers(), *this) { timer_.start_after(kEvery); }

 private:
  static constexpr base::Duration kEvery = std::chrono::milliseconds(20);

  void on_timer(int) override { timer_.start_after(kEvery); }

  net::Timer timer_;
};

// How long a test waits for what is to come at once, before it fails.
inline constexpr base::Duration kPatience = std::chrono::seconds(20);

// Turns `loop`, waiting for its events, until `is_done()`; false, and a failure of the test, when that does not come.
template <typename IsDone>
bool wait_until(net::Loop& loop, IsDone is_done) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  LoopWaker waker(loop);
  while (!is_done()) {
    if (std::chrono::steady_clock::now() > give_up) {
      ADD_FAILURE() << "nothing happened";
      return false;
    }
    loop.run_once(true);
  }
  return true;
}

// Turns `loop` until it has nothing to do at this moment. Bytes that another end of a loopback connection has sent are
// there at once, so that this sees them.
inline void settle(net::Loop& loop) {
  for (int turn = 0; turn < 8; ++turn) loop.run_once(false);
}

// Lets `duration` pass on a loop with this clock: everything that is due fires, at the end of that time.
inline void pass_time(net::Loop& loop, ManualClock& clock, base::Duration duration) {
  settle(loop);
  clock.advance(duration);
  loop.timers().advance(clock.mono_now());
  settle(loop);
}

}  // namespace viaduct::support
