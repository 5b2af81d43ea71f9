// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <array>
#include <csignal>
#include <cstdio>

#include "base/log.h"
#include "cli/command.h"
#include "cli/loading.h"
#include "daemon/supervisor.h"
#include "os/child.h"
#include "os/process.h"

namespace viaduct::cli {
namespace {

// What would end a process that has not yet said how it takes them. They are orders to one that serves, and wait until
// this one does; INT and TERM may end it before.
constexpr std::array kOrders = {SIGHUP, SIGUSR1, SIGUSR2};

// Says it where whoever starts the daemon looks, too: the log may be a file by now.
int fail_start(const base::Error& error) {
  LOG_ERROR("start_failed error={}", base::quoted(error.message));
  if (base::log_is_standard_error()) return kFailed;
  const std::string line = base::format("viaduct: start_failed error={}\n", base::quoted(error.message));
  std::fputs(line.c_str(), stderr);
  return kFailed;
}

int run(const std::string& file) {
  if (auto blocked = os::block_signals(kOrders); !blocked) return fail_start(blocked.error());
  tls::TicketKeys ticket_keys;
  auto handover = daemon::Handover::take();
  if (!handover) return fail_start(handover.error());
  const bool is_successor = *handover != nullptr;
  if (is_successor) ticket_keys.take((*handover)->ticket_keys);
  LoadedConfig ready = load_and_build(file, ticket_keys);
  print_problems(ready.loaded);
  if (ready.built.snapshot == nullptr) {
    if (is_successor)
      (*handover)->report_failure(daemon::describe_refusal(ready.loaded.problems, ready.loaded.sources).text);
    return kFailed;
  }
  const base::SystemClock clock;
  daemon::Supervisor supervisor({.clock = clock,
                                 .ticket_keys = ticket_keys,
                                 .config_file = file,
                                 .config = std::move(*ready.loaded.config),
                                 .built = std::move(ready.built),
                                 .sources = std::move(ready.loaded.sources),
                                 .version = kVersion,
                                 .command = {os::own_executable(), "run", "-c", file},
                                 .handover = std::move(*handover)});
  if (auto started = supervisor.start(); !started) return fail_start(started.error());
  supervisor.run();
  return kDone;
}

}  // namespace

void add_run(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("run", "Serve until told to stop");
  auto file = std::make_shared<std::string>(kDefaultConfigFile);
  command->add_option("-c,--config", *file, "The config file")->capture_default_str();
  command->callback([file, &exit_code] { exit_code = run(*file); });
}

}  // namespace viaduct::cli
