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
  bool opens_no_files = false;  // of config::Config
};

// Reads `file` and builds its snapshot; where it does not load, what could be read of it is looked at all the same.
// `setup.ticket_keys` must outlive the result.
LoadedConfig load_and_build(const std::string& file, const config::LoadOptions& options, const BuildSetup& setup);

// Why a config is not served.
struct Refusal {
  // The first error, "FILE:LINE:COLUMN: key: what is wrong; what to do", and how many there are besides.
  std::string first;
  // Each error in one line, for the log: at most kLinesMax, and then how many are left out.
  std::vector<std::string> lines;
  // How many there are, and under it all problems as `check` prints them; at most kTextBytesMax and without a last line
  // end.
  std::string text;

  static constexpr std::size_t kLinesMax = 20;
  // Less than a pipe holds, through which a new process tells it to the one before.
  static constexpr std::size_t kTextBytesMax = 60 * 1024;
};
// REQUIRES: one of `problems` is an error.
Refusal describe_refusal(const std::vector<config::Problem>& problems, const config::Sources& sources);

}  // namespace viaduct::daemon
