// SPDX-License-Identifier: Apache-2.0
#include "cli/admin_target.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <ranges>
#include <string>
#include <string_view>

#include "config/load.h"
#include "config/yaml_reader.h"
#include "daemon/admin.h"
#include "os/file.h"

namespace viaduct::cli {
namespace {

// A reload of thousands of names and an upgrade take a while.
constexpr base::Duration kPatience = std::chrono::minutes(1);

// The lines of the key `admin` at the top level of `text`, for a file that is no YAML elsewhere.
std::string admin_lines(std::string_view text) {
  std::string found;
  bool inside = false;
  for (const auto line : std::views::split(text, '\n')) {
    const std::string_view words(line);
    if (words.starts_with("admin:")) {
      inside = true;
    } else if (!words.empty() && words.front() != ' ' && words.front() != '#') {
      inside = false;
    }
    if (inside) found.append(words) += '\n';
  }
  return found;
}

std::string socket_of_broken(const std::string& file) {
  const auto text = os::read_file(file, config::kFileBytesMax);
  if (!text) return {};
  const config::LoadOptions options{.directory = std::filesystem::path(file).parent_path().string()};
  return config::load_text(admin_lines(*text), file, options).admin_socket;
}

// Empty where it is not known; the reason has been printed. What else is wrong with the file is for the daemon to say,
// whose environment and files may be others.
std::string find_socket(const AdminTarget& target) {
  if (!target.socket.empty()) return target.socket;
  const config::LoadResult loaded = config::load_file(target.file);
  std::string socket = loaded.admin_socket;
  if (socket.empty() && loaded.config == nullptr) socket = socket_of_broken(target.file);
  if (!socket.empty()) return socket;
  if (loaded.config == nullptr) {
    std::fputs(config::render_problems(loaded.problems, loaded.sources).c_str(), stderr);
    std::fputs("viaduct: the config does not say where the daemon listens; use --socket PATH\n", stderr);
  } else {
    std::fprintf(stderr, "viaduct: %s has no admin.socket; set it, or send a signal to the process\n",
                 target.file.c_str());
  }
  return {};
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
