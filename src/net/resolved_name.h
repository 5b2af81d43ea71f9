// SPDX-License-Identifier: Apache-2.0
// One name and what it means now: renewed in the background before it expires while it is in use, kept when the name
// servers fail, and without the addresses that no name may mean. Owned by net/resolver; one thread.
//
//   kUnknown ──► kAsking ──► kFresh ◄──► kRefreshing         kUnknown: what is known is too old to be used, and
//      ▲            │          │              │                        nobody has needed it for a while
//      │            ▼          │              ▼              kFailing, kRetrying: the last good answer counts
//      ├───────── kFailing ◄───┼───────── (failed)
//      │           ▲    ▼      │
//      │          kRetrying ──►┤
//      └───────────────────────┘
#pragma once

#include <string>

#include "base/error.h"
#include "base/intrusive_list.h"
#include "net/name_lookup.h"
#include "net/shared_conditions.h"

namespace viaduct::net {

enum class ResolveFailure : std::uint8_t {
  kUnresolved,  // no address is known
  kForbidden,   // it means nothing but addresses that no name may mean
};

// Who waits for a name. Leaves by itself when destroyed.
class ResolveWaiter : public base::ListHook<ResolveWaiter> {
 public:
  // At least one address. Valid during the call.
  virtual void on_resolved(const NameAnswer& answer) = 0;
  virtual void on_resolve_failed(ResolveFailure failure, const base::Error& error) = 0;

 protected:
  ~ResolveWaiter() = default;
};

// Who wants to know when a name means something else. While there is one the name is in use. Leaves by itself when
// destroyed.
class NameWatcher : public base::ListHook<NameWatcher> {
 public:
  // It means these addresses now, at least one. Valid during the call; the watcher must stay one during it.
  virtual void on_name_changed(const NameAnswer& answer) = 0;

 protected:
  ~NameWatcher() = default;
};

struct TtlRange {
  base::Duration min = std::chrono::seconds(5);
  base::Duration max = std::chrono::minutes(5);
};

// What is asked: the name of a host or of a service, and the addresses it may mean although no name should.
struct NameKey {
  std::string name;
  bool is_service = false;
  base::CidrSet allowed;
  bool operator==(const NameKey&) const = default;
};

class ResolvedName final : private LookupHandler, private TimerHandler, private TurnEnd {
 public:
  // For how long a name is in use that somebody asked for.
  static constexpr base::Duration kInUse = std::chrono::minutes(5);
  // How long after a failure it is asked again: the first time, and at most.
  static constexpr base::Duration kRetryMin = std::chrono::seconds(1);
  static constexpr base::Duration kRetryMax = std::chrono::seconds(30);
  // An answer is renewed when this many tenths of its time have passed.
  static constexpr int kRefreshTenths = 9;

  // What the resolver lends to its names.
  struct Shared {
    Loop& loop;
    DnsChannel& channel;
    const TtlRange& ttl;
    SharedConditions* conditions;  // null: what is to be told is told
  };

  ResolvedName(const Shared& shared, NameKey key);
  ~ResolvedName();
  ResolvedName(const ResolvedName&) = delete;
  ResolvedName& operator=(const ResolvedName&) = delete;

  const NameKey& key() const { return key_; }
  // What it means, if that can be said now; null otherwise. Valid until the end of the turn.
  const NameAnswer* find();
  // Exactly one event follows for `waiter`, later than this call; at once, too, when it is known that nothing is known.
  // REQUIRES: the waiter waits for nothing.
  void resolve(ResolveWaiter& waiter);
  // `watcher` learns of what changes from now on; asks for the name if it is not known.
  void watch(NameWatcher& watcher);
  // Nobody waits for it, watches it or has asked for it lately.
  bool is_unused();
  // Other name servers may know what those before did not.
  void retry_soon();

 private:
  enum class State : std::uint8_t { kUnknown, kAsking, kFresh, kRefreshing, kFailing, kRetrying };

  void on_lookup_done(LookupResult result) override;
  void on_timer(int timer_id) override;
  void on_turn_end() override;

  void transition(State to);
  static bool is_edge(State from, State to);
  void ask(State asking);
  bool is_in_use();
  void take_answer(LookupResult result);
  void take_failure(const std::string& error);
  void note_forbidden(std::vector<RefusedAddress> refused);
  bool enter(const std::string& condition);
  bool leave(const std::string& condition);
  void deliver();

  Shared shared_;
  NameKey key_;
  NameLookup lookup_;
  Timer timer_;  // kFresh: to renew; kFailing: to ask again
  State state_ = State::kUnknown;
  NameAnswer answer_;  // the last good one
  ResolveFailure failure_ = ResolveFailure::kUnresolved;
  base::Error error_;  // why answer_ is empty, where it has been asked for
  base::MonoTime used_at_;
  base::MonoTime failing_since_;
  base::Duration retry_delay_ = kRetryMin;
  std::string failing_;    // the condition that has been told of; empty: none
  std::string forbidden_;  // the same for addresses that were refused
  base::IntrusiveList<ResolveWaiter, ResolveWaiter> waiters_;
  base::IntrusiveList<NameWatcher, NameWatcher> watchers_;
};

}  // namespace viaduct::net
