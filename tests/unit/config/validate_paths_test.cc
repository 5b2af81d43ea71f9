// SPDX-License-Identifier: Apache-2.0
#include "config/validate_paths.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/config_load.h"
#include "support/temporary_directory.h"

namespace viaduct::config {
namespace {

class ValidatePaths : public testing::Test {
 protected:
  // `listener` and others are relative to the directory, as is what the messages name.
  std::string problems(const std::string& listener, const std::string& top) {
    std::string text = support::problems_of("listeners: [{ address: \"unix:" + directory_ / listener +
                                                "\" }]\nsites: [{ default: true, routes: [{ respond: {} }] }]\n" + top,
                                            directory_.path());
    for (std::size_t at = 0; (at = text.find(directory_.path())) != std::string::npos;) {
      text.replace(at, directory_.path().size(), "DIR");
    }
    return text.substr(0, text.find('\n'));
  }

  support::TemporaryDirectory directory_;
};

TEST_F(ValidatePaths, LetsEachHaveItsOwn) {
  EXPECT_EQ(problems("a.sock", "admin: { socket: admin.sock }\nlogs: { access: { file: a }, error: { file: b } }\n"),
            "");
  // Lines of two kinds in one file are a matter of taste.
  EXPECT_EQ(problems("a.sock", "logs: { access: { file: a }, error: { file: a } }\n"), "");
  EXPECT_EQ(problems("a.sock", "logs: { access: null, error: { file: \"-\" } }\n"), "");
}

TEST_F(ValidatePaths, KeepsTheAdminSocketFromListeners) {
  std::filesystem::create_directory(directory_ / "sub");
  std::filesystem::create_directory_symlink(directory_ / "sub", directory_ / "link");
  EXPECT_EQ(problems("x.sock", "admin: { socket: x.sock }\n"),
            "viaduct.yaml:3:18: admin.socket: the listener unix:DIR/x.sock in line 1 has this path; choose another");
  for (const char* spelling : {"sub/../x.sock", "./x.sock", "sub/..//x.sock"}) {
    EXPECT_TRUE(problems(spelling, "admin: { socket: x.sock }\n").contains("has this path")) << spelling;
  }
  EXPECT_TRUE(problems("link/x.sock", "admin: { socket: sub/x.sock }\n").contains("has this path"));
  EXPECT_EQ(problems("link/x.sock", "admin: { socket: x.sock }\n"), "");
}

TEST_F(ValidatePaths, KeepsLogsFromSockets) {
  EXPECT_EQ(problems("x.sock", "logs: { access: { file: x.sock } }\n"),
            "viaduct.yaml:3:25: logs.access.file: DIR/x.sock is the socket of the listener unix:DIR/x.sock in line 1; "
            "name another file");
  EXPECT_EQ(
      problems("x.sock", "admin: { socket: y.sock }\nlogs: { error: { file: ./y.sock } }\n"),
      "viaduct.yaml:4:24: logs.error.file: DIR/y.sock is the socket of admin.socket in line 3; name another file");
}

}  // namespace
}  // namespace viaduct::config
