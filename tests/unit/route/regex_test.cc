// SPDX-License-Identifier: Apache-2.0
#include "route/regex.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/format.h"

namespace viaduct::route {
namespace {

struct Row {
  const char* pattern;
  std::string_view text;
  bool matches;
};

TEST(Regex, MatchesAnywhereWithCaseAndUtf8) {
  const std::vector<Row> rows = {
      {"b", "abc", true},
      {"^b", "abc", false},
      {"B", "abc", false},
      {"(?i)B", "abc", true},
      {"^/MP_verify_[A-Za-z0-9]+\\.txt$", "/MP_verify_aB3.txt", true},
      {"^/MP_verify_[A-Za-z0-9]+\\.txt$", "/MP_verify_aB3.txt\n", false},
      {"^/.$", "/\xE6\x94\xAF", true},
      {"^/[\xE6\x94\xAF\xE4\xBB\x98]+$", "/\xE6\x94\xAF\xE4\xBB\x98", true},
      {"^/.$", "/\xFF", false},
      {"a.b", "a\nb", false},
      {"", "", true},
      {"", "abc", true},
  };
  for (const Row& row : rows) {
    const auto regex = Regex::compile(row.pattern);
    ASSERT_TRUE(regex) << row.pattern;
    EXPECT_EQ(regex->matches(row.text), row.matches) << row.pattern << " on " << row.text;
    EXPECT_EQ(regex->pattern(), row.pattern);
  }
}

TEST(Regex, MatchesTextsWithNul) {
  EXPECT_TRUE(Regex::compile("^a.b$")->matches(std::string_view("a\0b", 3)));
}

TEST(Regex, SaysWhatIsWrongWithAPattern) {
  for (const char* pattern : {"(", "[a", "a**", "\\", "(?P<x", "a{1001}", "\\1", "(?=a)", "\xFF"}) {
    const auto regex = Regex::compile(pattern);
    ASSERT_FALSE(regex) << pattern;
    EXPECT_FALSE(regex.error().message.empty()) << pattern;
  }
}

TEST(Regex, RefusesPatternsThatTakeTooMuchMemory) {
  EXPECT_FALSE(Regex::compile("((\\pL{100}){100}){9}"));
}

TEST(Regex, FindsTheFirstMatchAndItsGroups) {
  const auto regex = Regex::compile("/old/(\\d+)/(x)?");
  const std::string_view text = "/a/old/12/old/13/";
  Regex::Groups groups;
  ASSERT_TRUE(regex->find(text, groups));
  EXPECT_EQ(groups[0], "/old/12/");
  EXPECT_EQ(groups[0].data() - text.data(), 2);
  EXPECT_EQ(groups[1], "12");
  EXPECT_EQ(groups[2].data(), nullptr);
  EXPECT_EQ(groups[3].data(), nullptr);
  EXPECT_FALSE(regex->find("/x", groups));
}

TEST(Regex, FindsNoMoreGroupsThanReplacementsCanName) {
  Regex::Groups groups;
  ASSERT_TRUE(Regex::compile("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)")->find("abcdefghijk", groups));
  EXPECT_EQ(groups[9], "i");
}

TEST(Regex, ChecksReplacements) {
  const auto regex = Regex::compile("(a)");
  EXPECT_TRUE(regex->check_replacement("\\0-\\1-\\\\"));
  EXPECT_TRUE(regex->check_replacement("\\\\2"));
  EXPECT_EQ(regex->check_replacement("/\\1/\\2").error().message,
            "\"/\\1/\\2\" wants group 2, but the expression has 1; put ( ) around what is meant there");
  for (const char* wrong : {"\\x", "x\\", "\\\\\\"}) {
    const auto checked = regex->check_replacement(wrong);
    ASSERT_FALSE(checked.has_value()) << wrong;
    EXPECT_EQ(checked.error().message,
              base::format("\"{}\" has a \\ before what is no digit; write \\0 to \\9 for what was found, and \\\\ for "
                           "a backslash",
                           wrong));
  }
}

}  // namespace
}  // namespace viaduct::route
