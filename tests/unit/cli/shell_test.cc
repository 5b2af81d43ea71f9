// SPDX-License-Identifier: Apache-2.0
#include "cli/shell.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "support/temporary_directory.h"

namespace viaduct::cli {
namespace {

using namespace std::chrono_literals;

constexpr base::Duration kTime = 20s;

ShellResult run(const std::string& line, base::Duration time = kTime) {
  auto result = run_in_shell(line, time, {});
  EXPECT_TRUE(result.has_value());
  return result.value_or(ShellResult{});
}

TEST(Shell, TakesOutputAndErrorsInTheirOrder) {
  const ShellResult result = run("echo one; echo two >&2; echo three");
  EXPECT_EQ(result.output, "one\ntwo\nthree\n");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_FALSE(result.is_cut);
}

TEST(Shell, GivesTheExitCode) {
  EXPECT_EQ(run("true").exit_code, 0);
  EXPECT_EQ(run("exit 7").exit_code, 7);
  EXPECT_EQ(run("kill -TERM $$").exit_code, 128 + SIGTERM);
  EXPECT_EQ(run("viaduct-no-such-command").exit_code, kCommandNotFound);
}

TEST(Shell, GoesOnBehindABackslash) {
  EXPECT_EQ(run("echo one \\\n  two").output, "one two\n");
}

TEST(Shell, HasNothingToRead) {
  EXPECT_EQ(run("cat; echo end").output, "end\n");
}

TEST(Shell, KeepsSoMuchOutputAndNoMore) {
  for (const std::size_t size : {kShellOutputBytesMax - 1, kShellOutputBytesMax, kShellOutputBytesMax + 1}) {
    const ShellResult result = run("head -c " + std::to_string(size) + " /dev/zero");
    EXPECT_EQ(result.output.size(), std::min(size, kShellOutputBytesMax));
    EXPECT_EQ(result.exit_code, 0);
  }
}

TEST(Shell, EndsWhatTakesTooLong) {
  for (const char* line : {"echo begun; sleep 600", "sleep 600 & echo begun; wait",
                           "echo begun; exec >&- 2>&-; sleep 600", "sleep 600 & echo begun"}) {
    const ShellResult result = run(line, 150ms);
    EXPECT_TRUE(result.is_cut) << line;
    EXPECT_EQ(result.output, "begun\n") << line;
  }
}

TEST(Shell, EndsWhenItIsToldTo) {
  const support::TemporaryDirectory directory;
  const std::string begun = directory / "begun";
  const base::MonoTime begin = base::SystemClock().mono_now();
  std::jthread runner([&](const std::stop_token& stop) {
    const auto result = run_in_shell("touch " + begun + "; sleep 600", kTime, stop);
    EXPECT_TRUE(result.has_value() && result->is_cut);
  });
  while (!std::filesystem::exists(begun)) std::this_thread::yield();
  runner.request_stop();
  runner.join();
  EXPECT_LT(base::SystemClock().mono_now() - begin, kTime);
}

TEST(Shell, EndsAtOnceWhenItWasToldBefore) {
  std::jthread runner([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) std::this_thread::yield();
    const auto result = run_in_shell("sleep 600", kTime, stop);
    EXPECT_TRUE(result.has_value() && result->is_cut);
  });
  runner.request_stop();
}

// As in a daemon, which blocks signals for its descriptor and ignores that of broken pipes.
TEST(Shell, StartsWithTheSignalsOfAFreshProcess) {
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  auto* const handler = ::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(run("kill -TERM $$; echo still here").output, "");
  EXPECT_EQ(run("kill -PIPE $$; echo still here").output, "");
  ::signal(SIGPIPE, handler);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(Shell, WritesTextsAsWords) {
  for (const std::string text :
       {"", "plain", "/a/b-c_d.e:1", "a b", "it's", "$HOME `date` \"x\" \\ !", "a\nb", "*", "~", "支付"}) {
    EXPECT_EQ(run("printf '%s' " + shell_word(text)).output, text);
  }
  EXPECT_EQ(shell_word("https://a.example:1/x"), "https://a.example:1/x");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace viaduct::cli
