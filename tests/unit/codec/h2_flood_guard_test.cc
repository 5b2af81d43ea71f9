// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_flood_guard.h"

#include <gtest/gtest.h>

#include <vector>

namespace viaduct::codec {
namespace {

using namespace std::chrono_literals;
using http::Reason;

constexpr base::MonoTime kStart{1000s};

// How many of these frames pass before one is refused, and why it is.
int count_until_refused(H2FloodGuard& guard, const H2FrameInfo& frame, Reason reason) {
  for (int passed = 0; passed < 100'000; ++passed) {
    const Reason refused = guard.count(frame);
    if (refused == Reason::kNone) continue;
    EXPECT_EQ(refused, reason);
    return passed;
  }
  ADD_FAILURE() << "never refused";
  return -1;
}

struct Row {
  H2FrameInfo frame;
  int burst;
  int per_second;
  Reason reason;
};

const std::vector<Row> kRows = {
    {{.length = 4, .type = NGHTTP2_RST_STREAM, .stream_id = 1}, 200, 20, Reason::kH2ResetFlood},
    {{.length = 8, .type = NGHTTP2_PING}, 100, 10, Reason::kH2PingFlood},
    {{.length = 8, .type = NGHTTP2_PING, .flags = NGHTTP2_FLAG_ACK}, 100, 10, Reason::kH2PingFlood},
    {{.type = NGHTTP2_SETTINGS}, 50, 5, Reason::kH2SettingsFlood},
    {{.type = NGHTTP2_SETTINGS, .flags = NGHTTP2_FLAG_ACK}, 50, 5, Reason::kH2SettingsFlood},
    {{.length = 5, .type = NGHTTP2_PRIORITY, .stream_id = 1}, 500, 50, Reason::kH2PriorityFlood},
    {{.length = 7, .type = NGHTTP2_PRIORITY_UPDATE}, 500, 50, Reason::kH2PriorityFlood},
    {{.length = 100, .type = 0x42}, 200, 20, Reason::kH2EmptyFrameFlood},
    {{.length = 4, .type = NGHTTP2_WINDOW_UPDATE}, 2000, 200, Reason::kH2WindowUpdateFlood},
};

TEST(H2FloodGuard, LetsABurstOfEachKindPassAndNoMore) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(static_cast<int>(row.frame.type));
    H2FloodGuard guard;
    guard.set_time(kStart);
    EXPECT_EQ(count_until_refused(guard, row.frame, row.reason), row.burst);
    EXPECT_EQ(guard.count(row.frame), row.reason) << "it stays so";
  }
}

TEST(H2FloodGuard, RefillsWithTheSeconds) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(static_cast<int>(row.frame.type));
    H2FloodGuard guard;
    guard.set_time(kStart);
    count_until_refused(guard, row.frame, row.reason);
    guard.set_time(kStart + 999ms);
    EXPECT_EQ(count_until_refused(guard, row.frame, row.reason), 0);
    guard.set_time(kStart + 1s);
    EXPECT_EQ(count_until_refused(guard, row.frame, row.reason), row.per_second);
    guard.set_time(kStart + 3900ms);
    EXPECT_EQ(count_until_refused(guard, row.frame, row.reason), 2 * row.per_second);
    guard.set_time(kStart + 4s);
    EXPECT_EQ(count_until_refused(guard, row.frame, row.reason), row.per_second) << "no part of a second is lost";
    guard.set_time(kStart + 24h * 365);
    EXPECT_EQ(count_until_refused(guard, row.frame, row.reason), row.burst) << "never more than the burst";
  }
}

TEST(H2FloodGuard, CountsEachKindByItself) {
  H2FloodGuard guard;
  for (const Row& row : {kRows[0], kRows[1], kRows[3], kRows[5], kRows[7], kRows[8]}) {
    EXPECT_EQ(count_until_refused(guard, row.frame, row.reason), row.burst);
  }
}

TEST(H2FloodGuard, LetsPassWhatCarriesSomething) {
  H2FloodGuard guard;
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_EQ(guard.count({.length = 1, .type = NGHTTP2_DATA, .stream_id = 1}), Reason::kNone);
    guard.note_data();
    EXPECT_EQ(guard.count({.type = NGHTTP2_DATA, .flags = NGHTTP2_FLAG_END_STREAM, .stream_id = 1}), Reason::kNone);
    EXPECT_EQ(guard.count({.type = NGHTTP2_HEADERS, .stream_id = 1}), Reason::kNone);
  }
}

