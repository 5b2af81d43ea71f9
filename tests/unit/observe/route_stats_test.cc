// SPDX-License-Identifier: Apache-2.0
#include "observe/route_stats.h"

#include <gtest/gtest.h>

#include <thread>

namespace viaduct::observe {
namespace {

using namespace std::chrono_literals;

RouteTotals totals_of(const RouteStats& stats, std::uint32_t number) {
  RouteTotals totals;
  stats.add_to(totals, number);
  return totals;
}

TEST(RouteStats, CountEachRouteByItself) {
  RouteStats stats;
  stats.count(1, 200, 3ms);
  stats.count(1, 502, 30ms);
  stats.count(1, 0, 1us);
  stats.count(RouteNumbers::kRoutesMax - 1, 404, 70s);
  const RouteTotals first = totals_of(stats, 1);
  EXPECT_EQ(first.requests(), 3U);
  EXPECT_EQ(first.status_classes, (std::array<std::uint64_t, kStatusClassCount>{1, 0, 1, 0, 0, 1}));
  EXPECT_EQ(first.time, 33ms + 1us);
  const RouteTotals last = totals_of(stats, RouteNumbers::kRoutesMax - 1);
  EXPECT_EQ(last.requests(), 1U);
  EXPECT_EQ(last.buckets.back(), 1U) << "longer than the longest bound";
  EXPECT_EQ(totals_of(stats, 2).requests(), 0U);
  EXPECT_EQ(totals_of(stats, 5000).requests(), 0U);
}

TEST(RouteStats, CountFailuresUnderAnyStatus) {
  RouteStats stats;
  stats.count(1, 200, 1ms);
  stats.count(1, 500, 1ms);  // the upstream's own
  const RouteTotals before = totals_of(stats, 1);
  EXPECT_EQ(before.failures, 1U);
  stats.count(1, 200, 1ms, http::Reason::kUpstreamClosed);  // a platform that goes by the body
  stats.count(1, 502, 1ms, http::Reason::kUpstreamClosed);
  stats.count(1, 404, 1ms, http::Reason::kStaticNotFound);
  stats.count(1, 500, 1ms, http::Reason::kBodyTimeout);  // a platform's form for what the client did
  EXPECT_EQ(totals_of(stats, 1).failures, 3U);
  EXPECT_EQ(totals_of(stats, 1).since(before).failures, 2U);
}

TEST(RouteStats, KnowWhichFailuresHaveOutlivedTheirSnapshot) {
  RouteStats stats;
  for (const int status : {200, 500}) {
    stats.count(1, status, 1ms);
    stats.note_outlived(1, status, http::Reason::kNone);
  }
  const RouteTotals before = totals_of(stats, 1);
  EXPECT_EQ(before.outlived_failures, 1U);
  EXPECT_EQ(before.failures, 1U);
  stats.count(1, 500, 1ms);
  EXPECT_EQ(totals_of(stats, 1).since(before).outlived_failures, 0U);
}

TEST(RouteStats, PutDurationsIntoBucketsWhoseBoundBelongsToThem) {
  RouteStats stats;
  for (const auto bound : kDurationBounds) {
    stats.count(3, 200, bound);
    stats.count(3, 200, bound + 1ns);
  }
  const RouteTotals totals = totals_of(stats, 3);
  EXPECT_EQ(totals.buckets.front(), 1U);
  for (std::size_t i = 1; i < kDurationBounds.size(); ++i) EXPECT_EQ(totals.buckets[i], 2U) << i;
  EXPECT_EQ(totals.buckets.back(), 1U);
}

TEST(RouteStats, TakeAClockThatWentBackForNoTime) {
  RouteStats stats;
  stats.count(1, 200, -5ms);
  EXPECT_EQ(totals_of(stats, 1).time, 0ns);
  EXPECT_EQ(totals_of(stats, 1).buckets.front(), 1U);
}

TEST(RouteTotals, InterpolatePercentiles) {
  RouteStats stats;
  EXPECT_EQ(totals_of(stats, 1).percentile(0.5), 0ns);
  for (int i = 0; i < 90; ++i) stats.count(1, 200, 15ms);
  for (int i = 0; i < 10; ++i) stats.count(1, 200, 150ms);
  const RouteTotals totals = totals_of(stats, 1);
  EXPECT_GT(totals.percentile(0.5), 10ms);
  EXPECT_LT(totals.percentile(0.5), 20ms);
  EXPECT_GT(totals.percentile(0.99), 100ms);
  EXPECT_LT(totals.percentile(0.99), 200ms);
  stats.count(2, 200, 5min);
  EXPECT_EQ(totals_of(stats, 2).percentile(0.5), 60s) << "nobody knows more than that it was longer";
}

TEST(RouteTotals, TellWhatCameSince) {
  RouteStats stats;
  stats.count(1, 200, 3ms);
  const RouteTotals before = totals_of(stats, 1);
  stats.count(1, 500, 4ms);
  const RouteTotals since = totals_of(stats, 1).since(before);
  EXPECT_EQ(since.requests(), 1U);
  EXPECT_EQ(since.status_classes[5], 1U);
  EXPECT_EQ(since.time, 4ms);
}

TEST(RouteStats, AreReadWhileTheyAreWritten) {
  RouteStats stats;
  constexpr std::uint64_t kRequests = 20'000;
  std::thread worker([&] {
    for (std::uint64_t i = 0; i < kRequests; ++i) stats.count(static_cast<std::uint32_t>(i % 200), 200, 1ms);
  });
  std::uint64_t last = 0;
  for (int reading = 0; reading < 100; ++reading) {
    const std::uint64_t now = totals_of(stats, 7).requests();
    EXPECT_GE(now, last);
    last = now;
  }
  worker.join();
  EXPECT_EQ(totals_of(stats, 7).requests(), kRequests / 200);
}

}  // namespace
}  // namespace viaduct::observe
