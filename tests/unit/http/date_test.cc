// SPDX-License-Identifier: Apache-2.0
#include "http/date.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace viaduct::http {
namespace {

constexpr std::int64_t kNow = 1767323045;     // 2026-01-02 03:04:05
constexpr std::int64_t kExample = 784111777;  // the date that RFC 9110 shows

struct Row {
  std::int64_t seconds;
  std::string_view text;
};
constexpr Row kDates[] = {
    {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
    {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
    {kExample, "Sun, 06 Nov 1994 08:49:37 GMT"},
    {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
    {4107542399, "Sun, 28 Feb 2100 23:59:59 GMT"},
    {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
    {2147483648, "Tue, 19 Jan 2038 03:14:08 GMT"},
    {kNow, "Fri, 02 Jan 2026 03:04:05 GMT"},
    {-62167219200, "Sat, 01 Jan 0000 00:00:00 GMT"},
    {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
};

TEST(Date, WritesAndReadsTheFixedForm) {
  for (const Row& row : kDates) {
    char out[kDateLength];
    EXPECT_EQ(write_date(row.seconds, out), row.text);
    EXPECT_EQ(parse_date(row.text, kNow), row.seconds) << row.text;
  }
}

TEST(Date, RoundsDownToTheSecond) {
  char out[kDateLength];
  EXPECT_EQ(write_date(base::WallTime(std::chrono::milliseconds(999)), out), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(write_date(base::WallTime(std::chrono::milliseconds(-1)), out), "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST(Date, WritesTheNearestThatTheFormCanShow) {
  char out[kDateLength];
  EXPECT_EQ(write_date(std::numeric_limits<std::int64_t>::min(), out), "Sat, 01 Jan 0000 00:00:00 GMT");
  EXPECT_EQ(write_date(std::numeric_limits<std::int64_t>::max(), out), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(Date, ReadsTheTwoOldForms) {
  const Row rows[] = {
      {kExample, "Sunday, 06-Nov-94 08:49:37 GMT"},
      {kExample, "Sun Nov  6 08:49:37 1994"},
      {kExample + 10 * 86400, "Wed Nov 16 08:49:37 1994"},
      {kExample + 10 * 86400, "Wednesday, 16-Nov-94 08:49:37 GMT"},
      {kExample, "Sun Nov 06 08:49:37 1994"},
  };
  for (const Row& row : rows) EXPECT_EQ(parse_date(row.text, kNow), row.seconds) << row.text;
}

TEST(Date, PutsTwoDigitYearsAtMostFiftyYearsAhead) {
  struct Century {
    std::string_view text;
    std::string_view same;
  };
  constexpr Century kRows[] = {
      {"Friday, 02-Jan-26 03:04:05 GMT", "Fri, 02 Jan 2026 03:04:05 GMT"},
      {"Friday, 31-Dec-75 23:59:59 GMT", "Tue, 31 Dec 2075 23:59:59 GMT"},
      {"Thursday, 02-Jan-76 03:04:05 GMT", "Thu, 02 Jan 2076 03:04:05 GMT"},
      {"Thursday, 04-Jan-76 03:04:05 GMT", "Sun, 04 Jan 1976 03:04:05 GMT"},
      {"Friday, 01-Jan-77 00:00:00 GMT", "Sat, 01 Jan 1977 00:00:00 GMT"},
      {"Friday, 31-Dec-99 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:59 GMT"},
      {"Friday, 01-Jan-00 00:00:00 GMT", "Sat, 01 Jan 2000 00:00:00 GMT"},
      {"Friday, 29-Feb-28 00:00:00 GMT", "Tue, 29 Feb 2028 00:00:00 GMT"},
  };
  for (const Century& row : kRows) {
    EXPECT_EQ(parse_date(row.text, kNow), parse_date(row.same, kNow)) << row.text;
    EXPECT_TRUE(parse_date(row.text, kNow)) << row.text;
  }
}

TEST(Date, TakesALeapSecondForTheNextOne) {
  EXPECT_EQ(parse_date("Sat, 31 Dec 2016 23:59:60 GMT", kNow), parse_date("Sun, 01 Jan 2017 00:00:00 GMT", kNow));
}

TEST(Date, RefusesWhatIsNoDate) {
  for (const std::string_view text : {
           "",
           "S",
           "Sun",
           "Sun,",
           "Sunday",
           "0",
           "784111777",
           "1994-11-06T08:49:37Z",
           "sun, 06 Nov 1994 08:49:37 GMT",
           "Sun, 06 nov 1994 08:49:37 GMT",
           "Sun, 6 Nov 1994 08:49:37 GMT",
           "Sun, 06 Nov 94 08:49:37 GMT",
           "Sun, 06 Nov 1994 08:49:37 UTC",
           "Sun, 06 Nov 1994 08:49:37 gmt",
           "Sun, 06 Nov 1994 08:49:37",
           "Sun, 06 Nov 1994 08:49:37 GMT ",
           " Sun, 06 Nov 1994 08:49:37 GMT",
           "Sun,06 Nov 1994 08:49:37 GMT",
           "Sun, 06  Nov 1994 08:49:37 GMT",
           "Sun, 06 Nov 1994 8:49:37 GMT",
           "Sun, 06 Nov 1994 24:00:00 GMT",
           "Sun, 06 Nov 1994 23:60:00 GMT",
           "Sun, 06 Nov 1994 23:59:61 GMT",
           "Sun, 00 Nov 1994 08:49:37 GMT",
           "Sun, 31 Nov 1994 08:49:37 GMT",
           "Wed, 29 Feb 2023 00:00:00 GMT",
           "Sun, 06 Nov -994 08:49:37 GMT",
           "Sun, 06 Nov 19940 08:49:37 GMT",
           "Sun, 06 Now 1994 08:49:37 GMT",
           "Xun, 06 Nov 1994 08:49:37 GMT",
           "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
           "Sunday, 06 Nov 1994 08:49:37 GMT",
           "Sunday, 6-Nov-94 08:49:37 GMT",
           "Sunday, 06-Nov-1994 08:49:37 GMT",
           "Sunday, 29-Feb-23 08:49:37 GMT",
           "Sundays, 06-Nov-94 08:49:37 GMT",
           "Sun, 06-Nov-94 08:49:37 GMT",
           "Sun Nov 6 08:49:37 1994",
           "Sun Nov   6 08:49:37 1994",
           "Sun Nov  6 08:49:37 1994 GMT",
           "Sun Nov  6 08:49:37 94",
           "Sun Nov  0 08:49:37 1994",
           "\xe6\x97\xa5, 06 Nov 1994 08:49:37 GMT",
       }) {
    EXPECT_EQ(parse_date(text, kNow), std::nullopt) << text;
  }
}

TEST(Date, RefusesEveryCutOfADate) {
  for (const std::string_view text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    for (std::size_t length = 0; length < text.size(); ++length) {
      EXPECT_EQ(parse_date(text.substr(0, length), kNow), std::nullopt) << text.substr(0, length);
    }
  }
}

}  // namespace
}  // namespace viaduct::http
