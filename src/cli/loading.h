// SPDX-License-Identifier: Apache-2.0
// Loads and builds a config as the daemon does, for every command that needs one, and prints what is wrong with it.
// Cold path; main thread.
#pragma once

#include <string>

#include "config/load.h"
#include "daemon/loading.h"

namespace viaduct::cli {

using daemon::LoadedConfig;

// daemon::load_and_build() of `file` as it is now. `ticket_keys` must outlive the result.
LoadedConfig load_and_build(const std::string& file, tls::TicketKeys& ticket_keys);

// The same for a question about it alone: what the files are that it names, and whether they are here, is a warning.
LoadedConfig load_for_question(const std::string& file, tls::TicketKeys& ticket_keys);

// Prints the problems, errors and warnings, to standard error.
void print_problems(const config::LoadResult& loaded);

}  // namespace viaduct::cli
