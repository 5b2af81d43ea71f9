// SPDX-License-Identifier: Apache-2.0
#include "cli/demo_show.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "support/temporary_directory.h"

namespace viaduct::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class ShowingLines : public testing::Test {
 protected:
  DemoShow show(const std::vector<DemoLine>& lines, const std::stop_token& stop = {}) {
    const std::string path = directory_.write("out", "");
    std::FILE* out = std::fopen(path.c_str(), "w");
    const DemoShow result = show_demo_lines(lines, out, stop);
    std::fclose(out);
    text_ = support::file_bytes(path);
    return result;
  }
  // The same, told to stop as soon as there is a file `begun`.
  DemoShow show_and_stop(const std::vector<DemoLine>& lines, const std::string& begun) {
    DemoShow result;
    std::jthread runner([&](const std::stop_token& stop) { result = show(lines, stop); });
    while (!std::filesystem::exists(begun)) std::this_thread::yield();
    runner.request_stop();
    runner.join();
    return result;
  }

  support::TemporaryDirectory directory_;
  std::string text_;
};

TEST_F(ShowingLines, PrintsTheLineAndWhatItGave) {
  const DemoShow result = show({{.title = "Two words", .command = "echo one \\\n  two", .expected = {"ONE", "two"}},
                                {.title = "", .command = "printf 'a\\r\\nb'", .expected = {"b"}}});
  EXPECT_EQ(text_, "\n# Two words\n$ echo one \\\n  two\n    one two\n$ printf 'a\\r\\nb'\n    a\n    b\n");
  EXPECT_EQ(result.shown, 2U);
  EXPECT_EQ(result.unexpected, 0U);
  EXPECT_TRUE(result.is_whole);
}

TEST_F(ShowingLines, SaysWhatIsNotAsItShouldBeAndGoesOn) {
  const DemoShow result = show({{.title = "Lacks", .command = "echo one", .expected = {"one", "two"}},
                                {.title = "Fails", .command = "echo one; exit 3", .expected = {"one"}},
                                {.title = "Unknown", .command = "viaduct-no-such-command", .expected = {"one"}},
                                {.title = "Good", .command = "echo one", .expected = {"one"}}});
  EXPECT_EQ(result.shown, 4U);
  EXPECT_EQ(result.unexpected, 3U);
  EXPECT_TRUE(result.is_whole);
  for (const char* part : {"\"two\" was expected", "exit code 3", "not installed", "# Good\n$ echo one\n    one\n"}) {
    EXPECT_THAT(text_, HasSubstr(part));
  }
}

TEST_F(ShowingLines, TriesAgainWhatIsAwaited) {
  const std::string file = directory_ / "comes-later";
  const DemoLine line{.title = "Awaited",
                      .command = "cat " + file + " || { echo here > " + file + "; exit 1; }",
                      .expected = {"here"},
                      .is_awaited = true};
  const DemoShow result = show({line});
  EXPECT_EQ(result.unexpected, 0U);
  EXPECT_THAT(text_, Not(HasSubstr("!!")));
}

TEST_F(ShowingLines, CutsLongOutput) {
  const DemoShow result =
      show({{.title = "Long", .command = "seq 100; head -c 5000 /dev/zero | tr '\\0' x", .expected = {"\n100\n"}},
            {.title = "Wide", .command = "head -c 5000 /dev/zero | tr '\\0' x", .expected = {"xxx"}}});
  EXPECT_EQ(result.unexpected, 0U);
  EXPECT_THAT(text_, HasSubstr("\n    40\n    ...\n"));
  EXPECT_THAT(text_, Not(HasSubstr("\n    41\n")));
  EXPECT_THAT(text_, HasSubstr(std::string(1000, 'x') + "...\n"));
  EXPECT_THAT(text_, Not(HasSubstr(std::string(1001, 'x'))));
}

TEST_F(ShowingLines, StopsInTheMiddleOfALine) {
  const std::string begun = directory_ / "begun";
  const DemoShow result =
      show_and_stop({{.title = "Good", .command = "echo one", .expected = {"one"}},
                     {.title = "Endless", .command = "touch " + begun + "; sleep 600", .expected = {"x"}},
                     {.title = "Never", .command = "echo one", .expected = {"one"}}},
                    begun);
  EXPECT_EQ(result.shown, 1U);
  EXPECT_EQ(result.unexpected, 0U);
  EXPECT_FALSE(result.is_whole);
  EXPECT_THAT(text_, Not(HasSubstr("Never")));
  EXPECT_THAT(text_, Not(HasSubstr("!!")));
}

// The daemon ends first, and the lines fail since it has.
TEST_F(ShowingLines, BlamesNoLineThatFailsBecauseOfTheEnd) {
  const std::string begun = directory_ / "begun";
  const DemoShow result =
      show_and_stop({{.title = "Fails", .command = "touch " + begun + "; exit 7", .expected = {"x"}}}, begun);
  EXPECT_EQ(result.shown, 0U);
  EXPECT_EQ(result.unexpected, 0U);
  EXPECT_THAT(text_, Not(HasSubstr("!!")));
}

}  // namespace
}  // namespace viaduct::cli
