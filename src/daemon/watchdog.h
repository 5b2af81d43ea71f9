// SPDX-License-Identifier: Apache-2.0
// Whether the workers turn: each stamps a moment now and then (Worker::last_turn), and the main thread looks. A worker
// that has not for kHangTime hangs: it is named in the error log, once and when it turns again, and whoever watches the
// process (systemd) is not told that all is well. Main thread.
#pragma once

#include <vector>

#include "base/time.h"

namespace viaduct::daemon {

class Watchdog {
 public:
  // Far beyond what the longest turn takes, and a start of all workers on a busy machine.
  static constexpr base::Duration kHangTime = std::chrono::seconds(5);
  // How often the main thread looks.
  static constexpr base::Duration kInterval = std::chrono::seconds(1);

  // Looks at when each worker has turned last, as of `now`. Returns whether all turn.
  bool look(base::MonoTime now, const std::vector<base::MonoTime>& last_turns);
  // By worker: whether it hung at the last look.
  const std::vector<bool>& hangs() const { return hangs_; }

 private:
  std::vector<bool> hangs_;  // by worker
};

}  // namespace viaduct::daemon
