// SPDX-License-Identifier: Apache-2.0
#include "route/route_check.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/routing.h"

namespace viaduct::route {
namespace {

using support::exact;
using support::make_route;
using support::make_site;
using support::prefix;
using support::regex;

// The problems as "LINE key: message", each on a line; routes are called a, b, c ... and stand on the lines 1, 2, 3 ...
std::string problems(std::vector<config::Match> matches, std::vector<std::string> deny = {},
                     std::size_t callback = SIZE_MAX) {
  std::vector<config::Route> routes;
  for (config::Match& match : matches) {
    routes.push_back(make_route(std::string(1, static_cast<char>('a' + routes.size())), std::move(match)));
  }
  if (callback < routes.size()) routes[callback].callback = config::CallbackProvider::kGeneric;
  config::Config config;
  config.sites = {make_site({"a.test"}, std::move(routes), std::move(deny))};
  std::string text;
  for (const config::Problem& problem : check_routes(config)) {
    text += std::to_string(problem.place.line) + " " + problem.key + ": " + problem.message + "\n";
  }
  return text;
}

config::Match with_header(config::Match match, std::string name, std::string value) {
  match.headers[std::move(name)] = std::move(value);
  return match;
}

config::Match with_query(config::Match match, std::string name, std::string value) {
  match.query[std::move(name)] = std::move(value);
  return match;
}

TEST(RouteCheck, FindsNothingWhereOneRouteWinsForEveryRequest) {
  EXPECT_EQ(problems({exact("/a", {"GET"}), exact("/a", {"POST"}), exact("/a"), prefix("/a"), prefix("/a/"),
                      prefix("/"), regex("^/a/b"), regex("c"), with_header(exact("/a", {"GET"}), "X", "1"),
                      with_header(prefix("/a/"), "X", "1"), with_header(prefix("/a/"), "X", "2"),
                      with_query(prefix("/"), "q", "1"), with_query(prefix("/"), "q", "2")},
                     {"/x", "/a/internal/"}),
            "");
  EXPECT_EQ(check_routes(config::Config{}).size(), 0U);
}

TEST(RouteCheck, NamesTwoRoutesThatCouldBothWin) {
  EXPECT_EQ(
      problems({exact("/a"), prefix("/b"), exact("/a")}),
      "3 sites[0].routes[2].match.exact: `/a` is taken by route a (v.yaml:1) as well, and nothing says which of the "
      "two wins; let their methods, headers or query exclude each other, or remove one\n");
  EXPECT_NE(problems({prefix("/b"), prefix("/b")}).find("match.prefix: `/b` is taken by route a"), std::string::npos);
  EXPECT_NE(problems({prefix("/b", {"GET"}), with_header(prefix("/b"), "X", "1")}), "") << "as many conditions each";
  EXPECT_NE(problems({exact("/b", {"GET"}), exact("/b", {"HEAD"})}), "") << "GET includes HEAD";
  EXPECT_NE(problems({prefix("/"), {}}), "") << "no path means every path";
  EXPECT_EQ(problems({prefix("/b"), prefix("/b/")}), "") << "the longer one wins";
  config::Match twice = exact("/a");
  twice.exact.emplace_back("/a");
  EXPECT_EQ(problems({twice}), "") << "one route may say a path twice";
}

TEST(RouteCheck, LooksAtEverySiteForItself) {
  config::Config config;
  config.sites = {make_site({"a"}, {make_route("a", exact("/a"))}),
                  make_site({"b"}, {make_route("a", exact("/a")), make_route("b", exact("/a"))})};
  const auto found = check_routes(config);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].key, "sites[1].routes[1].match.exact");
}

