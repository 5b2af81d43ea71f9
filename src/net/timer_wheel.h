// SPDX-License-Identifier: Apache-2.0
// All timers of one worker in one hashed wheel: setting, moving and stopping a timer is a few pointer writes, whatever
// their number. Knows no clock and no event loop; net/loop drives it. Timers fire late by at most one tick, never
// early.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/intrusive_list.h"
#include "base/time.h"

namespace viaduct::net {

class TimerWheel;

// What a timer calls.
class TimerHandler {
 public:
  // `timer_id` is the number given to the Timer, so that one object can own several timers.
  virtual void on_timer(int timer_id) = 0;

 protected:
  ~TimerHandler() = default;
};

// One timer, a member of the object it calls. Stops itself when destroyed.
class Timer : private base::ListHook<> {
 public:
  // `wheel` and `handler` must outlive the timer.
  Timer(TimerWheel& wheel, TimerHandler& handler, int timer_id = 0)
      : wheel_(wheel), handler_(handler), timer_id_(timer_id) {}
  ~Timer() { stop(); }

  // (Re)starts: on_timer is called once, at `deadline` or up to one tick later.
  void start(base::MonoTime deadline);
  // Starts to fire `delay` after the wheel's present.
  void start_after(base::Duration delay);
  void stop();
  bool is_running() const { return is_linked(); }
  // REQUIRES: is_running()
  base::MonoTime deadline() const { return deadline_; }

 private:
  friend class TimerWheel;
  friend class base::IntrusiveList<Timer>;

  TimerWheel& wheel_;
  TimerHandler& handler_;
  int timer_id_;
  base::MonoTime deadline_;
};

// Tells the loop that the next deadline moved nearer.
class TimerWheelObserver {
 public:
  virtual void on_earlier_deadline(base::MonoTime deadline) = 0;
  // The present, at most one turn of the loop old.
  virtual base::MonoTime wheel_now() = 0;

 protected:
  ~TimerWheelObserver() = default;
};

class TimerWheel {
 public:
  static constexpr base::Duration kTick = std::chrono::milliseconds(8);
  // A power of two; one turn of the wheel is about 8 s. Longer timers stay in their slot for several turns.
  static constexpr std::size_t kSlots = 1024;

  // `observer` must outlive the wheel.
  TimerWheel(TimerWheelObserver& observer, base::MonoTime start);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Fires every timer whose deadline is not after `now`.
  void advance(base::MonoTime now);
  // When advance() should be called next: the end of the first slot with a timer in it; absent when there are none.
  std::optional<base::MonoTime> next_deadline() const;
  std::size_t size() const { return size_; }

 private:
  friend class Timer;

  std::uint64_t tick_of(base::MonoTime time) const;
  void add(Timer& timer);
  void remove(Timer& timer);

  TimerWheelObserver& observer_;
  base::MonoTime start_;
  std::uint64_t tick_ = 0;  // every slot up to this tick has been fired
  std::size_t size_ = 0;
  std::array<base::IntrusiveList<Timer>, kSlots> slots_;
};

}  // namespace viaduct::net
