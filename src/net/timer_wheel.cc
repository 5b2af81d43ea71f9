// SPDX-License-Identifier: Apache-2.0
#include "net/timer_wheel.h"

#include <algorithm>

namespace viaduct::net {

void Timer::start(base::MonoTime deadline) {
  stop();
  deadline_ = deadline;
  wheel_.add(*this);
}

void Timer::start_after(base::Duration delay) {
  start(wheel_.observer_.wheel_now() + delay);
}

void Timer::stop() {
  if (is_linked()) wheel_.remove(*this);
}

TimerWheel::TimerWheel(TimerWheelObserver& observer, base::MonoTime start) : observer_(observer), start_(start) {}

// The first tick at which a deadline has certainly passed.
std::uint64_t TimerWheel::tick_of(base::MonoTime time) const {
  if (time <= start_) return 0;
  return static_cast<std::uint64_t>((time - start_ + kTick - base::Duration(1)) / kTick);
}

void TimerWheel::add(Timer& timer) {
  // A deadline in the past fires at the next tick.
  const std::uint64_t tick = std::max(tick_of(timer.deadline_), tick_ + 1);
  slots_[tick % kSlots].push_back(timer);
  ++size_;
  observer_.on_earlier_deadline(start_ + kTick * static_cast<std::int64_t>(tick));
}

void TimerWheel::remove(Timer& timer) {
  timer.unlink();
  --size_;
}

void TimerWheel::advance(base::MonoTime now) {
  if (now < start_) return;
  const auto target = static_cast<std::uint64_t>((now - start_) / kTick);
  if (target <= tick_) return;
  const std::uint64_t steps = std::min<std::uint64_t>(target - tick_, kSlots);
  const std::uint64_t first = tick_ + 1;
  tick_ = target;
  for (std::uint64_t step = 0; step < steps; ++step) {
    // The slot's timers are taken out first: a handler may start, stop or destroy any timer, these included.
    base::IntrusiveList<Timer> due;
    due.splice_back(slots_[(first + step) % kSlots]);
    while (!due.empty()) {
      Timer& timer = due.front();
      timer.unlink();
      if (tick_of(timer.deadline_) > target) {
        slots_[tick_of(timer.deadline_) % kSlots].push_back(timer);  // belongs to a later turn of the wheel
        continue;
      }
      --size_;
      timer.handler_.on_timer(timer.timer_id_);
    }
  }
}

std::optional<base::MonoTime> TimerWheel::next_deadline() const {
  if (size_ == 0) return std::nullopt;
  for (std::uint64_t step = 1; step <= kSlots; ++step) {
    if (!slots_[(tick_ + step) % kSlots].empty()) return start_ + kTick * static_cast<std::int64_t>(tick_ + step);
  }
  return std::nullopt;
}

}  // namespace viaduct::net
