// SPDX-License-Identifier: Apache-2.0
// The commands of `viaduct`: each is a file with one function that adds its options and what it does to the parser. The
// table in cli/commands.cc lists them all. Exit codes: 0 done, 1 it did not work, 2 wrong usage.
#pragma once

#include <string>

namespace CLI {  // NOLINT(readability-identifier-naming): the library's name
class App;
}

namespace viaduct::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;

inline constexpr const char* kDefaultConfigFile = "/etc/viaduct/viaduct.yaml";
inline constexpr const char* kVersion = VIADUCT_VERSION;

// Adds a command to `app`; when it is chosen, it runs and leaves its exit code in `exit_code`, which must outlive
// `app`.
using AddCommand = void (*)(CLI::App& app, int& exit_code);

void add_run(CLI::App& app, int& exit_code);
void add_check(CLI::App& app, int& exit_code);
void add_doctor(CLI::App& app, int& exit_code);
void add_explain(CLI::App& app, int& exit_code);
void add_reload(CLI::App& app, int& exit_code);
void add_rollback(CLI::App& app, int& exit_code);
void add_status(CLI::App& app, int& exit_code);
void add_top(CLI::App& app, int& exit_code);
void add_drain(CLI::App& app, int& exit_code);
void add_undrain(CLI::App& app, int& exit_code);
void add_hold(CLI::App& app, int& exit_code);
void add_release(CLI::App& app, int& exit_code);
void add_log_level(CLI::App& app, int& exit_code);
void add_stop(CLI::App& app, int& exit_code);
void add_upgrade(CLI::App& app, int& exit_code);
void add_demo(CLI::App& app, int& exit_code);
void add_reference(CLI::App& app, int& exit_code);
void add_help(CLI::App& app, int& exit_code);
void add_version(CLI::App& app, int& exit_code);

// Says on standard error that no command of `app` is called `name`, and which one may be meant; returns kWrongUsage.
int refuse_command(const CLI::App& app, const std::string& name);

// Parses the command line and runs the command it names; returns the exit code of the process.
int run_command_line(int argc, char** argv);

}  // namespace viaduct::cli
