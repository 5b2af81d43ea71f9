// SPDX-License-Identifier: Apache-2.0
// A clock that stands still until the test moves it, so that no test waits or depends on the speed of the machine.
// One thread.
#pragma once

#include "base/time.h"

namespace viaduct::support {

class ManualClock final : public base::Clock {
 public:
  // Both clocks start at values that no test should take for "now" or for zero: the monotonic one at 1000 s, the wall
  // clock at 2026-01-02 03:04:05 UTC.
  ManualClock() = default;

  base::MonoTime mono_now() const override { return mono_; }
  base::WallTime wall_now() const override { return wall_; }

  // Time passes, on both clocks.
  void advance(base::Duration duration) {
    mono_ += duration;
    wall_ += duration;
  }
  // Somebody sets the machine's clock; monotonic time is not moved.
  void set_wall(base::WallTime wall) { wall_ = wall; }

 private:
  base::MonoTime mono_{std::chrono::seconds(1000)};
  base::WallTime wall_{std::chrono::seconds(1767323045)};
};

}  // namespace viaduct::support
