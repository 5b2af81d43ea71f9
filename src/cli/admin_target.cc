// SPDX-License-Identifier: Apache-2.0
#include "cli/admin_target.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "config/load.h"
#include "daemon/admin.h"

namespace viaduct::cli {
namespace {

// A reload of thousands of names and an upgrade take a while.
constexpr base::Duration kPatience = std::chrono::minutes(1);

// Empty where it is not known; the reason has been printed.
std::string find_socket(const AdminTarget& target) {
  if (!target.socket.empty()) return target.socket;
  const config::LoadResult loaded = config::load_file(target.file);
  if (loaded.config == nullptr) {
    std::fputs(config::render_problems(loaded.problems, loaded.sources).c_str(), stderr);
    std::fputs("viaduct: the config does not say where the daemon listens; use --socket PATH\n", stderr);
    return {};
  }
  if (loaded.config->admin.socket.empty()) {
    std::fprintf(stderr, "viaduct: %s has no admin.socket; set it, or send a signal to the process\n",
                 target.file.c_str());
  }
  return loaded.config->admin.socket;
}

}  // namespace

void add_target_options(CLI::App& command, AdminTarget& target) {
  command.add_option("-c,--config", target.file, "The config file that names the admin socket")->capture_default_str();
  command.add_option("--socket", target.socket, "The admin socket, instead of the config's");
}

std::optional<std::string> ask_daemon(const AdminTarget& target, std::string_view words) {
  const std::string socket = find_socket(target);
  if (socket.empty()) return std::nullopt;
  auto answer = daemon::ask_admin(socket, words, kPatience);
  if (answer) return std::move(*answer);
  std::fprintf(stderr, "viaduct: %s\n", answer.error().message.c_str());
  return std::nullopt;
}

}  // namespace viaduct::cli
