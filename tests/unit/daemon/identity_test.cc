// SPDX-License-Identifier: Apache-2.0
#include "daemon/identity.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "base/log.h"
#include "support/temporary_directory.h"

namespace viaduct::daemon {
namespace {

// What `work` returns in a process of its own, which it may ruin.
int in_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Identity, StaysWhereNobodyElseIsNamed) {
  config::Config config;
  EXPECT_TRUE(become_user(config).has_value());
  const passwd* self = ::getpwuid(::getuid());
  if (self == nullptr) GTEST_SKIP() << "this user has no name";
  config.process.user = self->pw_name;
  EXPECT_TRUE(become_user(config).has_value());
}

TEST(Identity, NamesAUserThatDoesNotExist) {
  config::Config config;
  config.process.user = "no-such-user-here";
  const auto became = become_user(config);
  ASSERT_FALSE(became.has_value());
  EXPECT_NE(became.error().message.find("no-such-user-here"), std::string::npos);
}

TEST(Identity, IsGivenWhatItOpensAnew) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  const support::TemporaryDirectory directory;
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  config::Config config;
  config.process.user = "nobody";
  config.access_log.file = directory.write("access.log", "");
  config.error_log.file = directory.write("error.log", "");
  config.admin.socket = directory.write("admin.sock", "");
  config.sites.emplace_back().certificates = {{.cert = directory.write("site.pem", "x"),
                                               .key = directory.write("site.key", "x"),
                                               .ocsp = {},
                                               .client_ca = {},
                                               .place = {}}};
  ASSERT_EQ(::chmod((directory / "site.key").c_str(), 0600), 0);
  ASSERT_EQ(::chmod((directory / "site.pem").c_str(), 0644), 0);
  EXPECT_EQ(in_child([&config] {
              if (!base::log_open({.file = config.error_log.file}).has_value()) return 2;
              if (!become_user(config).has_value()) return 3;
              if (::getuid() != ::getpwnam("nobody")->pw_uid) return 4;
              return base::log_reopen().has_value() ? 0 : 5;
            }),
            0);
  for (const char* name : {"access.log", "error.log", "admin.sock"}) {
    struct stat status{};
    ASSERT_EQ(::stat((directory / name).c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, ::getpwnam("nobody")->pw_uid) << name;
  }
  const std::string log = support::file_bytes(directory / "error.log");
  EXPECT_NE(log.find("info became_user user=nobody"), std::string::npos) << log;
  EXPECT_NE(log.find("warning file_unreadable file=" + (directory / "site.key")), std::string::npos) << log;
  EXPECT_EQ(log.find("file=" + (directory / "site.pem")), std::string::npos) << log;
  const std::string of_directory = "warning directory_unwritable directory=" + directory.path() + " user=nobody ";
  EXPECT_NE(log.find(of_directory), std::string::npos) << log;
  EXPECT_EQ(log.find(of_directory), log.rfind(of_directory)) << "said once: " << log;
}

TEST(Identity, IsRefusedToWhoIsNoRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "the other user must be known to be another";
  EXPECT_EQ(in_child([] {
              config::Config config;
              config.process.user = "nobody";
              if (!become_user(config).has_value()) return 2;
              config.process.user = "root";
              return become_user(config).has_value() ? 3 : 0;
            }),
            0);
}

}  // namespace
}  // namespace viaduct::daemon
