// SPDX-License-Identifier: Apache-2.0
// What `viaduct doctor` says of the config itself and of the certificates of its sites. Pure functions of what was
// loaded; any thread.
#pragma once

#include <string>

#include "base/time.h"
#include "cli/doctor_report.h"
#include "config/load.h"
#include "daemon/build.h"
#include "tls/ticket_keys.h"

namespace viaduct::cli {

// A config that was looked at with LoadOptions::forgives_files.
struct ExaminedConfig {
  config::LoadResult loaded;
  daemon::BuildResult built;  // where there is a config
};

// Loads `file` so that as much as possible can be looked at. `ticket_keys` must outlive the result.
ExaminedConfig examine_config(const std::string& file, tls::TicketKeys& ticket_keys, base::WallTime now);

// Whether it loads, with a finding for each problem that no other check tells.
void check_config(const std::string& file, const ExaminedConfig& examined, DoctorReport& report);
// Whether the pair of each site matches, is valid, covers its hosts and comes with its chain in order.
void check_certificates(const config::Config& config, tls::TicketKeys& ticket_keys, base::WallTime now,
                        DoctorReport& report);

}  // namespace viaduct::cli
