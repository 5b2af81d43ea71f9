// SPDX-License-Identifier: Apache-2.0
// What frames mean is in websocket_frames_test.cc; here it is what is answered.
#include "cli/sample_echo.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "support/websocket_client.h"

namespace viaduct::cli {
namespace {

using namespace std::string_view_literals;
using support::frame_bytes;

class SampleEchoes : public testing::Test {
 protected:
  // What is answered to `bytes`.
  std::string answer(std::string_view bytes) {
    base::Buffer input(chunks_);
    base::Buffer out(chunks_);
    input.append(bytes);
    goes_on_ = echo_.take(input, out);
    EXPECT_TRUE(input.empty());
    return out.to_string();
  }

  base::ChunkPool chunks_;
  SampleEcho echo_;
  bool goes_on_ = true;
};

TEST_F(SampleEchoes, SendMessagesBackAsTheyWere) {
  EXPECT_EQ(answer(frame_bytes({.payload = "hello"}) + frame_bytes({.opcode = 2, .payload = "\xff"})),
            "\x81\x05hello\x82\x01\xff");
  EXPECT_EQ(answer(frame_bytes({.payload = "one ", .is_final = false})), "");
  EXPECT_EQ(answer(frame_bytes({.opcode = 0, .payload = "message"})), "\x81\x0bone message");
  EXPECT_TRUE(goes_on_);
}

TEST_F(SampleEchoes, AnswerPings) {
  EXPECT_EQ(answer(frame_bytes({.opcode = 9, .payload = "?"})), "\x8a\x01?");
  EXPECT_EQ(answer(frame_bytes({.opcode = 10, .payload = "!"})), "");
  EXPECT_TRUE(goes_on_);
}

TEST_F(SampleEchoes, AnswerACloseWithItsCodeAndSayNothingMore) {
  EXPECT_EQ(answer(frame_bytes({.opcode = 8, .payload = "\x0f\xa1why"}) + frame_bytes({.payload = "more"})),
            "\x88\x02\x0f\xa1");
  EXPECT_FALSE(goes_on_);
  EXPECT_EQ(answer(frame_bytes({.payload = "more"})), "");
  EXPECT_FALSE(goes_on_);
}

TEST_F(SampleEchoes, CloseWhereARuleIsBroken) {
  EXPECT_EQ(answer(frame_bytes({.payload = "a", .is_masked = false})), "\x88\x02\x03\xea");
  EXPECT_FALSE(goes_on_);
}

}  // namespace
}  // namespace viaduct::cli
