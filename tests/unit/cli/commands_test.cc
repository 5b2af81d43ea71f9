// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cli/command.h"
#include "support/command_line.h"

namespace viaduct::cli {
namespace {

using support::run_command;

TEST(Commands, NamesEveryCommandInTheHelp) {
  const auto result = run_command({"--help"});
  EXPECT_EQ(result.exit_code, kDone);
  for (const char* name : {"run", "check", "explain", "reload", "stop", "demo", "reference", "version"}) {
    EXPECT_TRUE(result.out.find(std::string("  ") + name + " ") != std::string::npos) << name << result.out;
  }
}

TEST(Commands, HasHelpForEveryCommand) {
  for (const char* name : {"run", "check", "explain", "reload", "stop", "demo", "reference", "help", "version"}) {
    const auto result = run_command({name, "--help"});
    EXPECT_EQ(result.exit_code, kDone) << name;
    EXPECT_FALSE(result.out.empty()) << name;
    // CLI11 names what an option excludes in the order of addresses.
    const std::string told = run_command({"help", name}).out;
    EXPECT_EQ(told.size(), result.out.size()) << told;
    EXPECT_EQ(told.substr(0, told.find("\n\n")), result.out.substr(0, result.out.find("\n\n")));
  }
}

TEST(Commands, CallsWrongUsageWrongUsage) {
  const std::vector<std::vector<std::string>> rows = {
      {},
      {"nonsense"},
      {"--nonsense"},
      {"version", "extra"},
      {"version", "version"},
      {"help", "nonsense"},
      {"help", "run", "stop"},
      {"run", "--nonsense"},
      {"check", "-c"},
      {"check", "extra", "words"},
      {"explain"},
      {"explain", "GET"},
      {"demo", "--http-port", "65536"},
      {"demo", "--https-port", "-1"},
      {"demo", "--http-port", "many"},
      {"demo", "extra"},
  };
  for (const auto& words : rows) {
    const auto result = run_command(words);
    EXPECT_EQ(result.exit_code, kWrongUsage) << testing::PrintToString(words);
    EXPECT_FALSE(result.err.empty()) << testing::PrintToString(words);
  }
}

TEST(Commands, NamesAWrongWordAndWhatMayBeMeant) {
  EXPECT_EQ(run_command({"chekc"}).err, "viaduct: there is no command chekc; did you mean \"check\"?\n");
  EXPECT_EQ(run_command({"help", "chekc"}).err, run_command({"chekc"}).err);
  EXPECT_EQ(run_command({"nonsense", "-c", "x"}).err, run_command({"help", "nonsense"}).err);
  EXPECT_EQ(run_command({}).err, "A subcommand is required\nRun with --help for more information.\n");
}

}  // namespace
}  // namespace viaduct::cli
