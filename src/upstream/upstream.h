// SPDX-License-Identifier: Apache-2.0
// A named group of servers as one worker sees it: who is next, which connections are idle, how to make a new one. Made
// for a snapshot and kept for the next one when its config is the same, so that a reload keeps warm connections. One
// thread.
#pragma once

#include <array>
#include <bitset>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/types.h"
#include "upstream/balancer.h"
#include "upstream/choice.h"
#include "upstream/connector.h"
#include "upstream/ejector.h"
#include "upstream/resources.h"
#include "upstream/retry_budget.h"
#include "upstream/server.h"
#include "upstream/waiting_room.h"

namespace viaduct::upstream {

// By what the server of a request is chosen.
struct PickBy {
  const config::Balance* balance = nullptr;  // the route's; null: the upstream's
  std::string_view key{};                    // what a hashing policy hashes; without one, requests go round
};

class Upstream final : private PlaceGiver {
 public:
  // Servers of one upstream; daemon/build refuses more.
  static constexpr std::size_t kServersMax = 256;
  using ServerSet = std::bitset<kServersMax>;

  // Copies `config`. Fails when the TLS files of the config cannot be read.
  static base::Result<std::unique_ptr<Upstream>> make(const Resources& resources, const config::Upstream& config);
  // For make() alone.
  Upstream(const Resources& resources, const config::Upstream& config);
  ~Upstream();
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  const config::Upstream& config() const { return config_; }
  // The server for a request that has tried those in `tried`, of those that are available: backups only when no other
  // is. Null when none is left.
  Server* pick(const ServerSet& tried, const PickBy& by);
  // Why pick() chose its last server.
  Choice choice() const { return choice_; }
  std::size_t index_of(const Server& server) const;
  // The server at that place in the config.
  Server& server(std::size_t index) { return *servers_[index]; }
  // Begins a new connection, or waits for one that others have begun and that can be shared; the event comes later.
  // False: the server has as many connections as it may have.
  [[nodiscard]] bool connect(Server& server, ConnectHandler& handler, std::optional<base::Duration> timeout);
  // Before a request is refused for want of a connection: takes one back that is being given up for other workers.
  // False: there is none.
  bool reclaim();
  WaitingRoom& waiting_room() { return waiting_room_; }
  RetryBudget& retry_budget() { return retry_budget_; }
  // How long the operator holds requests back, if at all: longer than `now`.
  bool is_held(base::MonoTime now) const { return state_.is_held(now); }
  base::MonoTime held_until() const {
    return base::MonoTime(base::Duration(state_.held_until.load(std::memory_order_relaxed)));
  }
  // An attempt of a request begins, its first or, with `is_again`, a later one.
  void note_attempt(Server& server, bool is_again) {
    server.state().attempts.fetch_add(1, std::memory_order_relaxed);
    if (is_again) state_.retries.fetch_add(1, std::memory_order_relaxed);
  }
  // How an attempt ended, for `eject`: with a whole answer, of whatever status, or without.
  void note_success(Server& server) { ejector_.note_success(server); }
  void note_failure(Server& server, const FailedAttempt& attempt) {
    server.state().failed_attempts.fetch_add(1, std::memory_order_relaxed);
    if (!attempt.told) ejector_.note_failure(server, attempt, resources_.loop.now());
  }

  // Requests and selections that hold a reference to this upstream; it must not be destroyed before they are gone.
  void enter() { ++users_; }
  void leave() { --users_; }
  bool is_in_use() const { return users_ > 0; }
  // No snapshot wants it any more: idle connections go, busy ones go when they become idle.
  void retire_pools();
  // A snapshot wants it again.
  void revive_pools();

 private:
  void give_place() override;
  config::BalanceKind kind_for(const PickBy& by) const;
  Balancer& balancer_of(config::BalanceKind kind);

  Resources resources_;
  config::Upstream config_;
  UpstreamState& state_;
  Ejector ejector_;
  std::optional<const tls::ClientContext> tls_;  // absent where no server speaks TLS
  WaitingRoom waiting_room_;
  RetryBudget retry_budget_;
  std::vector<std::unique_ptr<Server>> servers_;
  // By policy; one that no route has asked for yet is null.
  std::array<std::unique_ptr<Balancer>, config::kBalanceKinds> balancers_;
  std::vector<Candidate> candidates_;  // scratch of pick()
  Choice choice_ = Choice::kNone;
  std::uint32_t users_ = 0;
};

}  // namespace viaduct::upstream
