// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_reader.h"

#include <gtest/gtest.h>

#include "base/format.h"

namespace viaduct::config {
namespace {

std::string show(const Place& place) {
  return base::format("{}:{}:{}", place.file, place.line, place.column);
}

Node read(std::string_view text) {
  YamlDocument document = read_yaml(text, "a.yaml");
  EXPECT_TRUE(document.problems.empty()) << document.problems.front().message;
  return document.root.value_or(Node{});
}

// The message of the one problem.
std::string message_of(std::string_view text) {
  const YamlDocument document = read_yaml(text, "a.yaml");
  return document.problems.size() == 1 ? document.problems.front().message
                                       : base::format("{} problems", document.problems.size());
}

TEST(YamlReader, KeepsThePlaceOfEveryKeyAndValue) {
  const Node root = read("a: 1\n\nlist:\n  - x\n  - { k: v }\n支付: { 键: 值, b: c }\n");
  EXPECT_EQ(show(root.entries[0].key_place), "a.yaml:1:1");
  EXPECT_EQ(show(root.entries[0].value.place), "a.yaml:1:4");
  const Node& list = *root.find("list");
  EXPECT_EQ(show(list.items[0].place), "a.yaml:4:5");
  EXPECT_EQ(show(list.items[1].place), "a.yaml:5:5");
  EXPECT_EQ(show(list.items[1].find("k")->place), "a.yaml:5:10");
  // Columns are characters, not bytes.
  const Node& payment = *root.find("支付");
  EXPECT_EQ(show(payment.place), "a.yaml:6:5");
  EXPECT_EQ(show(payment.entries[0].value.place), "a.yaml:6:10");
  EXPECT_EQ(show(payment.entries[1].value.place), "a.yaml:6:16");
}

TEST(YamlReader, TellsTextFromWords) {
  const Node root = read("a: null\nb: \"null\"\nc: ~\nd:\ne: off\nf: 'x'\ng: |\n  y\n");
  EXPECT_TRUE(root.find("a")->is_null());
  EXPECT_EQ(root.find("b")->text, "null");
  EXPECT_TRUE(root.find("b")->is_quoted);
  EXPECT_TRUE(root.find("c")->is_null());
  EXPECT_TRUE(root.find("d")->is_null());
  EXPECT_EQ(root.find("e")->text, "off");
  EXPECT_FALSE(root.find("e")->is_quoted);
  EXPECT_TRUE(root.find("f")->is_quoted);
  EXPECT_EQ(root.find("g")->text, "y\n");
}

TEST(YamlReader, PutsAnAbsentValueAtItsKey) {
  const Node root = read("a:\nb: 1\nc:\n");
  EXPECT_EQ(show(root.find("a")->place), "a.yaml:1:1");
  EXPECT_EQ(show(root.find("c")->place), "a.yaml:3:1");
}

TEST(YamlReader, TakesNothingForAnEmptyMap) {
  for (const char* text : {"", "\n\n", "# nothing\n", "---\n", "null\n"}) {
    EXPECT_TRUE(read(text).is_map()) << text;
    EXPECT_TRUE(read(text).entries.empty()) << text;
  }
}

TEST(YamlReader, FollowsAliases) {
  const Node root = read("a: &x { k: [1, 2] }\nb: *x\n");
  EXPECT_EQ(to_flow_text(*root.find("b")), "{k: [1, 2]}");
  EXPECT_EQ(show(root.find("b")->place), "a.yaml:2:4");
}

TEST(YamlReader, RefusesAliasesThatBlowUp) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    text +=
        base::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i, i - 1);
  }
  const YamlDocument document = read_yaml(text, "a.yaml");
  EXPECT_FALSE(document.root.has_value());
  EXPECT_EQ(message_of(text), "the file has more than 50000 values, aliases followed; split it");
}

TEST(YamlReader, BoundsTheNumberOfValues) {
  const auto list_of = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "- x\n";
    return text;
  };
  EXPECT_EQ(read(list_of(kNodesMax - 1)).items.size(), kNodesMax - 1);  // and the list itself
  EXPECT_EQ(message_of(list_of(kNodesMax + 1)), "the file has more than 50000 values, aliases followed; split it");
}

