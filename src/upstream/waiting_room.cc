// SPDX-License-Identifier: Apache-2.0
#include "upstream/waiting_room.h"

#include "base/check.h"

namespace viaduct::upstream {

WaitingRoom::~WaitingRoom() {
  CHECK(waiters_.empty());
}

bool WaitingRoom::enter(Waiter& waiter) {
  if (state_.waiting.fetch_add(1, std::memory_order_relaxed) >= waiting_max_) {
    state_.waiting.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  waiters_.push_back(waiter);
  if (!timer_.is_running()) timer_.start_after(kPollInterval);
  return true;
}

void WaitingRoom::leave(Waiter& waiter) {
  if (!waiter.is_linked()) return;
  waiter.unlink();
  state_.waiting.fetch_sub(1, std::memory_order_relaxed);
}

void WaitingRoom::serve() {
  while (!waiters_.empty()) {
    Waiter& first = waiters_.front();
    first.unlink();
    if (!first.on_turn_to_connect()) {
      waiters_.push_front(first);
      return;
    }
    state_.waiting.fetch_sub(1, std::memory_order_relaxed);
  }
}

void WaitingRoom::on_timer(int) {
  serve();
  if (!waiters_.empty()) timer_.start_after(kPollInterval);
}

}  // namespace viaduct::upstream
