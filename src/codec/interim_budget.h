// SPDX-License-Identifier: Apache-2.0
// How many interim responses (RFC 9110 §15.2) an upstream server may send before its answer: some at once, and then as
// many as time brings, so that a server which says every so often that it is still at work may go on for as long as the
// read and total timeouts let it, while one that does nothing else is stopped. Member of H1Client and H2ClientStream.
// Knows no clock: the present is told.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace viaduct::codec {

class InterimBudget {
 public:
  // At once, and how long it takes until there is room for one more.
  static constexpr std::int64_t kBurst = 16;
  static constexpr base::Duration kInterval = std::chrono::milliseconds(50);

  // One more has come; false: it is one too many.
  bool spend(base::MonoTime now) {
    const std::int64_t refill = (now - refilled_at_) / kInterval;
    if (refill > 0) {
      refilled_at_ += refill * kInterval;
      spent_ -= std::min(spent_, refill);
    }
    if (spent_ == kBurst) return false;
    ++spent_;
    return true;
  }

 private:
  std::int64_t spent_ = 0;
  base::MonoTime refilled_at_;
};

}  // namespace viaduct::codec