TEST(RouteCheck, NamesRoutesThatAreNeverReached) {
  EXPECT_EQ(
      problems({exact("/x/y")}, {"/.git", "/x/"}),
      "1 sites[0].routes[0].match.exact: `/x/y` can never be reached: `deny` of its site holds `/x/`; remove one of "
      "them\n");
  EXPECT_NE(problems({prefix("/x")}, {"/x/"}), "");
  EXPECT_NE(problems({prefix("/x/")}, {"/x"}), "");
  EXPECT_EQ(problems({prefix("/x")}, {"/x/y"}), "");
  EXPECT_EQ(
      problems({regex("^/a"), prefix("/a/")}),
      "2 sites[0].routes[1].match.prefix: `/a/` can never be reached: a regex of route a (v.yaml:1) takes every path "
      "below it, and a regex beats a prefix; narrow the regex, or remove this route\n");
  for (const char* pattern : {"", ".*", "^.*$", "^/", "/", "^/a/", "a/", "^/a.*"}) {
    EXPECT_NE(problems({prefix("/a/"), regex(pattern)}), "") << pattern;
  }
  for (const char* pattern : {"^/a/b", "^a", "^/a/$", "x", "^/[a]"}) {
    EXPECT_EQ(problems({prefix("/a/"), regex(pattern)}), "") << pattern;
  }
  EXPECT_EQ(problems({prefix("/a/"), regex("^/a", {"POST"})}), "") << "other methods reach the prefix";
  EXPECT_NE(problems({prefix("/a/", {"POST"}), regex("^/a", {"POST", "PUT"})}), "");
  EXPECT_EQ(problems({exact("/a"), regex("^/a")}), "") << "an exact path beats a regex";
  EXPECT_EQ(
      problems({regex("b$"), regex("b$", {"GET"})}),
      "2 sites[0].routes[1].match.regex: regex `b$` can never win: route a (v.yaml:1) has the same one before it; "
      "remove one of them\n");
  EXPECT_EQ(problems({regex("b$", {"GET"}), regex("b$")}), "");
}

TEST(RouteCheck, NamesPathsThatNoCleanRequestHas) {
  for (const char* path : {"a", "/a//b", "//", "/a/../b", "/a/.", "/a\\b", "/a%20b", "/%E6%94%AF", "/a\nb"}) {
    EXPECT_NE(problems({exact(path)}), "") << path;
    EXPECT_NE(problems({prefix(path)}), "") << path;
    EXPECT_NE(problems({}, {path}), "") << path;
  }
  for (const char* path : {"/", "/a b", "/a.b/", "/100%", "/\xE6\x94\xAF", "/...", "/a?b#c;d"}) {
    EXPECT_EQ(problems({exact(path)}), "") << path;
    EXPECT_EQ(problems({}, {path}), "") << path;
  }
  EXPECT_EQ(
      problems({prefix("/a%20b")}),
      "1 sites[0].routes[0].match.prefix: path `/a%20b` holds an escape, but paths are compared decoded; write the "
      "character itself\n");
  EXPECT_EQ(problems({}, {"/.git", "/x//y"}),
            "0 sites[0].deny[1]: path `/x//y` holds an empty or a dot segment; write it without\n");
}

TEST(RouteCheck, NamesRegexesThatDoNotCompile) {
  const std::string text = problems({regex("a"), regex("(")});
  EXPECT_EQ(text.find("2 sites[0].routes[1].match.regex: regex `(` is not valid: missing ): ("), 0U) << text;
}

TEST(RouteCheck, KeepsOthersFromTakingTheRequestsOfACallback) {
  const config::Match callback = exact("/pay", {"POST"});
  EXPECT_EQ(
      problems({callback, with_header(exact("/pay", {"POST"}), "X", "1")}, {}, 0),
      "2 sites[0].routes[1].match.exact: `/pay` takes requests of the callback route a (v.yaml:1); let its conditions "
      "exclude them\n");
  EXPECT_EQ(problems({callback, with_header(exact("/pay", {"GET"}), "X", "1")}, {}, 0), "");
  EXPECT_EQ(problems({callback, exact("/pay")}, {}, 0), "") << "fewer conditions come later";
  EXPECT_EQ(problems({callback, with_header(exact("/pay", {"POST"}), "X", "1")}), "") << "no callback";
}

TEST(RouteCheck, PassesWhatRouterBuilds) {
  config::Config config;
  config.sites = {make_site({"a"}, {make_route("a", exact("/a")), make_route("b", regex("^/b[0-9]+$"))}, {"/x"})};
  EXPECT_TRUE(check_routes(config).empty());
  EXPECT_TRUE(Router::build(config));
}

}  // namespace
}  // namespace viaduct::route
