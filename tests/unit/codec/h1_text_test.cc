// SPDX-License-Identifier: Apache-2.0
#include "codec/h1_text.h"

#include <gtest/gtest.h>

#include <string>

namespace viaduct::codec {
namespace {

class H1TextTest : public ::testing::Test {
 protected:
  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
  H1Text text_;
};

TEST_F(H1TextTest, LiesInOneRunHoweverItCame) {
  std::string expected;
  text_.begin(arena_);
  EXPECT_TRUE(text_.view().empty());
  text_.append("");
  EXPECT_TRUE(text_.view().empty());
  for (int i = 0; i < 3000; ++i) {
    const std::string piece(static_cast<std::size_t>(i % 7), static_cast<char>('a' + i % 26));
    expected += piece;
    text_.append(piece);
    arena_.copy("between");  // others use the arena too
    ASSERT_EQ(text_.view(), expected);
  }
  text_.begin(arena_);
  EXPECT_TRUE(text_.view().empty());
}

TEST_F(H1TextTest, TakesExactlyItsSizeWhenItComesWhole) {
  text_.begin(arena_);
  text_.append(std::string(1000, 'a'));
  const char* behind = arena_.copy("x").data();
  EXPECT_EQ(behind, text_.view().data() + 1000);
}

TEST_F(H1TextTest, GrowsByDoublingAndNotByTheByte) {
  text_.begin(arena_);
  for (int i = 0; i < 16000; ++i) text_.append("x");
  // 256, 512, … 16384 bytes were taken, and not 16000 texts of growing length.
  EXPECT_LE(chunks_.chunks_in_use(), 3u);
}

}  // namespace
}  // namespace viaduct::codec
