// SPDX-License-Identifier: Apache-2.0
// `viaduct status`: what a running daemon does, once; `viaduct top`: the same, again and again in a terminal.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "cli/admin_target.h"
#include "cli/command.h"
#include "cli/status_text.h"
#include "daemon/admin.h"

namespace viaduct::cli {
namespace {

// Cursor to the corner; what the new text does not cover is cleared behind it.
constexpr const char* kToCorner = "\x1b[H";
constexpr const char* kClearRest = "\x1b[J";
constexpr const char* kClearLine = "\x1b[K\n";

// The JSON of the running daemon. Nothing where there is none; the reason has been printed.
std::optional<std::string> ask_status(const AdminTarget& target) {
  std::optional<std::string> answer = ask_daemon(target, "status");
  if (!answer) return std::nullopt;
  const std::size_t line_end = answer->find('\n');
  if (daemon::is_admin_success(*answer) && line_end != std::string::npos) return answer->substr(line_end + 1);
  std::fprintf(stderr, "viaduct: %s\n", answer->c_str());
  return std::nullopt;
}

std::optional<std::string> ask_status_text(const AdminTarget& target) {
  const std::optional<std::string> json = ask_status(target);
  if (!json) return std::nullopt;
  auto text = status_text(*json);
  if (text) return std::move(*text);
  std::fprintf(stderr, "viaduct: %s\n", text.error().message.c_str());
  return std::nullopt;
}

int print_status(const AdminTarget& target, bool as_json) {
  const std::optional<std::string> text = as_json ? ask_status(target) : ask_status_text(target);
  if (!text) return kFailed;
  std::fputs(text->c_str(), stdout);
  if (!text->ends_with('\n')) std::fputs("\n", stdout);
  return kDone;
}

struct TopOptions {
  AdminTarget target;
  double interval = 1;       // seconds
  std::uint32_t rounds = 0;  // 0: until it is interrupted
};

void draw(const std::string& text) {
  std::string screen = kToCorner;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    screen.append(text, begin, end - begin).append(kClearLine);
    begin = end + 1;
  }
  screen += kClearRest;
  std::fputs(screen.c_str(), stdout);
  std::fflush(stdout);
}

int watch_status(const TopOptions& options) {
  for (std::uint32_t round = 1;; ++round) {
    const std::optional<std::string> text = ask_status_text(options.target);
    if (!text) return kFailed;
    draw(*text);
    if (round == options.rounds) return kDone;
    std::this_thread::sleep_for(std::chrono::duration<double>(options.interval));
  }
}

}  // namespace

void add_status(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("status", "Show what a running daemon does");
  auto target = std::make_shared<AdminTarget>();
  auto as_json = std::make_shared<bool>(false);
  add_target_options(*command, *target);
  command->add_flag("--json", *as_json, "One JSON object");
  command->callback([target, as_json, &exit_code] { exit_code = print_status(*target, *as_json); });
}

void add_top(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("top", "Show what a running daemon does, again and again, until interrupted");
  auto options = std::make_shared<TopOptions>();
  add_target_options(*command, options->target);
  command->add_option("-i,--interval", options->interval, "Seconds between two looks")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  command->add_option("-n,--rounds", options->rounds, "How many looks; 0: without end")->capture_default_str();
  command->callback([options, &exit_code] { exit_code = watch_status(*options); });
}

}  // namespace viaduct::cli
