// SPDX-License-Identifier: Apache-2.0
#include "filter/rate_limit.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "exchange/exchange.h"

namespace viaduct::filter {
namespace {

// An IPv6 address counts with the network of its interface alone (RFC 4291 §2.5.4).
constexpr std::size_t kNetworkBytes = 8;

TokenBuckets::Rate rate_of(const config::RateLimit& limit) {
  const base::Duration per_token = limit.per / std::max<std::int64_t>(limit.requests, 1);
  return {.per_token = std::max(per_token, base::Duration(1)), .burst = limit.burst};
}

// Whole seconds, so that who waits them is let in (RFC 9110 §10.2.3).
std::string_view seconds_text(base::Duration wait, base::Arena& arena) {
  constexpr std::size_t kDigitsMax = 20;
  char* digits = arena.make_array<char>(kDigitsMax);
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  const auto result = std::to_chars(digits, digits + kDigitsMax, std::max<std::int64_t>(seconds, 1));
  return {digits, static_cast<std::size_t>(result.ptr - digits)};
}

}  // namespace

RateLimit::RateLimit(config::RateLimit limit)
    : limit_(std::move(limit)), buckets_(rate_of(limit_), limit_.key == config::RateKey::kRoute ? 1 : kSets) {}

exchange::FilterVerdict RateLimit::on_request(exchange::Exchange& exchange) const {
  const auto wait = buckets_.take(key_of(exchange), exchange.loop().now());
  if (!wait) return exchange::FilterVerdict::kContinue;
  exchange.set_retry_after(seconds_text(*wait, exchange.arena()));
  exchange.fail(http::Reason::kRateLimited);
  return exchange::FilterVerdict::kAnswered;
}

std::uint64_t RateLimit::key_of(exchange::Exchange& exchange) const {
  switch (limit_.key) {
    case config::RateKey::kRoute: break;
    case config::RateKey::kHeader: {
      // Requests without the field, or with two, are counted together: neither must be a way around.
      const http::Field* only = nullptr;
      for (const http::Field& field : exchange.request().fields) {
        if (!base::equals_ignoring_case(field.name, limit_.header)) continue;
        if (only != nullptr) return base::keyed_hash(hash_key_, {});
        only = &field;
      }
      return base::keyed_hash(hash_key_, only == nullptr ? std::string_view() : only->value);
    }
    case config::RateKey::kClientIp: {
      const base::IpAddress& address = exchange.client_ip();
      const std::size_t size = address.is_v4() ? address.size() : kNetworkBytes;
      return base::keyed_hash(hash_key_, {reinterpret_cast<const char*>(address.bytes()), size});
    }
  }
  return 1;
}

}  // namespace viaduct::filter
