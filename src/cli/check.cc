// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/format.h"
#include "cli/command.h"
#include "cli/loading.h"
#include "cli/replay.h"

namespace viaduct::cli {
namespace {

struct Options {
  std::string file = kDefaultConfigFile;
  bool as_json = false;
  std::string log;       // --against; empty: none
  std::string old_file;  // --old
  std::string host;
};

// Names of files and requests may be no UTF-8.
constexpr auto kReplace = nlohmann::json::error_handler_t::replace;

std::string summary(const config::LoadResult& loaded, const std::string& file) {
  const char* verdict = config::has_errors(loaded.problems) ? "not usable" : "ok";
  return base::format("{}: {} ({})\n", file, verdict, config::count_problems(loaded.problems));
}

int check(const Options& options) {
  tls::TicketKeys ticket_keys;
  const LoadedConfig ready = load_and_build(options.file, ticket_keys);
  const bool usable = ready.built.snapshot != nullptr;
  if (options.as_json) {
    const nlohmann::json answer = {
        {"file", options.file}, {"ok", usable}, {"problems", config::problems_to_json(ready.loaded.problems)}};
    std::puts(answer.dump(2, ' ', false, kReplace).c_str());
  } else {
    print_problems(ready.loaded);
    std::fputs(summary(ready.loaded, options.file).c_str(), usable ? stdout : stderr);
  }
  return usable ? kDone : kFailed;
}

int fail(const std::string& message) {
  std::fprintf(stderr, "viaduct: %s\n", message.c_str());
  return kFailed;
}

// The snapshot of `file`; null, and its problems printed, where there is none.
exchange::SnapshotRef load_quietly(const std::string& file, tls::TicketKeys& ticket_keys) {
  const LoadedConfig ready = load_and_build(file, ticket_keys);
  if (ready.built.snapshot == nullptr) print_problems(ready.loaded);
  return ready.built.snapshot;
}

int replay(const Options& options) {
  tls::TicketKeys ticket_keys;
  const exchange::SnapshotRef config = load_quietly(options.file, ticket_keys);
  if (config == nullptr) return fail(options.file + " is not usable");
  exchange::SnapshotRef old;
  if (!options.old_file.empty()) {
    old = load_quietly(options.old_file, ticket_keys);
    if (old == nullptr) return fail(options.old_file + " is not usable");
  }
  Replay replay({.config = *config, .old = old.get(), .host = options.host});
  if (options.log == "-") {
    replay.read(std::cin);
  } else {
    std::ifstream log(options.log, std::ios::binary);
    if (!log) return fail(base::format("cannot read {}: {}", options.log, std::generic_category().message(errno)));
    replay.read(log);
    if (log.bad()) return fail(base::format("cannot read all of {}", options.log));
  }
  const std::string text = options.as_json ? replay.json().dump(2, ' ', false, kReplace) + "\n" : replay.text();
  std::fputs(text.c_str(), stdout);
  if (replay.requests() == 0 && replay.unreadable() > 0) {
    return fail(base::format("no line of {} could be read; write it as JSON or combined", options.log));
  }
  return replay.changes() == 0 ? kDone : kFailed;
}

}  // namespace

void add_check(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("check", "Say everything that is wrong with a config, by line");
  auto options = std::make_shared<Options>();
  command->add_option("-c,--config", options->file, "The config file")->capture_default_str();
  command->add_flag("--json", options->as_json, "Print an object with all problems, or with all changes");
  auto* against = command->add_option(
      "--against", options->log,
      "An access log ('-': standard input), JSON or combined: say which of its requests would go elsewhere");
  command->add_option("--old", options->old_file, "Compare with this config, not with what the log says was done")
      ->needs(against);
  command->add_option("--host", options->host, "The host of requests whose line names none")->needs(against);
  command->callback([options, &exit_code] { exit_code = options->log.empty() ? check(*options) : replay(*options); });
}

}  // namespace viaduct::cli
