// SPDX-License-Identifier: Apache-2.0
// Keeps second sendings from adding more than a share to the load of an upstream: each request earns a part of one,
// each sending again spends one. So a server that begins to fail everything is not asked twice by everybody. One for
// each upstream and worker. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

namespace viaduct::upstream {

class RetryBudget {
 public:
  // What may be sent again although nothing was earned yet, and the most that is kept for later.
  static constexpr std::uint32_t kReserve = 10;

  // A request has begun, on a route whose budget is that many per cent.
  void earn(std::uint32_t percent) { hundredths_ = std::min(hundredths_ + percent, kReserve * kWhole); }
  // True, and one is spent, where a request may be sent again.
  bool spend() {
    if (hundredths_ < kWhole) return false;
    hundredths_ -= kWhole;
    return true;
  }

 private:
  static constexpr std::uint32_t kWhole = 100;

  std::uint32_t hundredths_ = kReserve * kWhole;
};

}  // namespace viaduct::upstream
