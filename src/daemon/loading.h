// SPDX-License-Identifier: Apache-2.0
// From a config file to a snapshot: the one way on which `check`, `run`, a reload and an upgrade go, so that they find
// the same errors, all of them, at the same places. Cold path; main thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "config/load.h"
#include "daemon/build.h"
#include "tls/ticket_keys.h"

namespace viaduct::daemon {

struct LoadedConfig {
  // Its config is null when reading found an error. `problems` are those of all steps, in the order of the files.
  config::LoadResult loaded;
  // Its snapshot is null when a problem is an error; its problems are in loaded.problems, too.
  BuildResult built;
};

// What build_snapshot() wants besides a config.
struct BuildSetup {
  tls::TicketKeys& ticket_keys;
  std::uint64_t version = 1;
  base::WallTime now{};
  const exchange::Snapshot* served = nullptr;
};

// Reads `file` and builds its snapshot; where it does not load, what could be read of it is looked at all the same.
// `setup.ticket_keys` must outlive the result.
LoadedConfig load_and_build(const std::string& file, const config::LoadOptions& options, const BuildSetup& setup);

}  // namespace viaduct::daemon
