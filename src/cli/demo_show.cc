// SPDX-License-Identifier: Apache-2.0
#include "cli/demo_show.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/format.h"
#include "cli/shell.h"

namespace viaduct::cli {
namespace {

constexpr std::size_t kOutputLinesMax = 40;
constexpr std::size_t kOutputColumnsMax = 1000;
constexpr base::Duration kRetryInterval = std::chrono::milliseconds(50);
// Within this time after a line has failed we hear that the daemon is ending, if that is why.
constexpr base::Duration kStopGrace = std::chrono::milliseconds(400);
constexpr std::string_view kIndentation = "    ";

// What a line that did not give what it must lacks; empty when it did.
std::string fault_of(const DemoLine& line, const base::Result<ShellResult>& result) {
  if (!result) return result.error().message;
  if (result->exit_code == kCommandNotFound) return "the command is not installed here; the line works where it is";
  if (result->is_cut) return "it took too long";
  if (result->exit_code != 0) return base::format("exit code {}", result->exit_code);
  const std::string output = base::lower_case(result->output);
  for (const std::string& text : line.expected) {
    if (!output.contains(base::lower_case(text))) return base::format("\"{}\" was expected", text);
  }
  return {};
}

// The output as it is shown: indented, without carriage returns, and not longer than a reader takes.
std::string shown_output(std::string_view output) {
  std::string text;
  std::size_t lines = 0;
  while (!output.empty()) {
    std::string_view line = output.substr(0, output.find('\n'));
    output.remove_prefix(std::min(line.size() + 1, output.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (++lines > kOutputLinesMax) return text + std::string(kIndentation) + "...\n";
    const bool is_cut = line.size() > kOutputColumnsMax;
    if (is_cut) line = line.substr(0, base::utf8_cut(line, kOutputColumnsMax));
    text += base::format("{}{}{}\n", kIndentation, line, is_cut ? "..." : "");
  }
  return text;
}

// Waits for `time`, or for `stop` and returns true.
bool stops_within(base::Duration time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
  return stop.stop_requested();
}

base::Result<ShellResult> run_line(const DemoLine& line, const std::stop_token& stop) {
  const base::SystemClock clock;
  const base::MonoTime deadline = clock.mono_now() + kDemoAwaitTime;
  for (;;) {
    auto result = run_in_shell(line.command, kDemoLineTime, stop);
    const bool again = line.is_awaited && clock.mono_now() < deadline;
    if (!again || fault_of(line, result).empty() || stops_within(kRetryInterval, stop)) return result;
  }
}

}  // namespace

DemoShow show_demo_lines(const std::vector<DemoLine>& lines, std::FILE* out, const std::stop_token& stop) {
  DemoShow show;
  for (const DemoLine& line : lines) {
    std::string text = line.title.empty() ? "" : base::format("\n# {}\n", line.title);
    text += base::format("$ {}\n", line.command);
    std::fputs(text.c_str(), out);
    std::fflush(out);
    const auto result = run_line(line, stop);
    const std::string fault = fault_of(line, result);
    const bool is_ending = fault.empty() ? stop.stop_requested() : stops_within(kStopGrace, stop);
    if (is_ending) return show;
    ++show.shown;
    if (!fault.empty()) ++show.unexpected;
    text = result ? shown_output(result->output) : "";
    if (!fault.empty()) text += base::format("{}!! not as it should be: {}\n", kIndentation, fault);
    std::fputs(text.c_str(), out);
    std::fflush(out);
  }
  show.is_whole = true;
  return show;
}

}  // namespace viaduct::cli
