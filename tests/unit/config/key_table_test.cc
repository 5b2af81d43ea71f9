// SPDX-License-Identifier: Apache-2.0
#include "config/key_table.h"

#include <gtest/gtest.h>

#include "base/format.h"
#include "config/key_types.h"
#include "config/yaml_reader.h"

namespace viaduct::config {
namespace {

struct Inner {
  std::uint32_t size = 3;
  std::string word;
};

struct Base {
  bool is_on = false;
};

struct Outer : Base {
  std::string name;
  Inner inner;
  std::optional<std::uint32_t> limit = 7;
  Inner inherited;
};

Table<Inner> inner_keys() {
  Table<Inner> table;
  table.add("size", &Inner::size, count<std::uint32_t>(1, 9), "A size.");
  table.add("word", &Inner::word, text("text"), "A word.").required_unless_inherited();
  return table;
}

Table<Outer> outer_keys() {
  Table<Outer> table({"name", "old_name"});
  table.add("is_on", &Outer::is_on, boolean(), "A switch of the base.");
  table.add("name", &Outer::name, text("text"), "A name.");
  table.add("old_name", &Outer::name, text("text"), "The same.").defaults_to("name");
  table.add("inner", &Outer::inner, object(inner_keys()), "An object.");
  table.add("limit", &Outer::limit, or_null(count<std::uint32_t>(1, 9)), "A limit.");
  return table;
}

class TableTest : public testing::Test {
 protected:
  // Reads `yaml` into `object` and gives what is wrong: "1:3 inner.size: message\n".
  template <typename Object>
  std::string read(const Table<Object>& table, std::string_view yaml, Object& object) {
    const std::vector<KeyInfo> infos = table.infos();
    Reading reading("/etc", [](const std::string&) { return std::nullopt; }, infos);
    const YamlDocument document = read_yaml(yaml, "a.yaml");
    table.reader().read(document.root.value_or(Node{}), object, Scope(reading));
    std::string text;
    for (const Problem& problem : reading.take_problems()) {
      text += base::format("{}:{} {}: {}\n", problem.place.line, problem.place.column, problem.key, problem.message);
    }
    return text;
  }
};

TEST_F(TableTest, FillsMembersAndKeepsWhatIsNotWritten) {
  Outer object;
  object.inner.size = 5;
  EXPECT_EQ(read(outer_keys(), "name: x\ninner: { word: w }\n", object), "");
  EXPECT_EQ(object.name, "x");
  EXPECT_EQ(object.inner.word, "w");
  EXPECT_EQ(object.inner.size, 5U);
  EXPECT_EQ(object.limit, 7U);
}

TEST_F(TableTest, TakesNullForNone) {
  Outer object;
  EXPECT_EQ(read(outer_keys(), "limit: null\n", object), "");
  EXPECT_EQ(object.limit, std::nullopt);
  EXPECT_EQ(read(outer_keys(), "limit: 3\n", object), "");
  EXPECT_EQ(object.limit, 3U);
}

TEST_F(TableTest, LeavesAMemberAsItWasWhenItsValueIsWrong) {
  Outer object;
  EXPECT_EQ(read(outer_keys(), "limit: 10\ninner: { size: x, word: w }\n", object),
            "2:16 inner.size: \"x\" is no whole number; write digits alone\n"
            "1:8 limit: 10 is out of range; write 1 to 9\n");
  EXPECT_EQ(object.limit, 7U);
  EXPECT_EQ(object.inner.size, 3U);
}

TEST_F(TableTest, WantsRequiredKeysUnlessTheyWereInherited) {
  Outer object;
  EXPECT_EQ(read(outer_keys(), "inner: { size: 1 }\n", object), "1:8 inner.word: \"word\" is missing; add it\n");
  object.inner.word = "inherited";
  EXPECT_EQ(read(outer_keys(), "inner: { size: 1 }\n", object), "");
}

TEST_F(TableTest, DoesNotMissAKeyThatIsOnlyMisspelt) {
  Outer object;
  EXPECT_EQ(read(outer_keys(), "inner: { wrod: w }\n", object),
            "1:10 inner.wrod: unknown key \"wrod\"; did you mean \"word\"?\n");
}

TEST_F(TableTest, RefusesKeysThatExcludeEachOther) {
  Outer object;
  EXPECT_EQ(read(outer_keys(), "old_name: a\nname: b\n", object),
            "2:1 name: \"name\" and \"old_name\" (line 1) exclude each other; keep one of name or old_name\n");
}

TEST_F(TableTest, SaysWhereAnUnknownKeyBelongs) {
  Outer object;
  EXPECT_EQ(read(outer_keys(), "size: 1\n", object),
            "1:1 size: unknown key \"size\"; it belongs elsewhere: inner.size\n");
  EXPECT_EQ(read(outer_keys(), "zzz: 1\n", object),
            "1:1 zzz: unknown key \"zzz\"; known here: is_on, name, old_name, inner, limit\n");
  EXPECT_EQ(read(outer_keys(), "limit:1: 1\n", object),
            "1:1 limit:1: unknown key \"limit:1\"; a space is missing behind "
            "the colon\n");
}

TEST_F(TableTest, ReadsInheritedRowsWithoutMissingAnything) {
  Table<Outer> table;
  table.add_inherited(&Outer::inherited, inner_keys());
  Outer object;
  EXPECT_EQ(read(table, "size: 2\n", object), "");
  EXPECT_EQ(object.inherited.size, 2U);
  EXPECT_TRUE(table.writer().write(object).entries.empty());
}

TEST(Table, WritesAllThatIsThere) {
  Outer object;
  object.name = "x";
  object.limit.reset();
  EXPECT_EQ(to_flow_text(outer_keys().writer().write(object)),
            "{is_on: false, name: x, old_name: x, inner: {size: 3}, limit: null}");
}

TEST(Table, TakesDefaultsFromTheInitialisers) {
  const Table<Outer> table = outer_keys();
  EXPECT_EQ(table.infos()[0].default_text, "false");
  EXPECT_EQ(table.infos()[1].default_text, "none");
  EXPECT_EQ(table.infos()[2].default_text, "name");
  EXPECT_EQ(table.infos()[4].default_text, "7");
}

TEST(Table, MarksRows) {
  Table<Outer> table;
  table.add_own(outer_keys());
  table.mark_of_route();
  EXPECT_EQ(table.infos().size(), 5U);
  EXPECT_TRUE(table.infos()[0].is_of_route);
  EXPECT_TRUE(table.infos()[4].is_of_route);
}

TEST(IsNone, KnowsWhatSaysNothing) {
  EXPECT_TRUE(is_none(Node{}));
  EXPECT_TRUE(is_none(Node::quoted("")));
  EXPECT_TRUE(is_none(Node::list()));
  EXPECT_TRUE(is_none(Node::map()));
  EXPECT_FALSE(is_none(Node::word("0")));
  EXPECT_EQ(show_default(Node::list()), "none");
  EXPECT_EQ(show_default(Node::word("2s")), "2s");
}

}  // namespace
}  // namespace viaduct::config
