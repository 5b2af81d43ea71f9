// SPDX-License-Identifier: Apache-2.0
#include "upstream/waiting_room.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "support/manual_clock.h"
#include "support/wait_until.h"

namespace viaduct::upstream {
namespace {

// Writes its letter down when it gets what it waits for.
class Letter final : public Waiter {
 public:
  Letter(char letter, std::string& served, int& free_places)
      : letter_(letter), served_(served), free_places_(free_places) {}
  bool on_turn_to_connect() override {
    EXPECT_FALSE(is_linked());
    if (free_places_ == 0) return false;
    --free_places_;
    served_ += letter_;
    return true;
  }

 private:
  char letter_;
  std::string& served_;
  int& free_places_;
};

// Counts how often it was to give a place.
class Giver final : public PlaceGiver {
 public:
  void give_place() override { ++asked; }
  int asked = 0;
};

class WaitingRoomTest : public testing::Test {
 protected:
  void SetUp() override {
    for (Letter* letter : {&a_, &b_, &c_}) ASSERT_TRUE(room_.enter(*letter));
  }
  void TearDown() override {
    for (Letter* letter : {&a_, &b_, &c_}) room_.leave(*letter);
    EXPECT_EQ(state_.waiting.load(), 0u);
    EXPECT_TRUE(room_.empty());
  }

  support::ManualClock clock_;
  net::Loop loop_{clock_};
  UpstreamState state_;
  Giver giver_;
  WaitingRoom room_{loop_, state_, giver_, 3};
  std::string served_;
  int free_places_ = 0;
  Letter a_{'a', served_, free_places_};
  Letter b_{'b', served_, free_places_};
  Letter c_{'c', served_, free_places_};
};

TEST_F(WaitingRoomTest, ServesInTheOrderOfArrivalAsFarAsPlacesGo) {
  free_places_ = 2;
  room_.wake();
  support::settle(loop_);
  EXPECT_EQ(served_, "ab");
  EXPECT_EQ(state_.waiting.load(), 1u);
  free_places_ = 1;
  room_.wake();
  support::settle(loop_);
  EXPECT_EQ(served_, "abc");
}

TEST_F(WaitingRoomTest, KeepsTheFirstInItsPlaceWhenThereIsNothingForIt) {
  room_.wake();
  support::settle(loop_);
  EXPECT_EQ(served_, "");
  free_places_ = 3;
  room_.wake();
  support::settle(loop_);
  EXPECT_EQ(served_, "abc");
}

TEST_F(WaitingRoomTest, LetsNoMoreInThanTheProcessMayHaveWaiting) {
  WaitingRoom other(loop_, state_, giver_, 3);  // of another worker
  Letter d('d', served_, free_places_);
  EXPECT_FALSE(room_.enter(d));
  EXPECT_FALSE(other.enter(d));
  room_.leave(b_);
  EXPECT_TRUE(other.enter(d));
  other.leave(d);
  EXPECT_FALSE(d.is_linked());
}

TEST_F(WaitingRoomTest, SkipsWhoHasLeft) {
  room_.leave(a_);
  room_.leave(a_);
  free_places_ = 1;
  room_.wake();
  support::settle(loop_);
  EXPECT_EQ(served_, "b");
}

TEST_F(WaitingRoomTest, NoticesByLookingWhatOtherWorkersGaveBack) {
  free_places_ = 3;
  support::settle(loop_);
  EXPECT_EQ(served_, "");
  support::pass_time(loop_, clock_, 2 * WaitingRoom::kPollInterval);
  EXPECT_EQ(served_, "abc");
}

TEST_F(WaitingRoomTest, AsksOtherWorkersForPlacesWhileSomebodyWaits) {
  Giver other_giver;
  const auto other = std::make_unique<WaitingRoom>(loop_, state_, other_giver, 3);
  support::pass_time(loop_, clock_, 2 * WaitingRoom::kPollInterval);
  const int asked = other_giver.asked;
  EXPECT_GE(asked, 1);
  EXPECT_EQ(giver_.asked, 0) << "nobody asks itself";
  free_places_ = 3;
  support::pass_time(loop_, clock_, 2 * WaitingRoom::kPollInterval);
  const int asked_last = other_giver.asked;
  support::pass_time(loop_, clock_, 4 * WaitingRoom::kPollInterval);
  EXPECT_EQ(other_giver.asked, asked_last) << "nobody waits any more";
}

TEST_F(WaitingRoomTest, AsksNobodyWhoIsGone) {
  Giver gone;
  for (Letter* letter : {&a_, &b_, &c_}) room_.leave(*letter);
  support::pass_time(loop_, clock_, 2 * WaitingRoom::kPollInterval);
  {
    WaitingRoom other(loop_, state_, gone, 3);
    ASSERT_TRUE(room_.enter(a_));  // asks at once
  }
  support::settle(loop_);
  EXPECT_EQ(gone.asked, 0);
}

// Three wait in this room.
TEST_F(WaitingRoomTest, YieldsToOthersBeyondItsShare) {
  EXPECT_FALSE(room_.yields(16, 16)) << "nobody else waits";
  WaitingRoom other(loop_, state_, giver_, 16);
  EXPECT_TRUE(other.yields(1, 16)) << "others wait, and nobody here";
  Letter d('d', served_, free_places_);
  ASSERT_TRUE(other.enter(d));
  // By those who wait, and one more: four fifths of sixteen.
  EXPECT_FALSE(room_.yields(12, 16));
  EXPECT_TRUE(room_.yields(13, 16));
  EXPECT_FALSE(other.yields(6, 16));
  EXPECT_TRUE(other.yields(7, 16));
  other.leave(d);
}

}  // namespace
}  // namespace viaduct::upstream