// Whether a frame was empty is known when the next one begins.
TEST(H2FloodGuard, CountsFramesOfDataWithoutAByteOfIt) {
  const H2FrameInfo empty{.type = NGHTTP2_DATA, .stream_id = 1};
  const H2FrameInfo padded{
      .length = H2FloodGuard::kSmallFrameBytes, .type = NGHTTP2_DATA, .flags = NGHTTP2_FLAG_PADDED, .stream_id = 1};
  const H2FrameInfo next{.length = H2FloodGuard::kSmallFrameBytes + 1, .type = NGHTTP2_DATA, .stream_id = 1};
  for (const H2FrameInfo& frame : {empty, padded}) {
    H2FloodGuard guard;
    guard.set_time(kStart);
    EXPECT_EQ(count_until_refused(guard, frame, Reason::kH2EmptyFrameFlood), 201);
    EXPECT_EQ(guard.count(next), Reason::kNone) << "it holds something";
    guard.set_time(kStart + 1s);
    EXPECT_EQ(count_until_refused(guard, frame, Reason::kH2EmptyFrameFlood), 21);
    H2FrameInfo last = frame;
    last.flags |= NGHTTP2_FLAG_END_STREAM;
    EXPECT_EQ(guard.count(last), Reason::kNone);
    EXPECT_EQ(guard.count(next), Reason::kNone);
    guard.set_time(kStart + 3600s);
    for (int i = 0; i < 10'000; ++i) {
      EXPECT_EQ(guard.count(padded), Reason::kNone);
      guard.note_data();
    }
  }
}

TEST(H2FloodGuard, BoundsTheContinuationsOfOneBlock) {
  H2FloodGuard guard;
  const H2FrameInfo continuation{.length = 100, .type = NGHTTP2_CONTINUATION, .stream_id = 1};
  for (int block = 0; block < 100; ++block) {
    EXPECT_EQ(guard.count({.type = NGHTTP2_HEADERS, .stream_id = 1}), Reason::kNone);
    for (unsigned i = 0; i < H2FloodGuard::kContinuationsMax; ++i) EXPECT_EQ(guard.count(continuation), Reason::kNone);
  }
  EXPECT_EQ(guard.count(continuation), Reason::kH2ContinuationFlood);
}

