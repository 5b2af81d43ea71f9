// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/command.h"

namespace viaduct::cli {
namespace {

int help(const CLI::App& app, const std::string& name) {
  const auto named = app.get_subcommands([&name](const CLI::App* command) { return command->get_name() == name; });
  if (named.empty() && !name.empty()) return refuse_command(app, name);
  // App::help() of all commands would be that of the one which was given, this one.
  const std::string text = named.empty()
                               ? app.get_formatter()->make_help(&app, app.get_name(), CLI::AppFormatMode::Normal)
                               : named.front()->help(app.get_name());
  std::fputs(text.c_str(), stdout);
  return kDone;
}

}  // namespace

void add_help(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("help", "Print all commands, or the options of one");
  auto name = std::make_shared<std::string>();
  command->add_option("command", *name, "Its name");
  command->callback([name, &app, &exit_code] { exit_code = help(app, *name); });
}

}  // namespace viaduct::cli