TEST(YamlReader, BoundsTheDepth) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(read(nested(kDepthMax)).is_list());
  EXPECT_EQ(message_of(nested(kDepthMax + 1)), "maps and lists are nested more than 32 deep; flatten them");
  // Far beyond, the parser itself stops, without taking the stack with it.
  EXPECT_FALSE(read_yaml(nested(100000), "a.yaml").root.has_value());
  std::string dashes;
  for (int i = 0; i < 100000; ++i) dashes += "- ";
  EXPECT_FALSE(read_yaml(dashes, "a.yaml").root.has_value());
}

TEST(YamlReader, BoundsTheDepthOfAliasesInAliases) {
  const std::string text = base::format("a: &a {}x{}\nb: [[*a]]\n", std::string(29, '['), std::string(29, ']'));
  EXPECT_TRUE(read(text).is_map());
  EXPECT_EQ(message_of(text + "c: [[[*a]]]\n"), "maps and lists are nested more than 32 deep; flatten them");
}

TEST(YamlReader, BoundsTheFile) {
  const std::string largest = "# " + std::string(kFileBytesMax - 3, 'x') + "\n";
  EXPECT_TRUE(read(largest).is_map());
  EXPECT_EQ(message_of(largest + "\n"), "the file has 1048577 bytes, more than 1048576; split it and use include");
}

TEST(YamlReader, FindsEveryDuplicateKey) {
  const YamlDocument document = read_yaml("a: 1\nb: { x: 1, x: 2 }\na: 2\na: 3\n", "a.yaml");
  ASSERT_EQ(document.problems.size(), 3U);
  EXPECT_EQ(document.problems[0].key, "b.x");
  EXPECT_EQ(show(document.problems[1].place), "a.yaml:3:1");
  EXPECT_EQ(document.problems[2].message,
            "the key \"a\" stands twice in this map, first in line 1; delete one of them");
  EXPECT_EQ(document.root->find("a")->text, "1");
}

TEST(YamlReader, ReadsOnBehindWhatItCanMend) {
  const YamlDocument document = read_yaml("a： [*]\nb: “c”\nd: 1\n", "a.yaml");
  EXPECT_EQ(document.problems.size(), 4U);
  ASSERT_TRUE(document.root.has_value());
  EXPECT_EQ(to_flow_text(*document.root), "{a: [x], b: c, d: 1}");
  EXPECT_EQ(document.problems[1].key, "a[0]");
  EXPECT_EQ(document.problems[2].key, "b");
}

TEST(YamlReader, DoesNotBlameTheOperatorForItsOwnMending) {
  // Mended, the colon would make this a map in a value.
  const YamlDocument document = read_yaml("a: b：c\nd: 1\n", "a.yaml");
  EXPECT_EQ(document.problems.size(), 1U);
  EXPECT_FALSE(document.root.has_value());
}

TEST(YamlReader, WordsWhatTheParserSays) {
  EXPECT_TRUE(message_of("a: b: c\n").starts_with("a colon with a space stands inside a value here; "));
  EXPECT_TRUE(message_of("a:\n  - b\n c: d\n").starts_with("this line does not fit into the "));
  EXPECT_TRUE(message_of("a: -\n").starts_with("a list item cannot stand here; "));
  EXPECT_TRUE(message_of("a: \"\\xzz\"\n").starts_with("this is not YAML ("));
}

TEST(YamlReader, EndsForEveryText) {
  const std::string_view steering = "ab:,[]{}\"'#&*!|>@`%-? \t\n\\~<";
  for (const char first : steering) {
    for (const char second : steering) {
      for (const char third : steering) {
        const std::string text{first, second, third};
        const YamlDocument alone = read_yaml(text, "a.yaml");
        const YamlDocument inside = read_yaml("a: " + text + "\nb: 1\n", "a.yaml");
        EXPECT_TRUE(alone.root.has_value() || !alone.problems.empty()) << text;
        EXPECT_TRUE(inside.root.has_value() || !inside.problems.empty()) << text;
      }
    }
  }
}

}  // namespace
}  // namespace viaduct::config
