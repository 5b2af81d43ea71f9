// SPDX-License-Identifier: Apache-2.0
#include "config/key_types.h"

#include <gtest/gtest.h>

#include "config/yaml_reader.h"
#include "support/temporary_directory.h"

namespace viaduct::config {
namespace {

using namespace std::chrono_literals;

class KeyTypes : public testing::Test {
 protected:
  // Reads `yaml` (one value) as `type` into `value`; gives the messages.
  template <typename T>
  std::string read(const Type<T>& type, std::string_view yaml, T& value) {
    const std::vector<KeyInfo> known;
    Reading reading(
        directory_.path(),
        [](const std::string& name) -> std::optional<std::string> {
          if (name == "TEN") return "10";
          return std::nullopt;
        },
        known);
    const YamlDocument document = read_yaml("k: " + std::string(yaml) + "\n", "a.yaml");
    type.read(*document.root->find("k"), value, Scope(reading));
    std::string text;
    for (const Problem& problem : reading.take_problems()) text += problem.message + "\n";
    return text;
  }

  support::TemporaryDirectory directory_;
};

TEST_F(KeyTypes, FillTheEnvironmentInBeforeTheyRead) {
  std::uint32_t number = 0;
  EXPECT_EQ(read(count<std::uint32_t>(1, 100), "${TEN}", number), "");
  EXPECT_EQ(number, 10U);
  base::Duration time{};
  EXPECT_EQ(read(duration(1ms, 1h), "${TEN}s", time), "");
  EXPECT_EQ(time, 10s);
  EXPECT_EQ(read(duration(1ms, 1h), "${UNSET:-5m}", time), "");
  EXPECT_EQ(time, 5min);
}

TEST_F(KeyTypes, TakeTheEndsOfTheirRangeAndNothingBeyond) {
  std::uint16_t number = 0;
  EXPECT_EQ(read(count<std::uint16_t>(2, 9), "2", number), "");
  EXPECT_EQ(read(count<std::uint16_t>(2, 9), "9", number), "");
  EXPECT_EQ(read(count<std::uint16_t>(2, 9), "1", number), "1 is out of range; write 2 to 9\n");
  EXPECT_EQ(read(count<std::uint16_t>(2, 9), "10", number), "10 is out of range; write 2 to 9\n");
  EXPECT_EQ(number, 9);
  std::uint64_t bytes = 0;
  EXPECT_EQ(read(size<std::uint64_t>(1024, 2048), "1k", bytes), "");
  EXPECT_EQ(read(size<std::uint64_t>(1024, 2048), "2k", bytes), "");
  EXPECT_EQ(read(size<std::uint64_t>(1024, 2048), "1023", bytes), "1023 is out of range; write 1k to 2k\n");
  EXPECT_EQ(read(size<std::uint64_t>(1024, 2048), "2049", bytes), "2049 is out of range; write 1k to 2k\n");
  base::Duration time{};
  EXPECT_EQ(read(duration(1s, 1min), "1m", time), "");
  EXPECT_EQ(read(duration(1s, 1min), "61s", time), "61s is out of range; write 1s to 1m\n");
}

TEST_F(KeyTypes, ReadBooleansInTheThreeSpellingsOfYaml) {
  for (const char* word : {"true", "True", "TRUE"}) {
    bool value = false;
    EXPECT_EQ(read(boolean(), word, value), "");
    EXPECT_TRUE(value) << word;
  }
  for (const char* word : {"false", "False", "FALSE"}) {
    bool value = true;
    EXPECT_EQ(read(boolean(), word, value), "");
    EXPECT_FALSE(value) << word;
  }
}

TEST_F(KeyTypes, KnowTheOtherWordsForTrueAndFalse) {
  bool value = false;
  EXPECT_EQ(read(boolean(), "tRUE", value), "\"tRUE\" is neither true nor false; write one of them\n");
  EXPECT_EQ(read(boolean(), "on", value), "\"on\" is neither true nor false; write true\n");
  EXPECT_EQ(read(boolean(), "NO", value), "\"NO\" is neither true nor false; write false\n");
  EXPECT_EQ(read(boolean(), "perhaps", value), "\"perhaps\" is neither true nor false; write one of them\n");
}

TEST_F(KeyTypes, ReadChoicesByTheirWords) {
  const auto type = choice<int>({{.word = "one", .value = 1}, {.word = "two", .value = 2}});
  int value = 0;
  EXPECT_EQ(read(type, "one", value), "");
  EXPECT_EQ(value, 1);
  EXPECT_EQ(read(type, "two", value), "");
  EXPECT_EQ(value, 2);
  EXPECT_EQ(read(type, "tow", value), "\"tow\" is not one of one or two; did you mean \"two\"?\n");
  EXPECT_EQ(to_flow_text(type.write(2)), "two");
  EXPECT_EQ(type.info.name, "one or two");
}

TEST_F(KeyTypes, ReadListsThatReplaceWhatWasThere) {
  const auto type = list_of(text("word"));
  std::vector<std::string> words = {"inherited"};
  EXPECT_EQ(read(type, "[a, b]", words), "");
  EXPECT_EQ(words, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read(type, "one", words), "");
  EXPECT_EQ(words, (std::vector<std::string>{"one"}));
  EXPECT_EQ(read(type, "[]", words), "");
  EXPECT_TRUE(words.empty());
  EXPECT_EQ(read(type, "", words),
            "this should be a list of words, but it is nothing; write its items below it, each behind \"- \", or as "
            "[a, b]\n");
  EXPECT_EQ(read(type, "[a, [b]]", words), "this should be a word, but it is a list; write one value\n");
  EXPECT_EQ(read(list_of(text("word"), false), "one", words),
            "this should be a list of words, but it is text; put it into [ ], or behind \"- \" on its own line\n");
}

TEST_F(KeyTypes, MergeMapsByName) {
  const auto type = text_map("names to values", Names::kAsWritten,
                             [](const std::string& name) -> Parsed<std::string> {
                               if (name == "bad") return std::unexpected("no such name");
                               return name;
                             },
                             {});
  std::map<std::string, std::string> values = {{"a", "inherited"}, {"b", "inherited"}};
  EXPECT_EQ(read(type, "{ b: own, bad: x }", values), "no such name\n");
  EXPECT_EQ(values, (std::map<std::string, std::string>{{"a", "inherited"}, {"b", "own"}}));
}

TEST_F(KeyTypes, MakePathsAbsolute) {
  std::string value;
  EXPECT_EQ(read(path("file"), "certs/key.pem", value), "");
  EXPECT_EQ(value, directory_ / "certs/key.pem");
  EXPECT_EQ(read(path("file", true), "\"-\"", value), "");
  EXPECT_EQ(value, "-");
  EXPECT_EQ(read(path("file"), "\"-\"", value), "");
  EXPECT_EQ(value, directory_ / "-");
  EXPECT_EQ(read(path("file"), "''", value), "the path is empty; name a file\n");
  EXPECT_EQ(read(path("file"), "file:/x", value), "file: is for secrets in headers; write the path alone: /x\n");
}

TEST_F(KeyTypes, ReadSecretsFromFilesAndShowNone) {
  directory_.write("secret", "s3cr3t\n");
  const Type<Secret> type = secret([](const std::string& text) -> Parsed<std::string> {
    if (text.contains("bad")) return std::unexpected("the value is bad");
    return text;
  });
  Secret value;
  EXPECT_EQ(read(type, "file:secret", value), "");
  EXPECT_EQ(value.value, "s3cr3t");
  EXPECT_EQ(to_flow_text(type.write(value)), "(secret)");
  EXPECT_EQ(read(type, "bad-secret", value), "the value is bad\n");
  EXPECT_EQ(value.value, "s3cr3t");
  EXPECT_TRUE(read(type, "file:missing", value).starts_with("cannot read "));
  EXPECT_EQ(read(type, "[x]", value), "this should be text or file:PATH, but it is a list; write one value\n");
}

TEST_F(KeyTypes, KeepVariablesOfTheRequestWhereTheyMay) {
  std::string value;
  EXPECT_EQ(read(text_with_variables("text", {"host"}), "'${host}/${TEN}'", value), "");
  EXPECT_EQ(value, "${host}/10");
  EXPECT_NE(read(text("text"), "'${host}'", value), "");
}

TEST_F(KeyTypes, PutOneAlternativeInThePlaceOfAnother) {
  struct Holder {
    std::variant<std::monostate, std::string, bool> value;
  };
  const auto words = alternative<Holder>(&Holder::value, text("word"));
  const auto switches = alternative<Holder>(&Holder::value, boolean());
  Holder holder;
  EXPECT_EQ(read(words, "x", holder), "");
  EXPECT_EQ(std::get<std::string>(holder.value), "x");
  EXPECT_TRUE(switches.write(holder).is_null());
  EXPECT_EQ(read(switches, "true", holder), "");
  EXPECT_TRUE(std::get<bool>(holder.value));
  EXPECT_TRUE(words.write(holder).is_null());
}

TEST(WithArticle, ReadsLikeASentence) {
  EXPECT_EQ(with_article("duration"), "a duration");
  EXPECT_EQ(with_article("address"), "an address");
  EXPECT_EQ(with_article("true or false"), "true or false");
  EXPECT_EQ(with_article("text"), "text");
}

}  // namespace
}  // namespace viaduct::config
