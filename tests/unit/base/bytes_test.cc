// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>

namespace viaduct::base {
namespace {

TEST(Bytes, GivesTheValueOfHexDigitsAndOfNothingElse) {
  for (int code = 0; code < 256; ++code) {
    const char byte = static_cast<char>(code);
    int expected = -1;
    if (code >= '0' && code <= '9') expected = code - '0';
    if (code >= 'a' && code <= 'f') expected = code - 'a' + 10;
    if (code >= 'A' && code <= 'F') expected = code - 'A' + 10;
    EXPECT_EQ(hex_value(byte), expected) << code;
  }
}

TEST(Bytes, FindsControlCharactersInEightBytesAtOnce) {
  for (int code = 0; code < 256; ++code) {
    for (std::size_t place = 0; place < 8; ++place) {
      for (const char other : {'a', ' ', '\xff', '\x80'}) {
        std::string text(16, other);
        text[8 + place] = static_cast<char>(code);
        const bool is_control = code < 0x20 || code == 0x7f;
        EXPECT_EQ(text_words(text), is_control ? 8u : 16u) << code << " at " << place;
        EXPECT_EQ(any_equal(eight_bytes(text.data() + 8), static_cast<unsigned char>(code)) != 0, true);
        EXPECT_EQ(any_below(eight_bytes(text.data() + 8), 0x20) != 0, code < 0x20);
      }
    }
  }
  EXPECT_EQ(text_words("1234567"), 0u);
  EXPECT_EQ(text_words(""), 0u);
}

TEST(Bytes, LowersAsciiLettersAlone) {
  EXPECT_EQ(lower_case("Content-TYPE@[`{\xc3\x84"), "content-type@[`{\xc3\x84");
  EXPECT_EQ(lower_case(""), "");
}

TEST(Bytes, ComparesWithoutCase) {
  EXPECT_TRUE(equals_ignoring_case("X-Request-ID", "x-rEQUEST-id"));
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_FALSE(equals_ignoring_case("host", "hos"));
  EXPECT_FALSE(equals_ignoring_case("host", "hosT "));
  EXPECT_FALSE(equals_ignoring_case("@", "`"));  // they differ by 0x20, as letters do
  EXPECT_FALSE(equals_ignoring_case("\xc3\x84", "\xc3\xa4"));
}

TEST(Bytes, ReadsDecimalNumbers) {
  struct Row {
    std::string_view text;
    std::optional<std::uint64_t> value;
  };
  const Row rows[] = {
      {"0", 0},
      {"7", 7},
      {"007", 7},
      {"18446744073709551615", std::numeric_limits<std::uint64_t>::max()},
      {"18446744073709551616", std::nullopt},
      {"99999999999999999999999", std::nullopt},
      {"", std::nullopt},
      {"-1", std::nullopt},
      {"-0", std::nullopt},
      {"+1", std::nullopt},
      {" 1", std::nullopt},
      {"1 ", std::nullopt},
      {"1a", std::nullopt},
      {"a", std::nullopt},
      {"0x1", std::nullopt},
      {"1.0", std::nullopt},
      {"1,000", std::nullopt},
      {std::string_view("1\0", 2), std::nullopt},
      {"\xef\xbc\x91", std::nullopt},  // full-width 1
  };
  for (const Row& row : rows) EXPECT_EQ(parse_decimal(row.text), row.value) << row.text;
}

TEST(Bytes, WritesHexadecimalInLowerCase) {
  const std::array<unsigned char, 4> bytes = {0x00, 0x0f, 0xa5, 0xff};
  EXPECT_EQ(to_hex(bytes), "000fa5ff");
  EXPECT_EQ(to_hex({}), "");
}

TEST(Bytes, TellsWellFormedUtf8) {
  struct Row {
    std::string_view text;
    std::size_t length;
  };
  const Row rows[] = {
      {"", 0},
      {"a", 1},
      {std::string_view("\0", 1), 1},
      {"\x7f", 1},
      {"\x80", 0},              // a continuation byte alone
      {"\xc1\xbf", 0},          // overlong
      {"\xc2\x80", 2},          // U+0080, the smallest of two bytes
      {"\xdf\xbf", 2},          // U+07FF
      {"\xc3", 0},              // cut off
      {"\xc3\x28", 0},          // no continuation
      {"\xe0\x9f\xbf", 0},      // overlong
      {"\xe0\xa0\x80", 3},      // U+0800
      {"\xe6\x94\xaf", 3},      // 支
      {"\xe6\x94", 0},          // cut off
      {"\xed\x9f\xbf", 3},      // U+D7FF
      {"\xed\xa0\x80", 0},      // a surrogate
      {"\xee\x80\x80", 3},      // U+E000
      {"\xef\xbf\xbf", 3},      // U+FFFF
      {"\xf0\x8f\xbf\xbf", 0},  // overlong
      {"\xf0\x90\x80\x80", 4},  // U+10000
      {"\xf4\x8f\xbf\xbf", 4},  // U+10FFFF
      {"\xf4\x90\x80\x80", 0},  // above
      {"\xf5\x80\x80\x80", 0},
      {"\xff", 0},
      {"\xf0\x90\x80\x41", 0},
  };
  for (const Row& row : rows) EXPECT_EQ(utf8_sequence(row.text), row.length) << row.text;
  EXPECT_TRUE(is_utf8("/支付/a"));
  EXPECT_TRUE(is_utf8(""));
  EXPECT_FALSE(is_utf8("/支付\xff"));
}

TEST(Bytes, CutsBetweenUtf8SequencesOnly) {
  const std::string text = "a\xc3\xa9\xe6\x94\xaf\xf0\x90\x80\x80z";  // 1 + 2 + 3 + 4 + 1
  const std::size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11, 11};
  for (std::size_t limit = 0; limit < std::size(expected); ++limit) {
    EXPECT_EQ(utf8_cut(text, limit), expected[limit]) << limit;
  }
  EXPECT_EQ(utf8_cut("\x80\x80\x80\x80\x80\x80", 5), 5U);  // no UTF-8: any place
  EXPECT_EQ(utf8_cut("\xf0\xf0\xf0", 2), 2U);
}

}  // namespace
}  // namespace viaduct::base
