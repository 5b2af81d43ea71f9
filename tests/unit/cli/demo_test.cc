// SPDX-License-Identifier: Apache-2.0
#include "cli/demo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/ip.h"
#include "cli/command.h"
#include "os/socket.h"
#include "support/temporary_directory.h"

namespace viaduct::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

// The whole demo with real ports and real curl. That it ends by Ctrl-C is for the end-to-end tests: signals are the
// process's.
class Demo : public testing::Test {
 protected:
  // What stands for viaduct in the line that asks it to explain: this process is a test.
  std::string program(std::string_view answer) const {
    const std::string path = directory_.write("viaduct", "#!/bin/sh\necho '" + std::string(answer) + "'\n");
    EXPECT_EQ(::chmod(path.c_str(), 0700), 0);
    return path;
  }
  int run(DemoPorts ports, std::string_view answer) {
    const std::string path = directory_.write("out", "");
    std::FILE* out = std::fopen(path.c_str(), "w");
    const int exit_code = run_demo({.ports = ports, .once = true, .program = program(answer), .out = out});
    std::fclose(out);
    text_ = support::file_bytes(path);
    return exit_code;
  }
  // Where the demo has said that its config was.
  std::filesystem::path config_file() const {
    const std::size_t begin = text_.find('/', text_.find("  config "));
    return text_.substr(begin, text_.find('\n', begin) - begin);
  }

  support::TemporaryDirectory directory_;
  std::string text_;
};

TEST_F(Demo, ShowsTheSceneAndLeavesNothingBehind) {
  EXPECT_EQ(run({.http = 0, .https = 0}, "route: payment-notify"), kDone) << text_;
  EXPECT_THAT(text_, Not(HasSubstr("!!")));
  EXPECT_THAT(text_, HasSubstr("lines gave what they should."));
  EXPECT_THAT(text_, HasSubstr(R"({"code":"SUCCESS"})"));
  EXPECT_TRUE(config_file().is_absolute()) << config_file();
  EXPECT_FALSE(std::filesystem::exists(config_file().parent_path())) << config_file();
}

TEST_F(Demo, FailsWhenALineDoesNotGiveWhatItShould) {
  EXPECT_EQ(run({.http = 0, .https = 0}, "route: another"), kFailed);
  EXPECT_THAT(text_, HasSubstr("\"route: payment-notify\" was expected"));
}

TEST_F(Demo, SaysThatPortsAreTakenAndTakesOthers) {
  const auto taken = os::listen_on({*base::IpAddress::parse("127.0.0.1"), 0}, {.reuse_port = false});
  ASSERT_TRUE(taken.has_value());
  const std::uint16_t port = os::local_address(taken->get()).port();
  EXPECT_EQ(run({.http = port, .https = port}, "route: payment-notify"), kDone) << text_;
  EXPECT_THAT(text_, HasSubstr("Port " + std::to_string(port) + " cannot be had;"));
}

}  // namespace
}  // namespace viaduct::cli
