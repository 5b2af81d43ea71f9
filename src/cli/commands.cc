// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <array>

#include "cli/command.h"

namespace viaduct::cli {
namespace {

// In the order in which `viaduct --help` shows them.
constexpr std::array kCommands = {
    AddCommand{add_run}, add_check,     add_doctor, add_explain, add_reload,    add_rollback,
    add_upgrade,         add_status,    add_top,    add_drain,   add_undrain,   add_hold,
    add_release,         add_log_level, add_stop,   add_demo,    add_reference, add_help,
    add_version,
};

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app("Viaduct: a TLS-terminating reverse proxy that alters nothing and loses nothing.", "viaduct");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("viaduct ") + kVersion, "Print the version");
  int exit_code = kDone;
  for (const AddCommand add : kCommands) add(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // how CLI11 reports both --help and wrong usage
    return app.exit(error) == 0 ? kDone : kWrongUsage;
  }
  return exit_code;
}

}  // namespace viaduct::cli
