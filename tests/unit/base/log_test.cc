// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/log_sink.h"
#include "support/temporary_directory.h"

namespace viaduct::base {
namespace {

using support::file_bytes;
using support::TemporaryDirectory;

// Sends the process log to a file for one test and back to standard error afterwards.
class ProcessLogTest : public testing::Test {
 protected:
  ProcessLogTest() { EXPECT_TRUE(log_open({.file = path(), .level = LogLevel::kDebug}).has_value()); }
  ~ProcessLogTest() override { EXPECT_TRUE(log_open({}).has_value()); }
  ProcessLogTest(const ProcessLogTest&) = delete;
  ProcessLogTest& operator=(const ProcessLogTest&) = delete;

  std::string path() const { return directory_ / "error.log"; }
  std::string written() const { return file_bytes(path()); }
  // The lines without their times.
  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    std::istringstream stream(written());
    for (std::string line; std::getline(stream, line);) lines.push_back(line.substr(line.find(' ') + 1));
    return lines;
  }

 private:
  TemporaryDirectory directory_;
};

TEST_F(ProcessLogTest, WritesTimeLevelAndValuesOnOneLine) {
  LOG_INFO("listening address={} tls={}", "0.0.0.0:443", true);
  EXPECT_THAT(written(), testing::MatchesRegex(
                             "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}[+-][0-9]{2}:[0-9]{2} "
                             "info listening address=0\\.0\\.0\\.0:443 tls=true\n"));
}

TEST_F(ProcessLogTest, NamesEveryLevel) {
  LOG_DEBUG("a");
  LOG_INFO("b");
  LOG_WARNING("c");
  LOG_ERROR("d");
  LOG_ERROR_ALWAYS("e");
  EXPECT_THAT(lines(), testing::ElementsAre("debug a", "info b", "warning c", "error d", "error e"));
}

TEST_F(ProcessLogTest, NeitherWritesNorEvaluatesBelowItsLevel) {
  ASSERT_TRUE(log_open({.file = path(), .level = LogLevel::kWarning}).has_value());
  int evaluated = 0;
  LOG_DEBUG("x={}", ++evaluated);
  LOG_INFO("x={}", ++evaluated);
  LOG_WARNING("x={}", ++evaluated);
  EXPECT_EQ(evaluated, 1);
  EXPECT_THAT(lines(), testing::ElementsAre("warning x=1"));
}

TEST_F(ProcessLogTest, KeepsItsFileWhenAnotherCannotBeOpened) {
  EXPECT_FALSE(log_open({.file = "/nonexistent/error.log", .level = LogLevel::kError}).has_value());
  LOG_INFO("still here");
  EXPECT_THAT(lines(), testing::ElementsAre("info still here"));
}

TEST_F(ProcessLogTest, ReopensItsFile) {
  LOG_INFO("one");
  std::filesystem::rename(path(), path() + ".1");
  ASSERT_TRUE(log_reopen().has_value());
  LOG_INFO("two");
  EXPECT_THAT(lines(), testing::ElementsAre("info two"));
}

TEST_F(ProcessLogTest, KeepsHostileValuesOnOneLine) {
  struct Row {
    std::string_view value;
    std::string_view shown;
  };
  const Row rows[] = {
      {"plain-value_1.0:80", "plain-value_1.0:80"},
      {"", R"("")"},
      {"two words", R"("two words")"},
      {"a=b", R"("a=b")"},
      {"say \"hi\" \\", R"("say \"hi\" \\")"},
      {"x\r\n2026-01-01T00:00:00.000+00:00 error forged=1",
       R"("x\x0d\x0a2026-01-01T00:00:00.000+00:00 error forged=1")"},
      {std::string_view("nul\0esc\x1b[2J\x7f", 12), R"("nul\x00esc\x1b[2J\x7f")"},
      {"支付", R"("支付")"},
      {"\xff\xfe", R"("\xff\xfe")"},
      {"\xe6\x94", R"("\xe6\x94")"},                                    // cut off
      {"csi\xc2\x9b", R"("csi\xc2\x9b")"},                              // C1 as UTF-8
      {"\xe2\x80\xa8|\xe2\x80\xa9", R"("\xe2\x80\xa8|\xe2\x80\xa9")"},  // line and paragraph separator
  };
  for (const Row& row : rows) EXPECT_EQ(format("{}", base::quoted(row.value)), row.shown);
}

TEST_F(ProcessLogTest, BoundsAQuotedValue) {
  const std::string below(kQuotedBytesMax, 'a');
  EXPECT_EQ(format("{}", base::quoted(below)), below);
  EXPECT_EQ(format("{}", base::quoted(below + "b")), below + "...");
  // 付 stands across the bound.
  EXPECT_EQ(format("{}", base::quoted(below.substr(1) + "付")), '"' + below.substr(1) + "...\"");
}

TEST_F(ProcessLogTest, KeepsALineOneLineEvenWithoutQuoting) {
  LOG_INFO("name={}", "a\r\nb\tc\xff");
  EXPECT_THAT(lines(), testing::ElementsAre("info name=a\\x0d\\x0ab\\x09c\\xff"));
}

TEST_F(ProcessLogTest, BoundsALine) {
  LOG_INFO("{}", std::string(kLogLineBytesMax, 'a'));
  LOG_INFO("{}", std::string(kLogLineBytesMax + 1, 'b'));
  EXPECT_THAT(lines(), testing::ElementsAre("info " + std::string(kLogLineBytesMax, 'a'),
                                            "info " + std::string(kLogLineBytesMax, 'b') + "..."));
}

TEST_F(ProcessLogTest, NeverMixesTheLinesOfThreads) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([thread] {
      for (int line = 0; line < 100; ++line) LOG_INFO("thread={} line={} end", thread, line);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::vector<std::string> all = lines();
  EXPECT_EQ(all.size(), 400U);
  EXPECT_THAT(all, testing::Each(testing::MatchesRegex("info thread=[0-3] line=[0-9]+ end")));
}

TEST_F(ProcessLogTest, SaysThatItSuppresses) {
  // No more than one window passes in the loop, or two where the machine is slow; both are bounded.
  for (int count = 0; count < 5000; ++count) LOG_ERROR("flood");
  const std::vector<std::string> all = lines();
  const auto floods = std::ranges::count(all, "error flood");
  EXPECT_GE(floods, LogSite::kLinesMax);
  EXPECT_LT(floods, 5000);
  EXPECT_THAT(all, testing::Contains(testing::MatchesRegex(
                       "error log lines are being suppressed source=log_test.cc:[0-9]+ limit=50 window=1s")));
}

TEST_F(ProcessLogTest, NeverSuppressesWhatIsCountedOn) {
  for (int count = 0; count < 200; ++count) LOG_ERROR_ALWAYS("late count={}", count);
  EXPECT_EQ(lines().size(), 200U);
}

TEST(LogSite, AdmitsUpToItsLimitInAWindow) {
  LogSite site("/somewhere/src/net/listener.cc", 42);
  EXPECT_EQ(site.file(), "listener.cc");
  EXPECT_EQ(site.line(), 42);
  const MonoTime start(std::chrono::seconds(1000));
  for (std::uint32_t count = 0; count < LogSite::kLinesMax; ++count) {
    const auto admission = site.admit(start + std::chrono::milliseconds(count));
    EXPECT_TRUE(admission.is_admitted);
    EXPECT_FALSE(admission.is_first_suppressed);
    EXPECT_EQ(admission.suppressed_before, 0U);
  }
  const auto first = site.admit(start + LogSite::kWindow / 2);
  EXPECT_FALSE(first.is_admitted);
  EXPECT_TRUE(first.is_first_suppressed);
  const auto second = site.admit(start + LogSite::kWindow - Duration(1));
  EXPECT_FALSE(second.is_admitted);
  EXPECT_FALSE(second.is_first_suppressed);
  const auto next = site.admit(start + LogSite::kWindow);
  EXPECT_TRUE(next.is_admitted);
  EXPECT_EQ(next.suppressed_before, 2U);
  const auto after = site.admit(start + 2 * LogSite::kWindow);
  EXPECT_TRUE(after.is_admitted);
  EXPECT_EQ(after.suppressed_before, 0U);
}

TEST(ProcessLogStream, GoesToStandardErrorByDefault) {
  testing::internal::CaptureStderr();
  ASSERT_TRUE(log_open({}).has_value());  // as captured
  LOG_INFO("hello");
  log_flush();
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_THAT(told, testing::EndsWith(" info hello\n"));
  EXPECT_EQ(log_lost_lines(), 0U);
}

TEST_F(ProcessLogTest, KnowsWhetherItIsStandardError) {
  EXPECT_FALSE(log_is_standard_error());
  ASSERT_TRUE(log_open({}).has_value());
  EXPECT_TRUE(log_is_standard_error());
}

TEST(ProcessLogStream, GoesOnCountingLostLinesInAnotherFile) {
  const std::uint64_t before = log_lost_lines();
  testing::internal::CaptureStderr();
  ASSERT_TRUE(log_open({.file = "/dev/full"}).has_value());
  const std::string text(kLogLineBytesMax, 'x');
  for (std::size_t bytes = 0; bytes <= LogSink::kBacklogBytesMax; bytes += text.size()) LOG_INFO("{}", text);
  const std::uint64_t lost = log_lost_lines();
  EXPECT_GT(lost, before);
  ASSERT_TRUE(log_open({}).has_value());
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(log_lost_lines(), lost);
}

}  // namespace
}  // namespace viaduct::base
