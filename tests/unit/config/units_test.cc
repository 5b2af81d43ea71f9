// SPDX-License-Identifier: Apache-2.0
#include "config/units.h"

#include <gtest/gtest.h>

namespace viaduct::config {
namespace {

using namespace std::chrono_literals;

TEST(ParseDuration, TakesTheUnitsOfNginx) {
  const struct {
    const char* text;
    base::Duration duration;
  } rows[] = {
      {"500ms", 500ms},   {"30s", 30s},          {"5m", 5min},
      {"1h", 1h},         {"30d", 720h},         {"0s", 0s},
      {"1m30s", 90s},     {"1h 30m", 90min},     {"1d2h3m4s5ms", 26h + 3min + 4s + 5ms},
      {"4500ms", 4500ms}, {"3650d", 24h * 3650},
  };
  for (const auto& row : rows) {
    const auto parsed = parse_duration(row.text);
    ASSERT_TRUE(parsed.has_value()) << row.text;
    EXPECT_EQ(*parsed, row.duration) << row.text;
  }
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const char* text : {"", "s", "1.5s", "-1s", "30 s", "s30", "1s1s", "1s1m", "30sec", "5min", "1M", "1s ", " 1s",
                           "3651d", "99999999999999999999s", "9999999999999d", "1h30"}) {
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
  }
  EXPECT_EQ(parse_duration("30").error(), "\"30\" has no unit; write 30s for seconds (units: ms, s, m, h, d)");
}

TEST(FormatDuration, UsesTheLargestUnitThatLosesNothing) {
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(120s), "2m");
  EXPECT_EQ(format_duration(4500ms), "4500ms");
  EXPECT_EQ(format_duration(24h), "1d");
  EXPECT_EQ(format_duration(25h), "25h");
}

TEST(ParseSize, TakesBytesAndPowersOf1024) {
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("500"), 500U);
  EXPECT_EQ(parse_size("64k"), 65536U);
  EXPECT_EQ(parse_size("10M"), 10485760U);
  EXPECT_EQ(parse_size("1g"), 1073741824U);
  for (const char* text : {"", "k", "1kb", "1.5m", "-1", "1 k", "1t", "99999999999g", "18446744073709551616"}) {
    EXPECT_FALSE(parse_size(text).has_value()) << text;
  }
  EXPECT_EQ(parse_size("20MiB").error(), "\"20MiB\" is no size; write 20m (units: k, m, g)");
}

TEST(FormatSize, UsesTheLargestUnitThatLosesNothing) {
  EXPECT_EQ(format_size(0), "0");
  EXPECT_EQ(format_size(1023), "1023");
  EXPECT_EQ(format_size(1024), "1k");
  EXPECT_EQ(format_size(1536), "1536");
  EXPECT_EQ(format_size(20 * 1024 * 1024), "20m");
  EXPECT_EQ(format_size(1024UL * 1024 * 1024), "1g");
}

TEST(ParseNumber, TakesDigitsAlone) {
  EXPECT_EQ(parse_number("0"), 0U);
  EXPECT_EQ(parse_number("20000"), 20000U);
  for (const char* text : {"", "-1", "+1", "1.0", "1e3", "0x10", "007", " 1", "99999999999999999999"}) {
    EXPECT_FALSE(parse_number(text).has_value()) << text;
  }
}

TEST(ParseRate, TakesEventsInATime) {
  for (const char* text : {"50/s", "10/m", "5/h", "1/d"}) {
    const auto rate = parse_rate(text);
    ASSERT_TRUE(rate.has_value()) << text;
    EXPECT_EQ(format_rate(*rate), text);
  }
  EXPECT_EQ(parse_rate("10/m")->per, 60s);
  for (const char* text :
       {"", "50", "/s", "0/s", "50/", "50/ms", "50/sec", "50r/s", "1.5/s", "99999999999/s", "50/s/s"}) {
    EXPECT_FALSE(parse_rate(text).has_value()) << text;
  }
}

TEST(ParsePercent, WantsTheSign) {
  EXPECT_EQ(parse_percent("0%"), 0U);
  EXPECT_EQ(parse_percent("100%"), 100U);
  for (const char* text : {"", "%", "10", "101%", "-1%", "1.5%"}) EXPECT_FALSE(parse_percent(text).has_value()) << text;
}

TEST(ParseStatusRange, TakesOneOrTwoStatuses) {
  const auto range = parse_status_range("200-399");
  ASSERT_TRUE(range.has_value());
  EXPECT_EQ(range->from, 200);
  EXPECT_EQ(range->to, 399);
  EXPECT_EQ(format_status_range(*range), "200-399");
  EXPECT_EQ(format_status_range(*parse_status_range("502")), "502");
  for (const char* text : {"", "20", "0200", "200-", "-200", "399-200", "99-200", "200-600", "2xx", "200-300-400"}) {
    EXPECT_FALSE(parse_status_range(text).has_value()) << text;
  }
}

TEST(ParseSize, SaysHowLargeASizeMayBe) {
  EXPECT_EQ(parse_size("99999999999g").error(), "\"99999999999g\" is too large; write at most 8589934591g");
  EXPECT_EQ(parse_size("8589934591g"), 8589934591ULL << 30U);
  EXPECT_EQ(parse_duration("99999d").error(), "\"99999d\" is too long; write at most 3650d");
}

}  // namespace
}  // namespace viaduct::config
