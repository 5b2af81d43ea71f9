// SPDX-License-Identifier: Apache-2.0
#include "route/path_table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/routing.h"

namespace viaduct::route {
namespace {

using support::exact;
using support::make_route;
using support::prefix;
using support::regex;

std::vector<config::Route> routes_of(std::vector<config::Match> matches) {
  std::vector<config::Route> routes;
  for (config::Match& match : matches) routes.push_back(make_route(std::to_string(routes.size()), std::move(match)));
  return routes;
}

// The candidates in their order: "2=/api/ 0^" for exact "=", regex "~" and prefix "^".
std::string candidates(const PathTable& table, std::string_view path) {
  std::string found;
  table.search(path, [&](const PathTable::Candidate& candidate) {
    if (!found.empty()) found += ' ';
    found += std::to_string(candidate.route);
    found += candidate.kind == PathKind::kExact ? '=' : candidate.kind == PathKind::kRegex ? '~' : '^';
    found += candidate.pattern;
    return false;
  });
  return found;
}

struct Row {
  std::string_view path;
  std::string_view found;
};

TEST(PathTable, FindsPrefixesByWholeSegmentsLongestFirst) {
  const auto routes =
      routes_of({prefix("/"), prefix("/api"), prefix("/api/"), prefix("/api/v1/"), prefix("/api/v1/x")});
  const auto table = PathTable::build(routes);
  const std::vector<Row> rows = {
      {"/", "0^/"},
      {"/apix", "0^/"},
      {"/api", "1^/api 0^/"},
      {"/api/", "2^/api/ 1^/api 0^/"},
      {"/api/x", "2^/api/ 1^/api 0^/"},
      {"/api/v1", "2^/api/ 1^/api 0^/"},
      {"/api/v1/", "3^/api/v1/ 2^/api/ 1^/api 0^/"},
      {"/api/v1/x", "4^/api/v1/x 3^/api/v1/ 2^/api/ 1^/api 0^/"},
      {"/api/v1/x/", "4^/api/v1/x 3^/api/v1/ 2^/api/ 1^/api 0^/"},
      {"/api/v1/xy", "3^/api/v1/ 2^/api/ 1^/api 0^/"},
      {"/api//v1/x", "2^/api/ 1^/api 0^/"},
      {"//api", "0^/"},
      {"/API", "0^/"},
  };
  for (const Row& row : rows) EXPECT_EQ(candidates(*table, row.path), row.found) << row.path;
}

TEST(PathTable, FindsExactPathsToTheByte) {
  const auto routes = routes_of({exact("/"), exact("/a"), exact("/a/"), exact("/a/b c"), exact("/\xE6\x94\xAF")});
  const auto table = PathTable::build(routes);
  const std::vector<Row> rows = {{"/", "0=/"},
                                 {"/a", "1=/a"},
                                 {"/a/", "2=/a/"},
                                 {"/a/b c", "3=/a/b c"},
                                 {"/a/b c/", ""},
                                 {"/a//", ""},
                                 {"/A", ""},
                                 {"/b", ""},
                                 {"/a/b", ""},
                                 {"//", ""},
                                 {"/\xE6\x94\xAF", "4=/\xE6\x94\xAF"}};
  for (const Row& row : rows) EXPECT_EQ(candidates(*table, row.path), row.found) << row.path;
}

TEST(PathTable, PutsExactBeforeRegexBeforePrefix) {
  const auto routes = routes_of({prefix("/a/"), regex("b$"), regex("^/a"), exact("/a/b"), prefix("/a/b")});
  const auto table = PathTable::build(routes);
  EXPECT_EQ(candidates(*table, "/a/b"), "3=/a/b 1~b$ 2~^/a 4^/a/b 0^/a/");
  EXPECT_EQ(candidates(*table, "/x/b"), "1~b$");
}

TEST(PathTable, PutsMoreConditionsFirstAmongEquals) {
  config::Match two = exact("/a", {"GET"});
  two.headers["X"] = "1";
  config::Match three = prefix("/", {"GET"});
  three.query = {{"a", "1"}, {"b", "2"}};
  const auto routes = routes_of({exact("/a"), exact("/a", {"GET"}), two, prefix("/"), three, prefix("/", {"POST"})});
  const auto table = PathTable::build(routes);
  EXPECT_EQ(candidates(*table, "/a"), "2=/a 1=/a 0=/a 4^/ 5^/ 3^/");
}

TEST(PathTable, KeepsRegexesInTheOrderOfTheFileWhateverTheirConditions) {
  const auto routes = routes_of({regex("a"), regex("a", {"GET"})});
  const auto table = PathTable::build(routes);
  EXPECT_EQ(candidates(*table, "/a"), "0~a 1~a");
}

TEST(PathTable, KnowsARouteByEachOfItsPaths) {
  config::Match match = exact("/a");
  match.exact.push_back("/b");
  match.prefix.push_back("/a");
  const auto routes = routes_of({match});
  const auto table = PathTable::build(routes);
  EXPECT_EQ(candidates(*table, "/a"), "0=/a 0^/a");
  EXPECT_EQ(candidates(*table, "/b"), "0=/b");
}

TEST(PathTable, TakesEveryPathForARouteWithoutAny) {
  config::Match match;
  match.methods = {"GET"};
  const auto routes = routes_of({match});
  const auto table = PathTable::build(routes);
  EXPECT_EQ(candidates(*table, "/any//thing"), "0^/");
  EXPECT_EQ(table->conditions(0).count(), 1U);
}

TEST(PathTable, StopsAtTheCandidateThatIsTaken) {
  const auto routes = routes_of({prefix("/"), prefix("/a"), prefix("/a/b")});
  const auto table = PathTable::build(routes);
  int seen = 0;
  EXPECT_TRUE(table->search("/a/b", [&](const PathTable::Candidate& candidate) {
    ++seen;
    return candidate.route == 1;
  }));
  EXPECT_EQ(seen, 2);
}

TEST(PathTable, FindsEachOfTenThousandRoutes) {
  std::vector<config::Match> matches;
  for (int i = 0; i < 10000; ++i) {
    const std::string path = "/section-" + std::to_string(i % 100) + "/page-" + std::to_string(i);
    matches.push_back(i % 2 == 0 ? exact(path) : prefix(path + "/"));
  }
  const auto routes = routes_of(std::move(matches));
  const auto table = PathTable::build(routes);
  for (int i = 0; i < 10000; ++i) {
    const std::string path = "/section-" + std::to_string(i % 100) + "/page-" + std::to_string(i);
    const std::string number = std::to_string(i);
    EXPECT_EQ(candidates(*table, path), i % 2 == 0 ? number + "=" + path : "");
    EXPECT_EQ(candidates(*table, path + "/x"), i % 2 == 0 ? "" : number + "^" + path + "/");
  }
}

TEST(PathTable, NamesTheRouteWhoseRegexOrPathIsNotValid) {
  auto routes = routes_of({regex("(")});
  routes[0].place = {.file = "v.yaml", .line = 3, .column = 5};
  const auto table = PathTable::build(routes);
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().message.substr(0, 40), "v.yaml:3:5: route 0: match.regex: regex ");
  const auto relative = routes_of({prefix("api/")});
  EXPECT_FALSE(PathTable::build(relative));
}

}  // namespace
}  // namespace viaduct::route
