// SPDX-License-Identifier: Apache-2.0
// Refusals with their whole messages are in load_broken_routes_test.cc; here it is pairs of routes, and what they are
// to each other.
#include "config/route_conflicts.h"

#include <gtest/gtest.h>

#include "support/config_load.h"

namespace viaduct::config {
namespace {

// "conflict", "unreachable", "hidden", "shadowed", "may take", "denied" or "" for two routes, in either order.
std::string relation(const std::string& first, const std::string& second, const std::string& deny = "[]") {
  const std::string text = support::problems_of(
      "listeners: [{ address: \":80\" }]\n"
      "upstreams: { app: { servers: \"http://a.example.com\" } }\n"
      "sites:\n"
      "  - default: true\n"
      "    deny: " +
      deny +
      "\n"
      "    upstream: app\n"
      "    routes:\n"
      "      - { name: first, " +
      first +
      " }\n"
      "      - { name: second, " +
      second + " }\n");
  const std::pair<const char*, const char*> words[] = {
      {"could both take", "conflict"},      {"can never be reached", "unreachable"},
      {"is never reached", "hidden"},       {"has more conditions", "shadowed"},
      {"may take requests", "may take"},    {"stands twice in this route", "twice"},
      {"which a platform calls", "denied"}, {"refuses", "partly denied"}};
  for (const auto& [word, name] : words) {
    if (text.contains(word)) return name;
  }
  return text.contains(" error") ? text : "";
}

TEST(RouteConflicts, AreFoundBetweenRoutesWithTheSamePath) {
  const struct {
    const char* first;
    const char* second;
    const char* relation;
  } rows[] = {
      {"match: { exact: /x }", "match: { exact: /x }", "conflict"},
      {"match: { exact: /x }", "match: { exact: /y }", ""},
      {"match: { exact: /x }", "match: { prefix: /x }", ""},
      {"match: { prefix: /x }", "match: { prefix: /x/ }", ""},
      {"match: { prefix: / }", "match: { prefix: /x }", ""},
      {"match: { prefix: / }", "match: { methods: [GET] }", ""},  // no path is every path
      {"match: { prefix: / }", "respond: {}", "conflict"},
      {"match: { exact: /x, methods: [GET] }", "match: { exact: /x, methods: [POST] }", ""},
      {"match: { exact: /x, methods: [GET] }", "match: { exact: /x, methods: [GET, POST] }", "conflict"},
      {"match: { exact: /x, methods: [GET] }", "match: { exact: /x, methods: [HEAD] }", "conflict"},
      {"match: { exact: /x, methods: [GET] }", "match: { exact: /x }", ""},  // more conditions come first
      {"match: { exact: /x, headers: { A: 1 } }", "match: { exact: /x, headers: { a: 2 } }", ""},
      {"match: { exact: /x, headers: { A: 1 } }", "match: { exact: /x, headers: { B: 2 } }", "conflict"},
      {"match: { exact: /x, query: { a: 1 } }", "match: { exact: /x, headers: { a: 1 } }", "conflict"},
      {"match: { exact: /x, headers: { A: 1 }, methods: [GET] }", "match: { exact: /x, headers: { B: 2 } }", ""},
      {"match: { prefix: [/a, /x] }", "match: { prefix: [/b, /x] }", "conflict"},
      {"match: { regex: '^/x' }", "match: { regex: '^/x', methods: [GET] }", "unreachable"},
      {"match: { regex: '^/x[0-9]' }", "match: { regex: '^/x[a-z]' }", ""},
      {"match: { exact: [/x, /x] }", "match: { exact: /y }", "twice"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(relation(row.first, row.second), row.relation) << row.first << " | " << row.second;
  }
}

TEST(RouteConflicts, FindWhatIsNeverReached) {
  const struct {
    const char* first;
    const char* second;
    const char* relation;
  } rows[] = {
      {"match: { regex: '.*' }", "match: { prefix: /x }", "unreachable"},
      {"match: { regex: '^/' }", "match: { prefix: / }", "unreachable"},
      {"match: { regex: '^/api/.*$' }", "match: { prefix: /api/v1 }", "unreachable"},
      {"match: { regex: '/v1/' }", "match: { prefix: /api/v1/x }", "unreachable"},
      {"match: { regex: '^/api/$' }", "match: { prefix: /api/ }", ""},
      {"match: { regex: '^/api/[0-9]' }", "match: { prefix: /api/ }", ""},
      {"match: { regex: '.*', methods: [GET] }", "match: { prefix: /x }", ""},
      {"match: { regex: '.*', methods: [GET] }", "match: { prefix: /x, methods: [HEAD] }", "unreachable"},
      {"match: { regex: '.*' }", "match: { exact: /x }", ""},  // exact comes first
      {"match: { regex: '.*' }", "match: { regex: '^/x' }", "unreachable"},
      {"match: { regex: '^/x' }", "match: { regex: '.*' }", ""},
      {"match: { regex: '^/x$' }", "match: { exact: /x }", "unreachable"},
      {"match: { regex: '^/x.$' }", "match: { exact: /x. }", ""},
      {"match: { regex: '^/api/' }", "match: { prefix: [/api/a, /b] }", "hidden"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(relation(row.first, row.second), row.relation) << row.first << " | " << row.second;
  }
}

TEST(RouteConflicts, ProtectCallbacks) {
  const struct {
    const char* callback;
    const char* other;
    const char* relation;
  } rows[] = {
      {"callback: generic, match: { exact: /p }", "match: { exact: /p, methods: [POST] }", "shadowed"},
      {"callback: generic, match: { exact: /p }", "match: { exact: /p, headers: { A: 1 } }", "shadowed"},
      {"callback: generic, match: { exact: /p }", "match: { exact: /p, methods: [GET] }", ""},
      {"callback: generic, match: { exact: /p, methods: [GET, POST] }",
       "match: { exact: /p, methods: [GET], headers: { A: 1 } }", "shadowed"},
      {"callback: generic, match: { exact: /p, methods: [POST] }", "match: { exact: /p }", ""},
      {"callback: generic, match: { exact: /p }", "callback: alipay, match: { exact: /p, methods: [POST] }", ""},
      {"callback: generic, match: { prefix: /p/ }", "match: { exact: /p/x }", "may take"},
      {"callback: generic, match: { prefix: /p/ }", "match: { exact: /p/x, methods: [GET] }", ""},
      {"callback: generic, match: { prefix: /p/ }", "match: { regex: x }", "may take"},
      {"callback: generic, match: { exact: /p }", "match: { regex: x }", ""},
      {"callback: generic, match: { prefix: /p/ }", "match: { regex: '^/p/x' }", "may take"},
      {"callback: generic, match: { prefix: /p/ }", "match: { regex: '^/px?/' }", "may take"},
      {"callback: generic, match: { prefix: /p/ }", "match: { regex: '^/q/|x' }", "may take"},
      {"callback: generic, match: { prefix: /p/ }", "match: { regex: '^/q/.*' }", ""},
      {"callback: generic, match: { prefix: /p/ }", "match: { regex: x, methods: [GET] }", ""},
      {"callback: generic, match: { prefix: /p/ }", "match: { prefix: / }", ""},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(relation(row.callback, row.other), row.relation) << row.callback << " | " << row.other;
    EXPECT_EQ(relation(row.other, row.callback), row.relation) << row.other << " | " << row.callback;
  }
}

// Regexes go in the order of the file.
TEST(RouteConflicts, ProtectCallbacksThatAreRegexesFromThoseBeforeThem) {
  const char* callback = "callback: generic, match: { regex: '^/p/[0-9]+$' }";
  EXPECT_EQ(relation("match: { regex: x }", callback), "may take");
  EXPECT_EQ(relation("match: { regex: '^/p/' }", callback), "may take");
  EXPECT_EQ(relation("match: { regex: '^/q/' }", callback), "");
  EXPECT_EQ(relation("match: { regex: x, methods: [GET] }", callback), "");
  EXPECT_EQ(relation(callback, "match: { regex: x }"), "");
  EXPECT_EQ(relation("match: { prefix: /p/ }", callback), "");
}

TEST(RouteConflicts, KnowWhatDenyTakesAway) {
  const struct {
    const char* deny;
    const char* route;
    const char* relation;
  } rows[] = {
      {"[/x/]", "match: { exact: /x }", "unreachable"},
      {"[/x]", "match: { prefix: /x/y }", "unreachable"},
      {"[/x/]", "match: { prefix: / }", ""},
      {"[/x/]", "match: { exact: [/x/y, /z] }", "partly denied"},
      {"[/x]", "match: { exact: /xy }", ""},
      {"[/x]", "match: { regex: '^/x' }", ""},
      {"[/x]", "callback: generic, match: { exact: [/x, /y] }", "denied"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(relation(row.route, "match: { exact: /other }", row.deny), row.relation)
        << row.deny << " | " << row.route;
  }
}

// The order of the routes in the file shadows nothing (regexes apart): both orders say the same.
TEST(RouteConflicts, AreTheSameInEitherOrder) {
  const char* matches[] = {"match: { exact: /x }",
                           "match: { exact: /x, methods: [GET] }",
                           "match: { exact: /x, methods: [POST], headers: { A: 1 } }",
                           "match: { prefix: /x }",
                           "match: { prefix: /x/ }",
                           "match: { prefix: /, query: { a: 1 } }",
                           "match: { regex: '^/x' }"};
  for (const char* first : matches) {
    for (const char* second : matches) {
      if (std::string_view(first).contains("regex") && std::string_view(second).contains("regex")) continue;
      EXPECT_EQ(relation(first, second), relation(second, first)) << first << " | " << second;
    }
  }
}

}  // namespace
}  // namespace viaduct::config
