// SPDX-License-Identifier: Apache-2.0
#include "config/look_alikes.h"

#include <gtest/gtest.h>

namespace viaduct::config {
namespace {

TEST(LookAlike, KnowsWhatACharacterStandsFor) {
  const struct {
    char32_t code_point;
    Look look;
    char ascii;
  } rows[] = {
      {U'：', Look::kPunctuation, ':'}, {U'，', Look::kPunctuation, ','}, {U'“', Look::kPunctuation, '"'},
      {U'”', Look::kPunctuation, '"'},  {U'（', Look::kPunctuation, '('}, {U'）', Look::kPunctuation, ')'},
      {U'【', Look::kPunctuation, '['}, {U'】', Look::kPunctuation, ']'}, {U'＊', Look::kPunctuation, '*'},
      {0x00a0, Look::kSpace, ' '},      {0x3000, Look::kSpace, ' '},      {0x200b, Look::kInvisible, 0},
      {0xfeff, Look::kInvisible, 0},    {0x0001, Look::kControl, 0},      {0x007f, Look::kControl, 0},
  };
  for (const auto& row : rows) {
    const LookAlike found = look_alike(row.code_point);
    EXPECT_EQ(found.look, row.look) << static_cast<std::uint32_t>(row.code_point);
    EXPECT_EQ(found.ascii, row.ascii) << static_cast<std::uint32_t>(row.code_point);
    EXPECT_FALSE(found.name.empty());
  }
}

TEST(LookAlike, LeavesTextAlone) {
  for (const char32_t value : {U'a', U':', U'\t', U'\n', U' ', U'支', U'é', U'😀', U'。', U'！'}) {
    EXPECT_EQ(look_alike(value).look, Look::kPlain) << static_cast<std::uint32_t>(value);
  }
}

TEST(DescribeLookAlike, ShowsWhatCanBeSeen) {
  EXPECT_EQ(describe_look_alike(U'，', "，"), "full-width comma \"，\" (U+FF0C)");
  EXPECT_EQ(describe_look_alike(0xa0, "\xc2\xa0"), "no-break space (U+00A0)");
  EXPECT_EQ(describe_look_alike(0x200b, "\xe2\x80\x8b"), "zero-width space (U+200B)");
  EXPECT_EQ(describe_look_alike(0x1, "\x01"), "control character (U+0001)");
}

}  // namespace
}  // namespace viaduct::config
