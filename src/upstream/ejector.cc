// SPDX-License-Identifier: Apache-2.0
#include "upstream/ejector.h"

#include <algorithm>
#include <array>
#include <mutex>

#include "base/log.h"

namespace viaduct::upstream {

using http::Reason;

namespace {

constexpr std::array kServersFault = {
    Reason::kUpstreamConnectRefused,
    Reason::kUpstreamConnectTimeout,
    Reason::kUpstreamConnectFailed,
    Reason::kUpstreamTlsFailed,
    Reason::kUpstreamCertificateInvalid,
    Reason::kUpstreamNameUnresolved,
    Reason::kUpstreamSendTimeout,
    Reason::kUpstreamHeaderTimeout,
    Reason::kUpstreamReadTimeout,
    Reason::kUpstreamTotalTimeout,
    Reason::kUpstreamClosed,
    Reason::kUpstreamStreamReset,
    Reason::kUpstreamReset,
    Reason::kUpstreamInvalidResponse,
    Reason::kUpstreamTruncated,
};

base::MonoTime::rep count_of(base::MonoTime time) {
  return time.time_since_epoch().count();
}

bool is_ejected(const ServerState& state, base::MonoTime now) {
  return count_of(now) < state.ejected_until.load(std::memory_order_relaxed);
}

}  // namespace

bool speaks_against_server(const FailedAttempt& attempt) {
  const bool died = attempt.reason == Reason::kUpstreamClosed || attempt.reason == Reason::kUpstreamReset;
  if (died && attempt.reused && !attempt.answered) return false;
  return std::ranges::find(kServersFault, attempt.reason) != kServersFault.end();
}

Ejector::Ejector(UpstreamState& state, const config::Upstream& config) : state_(state), config_(config) {
  if (config_.eject) return;
  for (const config::Server& server : config_.servers) {
    state_.server(server)->ejected_until.store(0, std::memory_order_relaxed);
  }
}

void Ejector::note_success(Server& server) {
  std::atomic<std::uint32_t>& failures = server.state().failures;
  // Read first: a line of the cache that all workers only read is not passed around.
  if (failures.load(std::memory_order_relaxed) != 0) failures.store(0, std::memory_order_relaxed);
}

void Ejector::note_failure(Server& server, const FailedAttempt& attempt, base::MonoTime now) {
  if (!config_.eject || !speaks_against_server(attempt)) return;
  ServerState& state = server.state();
  const std::uint32_t failures = state.failures.fetch_add(1, std::memory_order_relaxed) + 1;
  if (failures < config_.eject->failures) return;
  let_back(server, now);
  const std::lock_guard lock(state_.eject_mutex());
  // Attempts that were under way when it was left out, or found unhealthy, change nothing.
  if (state.is_available(now)) eject(server, attempt, failures, now);
}

void Ejector::eject(Server& server, const FailedAttempt& attempt, std::uint32_t failures, base::MonoTime now) {
  const std::string_view reason = http::reason_name(attempt.reason);
  if (const char* why = why_all_are_needed(now)) {
    // Once for a row of failures; and not where there is nothing to choose.
    if (failures == config_.eject->failures && config_.servers.size() > 1) {
      LOG_WARNING("server_kept upstream={} server={} reason={} failures={} why={}", config_.name, server.name(), reason,
                  failures, why);
    }
    return;
  }
  ServerState& state = server.state();
  state.ejections.fetch_add(1, std::memory_order_relaxed);
  state.ejected_for.store(attempt.reason, std::memory_order_relaxed);
  state.ejected_until.store(count_of(now + config_.eject->duration), std::memory_order_relaxed);
  LOG_WARNING("server_ejected upstream={} server={} reason={} failures={} for_ms={}", config_.name, server.name(),
              reason, failures, std::chrono::duration_cast<std::chrono::milliseconds>(config_.eject->duration).count());
}

const char* Ejector::why_all_are_needed(base::MonoTime now) {
  std::size_t ejected = 0;
  std::size_t available = 0;
  for (const config::Server& server : config_.servers) {
    const std::shared_ptr<ServerState> state = state_.server(server);
    if (is_ejected(*state, now)) ++ejected;
    if (state->is_available(now)) ++available;
  }
  if (available <= 1) return "last_available";
  if (ejected >= (config_.servers.size() + kOneIn - 1) / kOneIn) return "half_are_ejected";
  return nullptr;
}

void Ejector::let_back(Server& server, base::MonoTime now) {
  ServerState& state = server.state();
  base::MonoTime::rep until = state.ejected_until.load(std::memory_order_relaxed);
  if (until == 0 || count_of(now) < until) return;
  if (!state.ejected_until.compare_exchange_strong(until, 0, std::memory_order_relaxed)) return;
  state.recovered_at.store(count_of(now), std::memory_order_relaxed);
  LOG_INFO("server_returned upstream={} server={} reason={}", config_.name, server.name(),
           http::reason_name(state.ejected_for.load(std::memory_order_relaxed)));
}

}  // namespace viaduct::upstream
