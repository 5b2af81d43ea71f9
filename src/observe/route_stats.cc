// SPDX-License-Identifier: Apache-2.0
#include "observe/route_stats.h"

#include <algorithm>
#include <numeric>

namespace viaduct::observe {
namespace {

// With one writer, a load and a store are as good as an atomic addition, and far cheaper.
void add(std::atomic<std::uint64_t>& cell, std::uint64_t value) {
  cell.store(cell.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
}

std::size_t bucket_of(base::Duration took) {
  return static_cast<std::size_t>(std::ranges::find_if(kDurationBounds, [&](auto bound) { return took <= bound; }) -
                                  kDurationBounds.begin());
}

std::uint64_t microseconds(base::Duration duration) {
  const auto count = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  return static_cast<std::uint64_t>(std::max<decltype(count)>(count, 0));
}

// By the status alone it is the upstream's own; a platform's form may say 500 for what the client did.
bool is_failure(int status, http::Reason reason) {
  return reason == http::Reason::kNone ? status >= 500 : http::is_our_failure(reason);
}

}  // namespace

// ---- totals ---------------------------------------------------------------------------------------------------------

std::uint64_t RouteTotals::requests() const {
  return std::accumulate(status_classes.begin(), status_classes.end(), std::uint64_t{0});
}

base::Duration RouteTotals::percentile(double share) const {
  const std::uint64_t all = std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
  if (all == 0) return {};
  const double wanted = share * static_cast<double>(all);
  double below = 0;
  for (std::size_t i = 0; i < kDurationBounds.size(); ++i) {
    const auto here = static_cast<double>(buckets[i]);
    if (here > 0 && below + here >= wanted) {
      const base::Duration from = i == 0 ? base::Duration{} : base::Duration(kDurationBounds[i - 1]);
      const base::Duration width = kDurationBounds[i] - from;
      const double part = std::clamp((wanted - below) / here, 0.0, 1.0);
      return from + std::chrono::duration_cast<base::Duration>(width * part);
    }
    below += here;
  }
  return kDurationBounds.back();  // or longer: nobody knows how long
}

RouteTotals RouteTotals::since(const RouteTotals& earlier) const {
  RouteTotals difference = *this;
  for (std::size_t i = 0; i < status_classes.size(); ++i) difference.status_classes[i] -= earlier.status_classes[i];
  for (std::size_t i = 0; i < buckets.size(); ++i) difference.buckets[i] -= earlier.buckets[i];
  difference.failures -= earlier.failures;
  difference.outlived_failures -= earlier.outlived_failures;
  difference.time -= earlier.time;
  return difference;
}

// ---- one worker's ---------------------------------------------------------------------------------------------------

RouteStats::~RouteStats() {
  for (auto& block : blocks_) const std::unique_ptr<Block> owned(block.load(std::memory_order_relaxed));
}

RouteStats::Row& RouteStats::row(std::uint32_t number) {
  std::atomic<Block*>& slot = blocks_.at(number / kRoutesABlock);
  Block* block = slot.load(std::memory_order_relaxed);
  if (block == nullptr) {
    block = std::make_unique<Block>().release();
    slot.store(block, std::memory_order_release);
  }
  return (*block)[number % kRoutesABlock];
}

void RouteStats::count(std::uint32_t number, int status, base::Duration took, http::Reason reason) {
  Row& row = this->row(number);
  add(row.status_classes[status_class_of(status)], 1);
  add(row.buckets[bucket_of(took)], 1);
  if (is_failure(status, reason)) add(row.failures, 1);
  add(row.microseconds, microseconds(took));
}

void RouteStats::note_outlived(std::uint32_t number, int status, http::Reason reason) {
  if (is_failure(status, reason)) add(row(number).outlived_failures, 1);
}

void RouteStats::add_to(RouteTotals& totals, std::uint32_t number) const {
  const Block* block = blocks_.at(number / kRoutesABlock).load(std::memory_order_acquire);
  if (block == nullptr) return;
  const Row& row = (*block)[number % kRoutesABlock];
  for (std::size_t i = 0; i < totals.status_classes.size(); ++i) {
    totals.status_classes[i] += row.status_classes[i].load(std::memory_order_relaxed);
  }
  for (std::size_t i = 0; i < totals.buckets.size(); ++i) {
    totals.buckets[i] += row.buckets[i].load(std::memory_order_relaxed);
  }
  totals.failures += row.failures.load(std::memory_order_relaxed);
  totals.outlived_failures += row.outlived_failures.load(std::memory_order_relaxed);
  totals.time += std::chrono::microseconds(row.microseconds.load(std::memory_order_relaxed));
}

}  // namespace viaduct::observe
