// SPDX-License-Identifier: Apache-2.0
#include "config/reference.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "config/schema.h"

namespace viaduct::cli {

void add_reference(CLI::App& app, int&) {
  auto* command = app.add_subcommand("reference", "Print every key of the config");
  auto as_schema = std::make_shared<bool>(false);
  command->add_flag("--schema", *as_schema, "Print a JSON Schema for editors instead");
  command->callback([as_schema] {
    const std::string text = *as_schema ? config::reference_schema().dump(2) + "\n" : config::reference_text();
    std::fputs(text.c_str(), stdout);
  });
}

}  // namespace viaduct::cli
