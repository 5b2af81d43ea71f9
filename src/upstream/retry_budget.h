// SPDX-License-Identifier: Apache-2.0
// Keeps second sendings from adding more than a share to the load of an upstream: each request earns a part of one,
// each sending again spends one. So a server that begins to fail everything is not asked twice by everybody. A few a
// second are always granted, for upstreams with little traffic. One for each upstream and worker. Knows no clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace viaduct::upstream {

class RetryBudget {
 public:
  // The most that is kept for later, also at first.
  static constexpr std::int64_t kReserve = 100;
  // What is granted without any request.
  static constexpr std::int64_t kPerSecond = 10;

  // A request has begun, on a route whose budget is that many per cent.
  void earn(std::uint32_t percent, base::MonoTime now) {
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - refilled_at_).count();
    refilled_at_ += std::chrono::milliseconds(elapsed);
    // Ten seconds fill it up; more would only overflow.
    const std::int64_t granted = std::min<std::int64_t>(elapsed, 10'000) * kPerSecond * kWhole / 1000;
    hundredths_ = std::min(hundredths_ + percent + granted, kReserve * kWhole);
  }
  // True, and one is spent, where a request may be sent again.
  bool spend() {
    if (hundredths_ < kWhole) return false;
    hundredths_ -= kWhole;
    return true;
  }

 private:
  static constexpr std::int64_t kWhole = 100;

  std::int64_t hundredths_ = kReserve * kWhole;
  base::MonoTime refilled_at_;
};

}  // namespace viaduct::upstream
