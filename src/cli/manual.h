// SPDX-License-Identifier: Apache-2.0
// The command line, written down for man(1) and for shells: made from the very commands and options that are parsed, so
// that nothing is missing or out of date. Pure functions; any thread.
#pragma once

#include <string>

namespace CLI {  // NOLINT(readability-identifier-naming): the library's name
class App;
}

namespace viaduct::cli {

// viaduct(8), in the macros of man(7). `app` has all commands.
std::string program_manual(const CLI::App& app);
// What bash and zsh complete behind "viaduct", as files for their directories of completions.
std::string bash_completion(const CLI::App& app);
std::string zsh_completion(const CLI::App& app);

}  // namespace viaduct::cli
