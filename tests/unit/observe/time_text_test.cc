// SPDX-License-Identifier: Apache-2.0
#include "observe/time_text.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>

namespace viaduct::observe {
namespace {

using namespace std::chrono_literals;

// Sets the time zone of the process while it lives.
class TimeZone {
 public:
  explicit TimeZone(const char* name) {
    const char* before = std::getenv("TZ");
    if (before != nullptr) before_ = before;
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  ~TimeZone() {
    before_.has_value() ? ::setenv("TZ", before_->c_str(), 1) : ::unsetenv("TZ");
    ::tzset();
  }
  TimeZone(const TimeZone&) = delete;
  TimeZone& operator=(const TimeZone&) = delete;

 private:
  std::optional<std::string> before_;
};

constexpr base::WallTime kInstant{1767323045s};  // 2026-01-02 03:04:05 UTC

TEST(TimeText, WritesBothFormsWithTheZonesOffset) {
  struct Row {
    const char* zone;
    std::string_view rfc3339;
    std::string_view combined;
  };
  const Row rows[] = {
      {"UTC0", "2026-01-02T03:04:05.000+00:00", "02/Jan/2026:03:04:05 +0000"},
      {"CST-8", "2026-01-02T11:04:05.000+08:00", "02/Jan/2026:11:04:05 +0800"},
      {"ABC4:30", "2026-01-01T22:34:05.000-04:30", "01/Jan/2026:22:34:05 -0430"},
  };
  for (const Row& row : rows) {
    const TimeZone zone(row.zone);
    TimeText time;
    EXPECT_EQ(time.rfc3339(kInstant), row.rfc3339);
    EXPECT_EQ(time.combined(kInstant), row.combined);
  }
}

TEST(TimeText, FollowsMillisecondsWithinASecond) {
  const TimeZone zone("UTC0");
  TimeText time;
  EXPECT_EQ(time.rfc3339(kInstant + 999ms), "2026-01-02T03:04:05.999+00:00");
  EXPECT_EQ(time.rfc3339(kInstant + 7ms + 999us), "2026-01-02T03:04:05.007+00:00");
  EXPECT_EQ(time.rfc3339(kInstant + 1s), "2026-01-02T03:04:06.000+00:00");
  EXPECT_EQ(time.rfc3339(kInstant - 1ns), "2026-01-02T03:04:04.999+00:00");  // a clock that was set back
  EXPECT_EQ(time.combined(kInstant), "02/Jan/2026:03:04:05 +0000");
}

TEST(TimeText, NamesEveryMonth) {
  const TimeZone zone("UTC0");
  TimeText time;
  const std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (unsigned month = 1; month <= 12; ++month) {
    const std::chrono::sys_days day = std::chrono::year(2024) / std::chrono::month(month) / std::chrono::day(29);
    EXPECT_EQ(time.combined(base::WallTime(day)), "29/" + std::string(months[month - 1]) + "/2024:00:00:00 +0000");
  }
}

}  // namespace
}  // namespace viaduct::observe
