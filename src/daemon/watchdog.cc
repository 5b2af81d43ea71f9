// SPDX-License-Identifier: Apache-2.0
#include "daemon/watchdog.h"

#include <algorithm>
#include <functional>

#include "base/log.h"

namespace viaduct::daemon {

bool Watchdog::look(base::MonoTime now, const std::vector<base::MonoTime>& last_turns) {
  hangs_.resize(last_turns.size());
  for (std::size_t i = 0; i < last_turns.size(); ++i) {
    const base::Duration silence = now - last_turns[i];
    const bool hangs = silence > kHangTime;
    if (hangs == hangs_[i]) continue;
    hangs_[i] = hangs;
    if (hangs) {
      LOG_ERROR("worker_hangs worker={} for={}s", i, std::chrono::duration_cast<std::chrono::seconds>(silence).count());
    } else {
      LOG_WARNING("worker_turns_again worker={}", i);
    }
  }
  return std::ranges::none_of(hangs_, std::identity());
}

}  // namespace viaduct::daemon
