// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "cli/command.h"
#include "config/spelling.h"

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

int refuse_command(const CLI::App& app, const std::string& name) {
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    known.push_back(command->get_name());
  }
  const std::string hint = config::suggestion(name, known);
  std::fprintf(stderr, "viaduct: there is no command %s; %s\n", name.c_str(), hint.c_str());
  return kWrongUsage;
}

int run_command_line(int argc, char** argv) {
  CLI::App app("Viaduct: a TLS-terminating reverse proxy that alters nothing and loses nothing.", "viaduct");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("viaduct ") + kVersion, "Print the version");
  int exit_code = kDone;
  for (const AddCommand add : kCommands) add(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::RequiredError& error) {  // of a command too, whatever word stands there instead
    const std::vector<std::string> words = app.remaining();
    if (!words.empty() && !words.front().starts_with('-')) return refuse_command(app, words.front());
    app.exit(error);
    return kWrongUsage;
  } catch (const CLI::ParseError& error) {  // how CLI11 reports both --help and wrong usage
    return app.exit(error) == 0 ? kDone : kWrongUsage;
  }
  return exit_code;
}

}  // namespace viaduct::cli
