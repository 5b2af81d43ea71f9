// SPDX-License-Identifier: Apache-2.0
// What is found and how it is told is in load_broken_text_test.cc; here it is what is left alone, and what is mended.
#include "config/text_scan.h"

#include <gtest/gtest.h>

#include "base/format.h"

namespace viaduct::config {
namespace {

// "line:column" of every finding.
std::string places_in(std::string_view text) {
  std::string places;
  for (const Problem& problem : scan_text(text, "a.yaml").problems) {
    places += base::format("{}:{} ", problem.place.line, problem.place.column);
  }
  return places;
}

TEST(TextScan, LeavesHarmlessTextAlone) {
  for (const char* text : {
           "",
           "# 注释：全角，没关系 “”（）\nkey: value # 、：\n",
           "key: \"全角：，“”（）【】\"\n",
           "key: '全角：“'\n",
           "key: |\n  全角：“\n  @x\nnext: 1\n",
           "key: |\n  text\n\n  * more\nother: >-\n  @x\n",
           "- key: |\n    * text\n  other: 1\n",
           "key: 支付成功。欢迎！\n",
           "key: a — b\n",
           "key: \"a\\tb\\\\c\\u00e9\\\"\"\n",
           "key: 'it''s'\n",
           "key: [a, {b: c}, \"d]\", 'e}']\n",
           "key: &anchor { a: 1 }\nother: *anchor\n",
           "key: x@y.example.com 100% `\n",
           "url: http://127.0.0.1:8000/a?b=[1]\n",
           "key: a#b\n",
           "key: value\t# comment\n",
           "key: value\t\n",
           "key: \"a\tb\"\t\n",
           "key: 'a\tb'\n",
           "key: |\n  a\tb\n",
           "key: ${NAME:-default}\n",
           "{ \"a\":1, b: 'x' }\n",
           "key: hello\n  @you * and %more\n",
           "key: |\r\n  text\r\nother: 1\r\n",
           "- - a\n  - b\n-\n  c: d\n",
           "? a\n: b\n",
           "emoji: \"👨\u200d👩\"\n",
       }) {
    EXPECT_EQ(places_in(text), "") << text;
  }
}

TEST(TextScan, FindsNoFaultInQuotedTextsOfSeveralLines) {
  for (const char* text :
       {"a: \"x\n  y\"\nb: 1\n", "a: 'x\n  y' # why\nb: 'z'\n", "a: [\"x\n  y\", 'z\n  w']\n", "{ \"a\n b\": 1 }\n"}) {
    const TextScan scan = scan_text(text, "a.yaml");
    EXPECT_FALSE(scan.long_quotes.empty()) << text;
    EXPECT_FALSE(scan.fault_line.has_value()) << text;
    EXPECT_EQ(find_open_quote(scan, 9), nullptr) << text;
  }
}

TEST(TextScan, MendsLineByLine) {
  const struct {
    const char* text;
    const char* mended;
  } rows[] = {
      {"a：b\n", "a: b\n"},
      {"a: [b，c]\n", "a: [b, c]\n"},
      {"a: “b”\n", "a: \"b\"\n"},
      {"a: \"b”\nc: 1\n", "a: \"b\"\nc: 1\n"},
      {"a: ‘b’\n", "a: 'b'\n"},
      {"a: 【b】\n", "a: [b]\n"},
      {"a:\u00a0b\n", "a: b\n"},
      {"a\u200b: b\n", "a: b\n"},
      {"\ufeffa: b\n", "a: b\n"},
      {"a: [*]\n", "a: [x]\n"},
      {"a: *.b\n", "a: .b\n"},
      {"a: @b\n", "a: b\n"},
      {"a: \"\\d\"\n", "a: \"\\\\d\"\n"},
      {"a:[b]\n", "a: [b]\n"},
      {"a: [${B}]\n", "a: [$x]\n"},
      {"– a\n", "- a\n"},
      {"a:\n\tb: 1\n", "a:\n b: 1\n"},
      {"a:\tb\n", "a: b\n"},
      {"a: b\tc\n", "a: b c\n"},
      {"-\ta\n", "- a\n"},
      {"a: [b,\tc]\n", "a: [b, c]\n"},
      {"\"a\"\t: b\n", "\"a\" : b\n"},
  };
  for (const auto& row : rows) {
    const TextScan scan = scan_text(row.text, "a.yaml");
    EXPECT_EQ(scan.mended, row.mended) << row.text;
    EXPECT_FALSE(scan.problems.empty()) << row.text;
    EXPECT_TRUE(scan.can_be_parsed) << row.text;
  }
}

TEST(TextScan, PassesTabsThatHarmNobodyToTheParserAsSpaces) {
  const TextScan scan = scan_text("a: 1\n\t# comment\n\t\nb: [1,\n\t2]\n", "a.yaml");
  EXPECT_TRUE(scan.problems.empty());
  EXPECT_EQ(scan.mended, "a: 1\n # comment\n \nb: [1,\n 2]\n");
}

TEST(TextScan, GivesUpWhereNoReadingMakesSense) {
  for (const char* text :
       {"a: \"b\n", "a: 'b\nc: d\n", "a: [b\n", "a: {b: [c]\n", "a: [b}\n", "a: ]\n", "a: \xd6\xd0\n",
        "\xff\xfe"
        "a",
        "\xfe\xff"}) {
    const TextScan scan = scan_text(text, "a.yaml");
    EXPECT_FALSE(scan.can_be_parsed) << text;
    EXPECT_EQ(scan.problems.size(), 1U) << text;
  }
}

TEST(TextScan, NamesTheEncodings) {
  EXPECT_EQ(scan_text("\xff\xfe"
                      "a",
                      "f")
                .problems.front()
                .message,
            "the file is UTF-16; save it as UTF-8 without byte order mark");
  EXPECT_EQ(scan_text("a: \xd6\xd0\xb9\xfa\nb: \xd6\n", "f").problems.front().message,
            "byte 0xD6 is not UTF-8; save the file as UTF-8 (it may be GBK)");
  EXPECT_EQ(scan_text("\ufeffa: 1\n", "f").problems.front().message,
            "byte order mark (U+FEFF) at the start of the file; save it as UTF-8 without byte order mark");
}

TEST(TextScan, ShowsWhereAnOpenQuoteOrBracketBegan) {
  EXPECT_EQ(places_in("a: 1\nb: \"c\nd: e\n"), "2:4 ");
  EXPECT_EQ(places_in("a: 1\nb: { c: [1, 2 }\n"), "2:15 ");
  EXPECT_EQ(places_in("b: { c: [1, 2]\nd: e\n"), "1:4 ");
}

TEST(TextScan, TellsARunOfOneCharacterOnce) {
  EXPECT_EQ(places_in("a:\u00a0\u00a0\u00a0b\nc:\u00a0d\n"), "1:3 2:3 ");
  EXPECT_EQ(places_in("a:\t\t\tb\nc: \td\n"), "1:3 2:4 ");
}

TEST(TextScan, KnowsWhereABlockScalarEnds) {
  EXPECT_EQ(places_in("- a: |\n    “text”\n  b: “c”\n"), "3:6 3:8 ");
  EXPECT_EQ(places_in("- |\n  “text”\n- “c”\n"), "3:3 3:5 ");
  EXPECT_EQ(places_in("a: >2-  # comment\n  “text”\nb: “c”\n"), "3:4 3:6 ");
}

TEST(TextScan, EndsForEveryText) {
  // No crash and no endless loop, whatever the bytes: all pairs of characters that steer the scanner.
  const std::string_view steering = "ab:,[]{}\"'#&*!|>@`%-? \t\n\\$\xe2\xef\xbc\x9a";
  for (const char first : steering) {
    for (const char second : steering) {
      for (const char third : steering) {
        const std::string text{first, second, third};
        EXPECT_LE(scan_text(text, "f").problems.size(), 3U);
        scan_text("a: " + text + "\nb: 1\n", "f");
      }
    }
  }
}

}  // namespace
}  // namespace viaduct::config
