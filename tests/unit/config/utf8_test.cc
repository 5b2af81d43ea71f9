// SPDX-License-Identifier: Apache-2.0
#include "config/utf8.h"

#include <gtest/gtest.h>

namespace viaduct::config {
namespace {

TEST(Utf8, ReadsSequencesOfEveryLength) {
  const struct {
    const char* text;
    char32_t value;
    std::size_t length;
  } rows[] = {{"a", U'a', 1}, {"é", U'é', 2}, {"支", U'支', 3}, {"😀", U'😀', 4}, {"aé", U'a', 1}};
  for (const auto& row : rows) {
    const CodePoint point = first_code_point(row.text);
    EXPECT_EQ(point.value, row.value) << row.text;
    EXPECT_EQ(point.length, row.length) << row.text;
    EXPECT_TRUE(point.is_valid) << row.text;
  }
}

TEST(Utf8, TakesOneByteOfWhatIsMalformed) {
  for (const char* text : {"\xd6\xd0", "\xff", "\xc0\x80", "\xed\xa0\x80", "\xe6\x94"}) {
    const CodePoint point = first_code_point(text);
    EXPECT_FALSE(point.is_valid);
    EXPECT_EQ(point.length, 1U);
    EXPECT_EQ(point.value, char32_t{0xfffd});
  }
}

TEST(Utf8, CountsColumnsInCodePoints) {
  const std::string_view line = "a支é:x";
  EXPECT_EQ(column_of_offset(line, 0), 1);
  EXPECT_EQ(column_of_offset(line, 1), 2);
  EXPECT_EQ(column_of_offset(line, 3), 2);  // inside the second
  EXPECT_EQ(column_of_offset(line, 4), 3);
  EXPECT_EQ(column_of_offset(line, 7), 5);
  EXPECT_EQ(column_of_offset(line, 8), 6);  // behind the last
  EXPECT_EQ(column_of_offset(line, 100), 6);
  EXPECT_EQ(column_of_offset("", 0), 1);
}

TEST(Utf8, FindsTheOffsetOfAColumn) {
  const std::string_view line = "a支é:x";
  EXPECT_EQ(offset_of_column(line, 1), 0U);
  EXPECT_EQ(offset_of_column(line, 3), 4U);
  EXPECT_EQ(offset_of_column(line, 6), 8U);
  EXPECT_EQ(offset_of_column(line, 60), 8U);
}

TEST(Utf8, KnowsHowWideACharacterIs) {
  EXPECT_EQ(cell_width(U'a'), 1);
  EXPECT_EQ(cell_width(U'é'), 1);
  EXPECT_EQ(cell_width(U'支'), 2);
  EXPECT_EQ(cell_width(U'：'), 2);
  EXPECT_EQ(cell_width(0x3000), 2);
  EXPECT_EQ(cell_width(0x200b), 0);
  EXPECT_EQ(cell_width(0xfeff), 0);
}

TEST(Visible, SpellsOutBytesThatAreNoTextOrControlATerminal) {
  const struct {
    std::string_view text;
    std::string_view shown;
  } rows[] = {
      {"", ""},
      {"/支付 é ~", "/支付 é ~"},
      {"\xff\xd6\xd0", "\\xff\\xd6\\xd0"},
      {"\xe6\x94", "\\xe6\\x94"},
      {std::string_view("\0\n\x1b\x7f", 4), "\\x00\\x0a\\x1b\\x7f"},
      {"\xc2\x80\xc2\x9f\xc2\xa0", "\\xc2\\x80\\xc2\\x9f\xc2\xa0"},
      {"a\tb", "a\\x09b"},
  };
  for (const auto& row : rows) EXPECT_EQ(visible(row.text), row.shown);
  EXPECT_EQ(visible("a\tb", true), "a\tb");
}

TEST(VisibleWidth, IsThatOfWhatIsShown) {
  for (const std::string_view text : {"a", "\xff", "\x1b", "\xc2\x9b"}) {
    EXPECT_EQ(visible_width(first_code_point(text)), static_cast<int>(visible(text, true).size()));
  }
  EXPECT_EQ(visible_width(first_code_point("支")), 2);
  EXPECT_EQ(visible_width(first_code_point("\t")), 1);
}

}  // namespace
}  // namespace viaduct::config
