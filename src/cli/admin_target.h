// SPDX-License-Identifier: Apache-2.0
// Where a command finds the running daemon: the admin socket that it is given, or the one that a config file names.
// What goes wrong on the way is printed to standard error.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/command.h"

namespace viaduct::cli {

struct AdminTarget {
  std::string file = kDefaultConfigFile;
  std::string socket;  // empty: the file says it
};

// Adds -c and --socket. `target` must live as long as the app.
void add_target_options(CLI::App& command, AdminTarget& target);
// The daemon's answer to `words`, a command of the admin socket; "error: …" is an answer, too. Nothing, and a line on
// standard error, when there is no daemon to answer.
std::optional<std::string> ask_daemon(const AdminTarget& target, std::string_view words);

}  // namespace viaduct::cli
