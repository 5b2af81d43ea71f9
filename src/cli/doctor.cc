// SPDX-License-Identifier: Apache-2.0
// `viaduct doctor`: what an operator would look at by hand before a switch.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "cli/command.h"
#include "cli/doctor_machine.h"
#include "cli/doctor_servers.h"
#include "cli/doctor_sites.h"
#include "os/process.h"

namespace viaduct::cli {
namespace {

DoctorReport look(const std::string& file) {
  DoctorReport report;
  const base::SystemClock clock;
  tls::TicketKeys ticket_keys;
  const ExaminedConfig examined = examine_config(file, ticket_keys, clock.wall_now());
  check_config(file, examined, report);
  if (examined.loaded.config == nullptr) return report;
  const config::Config& config = *examined.loaded.config;
  check_certificates(config, ticket_keys, clock.wall_now(), report);
  check_listeners(config, report);
  check_descriptors(config, report);
  check_written_files(config, report);
  check_static_files(config, report);
  DoctorServers(config, clock).check(report);
  return report;
}

int doctor(const std::string& file, bool as_json) {
  os::ignore_write_signals();
  // What the daemon would log of its attempts is in the findings.
  if (auto opened = base::log_open({.file = "-", .level = base::LogLevel::kError}); !opened) return kFailed;
  const DoctorReport report = look(file);
  std::fputs(
      (as_json ? report.json().dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n" : report.text())
          .c_str(),
      stdout);
  return report.count(FindingState::kFault) == 0 ? kDone : kFailed;
}

}  // namespace

void add_doctor(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand(
      "doctor", "Look at everything that a start needs: certificates, ports, rights, names, servers, clocks");
  auto file = std::make_shared<std::string>(kDefaultConfigFile);
  auto as_json = std::make_shared<bool>(false);
  command->add_option("-c,--config", *file, "The config file")->capture_default_str();
  command->add_flag("--json", *as_json, "Print an array of all findings");
  command->callback([file, as_json, &exit_code] { exit_code = doctor(*file, *as_json); });
}

}  // namespace viaduct::cli
