// SPDX-License-Identifier: Apache-2.0
// The commands that speak to a running daemon through its admin socket: stop and reload.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/command.h"
#include "config/load.h"
#include "daemon/admin.h"

namespace viaduct::cli {
namespace {

// Where to reach the daemon: the socket given, or the one in the config.
struct Control {
  std::string file = kDefaultConfigFile;
  std::string socket;
};

int ask(const Control& control, std::string_view word) {
  std::string socket = control.socket;
  if (socket.empty()) {
    const config::LoadResult loaded = config::load_file(control.file);
    if (loaded.config == nullptr) {
      std::fputs(config::render_problems(loaded.problems, loaded.sources).c_str(), stderr);
      std::fputs("viaduct: the config does not say where the daemon listens; use --socket PATH\n", stderr);
      return kFailed;
    }
    socket = loaded.config->admin.socket;
  }
  if (socket.empty()) {
    std::fprintf(stderr, "viaduct: %s has no admin.socket; set it, or send a signal to the process\n",
                 control.file.c_str());
    return kFailed;
  }
  const auto answer = daemon::ask_admin(socket, word);
  if (!answer) {
    std::fprintf(stderr, "viaduct: %s\n", answer.error().message.c_str());
    return kFailed;
  }
  const bool ok = daemon::is_admin_success(*answer);
  std::fprintf(ok ? stdout : stderr, "%s\n", answer->c_str());
  return ok ? kDone : kFailed;
}

void add_control(CLI::App& app, int& exit_code, const std::string& word, const std::string& summary) {
  auto* command = app.add_subcommand(word, summary);
  auto control = std::make_shared<Control>();
  command->add_option("-c,--config", control->file, "The config file that names the admin socket")
      ->capture_default_str();
  command->add_option("--socket", control->socket, "The admin socket, instead of the config's");
  command->callback([control, word, &exit_code] { exit_code = ask(*control, word); });
}

}  // namespace

void add_stop(CLI::App& app, int& exit_code) {
  add_control(app, exit_code, "stop", "End a running daemon when its exchanges are done");
}

void add_reload(CLI::App& app, int& exit_code) {
  add_control(app, exit_code, "reload", "Make a running daemon read its config again");
}

}  // namespace viaduct::cli
