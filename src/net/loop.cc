// SPDX-License-Identifier: Apache-2.0
#include "net/loop.h"

#include <event2/event.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "base/check.h"

namespace viaduct::net {

void FdWatch::open(int fd, FdHandler& handler) {
  DCHECK(handler_ == nullptr);
  handler_ = &handler;
  event_base* base = loop_.base_.get();
  event_assign(
      &read_event_, base, fd, EV_READ | EV_PERSIST,
      [](int, short, void* self) { static_cast<FdWatch*>(self)->handler_->on_fd_readable(); }, this);
  event_assign(
      &write_event_, base, fd, EV_WRITE | EV_PERSIST,
      [](int, short, void* self) { static_cast<FdWatch*>(self)->handler_->on_fd_writable(); }, this);
}

void FdWatch::set_reading(bool reading) {
  if (reading == reading_ || handler_ == nullptr) return;
  // What the kernel refuses is not said to be watched: the next call tries again, and timers end who waits.
  reading_ = reading && event_add(&read_event_, nullptr) == 0;
  if (!reading) event_del(&read_event_);
}

void FdWatch::set_writing(bool writing) {
  if (writing == writing_ || handler_ == nullptr) return;
  writing_ = writing && event_add(&write_event_, nullptr) == 0;
  if (!writing) event_del(&write_event_);
}

void FdWatch::close() {
  if (handler_ == nullptr) return;
  set_reading(false);
  set_writing(false);
  handler_ = nullptr;
}

void Loop::EventBaseFree::operator()(event_base* base) const {
  event_base_free(base);
}

Loop::Loop(const base::Clock& clock)
    : clock_(clock),
      base_([] {
        const std::unique_ptr<event_config, decltype(&event_config_free)> config(event_config_new(), event_config_free);
        event_config_set_flag(config.get(), EVENT_BASE_FLAG_NOLOCK);
        return event_base_new_with_config(config.get());
      }()),
      now_(clock.mono_now()),
      wheel_(*this, now_),
      wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      wake_watch_(*this) {
  CHECK(base_ != nullptr);
  CHECK(wake_fd_.get() >= 0);
  event_assign(
      &timer_event_, base_.get(), -1, 0, [](int, short, void* self) { static_cast<Loop*>(self)->on_wheel_event(); },
      this);
  wake_watch_.open(wake_fd_.get(), *this);
  wake_watch_.set_reading(true);
}

Loop::~Loop() {
  end_turn();
  wake_watch_.close();
  event_del(&timer_event_);
}

void Loop::run() {
  stopping_ = false;
  while (!stopping_) run_once(true);
}

void Loop::run_once(bool wait) {
  const bool has_work = has_ends() || !retired_.empty();
  event_base_loop(base_.get(), EVLOOP_ONCE | (wait && !has_work ? 0 : EVLOOP_NONBLOCK));
  end_turn();
}

void Loop::end_reads() {
  base::IntrusiveList<ReadEnd, ReadEnd> due;
  due.splice_back(read_ends_);
  while (!due.empty()) {
    ReadEnd& object = due.front();
    object.unlink();
    object.on_read_end();
  }
}

void Loop::end_turn() {
  // A flush may ask for another one (a response that ended lets the next pipelined request in): bounded, the rest waits
  // for the next turn.
  constexpr int kRoundsMax = 16;
  for (int round = 0; round < kRoundsMax && has_ends(); ++round) {
    end_reads();
    base::IntrusiveList<TurnEnd, TurnEnd> due;
    due.splice_back(turn_ends_);
    while (!due.empty()) {
      TurnEnd& object = due.front();
      object.unlink();
      object.on_turn_end();
    }
  }
  while (!retired_.empty()) {
    Retirable& object = retired_.front();
    object.unlink();
    object.dispose();
  }
  now_is_fresh_ = false;
}

void Loop::post(std::unique_ptr<Task> task) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(task));
  }
  const std::uint64_t one = 1;
  // The counter of an eventfd can only be full when a wake-up is already pending.
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_.get(), &one, sizeof one);
}

void Loop::on_fd_readable() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(wake_fd_.get(), &count, sizeof count);
  std::vector<std::unique_ptr<Task>> tasks;
  {
    const std::lock_guard lock(posted_mutex_);
    tasks.swap(posted_);
  }
  for (const auto& task : tasks) task->run();
}

void Loop::read_clock() {
  now_ = clock_.mono_now();
  wall_now_ = clock_.wall_now();
  now_is_fresh_ = true;
}

void Loop::on_earlier_deadline(base::MonoTime deadline) {
  if (deadline < armed_for_) arm_timer(deadline);
}

void Loop::arm_timer(base::MonoTime deadline) {
  armed_for_ = deadline;
  const auto delay = std::max(base::Duration(0), deadline - now());
  const auto microseconds = std::chrono::ceil<std::chrono::microseconds>(delay).count();
  const timeval timeout{.tv_sec = microseconds / 1'000'000, .tv_usec = microseconds % 1'000'000};
  event_add(&timer_event_, &timeout);
}

void Loop::on_wheel_event() {
  armed_for_ = base::MonoTime::max();
  now_is_fresh_ = false;
  // What has come in time must not be late because nobody has looked at it yet.
  end_reads();
  wheel_.advance(now());
  if (const auto next = wheel_.next_deadline(); next && *next < armed_for_) arm_timer(*next);
}

}  // namespace viaduct::net
