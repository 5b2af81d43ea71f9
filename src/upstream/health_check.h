// SPDX-License-Identifier: Apache-2.0
// The checks of one server: a probe now and then, and what its results make of the server for all workers. One checks
// for the whole process. Owned by the HealthMonitor; the supervisor's thread; workers see the state alone.
//
//   kUnchecked ──a good one──► kHealthy ◄──`rise` good ones in a row── kUnhealthy
//        │                         └──────`fall` bad ones in a row─────────►▲
//        └────────────────────────────────`fall` bad ones in a row──────────┘
// A probe for which this process had no descriptor, memory or port left is none: neither good nor bad, nor in a row.
#pragma once

#include <cstdint>
#include <string>

#include "base/random.h"
#include "config/types.h"
#include "net/timer_wheel.h"
#include "upstream/health_probe.h"
#include "upstream/server.h"

namespace viaduct::upstream {

class HealthCheck final : private ProbeHandler, private net::TimerHandler {
 public:
  // An interval is longer or shorter by up to this share, so that checks do not come together.
  static constexpr std::uint64_t kJitterPercent = 10;

  struct Setup {
    std::string_view upstream;  // its name
    const config::Health& config;
    Server& server;      // for the probes
    ServerState& state;  // what the process knows
    base::Random& random;
  };

  // All that is borrowed must outlive the check. The first probe begins at once.
  explicit HealthCheck(const Setup& setup);

 private:
  void on_timer(int timer_id) override;
  void on_probe_done(const ProbeResult& result) override;

  void note(const ProbeResult& result);
  void note_void(const ProbeResult& result);
  void change(ServerState::Health health, const ProbeResult& result);
  base::Duration next_interval();

  Setup setup_;
  HealthProbe probe_;
  net::Timer timer_;
  base::MonoTime begun_;             // of the probe
  bool was_good_ = false;            // the last probe
  std::uint32_t same_in_a_row_ = 0;  // probes that ended as the last one
  bool was_void_ = false;            // the last probe was none, which the log has been told
};

}  // namespace viaduct::upstream
