// SPDX-License-Identifier: Apache-2.0
// How many requests a worker has answered on each route, with what statuses and how fast. Each worker has its own and
// is the only one that writes to it; any thread may read, and adds all workers' up. A route is known by a number that
// stays the same over reloads (route_numbers.h), so that no count is lost by one. Memory comes in blocks of
// kRoutesABlock routes when the first of them is counted.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/time.h"
#include "observe/counters.h"
#include "observe/route_numbers.h"

namespace viaduct::observe {

// Upper bounds of the histogram's buckets; one more bucket takes what is longer. 4.5 s is what callback routes are
// granted, 5 s what the platforms wait.
inline constexpr std::array kDurationBounds = {
    std::chrono::microseconds(500),        std::chrono::microseconds(1'000),
    std::chrono::microseconds(2'000),      std::chrono::microseconds(5'000),
    std::chrono::microseconds(10'000),     std::chrono::microseconds(20'000),
    std::chrono::microseconds(50'000),     std::chrono::microseconds(100'000),
    std::chrono::microseconds(200'000),    std::chrono::microseconds(500'000),
    std::chrono::microseconds(1'000'000),  std::chrono::microseconds(2'000'000),
    std::chrono::microseconds(3'000'000),  std::chrono::microseconds(4'500'000),
    std::chrono::microseconds(5'000'000),  std::chrono::microseconds(10'000'000),
    std::chrono::microseconds(30'000'000), std::chrono::microseconds(60'000'000)};
inline constexpr std::size_t kDurationBuckets = kDurationBounds.size() + 1;

// What was counted on one route, summed over workers.
struct RouteTotals {
  std::array<std::uint64_t, kStatusClassCount> status_classes{};
  std::array<std::uint64_t, kDurationBuckets> buckets{};  // not cumulative
  std::uint64_t failures = 0;           // answers of upstreams from 500 on, and failures of ours under any status
  std::uint64_t outlived_failures = 0;  // among them, of requests whose snapshot was not served any more at their end
  base::Duration time{};                // of all requests together

  std::uint64_t requests() const;
  // The time that `share` (0 to 1) of the requests stayed within, by interpolation in its bucket; 0 without requests.
  base::Duration percentile(double share) const;
  // What came on top of `earlier` totals of the same route.
  RouteTotals since(const RouteTotals& earlier) const;
};

class RouteStats {
 public:
  static constexpr std::size_t kRoutesABlock = 64;

  RouteStats() = default;
  ~RouteStats();
  RouteStats(const RouteStats&) = delete;
  RouteStats& operator=(const RouteStats&) = delete;

  // REQUIRES: number < RouteNumbers::kRoutesMax; the worker's own thread. `status` 0: the client got none.
  void count(std::uint32_t number, int status, base::Duration took, http::Reason reason = http::Reason::kNone);
  // Of what count() has just been told: it ran with a snapshot that is not served any more.
  void note_outlived(std::uint32_t number, int status, http::Reason reason);
  // Adds what this worker counted on the route to `totals`.
  void add_to(RouteTotals& totals, std::uint32_t number) const;

 private:
  using Cell = std::atomic<std::uint64_t>;
  struct Row {
    std::array<Cell, kStatusClassCount> status_classes{};
    std::array<Cell, kDurationBuckets> buckets{};
    Cell failures = 0;
    Cell outlived_failures = 0;
    Cell microseconds = 0;
  };
  using Block = std::array<Row, kRoutesABlock>;

  Row& row(std::uint32_t number);

  static constexpr std::size_t kBlocksMax = RouteNumbers::kRoutesMax / kRoutesABlock;

  std::array<std::atomic<Block*>, kBlocksMax> blocks_{};  // owned
};

}  // namespace viaduct::observe
