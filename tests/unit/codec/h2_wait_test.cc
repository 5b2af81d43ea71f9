// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_wait.h"

#include <gtest/gtest.h>

namespace viaduct::codec {
namespace {

using namespace std::chrono_literals;
using Kind = H2Wait::Kind;

constexpr base::MonoTime kStart{1000s};
constexpr base::MonoTime kNever = base::MonoTime::max();

TEST(H2Wait, WaitsForNothingAtFirst) {
  H2Wait wait;
  EXPECT_EQ(wait.kind(), Kind::kNone);
  EXPECT_EQ(wait.deadline(1s, 100, kStart), kNever);
  EXPECT_FALSE(wait.is_over(0s, kStart + 1h));
  EXPECT_FALSE(wait.is_too_slow(100, kStart + 1h));
}

TEST(H2Wait, IsOverWhenTheLimitIsReached) {
  for (const Kind kind : {Kind::kReceive, Kind::kSend}) {
    H2Wait wait;
    wait.update(kind, 0, kStart);
    EXPECT_EQ(wait.kind(), kind);
    EXPECT_EQ(wait.deadline(60s, std::nullopt, kStart + 30s), kStart + 60s);
    EXPECT_FALSE(wait.is_over(60s, kStart + 60s - 1ns));
    EXPECT_TRUE(wait.is_over(60s, kStart + 60s));
    EXPECT_EQ(wait.deadline(std::nullopt, std::nullopt, kStart), kNever);
    EXPECT_FALSE(wait.is_over(std::nullopt, kStart + 1h));
  }
}

TEST(H2Wait, BeginsAnewWithEveryByteAndWithAnotherKind) {
  H2Wait wait;
  wait.update(Kind::kReceive, 0, kStart);
  wait.update(Kind::kReceive, 0, kStart + 10s);
  EXPECT_EQ(wait.deadline(60s, std::nullopt, kStart), kStart + 60s) << "nothing has moved";
  wait.update(Kind::kReceive, 1, kStart + 20s);
  EXPECT_EQ(wait.deadline(60s, std::nullopt, kStart), kStart + 80s);
  wait.update(Kind::kSend, 0, kStart + 30s);
  EXPECT_EQ(wait.deadline(60s, std::nullopt, kStart), kStart + 90s);
  wait.update(Kind::kNone, 0, kStart + 40s);
  EXPECT_EQ(wait.deadline(60s, std::nullopt, kStart), kNever);
  wait.update(Kind::kSend, 0, kStart + 50s);
  EXPECT_EQ(wait.deadline(60s, std::nullopt, kStart), kStart + 110s);
}

TEST(H2Wait, HoldsTheRateBehindTheGrace) {
  H2Wait wait;
  wait.update(Kind::kReceive, 0, kStart);
  wait.update(Kind::kReceive, 999, kStart + 5s);
  EXPECT_EQ(wait.deadline(std::nullopt, 100, kStart + 5s), kStart + 10s);
  EXPECT_FALSE(wait.is_too_slow(100, kStart + 10s - 1ns));
  EXPECT_TRUE(wait.is_too_slow(100, kStart + 10s));
  EXPECT_FALSE(wait.is_too_slow(std::nullopt, kStart + 10s));
  wait.update(Kind::kReceive, 1, kStart + 10s);
  EXPECT_FALSE(wait.is_too_slow(100, kStart + 10s)) << "100 bytes a second are enough";
  EXPECT_EQ(wait.deadline(std::nullopt, 100, kStart + 10s), kStart + 11s);
  EXPECT_TRUE(wait.is_too_slow(100, kStart + 11s));
}

TEST(H2Wait, CountsTheRateOfOneWaitAlone) {
  H2Wait wait;
  wait.update(Kind::kReceive, 1'000'000, kStart);
  wait.update(Kind::kSend, 0, kStart + 1s);
  EXPECT_FALSE(wait.is_too_slow(1, kStart + 10s));
  EXPECT_TRUE(wait.is_too_slow(1, kStart + 11s)) << "what was received before is not sent now";
}

TEST(H2Wait, LooksAtTheNearerOfTwoLimits) {
  H2Wait wait;
  wait.update(Kind::kSend, 0, kStart);
  EXPECT_EQ(wait.deadline(5s, 100, kStart), kStart + 5s);
  EXPECT_EQ(wait.deadline(60s, 100, kStart), kStart + 10s);
  EXPECT_EQ(wait.deadline(60s, 100, kStart + 30s), kStart + 31s);
}

}  // namespace
}  // namespace viaduct::codec
