// SPDX-License-Identifier: Apache-2.0
#include "upstream/waiting_room.h"

#include <memory>

#include "base/check.h"

namespace viaduct::upstream {

// Looks whether the room is still there: an upstream may go before its thread comes to this.
class WaitingRoom::Ask final : public net::Task {
 public:
  explicit Ask(WaitingRoom& room) : state_(room.state_), room_(room) {}
  void run() override {
    if (!state_.knows(room_)) return;
    room_.is_asked_.store(false, std::memory_order_relaxed);
    room_.giver_.give_place();
    // Who asks may also have a place to give.
    room_.serve();
  }

 private:
  UpstreamState& state_;
  WaitingRoom& room_;
};

WaitingRoom::WaitingRoom(net::Loop& loop, UpstreamState& state, PlaceGiver& giver, std::uint32_t waiting_max)
    : loop_(loop), state_(state), giver_(giver), waiting_max_(waiting_max), timer_(loop.timers(), *this) {
  state_.add(*this);
}

WaitingRoom::~WaitingRoom() {
  state_.remove(*this);
  CHECK(waiters_.empty());
}

bool WaitingRoom::enter(Waiter& waiter) {
  if (state_.waiting.fetch_add(1, std::memory_order_relaxed) >= waiting_max_) {
    state_.waiting.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  waiters_.push_back(waiter);
  ++count_;
  if (count_ == 1) ask();
  if (!timer_.is_running()) timer_.start_after(kPollInterval);
  return true;
}

void WaitingRoom::leave(Waiter& waiter) {
  if (!waiter.is_linked()) return;
  waiter.unlink();
  --count_;
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
    --count_;
    state_.waiting.fetch_sub(1, std::memory_order_relaxed);
  }
}

void WaitingRoom::on_timer(int) {
  serve();
  if (waiters_.empty()) return;
  ask();
  timer_.start_after(kPollInterval);
}

void WaitingRoom::ask() {
  if (loop_.now() < may_ask_at_) return;
  may_ask_at_ = loop_.now() + kPollInterval;
  state_.ask_others(*this);
}

bool WaitingRoom::yields(std::uint32_t held, std::uint32_t places) const {
  const std::uint64_t all = state_.waiting.load(std::memory_order_relaxed);
  if (all <= count_) return false;
  return count_ == 0 || held * (all + 1) > places * (std::uint64_t{count_} + 1);
}

void WaitingRoom::ask_for_place() {
  if (!is_asked_.exchange(true, std::memory_order_relaxed)) loop_.post(std::make_unique<Ask>(*this));
}

}  // namespace viaduct::upstream
