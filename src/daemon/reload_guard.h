// SPDX-License-Identifier: Apache-2.0
// Watches what a reload does to answers, and says when it has made them worse than they were in the minute before. To
// know that minute, it takes the totals every kSampleInterval as long as the process lives: the sums over the workers'
// counters, and the failures on callback routes. Exchanges that end with another config than the one served then count
// for none. Main thread; no request is touched.
//
//   kOff ──start()──► kWatching ──hold()──► kHeld        start() leads to kWatching, stop() to kOff, from everywhere
//    ▲                  │   ▲                 │
//    │                  │   └────go_on()──────┘
//    └──────────────────┘ worse: on_worse(); time is over: on_kept()
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "base/time.h"
#include "daemon/guard_rules.h"
#include "daemon/overview.h"
#include "net/loop.h"

namespace viaduct::daemon {

class GuardHandler {
 public:
  // The reload has made things worse; `why` is a sentence. The guard watches no more.
  virtual void on_worse(const std::string& why) = 0;
  // Its time has passed without that.
  virtual void on_kept() = 0;

 protected:
  ~GuardHandler() = default;
};

class ReloadGuard final : private net::TimerHandler {
 public:
  static constexpr base::Duration kTimeMin = std::chrono::seconds(1);
  static constexpr base::Duration kTimeMax = std::chrono::hours(1);
  // How far back it looks: between this and an interval more.
  static constexpr base::Duration kLookBack = std::chrono::seconds(60);
  static constexpr base::Duration kSampleInterval = std::chrono::seconds(10);
  static constexpr base::Duration kCheckInterval = std::chrono::seconds(1);

  // All must outlive the object.
  ReloadGuard(net::Loop& loop, const Overview& overview, GuardHandler& handler);
  ReloadGuard(const ReloadGuard&) = delete;
  ReloadGuard& operator=(const ReloadGuard&) = delete;

  // Watches the config that has just been published for `time`, and no more the one before.
  void start(base::Duration time);
  void stop();
  // Says nothing until go_on(), and then what it would have said meanwhile. Without effect where it does not watch.
  void hold();
  void go_on();
  bool is_watching() const { return state_ != State::kOff; }

 private:
  enum class State : std::uint8_t { kOff, kWatching, kHeld };

  struct Totals {
    base::MonoTime at;
    AnswerCount answers{};
    std::map<std::uint32_t, std::uint64_t> callback_failures{};  // by number of the route
  };

  void on_timer(int timer_id) override;
  Totals take_totals() const;
  GuardCounts compare(const Totals& now) const;

  net::Loop& loop_;
  const Overview& overview_;
  GuardHandler& handler_;
  net::Timer sample_timer_;
  net::Timer check_timer_;
  State state_ = State::kOff;
  std::deque<Totals> samples_;  // of the last kLookBack and an interval, the oldest first; never empty
  // ---- while it watches
  Totals before_;  // the beginning of the time looked back at
  Totals start_;   // the reload
  base::MonoTime deadline_;
};

}  // namespace viaduct::daemon
