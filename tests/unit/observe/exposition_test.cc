// SPDX-License-Identifier: Apache-2.0
#include "observe/exposition.h"

#include <gtest/gtest.h>

namespace viaduct::observe {
namespace {

using namespace std::chrono_literals;

TEST(Exposition, WritesCountersAndGauges) {
  Exposition page;
  page.begin_counter("viaduct_things_total", "Things.");
  page.add({{"kind", "round"}}, 3);
  page.add({{"kind", "square"}}, 0);
  page.begin_gauge("viaduct_level", "The level.");
  page.add({}, -1.5);
  EXPECT_EQ(page.text(),
            "# HELP viaduct_things_total Things.\n"
            "# TYPE viaduct_things_total counter\n"
            "viaduct_things_total{kind=\"round\"} 3\n"
            "viaduct_things_total{kind=\"square\"} 0\n"
            "# HELP viaduct_level The level.\n"
            "# TYPE viaduct_level gauge\n"
            "viaduct_level -1.5\n");
}

TEST(Exposition, LeavesFamiliesWithoutRowsOut) {
  Exposition page;
  page.begin_counter("viaduct_nothing_total", "Nothing.");
  EXPECT_EQ(page.text(), "");
}

TEST(Exposition, EscapesValuesOfLabels) {
  Exposition page;
  page.begin_gauge("viaduct_level", "The level.");
  page.add({{"route", "a\"b\\c\nd"}}, 1);
  EXPECT_NE(page.text().find(R"({route="a\"b\\c\nd"} 1)"), std::string::npos) << page.text();
}

TEST(Exposition, WritesHistogramsThatAddUp) {
  RouteStats stats;
  stats.count(1, 200, 400us);
  stats.count(1, 200, 4ms);
  stats.count(1, 200, 90s);
  RouteTotals totals;
  stats.add_to(totals, 1);
  Exposition page;
  page.begin_histogram("viaduct_seconds", "Seconds.");
  page.add({{"route", "api"}}, totals);
  const std::string text = page.text();
  for (const char* line :
       {"viaduct_seconds_bucket{route=\"api\",le=\"0.0005\"} 1\n",
        "viaduct_seconds_bucket{route=\"api\",le=\"0.005\"} 2\n", "viaduct_seconds_bucket{route=\"api\",le=\"60\"} 2\n",
        "viaduct_seconds_bucket{route=\"api\",le=\"+Inf\"} 3\n", "viaduct_seconds_count{route=\"api\"} 3\n",
        "viaduct_seconds_sum{route=\"api\"} 90.0044"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

}  // namespace
}  // namespace viaduct::observe
