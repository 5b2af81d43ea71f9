// SPDX-License-Identifier: Apache-2.0
#include "upstream/server_state.h"

namespace viaduct::upstream {

UpstreamState& StateTable::find(const config::Upstream& config) {
  std::string key = config.name;
  for (const config::Server& server : config.servers) key.append("|").append(server.url);
  const std::lock_guard lock(mutex_);
  auto& state = states_[key];
  if (state == nullptr) state = std::make_unique<UpstreamState>(config.servers.size());
  return *state;
}

}  // namespace viaduct::upstream
