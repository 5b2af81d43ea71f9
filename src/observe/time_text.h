// SPDX-License-Identifier: Apache-2.0
// The time of a log line as text, in the machine's time zone. Lines come many a second, so that the date is made once a
// second and kept. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "base/time.h"

namespace viaduct::observe {

class TimeText {
 public:
  // What both forms have at most.
  static constexpr std::size_t kBytesMax = 32;

  // "2026-01-02T03:04:05.678+08:00": RFC 3339 with milliseconds. Alive until the next call, as the other.
  std::string_view rfc3339(base::WallTime time);
  // "02/Jan/2026:03:04:05 +0800": the date of the combined format.
  std::string_view combined(base::WallTime time);

 private:
  // Makes both texts when `time` lies in another second than the last one.
  void update(base::WallTime time);

  std::int64_t second_ = std::numeric_limits<std::int64_t>::min();
  std::array<char, kBytesMax> rfc3339_{};
  std::array<char, kBytesMax> combined_{};
};

}  // namespace viaduct::observe
