// SPDX-License-Identifier: Apache-2.0
// The commands for the time of a deployment or of trouble, sent to a running daemon: drain, undrain, hold, release and
// log-level.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/admin_target.h"
#include "cli/command.h"
#include "daemon/admin.h"

namespace viaduct::cli {
namespace {

struct Argument {
  const char* name;
  const char* help;
  bool is_required = true;
};

struct Request {
  AdminTarget target;
  std::vector<std::string> values;
};

int send(const std::string& word, const Request& request) {
  std::string command = word;
  for (const std::string& value : request.values) {
    if (!value.empty()) command += " " + value;
  }
  const auto answer = ask_daemon(request.target, command);
  if (!answer) return kFailed;
  const bool ok = daemon::is_admin_success(*answer);
  std::fprintf(ok ? stdout : stderr, "%s\n", answer->c_str());
  return ok ? kDone : kFailed;
}

void add_order(CLI::App& app, int& exit_code, const std::string& word, const std::string& summary,
               std::initializer_list<Argument> arguments) {
  auto* command = app.add_subcommand(word, summary);
  auto request = std::make_shared<Request>();
  request->values.resize(arguments.size());
  std::size_t index = 0;
  for (const Argument& argument : arguments) {
    auto* option = command->add_option(argument.name, request->values[index++], argument.help);
    // One command is one line of words.
    option->check([](const std::string& value) {
      return value.find_first_of(" \n") == std::string::npos ? "" : "a name without spaces";
    });
    if (argument.is_required) option->required();
  }
  add_target_options(*command, request->target);
  command->callback([request, word, &exit_code] { exit_code = send(word, *request); });
}

constexpr Argument kUpstream{"upstream", "The upstream's name in the config"};
constexpr Argument kServer{"server", "The server as `viaduct status` shows it, 10.0.0.6:8000"};

}  // namespace

void add_drain(CLI::App& app, int& exit_code) {
  add_order(app, exit_code, "drain", "Send no more requests to a server; those under way go on", {kUpstream, kServer});
}

void add_undrain(CLI::App& app, int& exit_code) {
  add_order(app, exit_code, "undrain", "Send requests to a server again", {kUpstream, kServer});
}

void add_hold(CLI::App& app, int& exit_code) {
  add_order(app, exit_code, "hold", "Let requests to an upstream wait while it is deployed",
            {kUpstream, {"time", "How long at most, like 30s (the default) or 2m", false}});
}

void add_release(CLI::App& app, int& exit_code) {
  add_order(app, exit_code, "release", "Send the requests that are held", {kUpstream});
}

void add_log_level(CLI::App& app, int& exit_code) {
  add_order(app, exit_code, "log-level", "Let the error log say more or less, until the next start",
            {{"level", "debug, info, warning or error"}});
}

}  // namespace viaduct::cli
