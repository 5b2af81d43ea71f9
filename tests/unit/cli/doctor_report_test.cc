// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace viaduct::cli {
namespace {

DoctorReport sample() {
  DoctorReport report;
  report.ok("listener", "0.0.0.0:80", "free");
  report.warn("clock", "app http://10.0.0.6", "its clock is 7 s ahead of ours", "timedatectl");
  report.fail("descriptors", "", "too few", "ulimit -n");
  return report;
}

TEST(DoctorReport, ShowsALineForEachFindingAndCounts) {
  EXPECT_EQ(sample().text(),
            "ok       listener 0.0.0.0:80: free\n"
            "warning  clock app http://10.0.0.6: its clock is 7 s ahead of ours\n"
            "           to do: timedatectl\n"
            "failed   descriptors: too few\n"
            "           to do: ulimit -n\n"
            "3 checks: 1 ok, 1 warning, 1 failed\n");
}

TEST(DoctorReport, IsAnArrayAsJson) {
  const nlohmann::json json = sample().json();
  ASSERT_EQ(json.size(), 3U);
  const nlohmann::json wanted = {{"check", "clock"},
                                 {"subject", "app http://10.0.0.6"},
                                 {"state", "warning"},
                                 {"message", "its clock is 7 s ahead of ours"},
                                 {"remedy", "timedatectl"}};
  EXPECT_EQ(json[1], wanted);
  EXPECT_EQ(json[0]["remedy"], "");
  EXPECT_EQ(DoctorReport().json(), nlohmann::json::array());
}

TEST(DoctorReport, SplitsTheRemedyOffTheMessageOfAProblem) {
  DoctorReport report;
  report.add_split(FindingState::kFault, "config", "f", "listed twice; first there; list it once");
  report.add_split(FindingState::kWarning, "config", "f", "no remedy");
  EXPECT_EQ(report.findings()[0].message, "listed twice; first there");
  EXPECT_EQ(report.findings()[0].remedy, "list it once");
  EXPECT_EQ(report.findings()[0].state, FindingState::kFault);
  EXPECT_EQ(report.findings()[1].message, "no remedy");
  EXPECT_EQ(report.findings()[1].remedy, "");
  EXPECT_EQ(report.count(FindingState::kFault), 1U);
  EXPECT_EQ(report.count(FindingState::kOk), 0U);
}

}  // namespace
}  // namespace viaduct::cli
