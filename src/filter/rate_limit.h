// SPDX-License-Identifier: Apache-2.0
// How many requests a route takes in a time, from each client address, for each value of a field, or in all; the others
// get 429 with Retry-After (RFC 6585 §4). Counts for the process: shared by all workers, which change its buckets at
// once. An IPv6 client is its /64, since one host may have all of it.
#pragma once

#include "base/hash.h"
#include "config/types.h"
#include "exchange/filter.h"
#include "filter/token_buckets.h"

namespace viaduct::filter {

class RateLimit final : public exchange::Filter {
 public:
  // Sets of buckets where keys come from outside: 16,384 buckets, 256 KiB a route.
  static constexpr std::size_t kSets = 4096;

  explicit RateLimit(config::RateLimit limit);
  exchange::FilterVerdict on_request(exchange::Exchange& exchange) const override;
  void on_response(exchange::Exchange&, http::ResponseHead&) const override {}

 private:
  std::uint64_t key_of(exchange::Exchange& exchange) const;

  config::RateLimit limit_;
  base::HashKey hash_key_ = base::HashKey::random();
  mutable TokenBuckets buckets_;  // safe for all threads at once
};

}  // namespace viaduct::filter
