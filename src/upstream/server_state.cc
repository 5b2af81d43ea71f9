// SPDX-License-Identifier: Apache-2.0
#include "upstream/server_state.h"

#include <algorithm>

namespace viaduct::upstream {

void ServerState::learn_from(const ServerState& other) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  health.store(other.health.load(kRelaxed), kRelaxed);
  ejected_until.store(other.ejected_until.load(kRelaxed), kRelaxed);
  ejected_for.store(other.ejected_for.load(kRelaxed), kRelaxed);
  drained.store(other.drained.load(kRelaxed), kRelaxed);
  recovered_at.store(other.recovered_at.load(kRelaxed), kRelaxed);
  failures.store(other.failures.load(kRelaxed), kRelaxed);
  attempts.store(other.attempts.load(kRelaxed), kRelaxed);
  failed_attempts.store(other.failed_attempts.load(kRelaxed), kRelaxed);
  ejections.store(other.ejections.load(kRelaxed), kRelaxed);
}

std::string StateTable::key_of(const config::Upstream& config) {
  std::string key = config.name;
  for (const config::Server& server : config.servers) key.append("|").append(server.url);
  return key;
}

UpstreamState* StateTable::peek(const config::Upstream& config) {
  const std::string key = key_of(config);
  const std::lock_guard lock(mutex_);
  const auto known = states_.find(key);
  return known == states_.end() ? nullptr : known->second.state.get();
}

void UpstreamState::add(PlaceHolder& holder) {
  const std::lock_guard lock(holders_mutex_);
  holders_.push_back(&holder);
}

void UpstreamState::remove(PlaceHolder& holder) {
  const std::lock_guard lock(holders_mutex_);
  std::erase(holders_, &holder);
}

bool UpstreamState::knows(const PlaceHolder& holder) const {
  const std::lock_guard lock(holders_mutex_);
  return std::ranges::find(holders_, &holder) != holders_.end();
}

void UpstreamState::ask_others(const PlaceHolder& asker) {
  const std::lock_guard lock(holders_mutex_);
  for (PlaceHolder* holder : holders_) {
    if (holder != &asker) holder->ask_for_place();
  }
}

UpstreamState& StateTable::find(const config::Upstream& config) {
  const std::string key = key_of(config);
  const std::lock_guard lock(mutex_);
  Entry& entry = states_[key];
  if (entry.state == nullptr) {
    entry.state = std::make_unique<UpstreamState>(config.servers.size());
    for (const config::Server& server : config.servers) entry.urls.push_back(server.url);
  }
  Entry*& newest = newest_[config.name];
  if (newest != nullptr && newest != &entry) carry_over(*newest, entry);
  newest = &entry;
  return *entry.state;
}

void StateTable::carry_over(const Entry& from, const Entry& to) {
  to.state->held_until.store(from.state->held_until.load(std::memory_order_relaxed), std::memory_order_relaxed);
  for (std::size_t i = 0; i < to.urls.size(); ++i) {
    const auto same = std::ranges::find(from.urls, to.urls[i]);
    if (same == from.urls.end()) continue;
    to.state->server(i).learn_from(from.state->server(static_cast<std::size_t>(same - from.urls.begin())));
  }
}

}  // namespace viaduct::upstream
