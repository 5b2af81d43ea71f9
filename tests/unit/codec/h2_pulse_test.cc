// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_pulse.h"

#include <gtest/gtest.h>

namespace viaduct::codec {
namespace {

using namespace std::chrono_literals;

constexpr base::MonoTime kStart{100s};
constexpr base::MonoTime kNever = base::MonoTime::max();

TEST(H2Pulse, AsksWhereNothingIsHeardBehindARequest) {
  H2Pulse pulse;
  EXPECT_EQ(pulse.deadline(), kNever);
  EXPECT_EQ(pulse.asks_at(kStart), kStart + 1s);
  pulse.note_heard(kStart + 400ms);
  EXPECT_EQ(pulse.asks_at(kStart), kStart + 1400ms);
  EXPECT_FALSE(pulse.ask(kStart, kStart + 1399ms));
  EXPECT_TRUE(pulse.ask(kStart, kStart + 1400ms));
  EXPECT_EQ(pulse.deadline(), kStart + 2400ms);
  EXPECT_EQ(pulse.asks_at(kStart + 2s), kNever) << "one at a time";
}

TEST(H2Pulse, IsLostWhenTheAnswerIsOverdueAndUntilSomethingIsHeard) {
  H2Pulse pulse;
  ASSERT_TRUE(pulse.ask(kStart, kStart + 1s));
  pulse.update(kStart + 1999ms);
  EXPECT_FALSE(pulse.is_lost());
  pulse.update(kStart + 2s);
  EXPECT_TRUE(pulse.is_lost());
  EXPECT_EQ(pulse.deadline(), kNever);
  EXPECT_EQ(pulse.asks_at(kStart + 3s), kNever);
  pulse.note_heard(kStart + 4s);
  EXPECT_FALSE(pulse.is_lost());
}

TEST(H2Pulse, AsksOnceForOneRequestAndTwiceWithoutAnAnswer) {
  H2Pulse pulse;
  ASSERT_TRUE(pulse.ask(kStart, kStart + 1s));
  pulse.note_heard(kStart + 1s);
  EXPECT_EQ(pulse.asks_at(kStart), kNever) << "it is known to be slow";
  EXPECT_EQ(pulse.asks_at(kStart + 2s), kStart + 3s);
  ASSERT_TRUE(pulse.ask(kStart + 2s, kStart + 3s));
  pulse.note_heard(kStart + 3s);
  EXPECT_EQ(pulse.asks_at(kStart + 4s), kNever);
  pulse.note_answer();
  EXPECT_EQ(pulse.asks_at(kStart + 4s), kStart + 5s);
}

TEST(H2Pulse, IsLostWhereARequestIsGivenUpThatWasFollowedBySilence) {
  struct Row {
    base::Duration heard;  // all behind kStart
    base::Duration since;
    base::Duration now;
    bool is_lost;
  };
  for (const Row& row : {Row{0s, 1s, 2s, true}, Row{0s, 1s, 1999ms, false}, Row{1500ms, 1s, 9s, false}}) {
    H2Pulse pulse;
    pulse.note_heard(kStart + row.heard);
    pulse.note_given_up(kStart + row.since);
    pulse.update(kStart + row.now);
    EXPECT_EQ(pulse.is_lost(), row.is_lost);
    pulse.update(kStart + 1h);
    EXPECT_EQ(pulse.is_lost(), row.is_lost) << "it is judged once";
  }
}

TEST(H2Pulse, LeavesTheJudgementToAPingUnderWay) {
  H2Pulse pulse;
  ASSERT_TRUE(pulse.ask(kStart, kStart + 1s));
  pulse.note_given_up(kStart);
  pulse.update(kStart + 1500ms);
  EXPECT_FALSE(pulse.is_lost());
  pulse.update(kStart + 2s);
  EXPECT_TRUE(pulse.is_lost());
}

}  // namespace
}  // namespace viaduct::codec
