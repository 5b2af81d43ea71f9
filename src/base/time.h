// SPDX-License-Identifier: Apache-2.0
// Time as types: durations, instants of the monotonic clock and of the wall clock, and the Clock that hands them out so
// that tests can drive it by hand (tests/support/manual_clock.h). The event loop reads the clock once a turn.
#pragma once

#include <chrono>

namespace viaduct::base {

using Duration = std::chrono::nanoseconds;
// An instant of CLOCK_MONOTONIC: for every timer and every measured length.
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;
// An instant of CLOCK_REALTIME: for log lines, dates and certificates alone.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

// Where time comes from. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonoTime mono_now() const = 0;
  virtual WallTime wall_now() const = 0;
};

// The kernel's clocks.
class SystemClock final : public Clock {
 public:
  MonoTime mono_now() const override;
  WallTime wall_now() const override;
};

// `duration` in milliseconds with its fraction, as the access log shows it.
inline double to_milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace viaduct::base
