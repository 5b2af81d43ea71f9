// SPDX-License-Identifier: Apache-2.0
#include "daemon/route_window.h"

#include <algorithm>
#include <utility>

namespace viaduct::daemon {

std::vector<std::uint32_t> numbers_in(const exchange::Snapshot& snapshot) {
  std::vector<std::uint32_t> numbers = snapshot.site_numbers;
  numbers.push_back(observe::RouteNumbers::kNone);
  for (const exchange::RoutePlan& plan : snapshot.plans) numbers.push_back(plan.number);
  return numbers;
}

void RouteWindow::step(base::MonoTime now) {
  older_ = std::exchange(newer_, Moment{.at = now});
  const exchange::SnapshotRef snapshot = overview_.facts().snapshot;
  for (const std::uint32_t number : numbers_in(*snapshot)) {
    const observe::RouteTotals totals = overview_.route(number);
    if (totals.requests() > 0) newer_.totals.emplace(number, totals);
  }
}

observe::RouteTotals RouteWindow::lately(std::uint32_t number) const {
  const auto before = older_.totals.find(number);
  const observe::RouteTotals totals = overview_.route(number);
  return before == older_.totals.end() ? totals : totals.since(before->second);
}

base::Duration RouteWindow::length(base::MonoTime now) const {
  return std::max<base::Duration>(now - older_.at, std::chrono::milliseconds(1));
}

}  // namespace viaduct::daemon
