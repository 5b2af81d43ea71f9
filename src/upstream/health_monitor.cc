// SPDX-License-Identifier: Apache-2.0
#include "upstream/health_monitor.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "upstream/health_check.h"

namespace viaduct::upstream {

class HealthMonitor::Group {
 public:
  Group(Upstream& upstream, const config::Health& config, UpstreamState& state, base::Random& random)
      : upstream_(upstream), config_(config) {
    upstream_.enter();
    const std::vector<config::Server>& servers = upstream.config().servers;
    for (std::size_t i = 0; i < servers.size(); ++i) {
      states_.push_back(state.server(servers[i]));
      checks_.push_back(std::make_unique<HealthCheck>(HealthCheck::Setup{.upstream = upstream_.config().name,
                                                                         .config = config_,
                                                                         .server = upstream_.server(i),
                                                                         .state = *states_.back(),
                                                                         .random = random}));
    }
  }
  ~Group() { upstream_.leave(); }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  bool is_for(const Upstream& upstream, const config::Health& config) const {
    return &upstream == &upstream_ && config == config_;
  }

 private:
  Upstream& upstream_;
  config::Health config_;
  std::vector<std::shared_ptr<ServerState>> states_;
  std::vector<std::unique_ptr<HealthCheck>> checks_;
};

HealthMonitor::HealthMonitor(const Resources& resources)
    : states_(resources.states),
      registry_({.loop = resources.loop,
                 .resolver = resources.resolver,
                 .h2_library = resources.h2_library,
                 .states = probe_states_}) {}

HealthMonitor::~HealthMonitor() = default;

void HealthMonitor::adopt(const std::vector<config::Upstream>& upstreams) {
  std::vector<config::Upstream> checked;
  for (const config::Upstream& upstream : upstreams) {
    if (upstream.health) {
      checked.push_back(upstream);
      checked.back().keepalive.max_idle = 0;  // that a connection can be made is a part of the check
      continue;
    }
    UpstreamState& state = states_.find(upstream);
    for (const config::Server& server : upstream.servers) {
      state.server(server)->health.store(ServerState::Health::kUnchecked, std::memory_order_relaxed);
    }
  }
  if (auto adopted = registry_.adopt(checked); !adopted) {
    // The files were there when the snapshot was built, a moment ago.
    LOG_ERROR("health_checks_unchanged error={}", base::quoted(adopted.error().message));
    return;
  }
  std::vector<std::unique_ptr<Group>> groups;
  groups.reserve(checked.size());
  for (std::size_t i = 0; i < checked.size(); ++i) {
    groups.push_back(take_group(*registry_.current()[i], checked[i]));
  }
  groups_ = std::move(groups);
  registry_.sweep();
}

std::unique_ptr<HealthMonitor::Group> HealthMonitor::take_group(Upstream& upstream, const config::Upstream& config) {
  const auto found = std::ranges::find_if(groups_, [&](const std::unique_ptr<Group>& group) {
    return group != nullptr && group->is_for(upstream, *config.health);
  });
  if (found != groups_.end()) return std::move(*found);
  return std::make_unique<Group>(upstream, *config.health, states_.find(config), random_);
}

}  // namespace viaduct::upstream
