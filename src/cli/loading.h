// SPDX-License-Identifier: Apache-2.0
// Loads and builds a config as the daemon does, for every command that needs one, and prints what is wrong with it.
// Cold path; main thread.
#pragma once

#include <string>

#include "config/load.h"
#include "daemon/build.h"

namespace viaduct::cli {

struct LoadedConfig {
  // Its config is null, and built.snapshot too, when a problem is an error.
  config::LoadResult loaded;
  daemon::BuildResult built;
};

// Reads `file` and builds its snapshot. `problems` of both steps stand together in loaded.problems, in the order of the
// file. `ticket_keys` must outlive the result.
LoadedConfig load_and_build(const std::string& file, tls::TicketKeys& ticket_keys);

// Prints the problems, errors and warnings, to standard error.
void print_problems(const config::LoadResult& loaded);

}  // namespace viaduct::cli
