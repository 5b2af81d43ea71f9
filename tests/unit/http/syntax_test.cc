// SPDX-License-Identifier: Apache-2.0
#include "http/syntax.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace viaduct::http {
namespace {

TEST(Syntax, AllowsInFieldValuesWhatTheRfcAllows) {
  for (int code = 0; code < 256; ++code) {
    const std::string inside = std::string("a") + static_cast<char>(code) + "b";
    const bool allowed = code == '\t' || (code >= 0x20 && code != 0x7f);
    EXPECT_EQ(is_field_value(inside), allowed) << code;
    const std::string alone(1, static_cast<char>(code));
    EXPECT_EQ(is_field_value(alone), allowed && code != ' ' && code != '\t') << code;
  }
}

TEST(Syntax, AllowsNoWhiteSpaceAroundFieldValues) {
  EXPECT_TRUE(is_field_value(""));
  EXPECT_TRUE(is_field_value("a \t b"));
  EXPECT_TRUE(is_field_value("\xe6\x94\xaf\xe4\xbb\x98"));
  EXPECT_TRUE(is_field_value(std::string(100000, '\xff')));
  for (const std::string_view text : {" a", "a ", "\ta", "a\t", " ", "a\r\nb: c", "a\n", "\x7f"}) {
    EXPECT_FALSE(is_field_value(text)) << text;
  }
}

TEST(Syntax, TrimsSpacesAndTabsAlone) {
  EXPECT_EQ(trim_whitespace(" \t a b\t "), "a b");
  EXPECT_EQ(trim_whitespace(" \t"), "");
  EXPECT_EQ(trim_whitespace(""), "");
  EXPECT_EQ(trim_whitespace("\ra\n"), "\ra\n");
}

std::vector<std::string> members_of(std::string_view value) {
  std::vector<std::string> members;
  for (ListReader list(value); !list.done(); list.next()) members.emplace_back(list.member());
  return members;
}

TEST(Syntax, TakesListsApart) {
  struct Row {
    std::string_view value;
    std::vector<std::string> members;
  };
  const Row rows[] = {
      {"", {}},
      {" \t", {}},
      {",", {}},
      {", ,\t,", {}},
      {"a", {"a"}},
      {"a,b", {"a", "b"}},
      {" a ,\tb b , ", {"a", "b b"}},
      {",,a,,b,,", {"a", "b"}},
      {R"("a,b",c)", {R"("a,b")", "c"}},
      {R"("a\",b",c)", {R"("a\",b")", "c"}},
      {R"("a\\",b)", {R"("a\\")", "b"}},
      {R"(a\,b)", {R"(a\)", "b"}},
      {R"(x="1,2";q=1, y)", {R"(x="1,2";q=1)", "y"}},
      {R"("never ends, a)", {R"("never ends, a)"}},
      {R"("ends in a pair\)", {R"("ends in a pair\)"}},
  };
  for (const Row& row : rows) EXPECT_EQ(members_of(row.value), row.members) << row.value;
}

TEST(Syntax, ReadsWeights) {
  struct Row {
    std::string_view member;
    std::string_view value;
    int weight;
  };
  constexpr Row kRows[] = {
      {"br", "br", 1000},
      {"br;q=1", "br", 1000},
      {"br;q=1.", "br", 1000},
      {"br;q=1.000", "br", 1000},
      {"br; q=0.5", "br", 500},
      {"br ;\tQ=0.25", "br", 250},
      {"br;q=0.001", "br", 1},
      {"br;q=0.999", "br", 999},
      {"br;q=0", "br", 0},
      {"br;q=0.", "br", 0},
      {"br;q=0.000", "br", 0},
      {"text/html;level=1;q=0.3", "text/html", 300},
      {"text/html;level=1", "text/html", 1000},
      {R"(a/b;x=";q=0";q=0.7)", "a/b", 700},
      // malformed: not one to choose
      {"br;q", "br", 0},
      {"br;q=", "br", 0},
      {"br;q=1.001", "br", 0},
      {"br;q=2", "br", 0},
      {"br;q=-1", "br", 0},
      {"br;q=.5", "br", 0},
      {"br;q=00", "br", 0},
      {"br;q=0.0001", "br", 0},
      {"br;q=0,5", "br", 0},
      {"br;q=0.x", "br", 0},
      {"br;q=1e0", "br", 0},
      {"br;q= 0.5", "br", 0},
      {R"(br;q="0.5")", "br", 0},
  };
  for (const Row& row : kRows) {
    const Weighted read = read_weight(row.member);
    EXPECT_EQ(read.value, row.value) << row.member;
    EXPECT_EQ(read.weight, row.weight) << row.member;
  }
}

TEST(Syntax, MeasuresTokens) {
  EXPECT_EQ(token_length("close, x"), 5u);
  EXPECT_EQ(token_length(""), 0u);
  EXPECT_EQ(token_length(":a"), 0u);
  EXPECT_EQ(token_length("abc"), 3u);
}

}  // namespace
}  // namespace viaduct::http
