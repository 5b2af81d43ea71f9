// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor_sites.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "support/cert_sites.h"
#include "support/command_line.h"
#include "support/tls_ends.h"

namespace viaduct::cli {
namespace {

using std::chrono::hours;
using testing::HasSubstr;

class DoctorSites : public testing::Test {
 protected:
  DoctorReport report_of(std::string_view config) {
    DoctorReport report;
    const std::string file = directory_.write("viaduct.yaml", config);
    check_config(file, examine_config(file, ticket_keys_, base::SystemClock().wall_now()), report);
    return report;
  }
  // The findings on a site with `pair` and these hosts, after a while.
  DoctorReport certificates(std::vector<std::string> hosts, const tls::PemPair& pair, base::Duration later = {}) {
    support::CertSites sites;
    sites.add(std::move(hosts), {pair});
    config::Config config;
    config.listeners.emplace_back().tls = true;
    config.sites = sites.sites();
    DoctorReport report;
    check_certificates(config, ticket_keys_, base::SystemClock().wall_now() + later, report);
    return report;
  }

  support::TemporaryDirectory directory_;
  tls::TicketKeys ticket_keys_;
};

TEST_F(DoctorSites, CountsWhatAGoodConfigHas) {
  const DoctorReport report = report_of(support::plain_config());
  ASSERT_EQ(report.findings().size(), 1U) << report.text();
  EXPECT_EQ(report.findings()[0].state, FindingState::kOk);
  EXPECT_THAT(report.findings()[0].message, HasSubstr("1 listeners, 1 upstreams, 1 sites, 4 routes"));
}

TEST_F(DoctorSites, TellsEachProblemWithItsPlaceAndRemedy) {
  const DoctorReport report = report_of(std::string(support::plain_config()) + "nonsense: 1\nwhitelist: []\n");
  EXPECT_EQ(report.count(FindingState::kFault), 2U) << report.text();
  EXPECT_THAT(report.findings()[0].subject, HasSubstr("viaduct.yaml:"));
  EXPECT_THAT(report.findings()[0].subject, HasSubstr("nonsense"));
}

TEST_F(DoctorSites, LooksOnThoughFilesAreMissing) {
  std::string config(support::plain_config());
  config.replace(config.find("127.0.0.1:0\""), 12, "127.0.0.1:0\", tls: true");
  config.replace(config.find("    deny:"), 0, "    tls: { cert: missing.pem, key: missing.pem }\n");
  const DoctorReport report = report_of(config);
  ASSERT_EQ(report.findings().size(), 1U) << report.text();
  EXPECT_EQ(report.findings()[0].state, FindingState::kFault);
  EXPECT_THAT(report.findings()[0].message, HasSubstr("because of files that it names"));
}

TEST_F(DoctorSites, LooksOnThoughThePasswordsAreMissingOrBroken) {
  const std::string users = directory_.write("users", "anna\n");
  const std::string config(support::plain_config());
  for (const auto& [file, message, remedy] :
       {std::tuple(users, "users: line 1: no user before a colon", "write user:hash"),
        std::tuple(directory_ / "gone", "gone: No such file or directory", "check the path")}) {
    const std::string with_users = config + "defaults: { basic_auth: { realm: Door, file: '" + file + "' } }\n";
    const std::string path = directory_.write("viaduct.yaml", with_users);
    const ExaminedConfig examined = examine_config(path, ticket_keys_, base::SystemClock().wall_now());
    EXPECT_NE(examined.loaded.config, nullptr);
    DoctorReport report;
    check_config(path, examined, report);
    ASSERT_EQ(report.findings().size(), 1U) << report.text();
    EXPECT_EQ(report.findings()[0].state, FindingState::kFault);
    EXPECT_THAT(report.findings()[0].subject, HasSubstr("defaults.basic_auth.file"));
    EXPECT_THAT(report.findings()[0].message, HasSubstr(message));
    EXPECT_EQ(report.findings()[0].remedy, remedy);
  }
}

TEST_F(DoctorSites, NamesAFileThatIsMissing) {
  DoctorReport report;
  const std::string file = directory_ / "missing.yaml";
  check_config(file, examine_config(file, ticket_keys_, base::SystemClock().wall_now()), report);
  EXPECT_EQ(report.count(FindingState::kFault), 1U);
  EXPECT_THAT(report.text(), HasSubstr("missing.yaml"));
}

TEST_F(DoctorSites, SaysHowLongACertificateLasts) {
  const DoctorReport report = certificates({"a.test"}, support::make_pair_valid({"a.test"}, hours(-1), hours(24 * 90)));
  ASSERT_EQ(report.findings().size(), 1U) << report.text();
  EXPECT_EQ(report.findings()[0].state, FindingState::kOk);
  EXPECT_EQ(report.findings()[0].subject, "a.test");
  EXPECT_THAT(report.findings()[0].message, HasSubstr("covers a.test, 89 days left"));
}

TEST_F(DoctorSites, FailsWhatClientsRefuse) {
  const tls::PemPair pair = support::make_pair_valid({"a.test"}, hours(-1), hours(24 * 90));
  EXPECT_EQ(certificates({"a.test"}, pair, hours(24 * 91)).count(FindingState::kFault), 1U) << "expired";
  EXPECT_EQ(certificates({"a.test"}, pair, hours(-24)).count(FindingState::kFault), 1U) << "not yet valid";
  EXPECT_EQ(certificates({"a.test", "b.test"}, pair).count(FindingState::kFault), 1U) << "b.test is not covered";
  tls::PemPair torn = pair;
  torn.key = support::make_pair_for({"a.test"}).key;
  EXPECT_EQ(certificates({"a.test"}, torn).count(FindingState::kFault), 1U) << "halves of two pairs";
}

TEST_F(DoctorSites, WarnsOfWhatEndsSoon) {
  const tls::PemPair pair = support::make_pair_valid({"a.test"}, hours(-1), hours(24 * 90));
  const DoctorReport report = certificates({"a.test"}, pair, hours(24 * 80));
  EXPECT_EQ(report.count(FindingState::kWarning), 1U);
  EXPECT_EQ(report.count(FindingState::kFault), 0U);
}

TEST_F(DoctorSites, AsksForNoCertificateWithoutTls) {
  DoctorReport report;
  check_certificates({}, ticket_keys_, base::SystemClock().wall_now(), report);
  EXPECT_TRUE(report.findings().empty());
}

}  // namespace
}  // namespace viaduct::cli