TEST(H2FloodGuard, CountsBlocksThatNobodyReads) {
  const H2FrameInfo block{.length = 100, .type = NGHTTP2_HEADERS, .stream_id = 1};
  const auto until_refused = [](H2FloodGuard& guard, const H2FrameInfo& frame) {
    int passed = 0;
    while (passed < 100'000 && guard.count(frame, true) == Reason::kNone) ++passed;
    return passed;
  };
  H2FloodGuard guard;
  guard.set_time(kStart);
  EXPECT_EQ(until_refused(guard, block), 512);
  EXPECT_EQ(guard.count(block, true), Reason::kH2HeaderFlood);
  EXPECT_EQ(guard.count(block), Reason::kNone) << "which somebody reads";
  guard.set_time(kStart + 1s);
  EXPECT_EQ(until_refused(guard, block), 50);
  guard.note_our_reset(0);
  EXPECT_EQ(until_refused(guard, block), 4);
  // Large ones cost more, also in parts.
  H2FloodGuard large;
  EXPECT_EQ(until_refused(large, {.length = 16'384, .type = NGHTTP2_HEADERS, .stream_id = 1}), 8192 / (16 + 64));
  H2FloodGuard parts;
  const H2FrameInfo part{.length = 16'384, .type = NGHTTP2_CONTINUATION, .stream_id = 1};
  int blocks = 0;
  Reason reason = Reason::kNone;
  for (; reason == Reason::kNone && blocks < 1000; ++blocks) {
    reason = parts.count(block, true);
    for (unsigned i = 0; reason == Reason::kNone && i < H2FloodGuard::kContinuationsMax; ++i)
      reason = parts.count(part);
  }
  EXPECT_EQ(reason, Reason::kH2HeaderFlood);
  EXPECT_EQ(blocks, 8192 / (16 + 8 * 64) + 1);
  // Window updates are earned by requests alone.
  H2FloodGuard other;
  const H2FrameInfo update{.length = 4, .type = NGHTTP2_WINDOW_UPDATE};
  count_until_refused(other, update, Reason::kH2WindowUpdateFlood);
  EXPECT_EQ(other.count(block, true), Reason::kNone);
  EXPECT_EQ(other.count(update), Reason::kH2WindowUpdateFlood);
}

TEST(H2FloodGuard, CountsBytesThatNobodyReads) {
  const H2FrameInfo data{.length = 1000, .type = NGHTTP2_DATA, .stream_id = 1};
  H2FloodGuard guard(3500);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(guard.count(data, true), Reason::kNone);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(guard.count(data), Reason::kNone);
  EXPECT_EQ(guard.count(data, true), Reason::kH2FlowControlError);
  guard.note_our_reset(500);
  EXPECT_EQ(guard.count(data, true), Reason::kNone);
  EXPECT_EQ(guard.count(data, true), Reason::kH2FlowControlError);
  guard.allow_discard(1000);
  EXPECT_EQ(guard.count(data, true), Reason::kNone);
  guard.set_time(kStart + 3600s);
  EXPECT_EQ(guard.count(data, true), Reason::kH2FlowControlError) << "time brings nothing";
}

TEST(H2FloodGuard, CountsResetsOfEitherSideAndForgivesAnsweredRequests) {
  H2FloodGuard guard;
  const H2FrameInfo reset{.length = 4, .type = NGHTTP2_RST_STREAM, .stream_id = 1};
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(guard.count(reset), Reason::kNone);
    EXPECT_EQ(guard.count_reset(), Reason::kNone);
  }
  EXPECT_EQ(guard.count_reset(), Reason::kH2ResetFlood);
  guard.earn_reset();
  guard.earn_reset();
  EXPECT_EQ(guard.count(reset), Reason::kNone);
  EXPECT_EQ(guard.count_reset(), Reason::kNone);
  EXPECT_EQ(guard.count(reset), Reason::kH2ResetFlood);
  H2FloodGuard other;
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_EQ(other.count(reset), Reason::kNone);
    other.earn_reset();
  }
}

TEST(H2FloodGuard, EarnsWindowUpdatesByWhatIsSent) {
  H2FloodGuard guard;
  const H2FrameInfo update{.length = 4, .type = NGHTTP2_WINDOW_UPDATE};
  count_until_refused(guard, update, Reason::kH2WindowUpdateFlood);
  guard.earn_window_updates(511);
  EXPECT_EQ(count_until_refused(guard, update, Reason::kH2WindowUpdateFlood), 0);
  guard.earn_window_updates(1);
  EXPECT_EQ(count_until_refused(guard, update, Reason::kH2WindowUpdateFlood), 1) << "bytes add up";
  guard.earn_window_updates(16 * 1024);
  EXPECT_EQ(count_until_refused(guard, update, Reason::kH2WindowUpdateFlood), 32);
  guard.earn_window_updates(1'000'000'000);
  EXPECT_EQ(count_until_refused(guard, update, Reason::kH2WindowUpdateFlood), 2000);
}

TEST(H2FloodGuard, EarnsUpdatesAndPrioritiesByRequests) {
  H2FloodGuard guard;
  const H2FrameInfo update{.length = 4, .type = NGHTTP2_WINDOW_UPDATE};
  const H2FrameInfo priority{.length = 5, .type = NGHTTP2_PRIORITY, .stream_id = 1};
  count_until_refused(guard, update, Reason::kH2WindowUpdateFlood);
  count_until_refused(guard, priority, Reason::kH2PriorityFlood);
  EXPECT_EQ(guard.count({.type = NGHTTP2_HEADERS, .stream_id = 1}), Reason::kNone);
  EXPECT_EQ(count_until_refused(guard, update, Reason::kH2WindowUpdateFlood), 4);
  EXPECT_EQ(count_until_refused(guard, priority, Reason::kH2PriorityFlood), 2);
}

}  // namespace
}  // namespace viaduct::codec
