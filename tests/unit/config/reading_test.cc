// SPDX-License-Identifier: Apache-2.0
#include "config/reading.h"

#include <gtest/gtest.h>

#include "config/key_table.h"

namespace viaduct::config {
namespace {

Place at(int line, int column = 1) {
  return {.file = "a.yaml", .line = line, .column = column};
}

Entry entry_at(const std::string& key, int line) {
  Node value = Node::word("x");
  value.place = at(line, 10);
  return {.key = key, .key_place = at(line), .value = value};
}

class ReadingTest : public testing::Test {
 protected:
  std::vector<KeyInfo> known_;
  Reading reading_{"/etc/viaduct", process_environment, known_};
};

TEST_F(ReadingTest, KeepsPathsAndPlacesOfWhatIsRead) {
  const Scope root(reading_);
  EXPECT_EQ(root.path(), "");
  const Scope upstream = root.at_key(entry_at("upstreams", 1)).at_name(entry_at("app", 2));
  const Scope url =
      upstream.at_key(entry_at("servers", 3)).at_index(0, entry_at("", 4).value).at_key(entry_at("url", 5));
  EXPECT_EQ(url.path(), "upstreams.app.servers[0].url");
  EXPECT_EQ(url.kind(), "upstreams.*.servers[].url");
  EXPECT_EQ(reading_.places().key("upstreams.app").line, 2);
  EXPECT_EQ(reading_.places().value("upstreams.app.servers[0]").column, 10);
  EXPECT_TRUE(reading_.places().has("upstreams"));
  EXPECT_FALSE(reading_.places().has("upstreams.web"));
  EXPECT_EQ(reading_.places().key("upstreams.web").line, 0);
  EXPECT_EQ(reading_.places().paths().size(), 5U);
}

TEST_F(ReadingTest, FindsTheNearestPlaceAbove) {
  reading_.places().set_value("", at(1));
  reading_.places().set_value("sites[0]", at(2));
  reading_.places().set_value("sites[0].routes[1]", at(3));
  EXPECT_EQ(reading_.places().nearest("sites[0].routes[1].match.exact[0]").line, 3);
  EXPECT_EQ(reading_.places().nearest("sites[0].routes[2]").line, 2);
  EXPECT_EQ(reading_.places().nearest("logs.access").line, 1);
}

TEST_F(ReadingTest, TellsOneThingOnce) {
  reading_.add({.place = at(1), .key = "a", .message = "first"});
  reading_.add({.place = at(1), .key = "a", .message = "consequence"});
  reading_.add({.place = at(1), .key = "b", .message = "another key"});
  reading_.add({.place = at(2), .key = "a", .message = "another place"});
  EXPECT_EQ(reading_.take_problems().size(), 3U);
}

TEST_F(ReadingTest, TellsNothingAboutLinesThatHadToBeMended) {
  reading_.add_text_problems({{.place = at(3), .key = "", .message = "full-width colon"}});
  reading_.add({.place = at(3, 9), .key = "a", .message = "comes from the mending"});
  reading_.add({.place = at(4), .key = "b", .message = "does not"});
  const std::vector<Problem> problems = reading_.take_problems();
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(problems[0].key, "yaml");  // what belongs to no key
  EXPECT_EQ(problems[1].message, "does not");
}

TEST_F(ReadingTest, KnowsErrorsFromWarnings) {
  reading_.warn_at("a", "warning");
  EXPECT_FALSE(reading_.has_errors());
  reading_.error_at("a", "error");
  EXPECT_TRUE(reading_.has_errors());
}

TEST_F(ReadingTest, ExcusesAKeyThatWasWrittenInAnotherWay) {
  reading_.excuse("sites[0]", "hosts");
  EXPECT_TRUE(reading_.is_excused("sites[0]", "hosts"));
  EXPECT_FALSE(reading_.is_excused("sites[0]", "routes"));
  EXPECT_FALSE(reading_.is_excused("sites[1]", "hosts"));
  reading_.excuse("sites[1]", "");
  EXPECT_TRUE(reading_.is_excused("sites[1]", "routes"));
}

TEST_F(ReadingTest, StopsAtABoundButNeverForgetsThatThereIsAnError) {
  for (std::size_t i = 0; i <= kProblemsMax; ++i) reading_.warn_at("a", "warning");
  reading_.error_at("b", "error");
  EXPECT_TRUE(reading_.has_errors());
  EXPECT_EQ(reading_.take_problems().size(), kProblemsMax + 1);
}

TEST_F(ReadingTest, RemembersThatOthersCompleteAnObject) {
  const Scope root(reading_);
  EXPECT_FALSE(root.is_partial());
  EXPECT_TRUE(root.as_partial().at_key(entry_at("cors", 1)).is_partial());
}

}  // namespace
}  // namespace viaduct::config
