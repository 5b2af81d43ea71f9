// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_wait.h"

#include <gtest/gtest.h>

namespace viaduct::codec {
namespace {

using namespace std::chrono_literals;
using Kind = H2Wait::Kind;

constexpr base::MonoTime kStart{1000s};
constexpr base::MonoTime kNever = base::MonoTime::max();

// What moved did so at this moment.
void update(H2Wait& wait, Kind kind, base::MonoTime now, std::uint64_t moved = 0) {
  wait.update(kind, {.bytes = moved, .at = now}, now);
}

TEST(H2Wait, WaitsForNothingAtFirst) {
  H2Wait wait;
  EXPECT_EQ(wait.kind(), Kind::kNone);
  EXPECT_EQ(wait.deadline(1s, 100, kStart), kNever);
  EXPECT_FALSE(wait.is_over(0s, kStart + 1h));
  EXPECT_FALSE(wait.is_too_slow(100, kStart + 1h));
}

TEST(H2Wait, IsOverWhenTheLimitIsReached) {
  for (const Kind kind : {Kind::kReceive, Kind::kSend, Kind::kTurn}) {
    H2Wait wait;
    update(wait, kind, kStart);
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
  update(wait, Kind::kReceive, kStart);
  update(wait, Kind::kReceive, kStart + 10s);
  EXPECT_EQ(wait.deadline(60s, std::nullopt, kStart), kStart + 60s) << "nothing has moved";
  update(wait, Kind::kReceive, kStart + 20s, 1);
  EXPECT_EQ(wait.deadline(60s, std::nullopt, kStart), kStart + 80s);
  update(wait, Kind::kSend, kStart + 30s);
  EXPECT_EQ(wait.deadline(60s, std::nullopt, kStart), kStart + 90s);
  update(wait, Kind::kNone, kStart + 40s);
  EXPECT_EQ(wait.deadline(60s, std::nullopt, kStart), kNever);
  update(wait, Kind::kSend, kStart + 50s);
  EXPECT_EQ(wait.deadline(60s, std::nullopt, kStart), kStart + 110s);
}

TEST(H2Wait, HoldsTheRateBehindTheGrace) {
  H2Wait wait;
  update(wait, Kind::kReceive, kStart);
  update(wait, Kind::kReceive, kStart + 5s, 999);
  EXPECT_EQ(wait.deadline(std::nullopt, 100, kStart + 5s), kStart + 10s);
  EXPECT_FALSE(wait.is_too_slow(100, kStart + 10s - 1ns));
  EXPECT_TRUE(wait.is_too_slow(100, kStart + 10s));
  EXPECT_FALSE(wait.is_too_slow(std::nullopt, kStart + 10s));
  update(wait, Kind::kReceive, kStart + 10s, 1);
  EXPECT_FALSE(wait.is_too_slow(100, kStart + 10s)) << "100 bytes a second are enough";
  EXPECT_EQ(wait.deadline(std::nullopt, 100, kStart + 10s), kStart + 11s);
  EXPECT_TRUE(wait.is_too_slow(100, kStart + 11s));
}

TEST(H2Wait, CountsTheRateOfOneWaitAlone) {
  H2Wait wait;
  update(wait, Kind::kReceive, kStart, 1'000'000);
  update(wait, Kind::kSend, kStart + 1s);
  EXPECT_FALSE(wait.is_too_slow(1, kStart + 10s));
  EXPECT_TRUE(wait.is_too_slow(1, kStart + 11s)) << "what was received before is not sent now";
}

TEST(H2Wait, CountsFromWhenBytesMovedAndNotFromWhenThatWasTold) {
  H2Wait wait;
  update(wait, Kind::kTurn, kStart);
  wait.update(Kind::kTurn, {.bytes = 1, .at = kStart + 5s}, kStart + 20s);
  EXPECT_FALSE(wait.is_over(30s, kStart + 35s - 1ns));
  EXPECT_TRUE(wait.is_over(30s, kStart + 35s));
  // Others had moved long before this one began to wait.
  update(wait, Kind::kNone, kStart + 40s);
  update(wait, Kind::kTurn, kStart + 60s);
  wait.update(Kind::kTurn, {.bytes = 1, .at = kStart + 41s}, kStart + 61s);
  EXPECT_FALSE(wait.is_over(30s, kStart + 90s - 1ns));
}

TEST(H2Wait, CountsWaitsForTheWindowTogether) {
  H2Wait wait;
  // 6 s and 4 s without a window, and between them hours of turns of others and of nothing to send.
  update(wait, Kind::kSend, kStart);
  wait.note_sent(499);
  update(wait, Kind::kTurn, kStart + 6s);
  EXPECT_FALSE(wait.is_too_slow(100, kStart + 15s)) << "a turn is measured for itself";
  EXPECT_TRUE(wait.is_too_slow(100, kStart + 16s));
  update(wait, Kind::kNone, kStart + 1h, 1'000'000);
  wait.note_sent(1);  // while it was its turn
  update(wait, Kind::kSend, kStart + 2h);
  EXPECT_EQ(wait.deadline(std::nullopt, 100, kStart + 2h), kStart + 2h + 4s);
  EXPECT_FALSE(wait.is_too_slow(100, kStart + 2h + 4s - 1ns));
  EXPECT_TRUE(wait.is_too_slow(100, kStart + 2h + 4s)) << "500 bytes in 10 s";
  wait.note_sent(500);
  EXPECT_FALSE(wait.is_too_slow(100, kStart + 2h + 4s));
}

TEST(H2Wait, LooksAtTheNearerOfTwoLimits) {
  H2Wait wait;
  update(wait, Kind::kSend, kStart);
  EXPECT_EQ(wait.deadline(5s, 100, kStart), kStart + 5s);
  EXPECT_EQ(wait.deadline(60s, 100, kStart), kStart + 10s);
  EXPECT_EQ(wait.deadline(60s, 100, kStart + 30s), kStart + 31s);
}

}  // namespace
}  // namespace viaduct::codec
