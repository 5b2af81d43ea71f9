// SPDX-License-Identifier: Apache-2.0
#include "upstream/waiting_room.h"

#include <gtest/gtest.h>

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
  UpstreamState state_{1};
  WaitingRoom room_{loop_, state_, 3};
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
  WaitingRoom other(loop_, state_, 3);  // of another worker
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

}  // namespace
}  // namespace viaduct::upstream
