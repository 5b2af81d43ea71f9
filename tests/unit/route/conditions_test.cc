// SPDX-License-Identifier: Apache-2.0
#include "route/conditions.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/arena.h"

namespace viaduct::route {
namespace {

using FieldList = std::vector<std::pair<std::string_view, std::string_view>>;

class ConditionsTest : public ::testing::Test {
 protected:
  Verdict check(const config::Match& match, std::string_view method, const FieldList& lines, std::string_view query) {
    http::Fields fields(arena_);
    for (const auto& [name, value] : lines) fields.add(name, value);
    return Conditions(match).check(view(method, fields), query);
  }

  std::string describe(const config::Match& match, Verdict verdict, std::string_view query) {
    const http::Fields fields(arena_);
    return Conditions(match).describe(verdict, view("GET", fields), query);
  }

  static RequestView view(std::string_view method, const http::Fields& fields) {
    RequestView request;
    request.method = http::parse_method(method);
    request.method_text = method;
    request.fields = &fields;
    return request;
  }

  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
};

config::Match methods(std::vector<std::string> names) {
  config::Match match;
  match.methods = std::move(names);
  return match;
}

config::Match query(std::string name, std::string value) {
  config::Match match;
  match.query[std::move(name)] = std::move(value);
  return match;
}

config::Match header(std::string name, std::string value) {
  config::Match match;
  match.headers[std::move(name)] = std::move(value);
  return match;
}

TEST_F(ConditionsTest, TakeEveryRequestWhenThereAreNone) {
  EXPECT_EQ(check({}, "GET", {}, ""), Verdict::kTaken);
  EXPECT_EQ(check({}, "BREW", {}, "a=b"), Verdict::kTaken);
  EXPECT_EQ(Conditions(config::Match{}).count(), 0U);
}

TEST_F(ConditionsTest, CompareMethodsExactlyAndTakeHeadForGet) {
  EXPECT_EQ(check(methods({"GET"}), "GET", {}, ""), Verdict::kTaken);
  EXPECT_EQ(check(methods({"GET"}), "HEAD", {}, ""), Verdict::kTaken);
  EXPECT_EQ(check(methods({"HEAD"}), "GET", {}, ""), Verdict::kMethod);
  EXPECT_EQ(check(methods({"GET"}), "get", {}, ""), Verdict::kMethod);
  EXPECT_EQ(check(methods({"POST", "BREW"}), "BREW", {}, ""), Verdict::kTaken);
  EXPECT_EQ(check(methods({"POST", "BREW"}), "WHEN", {}, ""), Verdict::kMethod);
}

TEST_F(ConditionsTest, CompareTheFirstFieldOfAName) {
  const config::Match match = header("x-mode", "Beta");
  EXPECT_EQ(check(match, "GET", {{"X-Mode", "Beta"}}, ""), Verdict::kTaken);
  EXPECT_EQ(check(match, "GET", {{"X-Mode", "Beta"}, {"X-Mode", "z"}}, ""), Verdict::kTaken);
  EXPECT_EQ(check(match, "GET", {{"X-Mode", "z"}, {"X-Mode", "Beta"}}, ""), Verdict::kHeader);
  EXPECT_EQ(check(match, "GET", {{"X-Mode", "beta"}}, ""), Verdict::kHeader);
  EXPECT_EQ(check(match, "GET", {}, ""), Verdict::kHeader);
  EXPECT_EQ(check(header("Content-Type", "text/xml"), "GET", {{"content-type", "text/xml"}}, ""), Verdict::kTaken);
  EXPECT_EQ(check(header("X-Mode", ""), "GET", {{"X-Mode", ""}}, ""), Verdict::kTaken);
}

TEST_F(ConditionsTest, CompareTheFirstParameterOfANameDecoded) {
  const config::Match match = query("\xE6\x94\xAF", "a b&c");
  for (const char* text : {"%E6%94%AF=a+b%26c", "x=1&%e6%94%af=a%20b%26c", "\xE6\x94\xAF=a%20b%26c&\xE6\x94\xAF=z"}) {
    EXPECT_EQ(check(match, "GET", {}, text), Verdict::kTaken) << text;
  }
  for (const char* text : {"", "%E6%94%AF", "%E6%94%AF=", "%E6%94%AF=a%2Bb%26c", "%E6%94%AF=z&%E6%94%AF=a+b%26c",
                           "%E6%94%AF=a+b&c", "x%E6%94%AF=a+b%26c"}) {
    EXPECT_EQ(check(match, "GET", {}, text), Verdict::kQuery) << text;
  }
}

TEST_F(ConditionsTest, TakeMalformedQueriesAsTheyStand) {
  EXPECT_EQ(check(query("a", "100%"), "GET", {}, "a=100%"), Verdict::kTaken);
  EXPECT_EQ(check(query("a", "%zz"), "GET", {}, "a=%zz"), Verdict::kTaken);
  EXPECT_EQ(check(query("a", ""), "GET", {}, "a"), Verdict::kTaken);
  EXPECT_EQ(check(query("a", ""), "GET", {}, "&&a&"), Verdict::kTaken);
  EXPECT_EQ(check(query("a", "b=c"), "GET", {}, "a=b=c"), Verdict::kTaken);
}

TEST_F(ConditionsTest, SayMethodOnlyWhenNothingElseIsMissing) {
  config::Match match = methods({"POST"});
  match.headers["X-A"] = "1";
  match.query["q"] = "1";
  EXPECT_EQ(Conditions(match).count(), 3U);
  EXPECT_EQ(check(match, "GET", {{"X-A", "1"}}, "q=1"), Verdict::kMethod);
  EXPECT_EQ(check(match, "GET", {}, "q=1"), Verdict::kHeader);
  EXPECT_EQ(check(match, "POST", {{"X-A", "1"}}, ""), Verdict::kQuery);
  EXPECT_EQ(check(match, "POST", {{"X-A", "1"}}, "q=1"), Verdict::kTaken);
}

TEST_F(ConditionsTest, DescribeWhatDoesNotHold) {
  EXPECT_EQ(describe(methods({"POST", "GET", "BREW"}), Verdict::kMethod, ""),
            "method is not one of GET, HEAD, POST, BREW");
  EXPECT_EQ(describe(header("X-A", "1"), Verdict::kHeader, ""), "header X-A is not 1");
  EXPECT_EQ(describe(query("q", "1"), Verdict::kQuery, "q=2"), "query parameter q is not 1");
  EXPECT_EQ(describe({}, Verdict::kLessSpecific, ""), "a better match takes the request");
  EXPECT_EQ(describe({}, Verdict::kTaken, ""), "");
}

TEST(MethodSet, ListsNamesInOneOrder) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  MethodSet set;
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set.list(arena), "");
  for (const char* name : {"BREW", "PATCH", "GET", "BREW", "GET"}) set.add(name);
  MethodSet more;
  more.add("POST");
  more.add("WHEN");
  set.add_all(more);
  EXPECT_EQ(set.list(arena), "GET, POST, PATCH, BREW, WHEN");
}

}  // namespace
}  // namespace viaduct::route
