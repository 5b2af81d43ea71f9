// SPDX-License-Identifier: Apache-2.0
#include "upstream/health_check.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace viaduct::upstream {

using Health = ServerState::Health;

HealthCheck::HealthCheck(const Setup& setup)
    : setup_(setup), probe_(setup.server, setup.config, *this), timer_(setup.server.resources().loop.timers(), *this) {
  timer_.start_after(base::Duration(0));
}

void HealthCheck::on_timer(int) {
  begun_ = setup_.server.resources().loop.now();
  probe_.begin();
}

void HealthCheck::on_probe_done(const ProbeResult& result) {
  note(result);
  timer_.start(std::max(begun_ + next_interval(), setup_.server.resources().loop.now()));
}

base::Duration HealthCheck::next_interval() {
  const std::uint64_t percent = 100 - kJitterPercent + setup_.random.below(2 * kJitterPercent + 1);
  return setup_.config.interval / 100 * static_cast<base::Duration::rep>(percent);
}

// One line for as many of them as there are in a row.
void HealthCheck::note_void(const ProbeResult& result) {
  if (std::exchange(was_void_, true)) return;
  LOG_WARNING("health_unknown upstream={} server={} reason={} error={}", setup_.upstream, setup_.server.name(),
              result.reason, base::quoted(result.detail));
}

void HealthCheck::note(const ProbeResult& result) {
  if (result.is_void) return note_void(result);
  was_void_ = false;
  same_in_a_row_ = result.is_good == was_good_ ? same_in_a_row_ + 1 : 1;
  was_good_ = result.is_good;
  const Health health = setup_.state.health.load(std::memory_order_relaxed);
  if (result.is_good) {
    // Nothing is new for requests where none has ended before.
    if (health == Health::kUnchecked) setup_.state.health.store(Health::kHealthy, std::memory_order_relaxed);
    if (health == Health::kUnhealthy && same_in_a_row_ >= setup_.config.rise) change(Health::kHealthy, result);
  } else if (health != Health::kUnhealthy && same_in_a_row_ >= setup_.config.fall) {
    change(Health::kUnhealthy, result);
  }
}

void HealthCheck::change(Health health, const ProbeResult& result) {
  const std::string& server = setup_.server.name();
  if (health == Health::kHealthy) {
    const base::MonoTime now = setup_.server.resources().loop.now();
    setup_.state.recovered_at.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    LOG_INFO("server_healthy upstream={} server={} after={} result={}", setup_.upstream, server, same_in_a_row_,
             base::quoted(result.detail));
  } else {
    LOG_WARNING("server_unhealthy upstream={} server={} reason={} after={} error={}", setup_.upstream, server,
                result.reason, same_in_a_row_, base::quoted(result.detail));
  }
  setup_.state.health.store(health, std::memory_order_relaxed);
}

}  // namespace viaduct::upstream
