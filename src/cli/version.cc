// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/command.h"

namespace viaduct::cli {

void add_version(CLI::App& app, int&) {
  app.add_subcommand("version", "Print the version")->callback([] { std::printf("viaduct %s\n", kVersion); });
}

}  // namespace viaduct::cli
