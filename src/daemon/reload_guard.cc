// SPDX-License-Identifier: Apache-2.0
#include "daemon/reload_guard.h"

#include <algorithm>

#include "base/format.h"

namespace viaduct::daemon {
namespace {

enum TimerId { kSampleTimer, kCheckTimer };

// Calls `see` with the number and the name of each callback route.
template <typename See>
void for_each_callback(const exchange::Snapshot& snapshot, See see) {
  const std::vector<config::Site>& sites = snapshot.config->sites;
  for (std::uint32_t i = 0; i < sites.size(); ++i) {
    for (std::uint32_t j = 0; j < sites[i].routes.size(); ++j) {
      if (sites[i].routes[j].callback == config::CallbackProvider::kNone) continue;
      const std::uint32_t number = snapshot.plans[snapshot.router->route_index(i, j)].number;
      see(number, sites[i], sites[i].routes[j]);
    }
  }
}

// Workers count on while they are read, so that `part` may be ahead of what it is a part of.
std::uint64_t without(std::uint64_t whole, std::uint64_t part) {
  return whole - std::min(whole, part);
}

AnswerCount difference(const AnswerCount& later, const AnswerCount& earlier) {
  return {.answers = without(later.answers, earlier.answers), .failures = without(later.failures, earlier.failures)};
}

// What was not a callback route when `totals` were taken has had none.
std::uint64_t failures_in(const std::map<std::uint32_t, std::uint64_t>& failures, std::uint32_t number) {
  const auto found = failures.find(number);
  return found == failures.end() ? 0 : found->second;
}

}  // namespace

ReloadGuard::ReloadGuard(net::Loop& loop, const Overview& overview, GuardHandler& handler)
    : loop_(loop),
      overview_(overview),
      handler_(handler),
      sample_timer_(loop.timers(), *this, kSampleTimer),
      check_timer_(loop.timers(), *this, kCheckTimer) {
  samples_.push_back({.at = loop_.now()});  // nothing is counted yet
  sample_timer_.start_after(kSampleInterval);
}

void ReloadGuard::start(base::Duration time) {
  start_ = take_totals();
  before_ = samples_.front();
  deadline_ = loop_.now() + time;
  state_ = State::kWatching;
  check_timer_.start_after(kCheckInterval);
}

void ReloadGuard::stop() {
  state_ = State::kOff;
  check_timer_.stop();
}

void ReloadGuard::hold() {
  if (state_ != State::kWatching) return;
  state_ = State::kHeld;
  check_timer_.stop();
}

void ReloadGuard::go_on() {
  if (state_ != State::kHeld) return;
  state_ = State::kWatching;
  check_timer_.start_after(kCheckInterval);
}

void ReloadGuard::on_timer(int timer_id) {
  Totals now = take_totals();
  if (timer_id == kSampleTimer) {
    while (!samples_.empty() && samples_.front().at + kLookBack + kSampleInterval <= now.at) samples_.pop_front();
    samples_.push_back(std::move(now));
    sample_timer_.start_after(kSampleInterval);
    return;
  }
  const auto why = explain_worse(compare(now));
  if (why || now.at >= deadline_) {
    state_ = State::kOff;
    return why ? handler_.on_worse(*why) : handler_.on_kept();
  }
  check_timer_.start_after(kCheckInterval);
}

ReloadGuard::Totals ReloadGuard::take_totals() const {
  Totals totals{.at = loop_.now()};
  const observe::CounterTotals counters = overview_.counters();
  for (const std::uint64_t count : counters.status_classes) totals.answers.answers += count;
  for (std::size_t i = 0; i < counters.reasons.size(); ++i) {
    if (http::is_our_failure(static_cast<http::Reason>(i))) totals.answers.failures += counters.reasons[i];
  }
  // What ran with the config before says nothing of the one that is watched.
  totals.answers.answers = without(totals.answers.answers, counters.outlived);
  totals.answers.failures = without(totals.answers.failures, counters.outlived_failures);
  const exchange::SnapshotRef snapshot = overview_.facts().snapshot;
  for_each_callback(*snapshot, [&](std::uint32_t number, const config::Site&, const config::Route&) {
    const observe::RouteTotals route = overview_.route(number);
    totals.callback_failures[number] = without(route.failures, route.outlived_failures);
  });
  return totals;
}

GuardCounts ReloadGuard::compare(const Totals& now) const {
  GuardCounts counts{.before = difference(start_.answers, before_.answers),
                     .after = difference(now.answers, start_.answers),
                     .callbacks = {}};
  const exchange::SnapshotRef snapshot = overview_.facts().snapshot;
  for_each_callback(*snapshot, [&](std::uint32_t number, const config::Site& site, const config::Route& route) {
    const std::uint64_t at_start = failures_in(start_.callback_failures, number);
    counts.callbacks.push_back({.name = base::format("{}/{}", exchange::site_name(site), route.name),
                                .failures_before = without(at_start, failures_in(before_.callback_failures, number)),
                                .failures_after = without(failures_in(now.callback_failures, number), at_start)});
  });
  return counts;
}

}  // namespace viaduct::daemon
