// SPDX-License-Identifier: Apache-2.0
// The commands that speak to a running daemon through its admin socket: stop, reload, rollback and upgrade.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "cli/admin_target.h"
#include "cli/command.h"
#include "daemon/admin.h"

namespace viaduct::cli {
namespace {

constexpr const char* kGuardDefault = "60s";

// One command is one line of words.
std::string one_word(const std::string& value) {
  return value.find_first_of(" \n") == std::string::npos ? "" : "a time without spaces";
}

int ask(const AdminTarget& target, std::string_view word) {
  const auto answer = ask_daemon(target, word);
  if (!answer) return kFailed;
  const bool ok = daemon::is_admin_success(*answer);
  std::fprintf(ok ? stdout : stderr, "%s\n", answer->c_str());
  return ok ? kDone : kFailed;
}

void add_control(CLI::App& app, int& exit_code, const std::string& word, const std::string& summary) {
  auto* command = app.add_subcommand(word, summary);
  auto target = std::make_shared<AdminTarget>();
  add_target_options(*command, *target);
  command->callback([target, word, &exit_code] { exit_code = ask(*target, word); });
}

}  // namespace

void add_stop(CLI::App& app, int& exit_code) {
  add_control(app, exit_code, "stop", "End a running daemon when its exchanges are done");
}

void add_upgrade(CLI::App& app, int& exit_code) {
  add_control(app, exit_code, "upgrade", "Let the program on disk take the place of a running daemon");
}

void add_reload(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("reload", "Make a running daemon read its config again");
  auto target = std::make_shared<AdminTarget>();
  auto guard = std::make_shared<std::string>(kGuardDefault);
  add_target_options(*command, *target);
  auto* option = command->add_option(
      "--guard", *guard, "Go back by itself where failures grow within this time, like 2m; 60s where it is not said");
  option->expected(0, 1)->type_name("[TIME]")->check(one_word);
  command->callback([target, guard, option, &exit_code] {
    if (guard->empty()) *guard = kGuardDefault;
    exit_code = ask(*target, option->count() > 0 ? "reload guard " + *guard : "reload");
  });
}

void add_rollback(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("rollback", "Serve a config from before; the file on disk stays as it is");
  auto target = std::make_shared<AdminTarget>();
  auto steps = std::make_shared<std::uint32_t>(1);
  auto is_list = std::make_shared<bool>(false);
  command->add_option("steps", *steps, "How many good configs to go back")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_flag("--list", *is_list, "Show the configs that are kept, the newest first");
  add_target_options(*command, *target);
  command->callback([target, steps, is_list, &exit_code] {
    exit_code = ask(*target, *is_list ? "rollback list" : "rollback " + std::to_string(*steps));
  });
}

}  // namespace viaduct::cli
