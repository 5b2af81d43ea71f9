// SPDX-License-Identifier: Apache-2.0
#include "http/conditional.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/field_list.h"

namespace viaduct::http {
namespace {

using support::FieldList;

constexpr std::int64_t kNow = 1767323045;  // Fri, 02 Jan 2026 03:04:05 GMT
constexpr std::int64_t kModified = 784111777;
constexpr std::string_view kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr std::string_view kSame = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view kAfter = "Sun, 06 Nov 1994 08:49:38 GMT";
constexpr Validators kStrong{.etag = "\"a,b\"", .last_modified = kModified};
constexpr Validators kWeak{.etag = "W/\"w\"", .last_modified = kModified};

using enum Precondition;

struct Row {
  std::vector<FieldList::Line> lines;
  Precondition for_get;
  Precondition for_post;
};

void check(const Validators& validators, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    FieldList fields;
    for (const FieldList::Line& line : row.lines) fields->add(line.name, line.value);
    EXPECT_EQ(evaluate_preconditions(*fields, Method::kGet, validators, kNow), row.for_get) << fields.text();
    EXPECT_EQ(evaluate_preconditions(*fields, Method::kHead, validators, kNow), row.for_get) << fields.text();
    EXPECT_EQ(evaluate_preconditions(*fields, Method::kPost, validators, kNow), row.for_post) << fields.text();
  }
}

TEST(Conditional, ProceedsWithoutConditions) {
  check(kStrong, {{{}, kProceed, kProceed}, {{{"Range", "bytes=0-1"}}, kProceed, kProceed}});
}

TEST(Conditional, WeighsIfNoneMatchWeakly) {
  check(kStrong, {
                     {{{"If-None-Match", "\"a,b\""}}, kNotModified, kFailed},
                     {{{"If-None-Match", "W/\"a,b\""}}, kNotModified, kFailed},
                     {{{"If-None-Match", "*"}}, kNotModified, kFailed},
                     {{{"If-None-Match", "\"x\", \"a,b\""}}, kNotModified, kFailed},
                     {{{"If-None-Match", "\"x\",W/\"a,b\",\"y\""}}, kNotModified, kFailed},
                     {{{"If-None-Match", " , ,\"a,b\" ,"}}, kNotModified, kFailed},
                     {{{"If-None-Match", "\"x\""}, {"If-None-Match", "\"a,b\""}}, kNotModified, kFailed},
                     {{{"If-None-Match", "\"x\""}}, kProceed, kProceed},
                     {{{"If-None-Match", "\"a\", b\""}}, kProceed, kProceed},
                     {{{"If-None-Match", "\"A,B\""}}, kProceed, kProceed},
                     {{{"If-None-Match", "a,b"}}, kProceed, kProceed},
                     {{{"If-None-Match", "w/\"a,b\""}}, kProceed, kProceed},
                     {{{"If-None-Match", "\"a,b"}}, kProceed, kProceed},
                     {{{"If-None-Match", "\"a,b\"x"}}, kProceed, kProceed},
                     {{{"If-None-Match", "x, \"a,b\""}}, kProceed, kProceed},
                     {{{"If-None-Match", "\"\""}}, kProceed, kProceed},
                     {{{"If-None-Match", ""}}, kProceed, kProceed},
                     {{{"If-None-Match", "**"}}, kProceed, kProceed},
                 });
  check(kWeak, {{{{"If-None-Match", "\"w\""}}, kNotModified, kFailed},
                {{{"If-None-Match", "W/\"w\""}}, kNotModified, kFailed}});
}

TEST(Conditional, WeighsIfMatchStrongly) {
  check(kStrong, {
                     {{{"If-Match", "\"a,b\""}}, kProceed, kProceed},
                     {{{"If-Match", "\"x\" , \"a,b\""}}, kProceed, kProceed},
                     {{{"If-Match", "*"}}, kProceed, kProceed},
                     {{{"If-Match", "W/\"a,b\""}}, kFailed, kFailed},
                     {{{"If-Match", "\"x\""}}, kFailed, kFailed},
                     {{{"If-Match", "garbage"}}, kFailed, kFailed},
                     {{{"If-Match", ""}}, kFailed, kFailed},
                 });
  check(kWeak, {{{{"If-Match", "W/\"w\""}}, kFailed, kFailed},
                {{{"If-Match", "\"w\""}}, kFailed, kFailed},
                {{{"If-Match", "*"}}, kProceed, kProceed}});
}

TEST(Conditional, ComparesDates) {
  check(kStrong, {
                     {{{"If-Modified-Since", kBefore}}, kProceed, kProceed},
                     {{{"If-Modified-Since", kSame}}, kNotModified, kProceed},
                     {{{"If-Modified-Since", kAfter}}, kNotModified, kProceed},
                     {{{"If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT"}}, kNotModified, kProceed},
                     {{{"If-Modified-Since", "Sun Nov  6 08:49:37 1994"}}, kNotModified, kProceed},
                     {{{"If-Modified-Since", "yesterday"}}, kProceed, kProceed},
                     {{{"If-Modified-Since", kSame}, {"If-Modified-Since", kSame}}, kProceed, kProceed},
                     {{{"If-Unmodified-Since", kBefore}}, kFailed, kFailed},
                     {{{"If-Unmodified-Since", kSame}}, kProceed, kProceed},
                     {{{"If-Unmodified-Since", kAfter}}, kProceed, kProceed},
                     {{{"If-Unmodified-Since", "yesterday"}}, kProceed, kProceed},
                     {{{"If-Unmodified-Since", kBefore}, {"If-Unmodified-Since", kBefore}}, kProceed, kProceed},
                 });
}

TEST(Conditional, FollowsTheOrderOfTheRfc) {
  check(kStrong, {
                     // If-Match hides If-Unmodified-Since, If-None-Match hides If-Modified-Since.
                     {{{"If-Match", "\"a,b\""}, {"If-Unmodified-Since", kBefore}}, kProceed, kProceed},
                     {{{"If-None-Match", "\"x\""}, {"If-Modified-Since", kAfter}}, kProceed, kProceed},
                     {{{"If-None-Match", "\"a,b\""}, {"If-Modified-Since", kBefore}}, kNotModified, kFailed},
                     // 412 comes before 304.
                     {{{"If-None-Match", "\"a,b\""}, {"If-Match", "\"x\""}}, kFailed, kFailed},
                     {{{"If-Modified-Since", kAfter}, {"If-Unmodified-Since", kBefore}}, kFailed, kFailed},
                     {{{"If-Match", "\"a,b\""}, {"If-None-Match", "\"a,b\""}}, kNotModified, kFailed},
                     {{{"If-Match", "\"a,b\""}, {"If-Modified-Since", kSame}}, kNotModified, kProceed},
                 });
}

TEST(Conditional, MatchesNothingWithoutValidators) {
  check({}, {
                {{{"If-None-Match", "\"\""}}, kProceed, kProceed},
                {{{"If-None-Match", "*"}}, kNotModified, kFailed},
                {{{"If-Match", "\"\""}}, kFailed, kFailed},
                {{{"If-Match", "*"}}, kProceed, kProceed},
                {{{"If-Modified-Since", kAfter}}, kProceed, kProceed},
                {{{"If-Unmodified-Since", kBefore}}, kProceed, kProceed},
            });
}

TEST(Conditional, TakesEightBitAndBackslashesInTags) {
  check({.etag = "\"\xe6\x94\xaf\\\"", .last_modified = {}},
        {{{{"If-None-Match", "\"\xe6\x94\xaf\\\""}}, kNotModified, kFailed},
         {{{"If-None-Match", "\"\\\",\"\xe6\x94\xaf\\\""}}, kNotModified, kFailed}});
  const std::string huge = "\"" + std::string(100000, ',') + "\"";
  check({.etag = huge, .last_modified = {}}, {{{{"If-None-Match", huge}}, kNotModified, kFailed}});
}

TEST(Conditional, AllowsRangesOfWhatTheClientHas) {
  struct RangeRow {
    std::vector<FieldList::Line> lines;
    Validators validators;
    bool allowed;
  };
  const std::vector<RangeRow> rows = {
      {{}, kStrong, true},
      {{}, {}, true},
      {{{"If-Range", "\"a,b\""}}, kStrong, true},
      {{{"If-Range", "\"x\""}}, kStrong, false},
      {{{"If-Range", "W/\"a,b\""}}, kStrong, false},
      {{{"If-Range", "W/\"w\""}}, kWeak, false},
      {{{"If-Range", "\"w\""}}, kWeak, false},
      {{{"If-Range", "\"x\", \"a,b\""}}, kStrong, false},
      {{{"If-Range", "*"}}, kStrong, false},
      {{{"If-Range", ""}}, kStrong, false},
      {{{"If-Range", "\"\""}}, {}, false},
      {{{"If-Range", kSame}}, kStrong, true},
      {{{"If-Range", kBefore}}, kStrong, false},
      {{{"If-Range", kAfter}}, kStrong, false},
      {{{"If-Range", kSame}}, {}, false},
      {{{"If-Range", "garbage"}}, {}, false},
      {{{"If-Range", "\"a,b\""}, {"If-Range", "\"a,b\""}}, kStrong, false},
      // changed within this second: another change could hide behind the same date
      {{{"If-Range", "Fri, 02 Jan 2026 03:04:05 GMT"}}, {.etag = {}, .last_modified = kNow}, false},
      {{{"If-Range", "Fri, 02 Jan 2026 03:04:04 GMT"}}, {.etag = {}, .last_modified = kNow - 1}, true},
  };
  for (const RangeRow& row : rows) {
    FieldList fields;
    for (const FieldList::Line& line : row.lines) fields->add(line.name, line.value);
    EXPECT_EQ(allows_range(*fields, row.validators, kNow), row.allowed) << fields.text();
  }
}

}  // namespace
}  // namespace viaduct::http
