// SPDX-License-Identifier: Apache-2.0
#include "config/match_rules.h"

#include <gtest/gtest.h>

namespace viaduct::config {
namespace {

Match methods(std::vector<std::string> names) {
  Match match;
  match.methods = std::move(names);
  return match;
}

Match header(const std::string& name, const std::string& value) {
  Match match;
  match.headers[name] = value;
  return match;
}

Match query(const std::string& name, const std::string& value) {
  Match match;
  match.query[name] = value;
  return match;
}

TEST(ConditionCount, CountsMethodsAsOne) {
  EXPECT_EQ(condition_count({}), 0);
  EXPECT_EQ(condition_count(methods({"GET", "POST"})), 1);
  Match match = methods({"GET"});
  match.headers = {{"A", "1"}, {"B", "2"}};
  match.query = {{"c", "3"}};
  match.exact = {"/x"};
  EXPECT_EQ(condition_count(match), 4);
}

TEST(AcceptedMethods, AddHeadToGet) {
  EXPECT_TRUE(accepted_methods({}).empty());
  EXPECT_EQ(accepted_methods(methods({"GET"})), (std::vector<std::string>{"GET", "HEAD"}));
  EXPECT_EQ(accepted_methods(methods({"HEAD", "GET"})), (std::vector<std::string>{"HEAD", "GET"}));
  EXPECT_EQ(accepted_methods(methods({"POST"})), (std::vector<std::string>{"POST"}));
}

TEST(Conditions, OverlapAndImplyEachOther) {
  const struct {
    Match left;
    Match right;
    bool overlap;
    bool left_implies_right;
    bool right_implies_left;
  } rows[] = {
      {{}, {}, true, true, true},
      {methods({"GET"}), {}, true, true, false},
      {methods({"GET"}), methods({"POST"}), false, false, false},
      {methods({"GET"}), methods({"HEAD"}), true, false, true},
      {methods({"GET", "POST"}), methods({"POST", "PUT"}), true, false, false},
      {methods({"GET", "POST"}), methods({"POST"}), true, false, true},
      {methods({"BREW"}), methods({"BREW", "PUT"}), true, true, false},
      {header("X", "1"), header("x", "2"), false, false, false},
      {header("X", "1"), header("x", "1"), true, true, true},
      {header("X", "1"), header("Y", "1"), true, false, false},
      {query("x", "1"), query("X", "2"), true, false, false},  // query names have case
      {query("x", "1"), query("x", "2"), false, false, false},
      {query("x", "1"), query("x", "1"), true, true, true},
      {query("x", "1"), {}, true, true, false},
      {header("X", "1"), query("X", "1"), true, false, false},
      {header("X", "1"), {}, true, true, false},
  };
  for (const auto& row : rows) {
    const auto number = &row - rows;
    EXPECT_EQ(conditions_overlap(row.left, row.right), row.overlap) << number;
    EXPECT_EQ(conditions_overlap(row.right, row.left), row.overlap) << number;
    EXPECT_EQ(conditions_imply(row.left, row.right), row.left_implies_right) << number;
    EXPECT_EQ(conditions_imply(row.right, row.left), row.right_implies_left) << number;
  }
}

TEST(Conditions, OfACallbackAreThoseOfAPostWhereItDoesNotSay) {
  Match callback;
  Match other;
  EXPECT_TRUE(takes_callback_requests(other, callback));
  other.methods = {"GET"};
  EXPECT_FALSE(takes_callback_requests(other, callback));
  callback.methods = {"GET", "POST"};
  EXPECT_TRUE(takes_callback_requests(other, callback));
  callback.headers = {{"A", "1"}};
  other.headers = {{"a", "2"}};
  EXPECT_FALSE(takes_callback_requests(other, callback));
}

TEST(PrefixTakes, WholeSegments) {
  const struct {
    const char* prefix;
    const char* path;
    bool takes;
  } rows[] = {
      {"/", "/", true},          {"/", "/x", true},         {"/api", "/api", true},   {"/api", "/api/", true},
      {"/api", "/api/x", true},  {"/api", "/apix", false},  {"/api/", "/api", false}, {"/api/", "/api/", true},
      {"/api/", "/api/x", true}, {"/api/", "/API/", false},
  };
  for (const auto& row : rows)
    EXPECT_EQ(prefix_takes(row.prefix, row.path), row.takes) << row.prefix << " " << row.path;
}

TEST(DenyCovers, TheDirectoryItself) {
  const struct {
    const char* deny;
    const char* path;
    bool covers;
  } rows[] = {
      {"/x/", "/x", true},         {"/x/", "/x/", true},     {"/x/", "/x/y", true},           {"/x", "/x/y", true},
      {"/x", "/xy", false},        {"/.git", "/.git", true}, {"/.git", "/.gitignore", false}, {"/", "/anything", true},
      {"/.env", "/a/.env", false},
  };
  for (const auto& row : rows) EXPECT_EQ(deny_covers(row.deny, row.path), row.covers) << row.deny << " " << row.path;
}

}  // namespace
}  // namespace viaduct::config
