// SPDX-License-Identifier: Apache-2.0
// Requests that wait for a connection because every server of their upstream has as many as it may have: in the order
// in which they came, in one worker; how many may wait is counted for the process. Whenever something may have become
// free, the first is asked to try; what other workers give back is noticed by looking, a few milliseconds later at
// most, and other workers are asked for places that they could do without. Owned by Upstream.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/intrusive_list.h"
#include "net/loop.h"
#include "upstream/server_state.h"

namespace viaduct::upstream {

// One request that waits.
class Waiter : public base::ListHook<Waiter> {
 public:
  // It is its turn. True: it waits no more (it has left the room before the call). False: there is still nothing for
  // it, and it stays the first.
  virtual bool on_turn_to_connect() = 0;

 protected:
  ~Waiter() = default;
};

// Who has the connections of this worker.
class PlaceGiver {
 public:
  // Gives up a place among the connections of a server that is full, where others should have it.
  virtual void give_place() = 0;

 protected:
  ~PlaceGiver() = default;
};

class WaitingRoom final : private net::TimerHandler, private net::TurnEnd, private PlaceHolder {
 public:
  // How often it is looked at what other workers have given back.
  static constexpr base::Duration kPollInterval = std::chrono::milliseconds(8);

  // All three must outlive the room. `waiting_max`: of the process.
  WaitingRoom(net::Loop& loop, UpstreamState& state, PlaceGiver& giver, std::uint32_t waiting_max);
  ~WaitingRoom();
  WaitingRoom(const WaitingRoom&) = delete;
  WaitingRoom& operator=(const WaitingRoom&) = delete;

  // Lets it wait behind all others. False: the room is full.
  [[nodiscard]] bool enter(Waiter& waiter);
  // It waits no more; nothing happens where it did not.
  void leave(Waiter& waiter);
  bool empty() const { return waiters_.empty(); }
  // A connection, or the place of one, has become free in this worker.
  void wake() {
    if (!waiters_.empty()) loop_.at_turn_end(*this);
  }
  // Whether a place of a full server should go to other workers: they wait, and this one does not, or it has more of
  // the `places` than its share by those who wait. `held`: its own.
  bool yields(std::uint32_t held, std::uint32_t places) const;
  bool others_wait() const { return state_.waiting.load(std::memory_order_relaxed) > count_; }
  // This worker has given a place up for those who wait in others.
  void tell_others() { state_.ask_others(*this); }

 private:
  class Ask;

  void on_timer(int timer_id) override;
  void on_turn_end() override { serve(); }
  void ask_for_place() override;
  void serve();
  // Asks other workers for places, once a kPollInterval at most.
  void ask();

  net::Loop& loop_;
  UpstreamState& state_;
  PlaceGiver& giver_;
  std::uint32_t waiting_max_;
  base::IntrusiveList<Waiter, Waiter> waiters_;
  std::uint32_t count_ = 0;             // of waiters_
  std::atomic<bool> is_asked_ = false;  // and has not looked yet
  base::MonoTime may_ask_at_;
  net::Timer timer_;
};

}  // namespace viaduct::upstream
