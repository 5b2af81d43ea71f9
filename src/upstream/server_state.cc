// SPDX-License-Identifier: Apache-2.0
#include "upstream/server_state.h"

#include <algorithm>

namespace viaduct::upstream {

std::shared_ptr<ServerState> UpstreamState::server(const config::Server& config) {
  const std::lock_guard lock(servers_mutex_);
  if (const auto known = servers_.find(config.url); known != servers_.end()) return known->second;
  if (servers_.size() >= kRememberedMax) {
    std::erase_if(servers_, [](const auto& known) { return known.second.use_count() == 1; });
  }
  return servers_.emplace(config.url, std::make_shared<ServerState>()).first->second;
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
  const std::lock_guard lock(mutex_);
  return states_[config.name];
}

UpstreamState* StateTable::peek(const config::Upstream& config) {
  const std::lock_guard lock(mutex_);
  const auto known = states_.find(config.name);
  return known == states_.end() ? nullptr : &known->second;
}

}  // namespace viaduct::upstream
