// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/format.h"
#include "cli/command.h"
#include "cli/loading.h"

namespace viaduct::cli {
namespace {

std::string summary(const config::LoadResult& loaded, const std::string& file) {
  std::size_t errors = 0;
  for (const config::Problem& problem : loaded.problems) errors += problem.severity == config::Severity::kError;
  const std::size_t warnings = loaded.problems.size() - errors;
  return base::format("{}: {} ({} errors, {} warnings)\n", file, errors == 0 ? "ok" : "not usable", errors, warnings);
}

int check(const std::string& file, bool as_json) {
  tls::TicketKeys ticket_keys;
  const LoadedConfig ready = load_and_build(file, ticket_keys);
  const bool usable = ready.built.snapshot != nullptr;
  if (as_json) {
    const nlohmann::json answer = {
        {"file", file}, {"ok", usable}, {"problems", config::problems_to_json(ready.loaded.problems)}};
    std::puts(answer.dump(2).c_str());
  } else {
    print_problems(ready.loaded);
    std::fputs(summary(ready.loaded, file).c_str(), usable ? stdout : stderr);
  }
  return usable ? kDone : kFailed;
}

}  // namespace

void add_check(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("check", "Say everything that is wrong with a config, by line");
  auto file = std::make_shared<std::string>(kDefaultConfigFile);
  auto as_json = std::make_shared<bool>(false);
  command->add_option("-c,--config", *file, "The config file")->capture_default_str();
  command->add_flag("--json", *as_json, "Print an object with all problems");
  command->callback([file, as_json, &exit_code] { exit_code = check(*file, *as_json); });
}

}  // namespace viaduct::cli
