// SPDX-License-Identifier: Apache-2.0
#include "observe/counters.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace viaduct::observe {
namespace {

using http::Reason;

TEST(Counters, CountByReasonAndClassOfStatus) {
  Counters counters;
  counters.count(Reason::kNone, 200);
  counters.count(Reason::kNone, 204);
  counters.count(Reason::kNone, 304);
  counters.count(Reason::kNoRoute, 404);
  counters.count(Reason::kClientClosed, 499);
  counters.count(Reason::kUpstreamTruncated, 502);
  counters.count(Reason::kConnectionLimit, 0);
  EXPECT_EQ(counters.with_reason(Reason::kNone), 3U);
  EXPECT_EQ(counters.with_reason(Reason::kNoRoute), 1U);
  EXPECT_EQ(counters.with_reason(Reason::kUpstreamTruncated), 1U);  // the last row
  EXPECT_EQ(counters.with_reason(Reason::kConnectionLimit), 1U);
  EXPECT_EQ(counters.with_reason(Reason::kPathDenied), 0U);
  const std::uint64_t expected[] = {1, 0, 2, 1, 2, 1};
  for (std::size_t status_class = 0; status_class < kStatusClassCount; ++status_class) {
    EXPECT_EQ(counters.with_status_class(status_class), expected[status_class]) << status_class;
  }
}

TEST(Counters, KnowWhichExchangesHaveOutlivedTheirSnapshot) {
  Counters counters;
  for (const Reason reason : {Reason::kNone, Reason::kClientClosed, Reason::kUpstreamClosed}) {
    counters.count(reason, 200);
    counters.note_outlived(reason);
  }
  counters.count(Reason::kUpstreamClosed, 502);
  CounterTotals totals;
  totals.add(counters);
  EXPECT_EQ(totals.outlived, 3U);
  EXPECT_EQ(totals.outlived_failures, 1U);
}

TEST(Counters, TakeStatusesThatNobodyKnowsAsNone) {
  Counters counters;
  for (const int status : {-1, 0, 99, 600, 999}) counters.count(Reason::kNone, status);
  EXPECT_EQ(counters.with_status_class(0), 5U);
  counters.count(Reason::kNone, 100);
  counters.count(Reason::kNone, 599);
  EXPECT_EQ(counters.with_status_class(1), 1U);
  EXPECT_EQ(counters.with_status_class(5), 1U);
}

TEST(Counters, HaveARowForEveryReason) {
  EXPECT_EQ(kReasonCount, static_cast<std::size_t>(Reason::kWebsocketIdle) + 1);
}

TEST(Counters, AddUpOverWorkersWhileTheseCount) {
  constexpr std::uint64_t kEach = 10'000;
  std::vector<std::unique_ptr<Counters>> shards;
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 4; ++worker) {
    Counters& counters = *shards.emplace_back(std::make_unique<Counters>());
    workers.emplace_back([&counters] {
      for (std::uint64_t count = 0; count < kEach; ++count) counters.count(Reason::kNoRoute, 404);
    });
  }
  std::uint64_t before = 0;
  for (int reading = 0; reading < 10; ++reading) {
    CounterTotals totals;
    for (const auto& shard : shards) totals.add(*shard);
    const std::uint64_t now = totals.reasons[static_cast<std::size_t>(Reason::kNoRoute)];
    EXPECT_GE(now, before);
    before = now;
  }
  for (std::thread& worker : workers) worker.join();
  CounterTotals totals;
  for (const auto& shard : shards) totals.add(*shard);
  EXPECT_EQ(totals.reasons[static_cast<std::size_t>(Reason::kNoRoute)], 4 * kEach);
  EXPECT_EQ(totals.status_classes[4], 4 * kEach);
}

}  // namespace
}  // namespace viaduct::observe
