// SPDX-License-Identifier: Apache-2.0
// The commands that speak to a running daemon through its admin socket: stop, reload and upgrade.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/admin_target.h"
#include "cli/command.h"
#include "daemon/admin.h"

namespace viaduct::cli {
namespace {

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
  add_control(app, exit_code, "reload", "Make a running daemon read its config again");
}

}  // namespace viaduct::cli
