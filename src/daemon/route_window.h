// SPDX-License-Identifier: Apache-2.0
// What routes have done lately, for rates and percentiles in `viaduct status`: keeps the totals of two moments, so that
// the time looked back at is between one and two lengths of kStep (shorter in the beginning). Main thread.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "base/time.h"
#include "daemon/overview.h"
#include "observe/route_stats.h"

namespace viaduct::daemon {

class RouteWindow {
 public:
  static constexpr base::Duration kStep = std::chrono::seconds(30);

  // `overview` must outlive the object; `now` is when counting began.
  RouteWindow(const Overview& overview, base::MonoTime now)
      : overview_(overview), newer_{.at = now}, older_{.at = now} {}

  // To be called every kStep.
  void step(base::MonoTime now);
  // What the route did since the older moment.
  observe::RouteTotals lately(std::uint32_t number) const;
  // How long that is, at least a millisecond.
  base::Duration length(base::MonoTime now) const;

 private:
  struct Moment {
    base::MonoTime at;
    std::unordered_map<std::uint32_t, observe::RouteTotals> totals{};  // of routes that had requests
  };

  const Overview& overview_;
  Moment newer_;
  Moment older_;
};

// The numbers that requests of `snapshot` are counted under, those of no route included.
std::vector<std::uint32_t> numbers_in(const exchange::Snapshot& snapshot);

}  // namespace viaduct::daemon
