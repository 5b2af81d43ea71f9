// SPDX-License-Identifier: Apache-2.0
#include "filter/rewrite.h"

#include <gtest/gtest.h>

#include "support/exchange_scene.h"
#include "support/recording_action.h"

namespace viaduct::filter {
namespace {

struct Row {
  std::string_view target;
  std::string_view rewritten;
};

void expect_rows(const config::Rewrite& config, std::initializer_list<Row> rows) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  const auto made = Rewrite::make(config);
  ASSERT_TRUE(made.has_value()) << made.error().message;
  for (const Row& row : rows) EXPECT_EQ((*made)->rewrite(row.target, arena), row.rewritten) << row.target;
}

TEST(Rewrite, StripsAPrefixOfWholeSegments) {
  expect_rows(config::StripPrefix{"/old"}, {
                                               {"/old/a/b", "/a/b"},
                                               {"/old/", "/"},
                                               {"/old", "/"},
                                               {"/old?x=1", "/?x=1"},
                                               {"/old/a?x=/old/", "/a?x=/old/"},
                                               {"/older", "/older"},
                                               {"/ol", "/ol"},
                                               {"/", "/"},
                                               {"/x/old", "/x/old"},
                                               {"/Old/a", "/Old/a"},
                                               {"*", "*"},
                                           });
  expect_rows(config::StripPrefix{"/old/"}, {
                                                {"/old/a/b", "/a/b"},
                                                {"/old/", "/"},
                                                {"/old/?x", "/?x"},
                                                {"/old", "/old"},
                                            });
}

TEST(Rewrite, PutsAnotherPrefixInItsPlace) {
  expect_rows(config::ReplacePrefix{"/a", "/b"}, {
                                                     {"/a/x", "/b/x"},
                                                     {"/a", "/b"},
                                                     {"/a/", "/b/"},
                                                     {"/a?q", "/b?q"},
                                                     {"/ax", "/ax"},
                                                 });
  expect_rows(config::ReplacePrefix{"/a/", "/b/"}, {{"/a/x", "/b/x"}, {"/a/", "/b/"}, {"/a", "/a"}});
  expect_rows(config::ReplacePrefix{"/a", "/b/"}, {{"/a/x", "/b/x"}, {"/a", "/b/"}});
  expect_rows(config::ReplacePrefix{"/a/", "/b"}, {{"/a/x", "/b/x"}});
  expect_rows(config::ReplacePrefix{"/", "/b"}, {{"/x", "/b/x"}, {"/x/y?z", "/b/x/y?z"}});
  expect_rows(config::ReplacePrefix{"/a", "/"}, {{"/a/x", "/x"}, {"/a", "/"}});
}

// The prefix of the config is a decoded path; the bytes behind it go on as they came.
TEST(Rewrite, FindsThePrefixBehindEscapesAndKeepsEveryOtherByte) {
  expect_rows(config::StripPrefix{"/支付"}, {
                                                {"/%E6%94%AF%E4%BB%98/a%2Fb?c=%20", "/a%2Fb?c=%20"},
                                                {"/%e6%94%af%e4%bb%98", "/"},
                                                {"/支付/x", "/x"},
                                                {"/%E6%94%AF", "/%E6%94%AF"},
                                            });
  expect_rows(config::ReplacePrefix{"/a/b", "/c"}, {{"/a%2Fb/x", "/a%2Fb/x"}, {"/%61/%62/x", "/c/x"}});
  expect_rows(config::StripPrefix{"/old"}, {
                                               {"/%6fl%64/%6Fld", "/%6Fld"},
                                               {"/old%2Fx", "/old%2Fx"},  // one segment
                                               {"/old%", "/old%"},
                                               {"/ol%6", "/ol%6"},
                                           });
}

// Like all paths in the config, what takes the prefix's place is decoded.
TEST(Rewrite, SpellsWhatTakesThePrefixsPlaceAsAPath) {
  expect_rows(config::ReplacePrefix{"/a", "/b c"}, {{"/a/x%20y", "/b%20c/x%20y"}});
  expect_rows(config::ReplacePrefix{"/a", "/支付/"}, {{"/a/x", "/%E6%94%AF%E4%BB%98/x"}});
  expect_rows(config::ReplacePrefix{"/a", "/50%off"}, {{"/a/x", "/50%25off/x"}});
  expect_rows(config::ReplacePrefix{"/a", "/b;v=1,(2)!@:~"}, {{"/a/x", "/b;v=1,(2)!@:~/x"}});
}

TEST(Rewrite, ReplacesWhatARegexFindsInThePathAlone) {
  expect_rows(config::ReplaceRegex{"^/user/([0-9]+)$", "/u/\\1"}, {
                                                                      {"/user/12", "/u/12"},
                                                                      {"/user/12?id=/user/3", "/u/12?id=/user/3"},
                                                                      {"/user/x", "/user/x"},
                                                                  });
  expect_rows(config::ReplaceRegex{"a", "b"}, {{"/aa", "/ba"}, {"/x?a", "/x?a"}});
  // A target begins with a slash whatever the config makes of it.
  expect_rows(config::ReplaceRegex{"^/strip/", ""}, {{"/strip/x", "/x"}, {"/strip/", "/"}});
  expect_rows(config::ReplaceRegex{"^.*$", "plain"}, {{"/x?q", "/plain?q"}});
  expect_rows(config::ReplaceRegex{"^/old/(.*)$", "/new?id=\\1"}, {
                                                                      {"/old/1", "/new?id=1"},
                                                                      {"/old/1?a=b", "/new?id=1&a=b"},
                                                                      {"/old/1?", "/new?id=1"},
                                                                      {"/x?a=b", "/x?a=b"},
                                                                  });
  expect_rows(config::ReplaceRegex{"^/old/", "/new?"}, {{"/old/?a", "/new?a"}, {"/old/", "/new"}});
}

TEST(Rewrite, RefusesWhatIsNoRegexOrNoReplacement) {
  for (const config::ReplaceRegex& broken :
       {config::ReplaceRegex{"(", "x"}, config::ReplaceRegex{"a", "\\1"}, config::ReplaceRegex{"(a)", "\\2"}}) {
    const auto made = Rewrite::make(broken);
    ASSERT_FALSE(made.has_value()) << broken.pattern;
    EXPECT_FALSE(made.error().message.empty());
  }
}

struct AmbiguousRow {
  std::string_view path;
  bool is_clear;
};

void expect_clear(const config::Rewrite& config, std::initializer_list<AmbiguousRow> rows) {
  base::ChunkPool chunks;
  const auto made = Rewrite::make(config);
  ASSERT_TRUE(made.has_value()) << made.error().message;
  for (const AmbiguousRow& row : rows) EXPECT_EQ((*made)->is_clear(row.path, chunks), row.is_clear) << row.path;
}

// A server that resolves what it gets must land where the config sends what it would have resolved.
TEST(Rewrite, IsUnclearWhereAPathLeadsOutOfThePrefix) {
  expect_clear(config::ReplacePrefix{"/", "/tenant1/"}, {
                                                            {"/../tenant2/x", false},
                                                            {"/%2e%2e/tenant2/x", false},
                                                            {"/..%2ftenant2/x", false},
                                                            {"/..%5ctenant2/x", false},
                                                            {"/..\\tenant2/x", false},
                                                            {"/%252e%252e/tenant2/x", false},
                                                            {"/.%0a./tenant2/x", false},
                                                            {"/a/../../tenant2/x", false},
                                                            {"/a//../../x", false},  // merged or not
                                                            {"/a/../x", true},
                                                            {"/a//b", true},
                                                            {"/./a%2Fb/", true},
                                                            {"/a%25b", true},
                                                            {"//a", true},
                                                        });
  expect_clear(config::StripPrefix{"/api"}, {
                                                {"/api/../api/x", false},
                                                {"/api/x/../../api/y?../", false},
                                                {"/api/%2e%2e/api/x", false},
                                                {"/api%2Fx", false},  // begins with the prefix for some alone
                                                {"/%2561pi/x", false},
                                                {"/api/a/../b", true},
                                                {"/api//x", true},
                                                {"/api/a%2fb?c/..", true},
                                                {"/other/../x", true},
                                            });
  expect_clear(config::ReplacePrefix{"/a", "/50%off"}, {{"/a/x%2Fy", true}, {"/a/../a/x", false}});
}

TEST(Rewrite, IsUnclearWhereARegexFindsAnotherPathInAnotherReading) {
  expect_clear(config::ReplaceRegex{"^/u/([^/]+)$", "/users/\\1"}, {
                                                                       {"/u/a%2Fb", false},
                                                                       {"/u/..", true},
                                                                       {"/u/100%25", true},
                                                                       {"/u/a%5Cb", false},
                                                                       {"/x//y", true},
                                                                   });
  expect_clear(config::ReplaceRegex{"u(.)", "\\1-"}, {{"/u%2Fx", false}, {"/ux%2F", true}, {"/u%25", true}});
  expect_clear(config::ReplaceRegex{"2F", ""}, {{"/a%2F41", false}});
  expect_clear(config::ReplaceRegex{"^/u(.*)$", "/users/\\1"}, {{"/u/a%2Fb", true}, {"/u/../u/x", false}});
  expect_clear(config::ReplaceRegex{"^/old/(.*)$", "/new?id=\\1"}, {{"/old/100%25", true}, {"/old/a/../b", false}});
}

TEST(Rewrite, RefusesWhatServersWouldReadInTwoWays) {
  support::ActionScript script;
  support::ExchangeScene scene("${status} ${reason}");
  exchange::RoutePlan& plan = scene.add_route();
  plan.filters.push_back(std::move(*Rewrite::make(config::ReplacePrefix{"/", "/tenant1/"})));
  plan.action = std::make_unique<support::RecordingAction>(script);
  EXPECT_EQ(scene.call("GET", "/../tenant2/x").response.status, 400);
  EXPECT_EQ(script.begun, 0);
  scene.call("GET", "/a/../x%2Fy");
  EXPECT_EQ(script.request, "GET /tenant1/a/../x%2Fy");
  scene.turn();
  EXPECT_EQ(scene.log(), "400 path_ambiguous|200 -");
}

TEST(Rewrite, GivesTheActionAnotherTargetAndTheLogTheOldOne) {
  support::ActionScript script;
  support::ExchangeScene scene("${path} ${query}");
  exchange::RoutePlan& plan = scene.add_route();
  auto made = Rewrite::make(config::StripPrefix{"/old"});
  plan.filters.push_back(std::move(*made));
  plan.action = std::make_unique<support::RecordingAction>(script);
  scene.call("GET", "/old/a?b=c");
  EXPECT_EQ(script.request, "GET /a?b=c");
  scene.call("GET", "/new/a");
  EXPECT_EQ(script.request, "GET /new/a");
  scene.turn();
  EXPECT_EQ(scene.log(), "/old/a b=c|/new/a -");
}

}  // namespace
}  // namespace viaduct::filter
