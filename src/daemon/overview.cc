// SPDX-License-Identifier: Apache-2.0
#include "daemon/overview.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/format.h"
#include "upstream/server.h"

namespace viaduct::daemon {
namespace {

std::string_view state_word(const upstream::ServerState& state, base::MonoTime now) {
  using Health = upstream::ServerState::Health;
  constexpr auto kRelaxed = std::memory_order_relaxed;
  const Health health = state.health.load(kRelaxed);
  if (state.drained.load(kRelaxed)) return "drained";
  if (health == Health::kUnhealthy) return "unhealthy";
  if (!state.is_available(now)) return "ejected";
  return health == Health::kHealthy ? "healthy" : "unchecked";
}

bool is_needed(const config::Config& config, std::string_view upstream) {
  const auto leads_there = [upstream](const config::Route& route) {
    const auto* const proxy = std::get_if<config::ProxyAction>(&route.action);
    return proxy != nullptr && proxy->upstream == upstream;
  };
  return std::ranges::any_of(config.sites,
                             [&](const config::Site& site) { return std::ranges::any_of(site.routes, leads_there); });
}

}  // namespace

bool UpstreamFacts::has_server() const {
  return std::ranges::any_of(servers, &ServerFacts::is_available);
}

Overview::Overview(Sources sources)
    : sources_(std::move(sources)), started_at_(sources_.clock.wall_now()), looked_at_(sources_.clock.mono_now()) {}

// ---- what the supervisor tells --------------------------------------------------------------------------------------

void Overview::watch(std::vector<WorkerCounts> workers, const base::LogSink* access_sink) {
  const std::lock_guard lock(mutex_);
  workers_ = std::move(workers);
  access_sink_ = access_sink;
}

void Overview::note_snapshot(exchange::SnapshotRef snapshot, bool is_reload) {
  const std::lock_guard lock(mutex_);
  facts_.snapshot = std::move(snapshot);
  facts_.loaded_at = sources_.clock.wall_now();
  if (!is_reload) return;
  ++facts_.reloads_done;
  facts_.refusal.clear();
}

void Overview::note_refusal(std::string reason) {
  const std::lock_guard lock(mutex_);
  ++facts_.reloads_refused;
  facts_.refusal = std::move(reason);
}

void Overview::note_draining() {
  const std::lock_guard lock(mutex_);
  facts_.is_draining = true;
}

void Overview::note_look(base::MonoTime now, std::vector<bool> hangs) {
  const std::lock_guard lock(mutex_);
  looked_at_ = now;
  hangs_ = std::move(hangs);
}

// ---- what others ask ------------------------------------------------------------------------------------------------

Overview::Facts Overview::facts() const {
  const std::lock_guard lock(mutex_);
  return facts_;
}

std::size_t Overview::workers() const {
  const std::lock_guard lock(mutex_);
  return workers_.size();
}

std::string Overview::hanging() const {
  const std::lock_guard lock(mutex_);
  if (sources_.clock.mono_now() - looked_at_ > kLookPatience) return "the main thread hangs";
  std::string text;
  for (std::size_t i = 0; i < hangs_.size(); ++i) {
    if (hangs_[i]) text += base::format("{}worker {} hangs", text.empty() ? "" : ", ", i);
  }
  return text;
}

std::uint64_t Overview::lost_lines() const {
  const std::lock_guard lock(mutex_);
  return access_sink_ == nullptr ? 0 : access_sink_->lost_lines();
}

observe::CounterTotals Overview::counters() const {
  const std::lock_guard lock(mutex_);
  observe::CounterTotals totals;
  for (const WorkerCounts& worker : workers_) totals.add(worker.counters);
  return totals;
}

observe::RouteTotals Overview::route(std::uint32_t number) const {
  const std::lock_guard lock(mutex_);
  observe::RouteTotals totals;
  for (const WorkerCounts& worker : workers_) worker.routes.add_to(totals, number);
  return totals;
}

std::vector<UpstreamFacts> Overview::upstreams(const exchange::Snapshot& snapshot) const {
  std::vector<UpstreamFacts> all;
  for (const config::Upstream& config : snapshot.config->upstreams) {
    UpstreamFacts& facts = all.emplace_back();
    facts.name = config.name;
    facts.is_needed = is_needed(*snapshot.config, config.name);
    upstream::UpstreamState* state = sources_.states.peek(config);
    if (state != nullptr) {
      facts.waiting = state->waiting.load(std::memory_order_relaxed);
      facts.retries = state->retries.load(std::memory_order_relaxed);
      facts.is_held = state->is_held(sources_.clock.mono_now());
    }
    for (const config::Server& server : config.servers) {
      facts.servers.push_back(server_facts(server, state == nullptr ? nullptr : state->server(server).get()));
    }
  }
  return all;
}

ServerFacts Overview::server_facts(const config::Server& config, const upstream::ServerState* state) const {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  ServerFacts facts{.name = upstream::server_name(config), .state = "unchecked", .is_available = true};
  facts.is_backup = config.backup;
  if (state == nullptr) return facts;
  const base::MonoTime now = sources_.clock.mono_now();
  facts.state = state_word(*state, now);
  facts.is_available = state->is_available(now);
  facts.connections = state->connections.load(kRelaxed);
  facts.requests = state->requests.load(kRelaxed);
  facts.attempts = state->attempts.load(kRelaxed);
  facts.failed_attempts = state->failed_attempts.load(kRelaxed);
  facts.ejections = state->ejections.load(kRelaxed);
  return facts;
}

}  // namespace viaduct::daemon
