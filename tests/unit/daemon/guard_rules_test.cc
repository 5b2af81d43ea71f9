// SPDX-License-Identifier: Apache-2.0
#include "daemon/guard_rules.h"

#include <gtest/gtest.h>

namespace viaduct::daemon {
namespace {

TEST(GuardRules, CompareSharesOfFailures) {
  struct Row {
    const char* what;
    AnswerCount before;
    AnswerCount after;
    bool is_worse;
  };
  const std::vector<Row> rows = {
      {"nothing at all", {}, {}, false},
      {"no traffic before", {}, {.answers = 5, .failures = 5}, true},
      {"too few to tell", {}, {.answers = 4, .failures = 4}, false},
      {"good as it was", {.answers = 1000, .failures = 0}, {.answers = 1000, .failures = 0}, false},
      {"one percent", {.answers = 1000, .failures = 0}, {.answers = 1000, .failures = 10}, false},
      {"more than one percent", {.answers = 1000, .failures = 0}, {.answers = 1000, .failures = 11}, true},
      {"twice as many", {.answers = 100, .failures = 10}, {.answers = 100, .failures = 20}, false},
      {"more than twice as many", {.answers = 100, .failures = 10}, {.answers = 100, .failures = 21}, true},
      {"better", {.answers = 100, .failures = 60}, {.answers = 100, .failures = 40}, false},
      {"as bad as can be", {.answers = 100, .failures = 100}, {.answers = 100, .failures = 100}, false},
      {"failures without answers", {.answers = 100, .failures = 0}, {.answers = 0, .failures = 7}, true},
  };
  for (const Row& row : rows) {
    const auto why = explain_worse({.before = row.before, .after = row.after, .callbacks = {}});
    EXPECT_EQ(why.has_value(), row.is_worse) << row.what;
  }
  EXPECT_EQ(explain_worse({.before = {.answers = 200, .failures = 1}, .after = {.answers = 40, .failures = 8}}),
            "8 of 40 answers are failures made here (20.0 %), before it were 0.5 %");
}

TEST(GuardRules, TakeFailuresOfACallbackRouteForWorseWhereItHadNone) {
  const AnswerCount many{.answers = 1'000'000, .failures = 0};
  const auto judge = [&](std::vector<CallbackCount> callbacks) {
    return explain_worse({.before = many, .after = many, .callbacks = std::move(callbacks)});
  };
  EXPECT_FALSE(judge({{.name = "a/pay", .failures_before = 0, .failures_after = kCallbackFailuresMin - 1}}));
  EXPECT_FALSE(judge({{.name = "a/pay", .failures_before = 1, .failures_after = 50}}));
  EXPECT_FALSE(judge({{.name = "a/pay", .failures_after = 2}, {.name = "a/push", .failures_after = 2}}));
  EXPECT_EQ(judge({{.name = "a/pay", .failures_after = 0}, {.name = "a/push", .failures_after = 3}}),
            "the callback route a/push has 3 failures, before it had none");
}

}  // namespace
}  // namespace viaduct::daemon
