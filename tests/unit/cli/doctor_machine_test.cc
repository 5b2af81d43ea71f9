// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor_machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/process.h"
#include "os/socket.h"
#include "support/temporary_directory.h"

namespace viaduct::cli {
namespace {

using testing::HasSubstr;

class DoctorMachine : public testing::Test {
 protected:
  static base::SocketAddress loopback(std::uint16_t port) { return {*base::IpAddress::parse("127.0.0.1"), port}; }
  void listen_at(const base::SocketAddress& address) {
    config::Listener listener;
    listener.addresses = {address};
    config_.listeners = {listener};
  }
  // The one finding of a check.
  Finding only() {
    EXPECT_EQ(report_.findings().size(), 1U) << report_.text();
    return report_.findings().empty() ? Finding() : report_.findings().front();
  }
  Finding only_of(config::StaticAction action, std::string prefix = "/") {
    config::Route route;
    route.name = "pages";
    route.match.prefix = {std::move(prefix)};
    route.action = std::move(action);
    config::Site site;
    site.hosts = {"www.example.com"};
    site.routes = {route};
    config_.sites = {site};
    report_ = DoctorReport();
    check_static_files(config_, report_);
    return only();
  }

  support::TemporaryDirectory directory_;
  config::Config config_;
  DoctorReport report_;
};

TEST_F(DoctorMachine, FindsAFreePort) {
  listen_at(loopback(0));
  check_listeners(config_, report_);
  EXPECT_EQ(only().state, FindingState::kOk);
}

TEST_F(DoctorMachine, NamesWhoHoldsAPort) {
  const auto socket = os::listen_on(loopback(0), {});
  ASSERT_TRUE(socket.has_value());
  listen_at(os::local_address(socket->get()));
  check_listeners(config_, report_);
  const Finding finding = only();
  EXPECT_EQ(finding.state, FindingState::kFault);
  EXPECT_THAT(finding.message, HasSubstr("(pid " + std::to_string(::getpid()) + ")"));
}

TEST_F(DoctorMachine, TakesAPortOfARunningViaductForGood) {
  const auto socket = os::listen_on(loopback(0), {});
  ASSERT_TRUE(socket.has_value());
  os::name_thread("viaduct");
  listen_at(os::local_address(socket->get()));
  check_listeners(config_, report_);
  os::name_thread("unit_cli");
  const Finding finding = only();
  EXPECT_EQ(finding.state, FindingState::kOk);
  EXPECT_THAT(finding.message, HasSubstr("held by a running viaduct"));
}

TEST_F(DoctorMachine, LooksAtTheAddressForMonitorsToo) {
  const auto socket = os::listen_on(loopback(0), {});
  config_.admin.health = os::local_address(socket->get());
  check_listeners(config_, report_);
  EXPECT_EQ(only().state, FindingState::kFault);
}

TEST_F(DoctorMachine, WantsAnAddressOfThisMachine) {
  listen_at({*base::IpAddress::parse("192.0.2.1"), 0});
  check_listeners(config_, report_);
  EXPECT_EQ(only().message, "no interface of this machine has this address");
}

TEST_F(DoctorMachine, WantsADirectoryForAUnixSocketAndLeavesNothingThere) {
  listen_at(base::SocketAddress::unix_path(directory_ / "missing/x.sock"));
  check_listeners(config_, report_);
  EXPECT_EQ(only().state, FindingState::kFault);
  report_ = DoctorReport();
  listen_at(base::SocketAddress::unix_path(directory_ / "x.sock"));
  check_listeners(config_, report_);
  EXPECT_EQ(only().state, FindingState::kOk);
  EXPECT_EQ(::access((directory_ / "x.sock").c_str(), F_OK), -1);
}

TEST_F(DoctorMachine, ComparesTheLimitOfFilesWithTheConnections) {
  const std::uint64_t limit = *os::raise_descriptor_limit();
  if (limit > 2'000'000'000) GTEST_SKIP() << "no limit on this machine";
  config_.client.max_connections = 10;
  check_descriptors(config_, report_);
  EXPECT_EQ(report_.findings().back().state, FindingState::kOk);
  config_.client.max_connections = static_cast<std::uint32_t>(limit);
  check_descriptors(config_, report_);
  EXPECT_EQ(report_.findings().back().state, FindingState::kWarning) << "nothing is left for logs and listeners";
  config_.client.max_connections = static_cast<std::uint32_t>(limit) + 1;
  check_descriptors(config_, report_);
  EXPECT_EQ(report_.findings().back().state, FindingState::kFault);
  EXPECT_THAT(report_.findings().back().remedy, HasSubstr("LimitNOFILE="));
}

TEST_F(DoctorMachine, WantsToWriteLogsAndTheSocketsDirectory) {
  config_.access_log.file = directory_ / "access.log";
  config_.error_log.file = directory_ / "missing/error.log";
  config_.admin.socket = directory_ / "missing/admin.sock";
  check_written_files(config_, report_);
  ASSERT_EQ(report_.findings().size(), 3U);
  EXPECT_EQ(report_.findings()[0].state, FindingState::kOk);
  EXPECT_EQ(report_.findings()[1].state, FindingState::kFault);
  EXPECT_EQ(report_.findings()[2].state, FindingState::kFault);
}

TEST_F(DoctorMachine, DoesNotAskAboutStandardStreamsAndLogsThatAreOff) {
  config_.access_log.file = "";
  check_written_files(config_, report_);
  EXPECT_TRUE(report_.findings().empty());
}

TEST_F(DoctorMachine, JudgesLogsByTheRightsOfTheDaemonsUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can act as others";
  ::chmod(directory_.path().c_str(), 0755);
  config_.access_log.file = directory_ / "access.log";
  config_.process.user = "nobody";
  check_written_files(config_, report_);
  EXPECT_THAT(only().message, HasSubstr("cannot be written by nobody"));
  report_ = DoctorReport();
  config_.process.user = "no-such-user";
  check_written_files(config_, report_);
  EXPECT_EQ(only().check, "user");
}

TEST_F(DoctorMachine, WantsTheDaemonsUserToMakeARotatedLogAnew) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can act as others";
  ::chmod(directory_.path().c_str(), 0755);
  config_.process.user = "nobody";
  config_.access_log.file = directory_.write("access.log", "");
  const passwd* user = ::getpwnam("nobody");
  ASSERT_EQ(::chown(config_.access_log.file.c_str(), user->pw_uid, user->pw_gid), 0);
  check_written_files(config_, report_);
  EXPECT_EQ(only().state, FindingState::kWarning);
  EXPECT_THAT(only().message, HasSubstr("can be written, but " + directory_.path() + " cannot by nobody: "));
  EXPECT_THAT(only().remedy, HasSubstr("logrotate"));
  ASSERT_EQ(::chown(directory_.path().c_str(), user->pw_uid, user->pw_gid), 0);
  report_ = DoctorReport();
  check_written_files(config_, report_);
  EXPECT_EQ(only().state, FindingState::kOk);
  config_.access_log.file = "/dev/null";
  report_ = DoctorReport();
  check_written_files(config_, report_);
  EXPECT_EQ(only().state, FindingState::kOk);
}

TEST_F(DoctorMachine, LooksForTheDirectoryOfConfigsToGoBackTo) {
  config_.access_log.file = "";
  config_.process.state_dir = directory_ / "state/viaduct";
  const auto look = [this] {
    report_ = DoctorReport();
    check_written_files(config_, report_);
    return only();
  };
  EXPECT_THAT(look().message, HasSubstr("can be made in " + directory_.path()));
  EXPECT_EQ(look().state, FindingState::kOk);
  directory_.write("state/viaduct/configs/x", "");
  EXPECT_EQ(look().message, "can be written");
  directory_.write("file", "");
  config_.process.state_dir = directory_ / "file";
  const Finding file = look();
  EXPECT_EQ(file.state, FindingState::kFault);
  EXPECT_THAT(file.message, HasSubstr("Not a directory"));
  EXPECT_THAT(file.remedy, HasSubstr("process.state_dir"));
}

TEST_F(DoctorMachine, SaysWhoseTheDirectoryOfConfigsIs) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can act as others";
  ::chmod(directory_.path().c_str(), 0755);
  config_.access_log.file = "";
  config_.process.user = "nobody";
  config_.process.state_dir = directory_ / "state";
  directory_.write("state/configs/x", "");
  check_written_files(config_, report_);
  const Finding roots = only();
  EXPECT_EQ(roots.state, FindingState::kFault);
  EXPECT_THAT(roots.message, HasSubstr("configs cannot be written by nobody: Permission denied; it belongs to root"));
  EXPECT_THAT(roots.remedy, HasSubstr("chown -R nobody " + config_.process.state_dir));
  ASSERT_EQ(::chown((directory_ / "state/configs").c_str(), 1, 1), 0);
  ASSERT_EQ(::chmod((directory_ / "state/configs").c_str(), 0777), 0);
  report_ = DoctorReport();
  check_written_files(config_, report_);
  EXPECT_EQ(only().state, FindingState::kWarning);
}

TEST_F(DoctorMachine, ReadsStaticRoots) {
  directory_.write("www/index.html", "x");
  directory_.write("www/static/app.js", "x");
  const std::string root = directory_ / "www";
  config::StaticAction action;
  action.root = root;
  EXPECT_EQ(only_of(action).state, FindingState::kOk);
  EXPECT_EQ(only_of(action, "/static/").state, FindingState::kOk) << "no page of its own is wanted there";
  EXPECT_EQ(only_of(action, "/downloads/").state, FindingState::kWarning);
  action.strip_prefix = "/downloads";
  EXPECT_EQ(only_of(action, "/downloads/").state, FindingState::kOk);
  action.strip_prefix = "";
  action.index = {"home.html"};
  EXPECT_EQ(only_of(action).state, FindingState::kFault);
  action.index = {"home.html", "index.html"};
  EXPECT_EQ(only_of(action).state, FindingState::kOk);
  action.fallback = "/missing.html";
  EXPECT_EQ(only_of(action).state, FindingState::kFault);
  action.fallback = "/index.html";
  EXPECT_EQ(only_of(action, "/app/").state, FindingState::kOk);
  action.root = root + "/missing";
  EXPECT_EQ(only_of(action).state, FindingState::kFault);
  action.root = root + "/index.html";
  EXPECT_EQ(only_of(action).state, FindingState::kFault);
}

}  // namespace
}  // namespace viaduct::cli
