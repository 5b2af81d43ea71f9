// SPDX-License-Identifier: Apache-2.0
#include "route/regex.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

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

TEST(Regex, ReplacesTheFirstMatch) {
  const auto regex = Regex::compile("^/old/(\\d+)/(.*)");
  std::string text = "/old/12/a/old/13/b";
  EXPECT_TRUE(regex->replace_first(text, "/new/\\2?id=\\1"));
  EXPECT_EQ(text, "/new/a/old/13/b?id=12");
  std::string other = "/x";
  EXPECT_FALSE(regex->replace_first(other, "y"));
  EXPECT_EQ(other, "/x");
}

TEST(Regex, ChecksReplacements) {
  const auto regex = Regex::compile("(a)");
  EXPECT_TRUE(regex->check_replacement("\\0-\\1-\\\\"));
  EXPECT_FALSE(regex->check_replacement("\\2"));
  EXPECT_FALSE(regex->check_replacement("\\x"));
  EXPECT_FALSE(regex->check_replacement("x\\"));
}

}  // namespace
}  // namespace viaduct::route
