// SPDX-License-Identifier: Apache-2.0
#include "config/reference.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/manual.h"
#include "cli/reason_help.h"
#include "config/schema.h"

namespace viaduct::cli {
namespace {

struct Options {
  bool as_schema = false;
  bool as_reasons = false;
  std::string section;  // --man
  std::string shell;    // --completion
};

std::string text_of(const Options& options, const CLI::App& app) {
  if (options.as_schema) return config::reference_schema().dump(2) + "\n";
  if (options.as_reasons) return reasons_text();
  if (options.section == "5") return config::reference_manual(kVersion);
  if (options.section == "8") return program_manual(app);
  if (options.shell == "bash") return bash_completion(app);
  if (options.shell == "zsh") return zsh_completion(app);
  return config::reference_text();
}

}  // namespace

void add_reference(CLI::App& app, int&) {
  auto* command = app.add_subcommand("reference", "Print every key of the config");
  auto options = std::make_shared<Options>();
  auto* schema = command->add_flag("--schema", options->as_schema, "Print a JSON Schema for editors instead");
  auto* reasons = command
                      ->add_flag("--reasons", options->as_reasons,
                                 "Print what every reason in the log and the metrics means, and what to do, instead")
                      ->excludes(schema);
  auto* manual = command
                     ->add_option("--man", options->section,
                                  "Print a manual page instead: that of the config (5) or of the commands (8)")
                     ->check(CLI::IsMember({"5", "8"}))
                     ->excludes(schema)
                     ->excludes(reasons);
  command->add_option("--completion", options->shell, "Print what a shell completes instead")
      ->check(CLI::IsMember({"bash", "zsh"}))
      ->excludes(schema)
      ->excludes(reasons)
      ->excludes(manual);
  command->callback([options, &app] { std::fputs(text_of(*options, app).c_str(), stdout); });
}

}  // namespace viaduct::cli
