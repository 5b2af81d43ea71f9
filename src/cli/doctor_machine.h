// SPDX-License-Identifier: Apache-2.0
// What `viaduct doctor` looks at on this machine: addresses to listen on, limits, and the files and directories that
// the daemon reads and writes, with the rights of the user that it will be. Nothing is left behind. Main thread.
#pragma once

#include "cli/doctor_report.h"
#include "config/types.h"

namespace viaduct::cli {

// Whether each listener, and the address for monitors, can be bound; held by a running viaduct is as good.
void check_listeners(const config::Config& config, DoctorReport& report);
// Whether as many files may be open as `client.max_connections` needs. Raises the limit of this process.
void check_descriptors(const config::Config& config, DoctorReport& report);
// Whether the logs, the directory of configs to go back to, and the socket for control commands can be made and
// written.
void check_written_files(const config::Config& config, DoctorReport& report);
// Whether the roots of static routes, their index and fallback can be read.
void check_static_files(const config::Config& config, DoctorReport& report);

}  // namespace viaduct::cli
