// SPDX-License-Identifier: Apache-2.0
// The system's clock, put forward by hand: for tests of what runs in several threads and waits for hours.
// Thread-safe.
#pragma once

#include <atomic>

#include "base/time.h"

namespace viaduct::support {

class SteppedClock final : public base::Clock {
 public:
  base::MonoTime mono_now() const override { return clock_.mono_now() + step(); }
  base::WallTime wall_now() const override { return clock_.wall_now() + step(); }
  void put_forward(base::Duration duration) { step_ += duration.count(); }

 private:
  base::Duration step() const { return base::Duration(step_.load()); }

  base::SystemClock clock_;
  std::atomic<base::Duration::rep> step_ = 0;
};

}  // namespace viaduct::support
