// SPDX-License-Identifier: Apache-2.0
// Dates, verified certificates and deadlines are in tests/e2e/test_doctor.py.
#include "cli/doctor_servers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/format.h"
#include "cli/sample_upstream.h"
#include "support/config_load.h"
#include "support/scripted_server.h"

namespace viaduct::cli {
namespace {

using testing::HasSubstr;

class DoctorServersTest : public testing::Test {
 protected:
  DoctorServersTest() : app_(std::move(*SampleUpstream::start("app", clock_))) {}

  std::string app_url() const { return "http://" + app_->address().to_string(); }
  // What is found where `upstream` is the upstream app and `routes` those of www.example.com.
  DoctorReport report_of(const std::string& upstream, const std::string& routes = "{ match: { prefix: / } }") {
    const std::string text = base::format(
        "listeners: [{{ address: \":8080\" }}]\n"
        "upstreams: {{ app: {} }}\n"
        "sites:\n"
        "  - hosts: [www.example.com]\n"
        "    upstream: app\n"
        "    routes: [{}]\n",
        upstream, routes);
    const auto config = support::config_of(text);
    DoctorReport report;
    DoctorServers(*config, clock_).check(report);
    return report;
  }
  static std::string line_of(const DoctorReport& report, std::string_view check) {
    for (const Finding& finding : report.findings()) {
      if (finding.check == check) return finding.subject + ": " + finding.message;
    }
    return "no " + std::string(check) + " in\n" + report.text();
  }

  base::SystemClock clock_;
  std::unique_ptr<SampleUpstream> app_;
};

TEST_F(DoctorServersTest, ConnectsToServersWithoutAHealthPath) {
  const DoctorReport report = report_of(base::format("{{ servers: [\"{}\"] }}", app_url()));
  EXPECT_EQ(report.count(FindingState::kFault), 0U) << report.text();
  EXPECT_EQ(line_of(report, "server"), base::format("app {}: connected", app_url()));
}

TEST_F(DoctorServersTest, AsksForTheHealthPath) {
  const DoctorReport good = report_of(base::format("{{ servers: [\"{}\"], health: {{ path: /ok }} }}", app_url()));
  EXPECT_EQ(line_of(good, "server"), base::format("app {}: GET /ok: status 200", app_url()));
  const DoctorReport bad =
      report_of(base::format("{{ servers: [\"{}\"], health: {{ path: /api/v1/missing }} }}", app_url()));
  EXPECT_EQ(bad.count(FindingState::kFault), 1U);
  EXPECT_THAT(line_of(bad, "server"), HasSubstr("GET /api/v1/missing: status 404, expected 200-399"));
}

TEST_F(DoctorServersTest, NamesEachServerThatIsNotReached) {
  const support::RefusingPort refusing;
  const std::string url = base::format("http://127.0.0.1:{}", refusing.port());
  const DoctorReport report = report_of(base::format("{{ servers: [\"{}\", \"{}\"] }}", url, app_url()));
  EXPECT_EQ(report.count(FindingState::kFault), 1U) << report.text();
  EXPECT_THAT(line_of(report, "server"), HasSubstr("app " + url));
  EXPECT_THAT(report.text(), HasSubstr("to do: start the service there"));
}

TEST_F(DoctorServersTest, ResolvesEachNameOnce) {
  const DoctorReport report =
      report_of(base::format("{{ servers: [\"http://localhost:{0}\", \"{1}\"] }}", app_->address().port(), app_url()));
  EXPECT_THAT(line_of(report, "name"), HasSubstr("localhost: means "));
  EXPECT_THAT(line_of(report, "name"), HasSubstr("127.0.0.1"));
}

TEST_F(DoctorServersTest, AsksUpstreamsOfCallbacksByOptions) {
  const std::string routes =
      "{ name: v3, match: { exact: /api/v1/payment/notify }, callback: wechat_pay_v3 },"
      "{ name: gone, match: { exact: /api/v1/missing }, callback: generic }";
  const DoctorReport report = report_of(base::format("{{ servers: [\"{}\"] }}", app_url()), routes);
  EXPECT_EQ(line_of(report, "callback"), "www.example.com v3: OPTIONS /api/v1/payment/notify at app: answers 200");
  EXPECT_EQ(report.count(FindingState::kWarning), 1U) << report.text();
  EXPECT_THAT(report.text(), HasSubstr("answers 404, nothing is there"));
}

TEST_F(DoctorServersTest, FailsACallbackThatNoServerAnswers) {
  const support::RefusingPort refusing;
  const std::string route = "{ name: v3, match: { exact: /notify }, callback: wechat_pay_v3 }";
  const std::string dead = base::format("http://127.0.0.1:{}", refusing.port());
  const DoctorReport none = report_of(base::format("{{ servers: [\"{}\"] }}", dead), route);
  EXPECT_EQ(none.count(FindingState::kFault), 2U) << none.text();
  const DoctorReport one = report_of(base::format("{{ servers: [\"{}\", \"{}\"] }}", dead, app_url()), route);
  EXPECT_EQ(one.count(FindingState::kFault), 1U) << one.text();
}

TEST_F(DoctorServersTest, HasNothingToAskWithoutUpstreams) {
  const config::Config config;
  DoctorReport report;
  DoctorServers(config, clock_).check(report);
  EXPECT_TRUE(report.findings().empty());
}

}  // namespace
}  // namespace viaduct::cli
