// SPDX-License-Identifier: Apache-2.0
#include "net/resolved_name.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/format.h"
#include "base/log.h"

namespace viaduct::net {
namespace {

std::string list_of(const std::vector<RefusedAddress>& refused) {
  std::string list;
  for (const RefusedAddress& one : refused) {
    list += base::format("{}{} ({})", list.empty() ? "" : ", ", one.address.to_string(), one.kind);
  }
  return list;
}

}  // namespace

ResolvedName::ResolvedName(const Shared& shared, NameKey key)
    : shared_(shared),
      key_(std::move(key)),
      lookup_(shared.loop, shared.channel, *this),
      timer_(shared.loop.timers(), *this) {}

ResolvedName::~ResolvedName() {
  if (!failing_.empty()) leave(failing_);
  if (!forbidden_.empty()) leave(forbidden_);
}

// ---- who asks -------------------------------------------------------------------------------------------------------

const NameAnswer* ResolvedName::find() {
  used_at_ = shared_.loop.now();
  const bool counts = state_ != State::kUnknown && state_ != State::kAsking;
  return counts && !answer_.empty() ? &answer_ : nullptr;
}

void ResolvedName::resolve(ResolveWaiter& waiter) {
  used_at_ = shared_.loop.now();
  waiters_.push_back(waiter);
  switch (state_) {
    case State::kUnknown: return ask(State::kAsking);
    case State::kAsking: return;
    case State::kFresh:
    case State::kRefreshing:
    case State::kFailing:
    case State::kRetrying: return shared_.loop.at_turn_end(*this);
  }
}

void ResolvedName::watch(NameWatcher& watcher) {
  watchers_.push_back(watcher);
  if (state_ == State::kUnknown) ask(State::kAsking);
}

bool ResolvedName::is_in_use() {
  return !watchers_.empty() || !waiters_.empty() || shared_.loop.now() < used_at_ + kInUse;
}

bool ResolvedName::is_unused() {
  return !is_in_use() && !lookup_.is_running();
}

void ResolvedName::retry_soon() {
  retry_delay_ = kRetryMin;
  if (state_ == State::kFailing) timer_.start_after(base::Duration(0));
}

void ResolvedName::on_turn_end() {
  if (state_ != State::kAsking) deliver();
}

void ResolvedName::deliver() {
  base::IntrusiveList<ResolveWaiter, ResolveWaiter> waiters;
  waiters.splice_back(waiters_);
  while (!waiters.empty()) {
    ResolveWaiter& waiter = waiters.front();
    waiter.unlink();
    answer_.empty() ? waiter.on_resolve_failed(failure_, error_) : waiter.on_resolved(answer_);
  }
}

// ---- states ---------------------------------------------------------------------------------------------------------

bool ResolvedName::is_edge(State from, State to) {
  switch (from) {
    case State::kUnknown: return to == State::kAsking;
    case State::kFresh: return to == State::kRefreshing || to == State::kUnknown;
    case State::kFailing: return to == State::kRetrying || to == State::kUnknown;
    case State::kAsking:
    case State::kRefreshing:
    case State::kRetrying: return to == State::kFresh || to == State::kFailing;
  }
  return false;
}

void ResolvedName::transition(State to) {
  CHECK(is_edge(state_, to));
  state_ = to;
}

void ResolvedName::ask(State asking) {
  transition(asking);
  lookup_.start(key_.name, key_.is_service, asking == State::kAsking);
}

void ResolvedName::on_timer(int) {
  if (!is_in_use()) return transition(State::kUnknown);
  ask(state_ == State::kFresh ? State::kRefreshing : State::kRetrying);
}

void ResolvedName::on_lookup_done(LookupResult result) {
  result.failure.empty() ? take_answer(std::move(result)) : take_failure(result.failure);
}

void ResolvedName::take_answer(LookupResult result) {
  NameAnswer answer = std::move(result.answer);
  answer.keep_unknown(answer_);
  note_forbidden(answer.take_forbidden(key_.allowed));
  if (!failing_.empty() && leave(std::exchange(failing_, {}))) {
    const auto failed_for = std::chrono::duration_cast<std::chrono::seconds>(shared_.loop.now() - failing_since_);
    LOG_INFO("name_resolved name={} addresses={} failed_for_s={}", base::quoted(key_.name), answer.address_count(),
             failed_for.count());
  }
  const bool is_changed = !answer.empty() && !answer.means_the_same(answer_);
  answer_ = std::move(answer);
  const base::Duration ttl =
      result.is_complete ? std::clamp(result.ttl, shared_.ttl.min, shared_.ttl.max) : shared_.ttl.min;
  transition(State::kFresh);
  timer_.start_after(ttl * kRefreshTenths / 10);
  if (is_changed) watchers_.for_each([this](NameWatcher& watcher) { watcher.on_name_changed(answer_); });
  deliver();
}

void ResolvedName::take_failure(const std::string& error) {
  if (failing_.empty()) {
    failing_ = base::format("unresolved {} {}", key_.is_service ? "service" : "host", key_.name);
    failing_since_ = shared_.loop.now();
    if (enter(failing_)) {
      LOG_WARNING("name_unresolved name={} error={} kept_addresses={}", base::quoted(key_.name), base::quoted(error),
                  answer_.address_count());
    }
  }
  failure_ = ResolveFailure::kUnresolved;
  error_.message = base::format("name {} does not resolve: {}", key_.name, error);
  retry_delay_ = state_ == State::kRetrying ? std::min(2 * retry_delay_, kRetryMax) : kRetryMin;
  transition(State::kFailing);
  timer_.start_after(retry_delay_);
  deliver();
}

void ResolvedName::note_forbidden(std::vector<RefusedAddress> refused) {
  std::ranges::sort(refused, {}, &RefusedAddress::address);  // name servers turn the order
  const std::string list = list_of(refused);
  if (!refused.empty()) {
    failure_ = ResolveFailure::kForbidden;
    error_.message = base::format("name {} means {}, which is forbidden; allow_addresses of the upstream permits it",
                                  key_.name, list);
  }
  std::string condition = refused.empty() ? "" : base::format("forbidden {} {}", key_.name, list);
  if (condition == forbidden_) return;
  if (!forbidden_.empty()) leave(forbidden_);
  forbidden_ = std::move(condition);
  if (forbidden_.empty() || !enter(forbidden_)) return;
  LOG_WARNING("name_forbidden name={} addresses={}", base::quoted(key_.name), base::quoted(list));
}

bool ResolvedName::enter(const std::string& condition) {
  return shared_.conditions == nullptr || shared_.conditions->enter(condition);
}

bool ResolvedName::leave(const std::string& condition) {
  return shared_.conditions == nullptr || shared_.conditions->leave(condition);
}

}  // namespace viaduct::net
