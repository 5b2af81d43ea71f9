// SPDX-License-Identifier: Apache-2.0
#include "filter/token_buckets.h"

#include <algorithm>
#include <span>

#include "base/check.h"

namespace viaduct::filter {

TokenBuckets::TokenBuckets(const Rate& rate, std::size_t sets)
    : per_token_(rate.per_token.count()),
      burst_time_(per_token_ * static_cast<std::int64_t>(rate.burst)),
      sets_(sets),
      buckets_(std::make_unique<Bucket[]>(sets * kWays)) {
  static_assert(std::is_same_v<base::Duration, std::chrono::nanoseconds>);
  CHECK(per_token_ > 0 && sets > 0);
  CHECK(rate.burst == 0 || rate.per_token <= base::Duration::max() / 2 / rate.burst);
}

std::optional<base::Duration> TokenBuckets::take(std::uint64_t key, base::MonoTime now) {
  Bucket& bucket = find(std::max<std::uint64_t>(key, 1));
  const std::int64_t present = now.time_since_epoch().count();
  std::int64_t full_at = bucket.full_at.load(std::memory_order_relaxed);
  for (int i = 0; i < kTriesMax; ++i) {
    const std::int64_t begins = std::max(full_at, present);
    if (begins - present > burst_time_) return base::Duration(begins - present - burst_time_);
    if (bucket.full_at.compare_exchange_weak(full_at, begins + per_token_, std::memory_order_relaxed)) break;
  }
  return std::nullopt;
}

TokenBuckets::Bucket& TokenBuckets::find(std::uint64_t key) {
  const std::span set = std::span(buckets_.get(), sets_ * kWays).subspan(key % sets_ * kWays, kWays);
  for (Bucket& bucket : set) {
    if (bucket.key.load(std::memory_order_relaxed) == key) return bucket;
  }
  Bucket& fullest = *std::ranges::min_element(
      set, {}, [](const Bucket& bucket) { return bucket.full_at.load(std::memory_order_relaxed); });
  fullest.key.store(key, std::memory_order_relaxed);
  fullest.full_at.store(0, std::memory_order_relaxed);
  return fullest;
}

}  // namespace viaduct::filter
