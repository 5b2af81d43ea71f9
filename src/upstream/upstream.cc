// SPDX-License-Identifier: Apache-2.0
#include "upstream/upstream.h"

#include <algorithm>

#include "base/check.h"
#include "base/format.h"
#include "upstream/slow_start.h"

namespace viaduct::upstream {

Upstream::Upstream(const Resources& resources, const config::Upstream& config)
    : resources_(resources),
      config_(config),
      state_(resources.states.find(config)),
      ejector_(state_, config_),
      waiting_room_(resources.loop, state_, *this, config.max_waiting),
      candidates_(config.servers.size()) {}

Upstream::~Upstream() = default;

base::Result<std::unique_ptr<Upstream>> Upstream::make(const Resources& resources, const config::Upstream& config) {
  CHECK(config.servers.size() <= kServersMax);
  auto upstream = std::make_unique<Upstream>(resources, config);
  if (std::ranges::any_of(config.servers, &config::Server::tls)) {
    auto context = tls::ClientContext::load(config.tls);
    if (!context) {
      context.error().message = base::format("upstream {}: {}", config.name, context.error().message);
      return std::unexpected(std::move(context).error());
    }
    upstream->tls_.emplace(std::move(*context));
  }
  for (std::size_t i = 0; i < upstream->config_.servers.size(); ++i) {
    const tls::ClientContext* context = upstream->config_.servers[i].tls ? &*upstream->tls_ : nullptr;
    upstream->servers_.push_back(std::make_unique<Server>(upstream->resources_, upstream->config_, i, context));
    upstream->servers_.back()->set_waiting_room(&upstream->waiting_room_);
  }
  return upstream;
}

Server* Upstream::pick(const ServerSet& tried, const PickBy& by) {
  const base::MonoTime now = resources_.loop.now();
  bool primaries_left = false;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    ejector_.let_back(*servers_[i], now);
    const ServerState& state = servers_[i]->state();
    const bool is_available = !tried[i] && state.is_available(now);
    candidates_[i] = {.weight = config_.servers[i].weight * share_of(state, config_.slow_start, now),
                      .requests = state.requests.load(std::memory_order_relaxed),
                      .available = is_available};
    primaries_left = primaries_left || (is_available && !config_.servers[i].backup);
  }
  std::size_t choices = 0;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    if (config_.servers[i].backup == primaries_left) candidates_[i].available = false;
    if (candidates_[i].available) ++choices;
  }
  const config::BalanceKind kind = kind_for(by);
  const std::size_t index = balancer_of(kind).pick(candidates_, by.key);
  if (index == Balancer::kNone) return nullptr;
  choice_ = servers_.size() == 1 ? Choice::kOnlyServer
            : !primaries_left    ? Choice::kBackup
            : choices == 1       ? Choice::kLastLeft
                                 : choice_of(kind);
  return servers_[index].get();
}

config::BalanceKind Upstream::kind_for(const PickBy& by) const {
  const config::BalanceKind kind = by.balance != nullptr ? by.balance->kind : config_.balance.kind;
  return by.key.empty() && hashes_key(kind) ? config::BalanceKind::kRoundRobin : kind;
}

Balancer& Upstream::balancer_of(config::BalanceKind kind) {
  std::unique_ptr<Balancer>& balancer = balancers_[static_cast<std::size_t>(kind)];
  if (balancer == nullptr) balancer = make_balancer(kind, config_.servers);
  return *balancer;
}

std::size_t Upstream::index_of(const Server& server) const {
  std::size_t index = 0;
  while (index < servers_.size() && servers_[index].get() != &server) ++index;
  CHECK(index < servers_.size());
  return index;
}

bool Upstream::connect(Server& server, ConnectHandler& handler, std::optional<base::Duration> timeout) {
  Connector* begun = server.joinable();
  if (begun != nullptr && begun->has_room(timeout, resources_.loop.now())) {
    begun->join(handler);
    return true;
  }
  if (!server.reserve()) return false;
  Connector& connector = *std::make_unique<Connector>(resources_.loop, resources_.resolver, server, handler).release();
  if (server.is_sharing()) server.set_joinable(&connector);
  connector.start(timeout);
  return true;
}

void Upstream::give_place() {
  std::ranges::any_of(servers_, [](const auto& server) { return server->give_place(); });
}

bool Upstream::reclaim() {
  return std::ranges::any_of(servers_, [](const auto& server) { return server->reclaim(); });
}

void Upstream::retire_pools() {
  for (const auto& server : servers_) server->retire_pool();
}

void Upstream::revive_pools() {
  for (const auto& server : servers_) server->revive_pool();
}

}  // namespace viaduct::upstream
