// SPDX-License-Identifier: Apache-2.0
// From a loaded config to a snapshot: the one place that turns each alternative of the config into the class that does
// it. `viaduct check` and `viaduct run` both go through here, so that what check passes, starts. Cold path; main
// thread.
#pragma once

#include <memory>
#include <vector>

#include "config/problem.h"
#include "config/types.h"
#include "exchange/snapshot.h"
#include "tls/file_stamps.h"
#include "tls/ticket_keys.h"

namespace viaduct::daemon {

struct BuildResult {
  // Null when a problem is an error. Whoever publishes it may number its routes before.
  std::shared_ptr<exchange::Snapshot> snapshot;
  std::vector<config::Problem> problems;
  // The certificate files as they were read; when they have changed the snapshot is to be built again.
  tls::FileStamps certificate_stamps;
};

// Builds everything that a snapshot needs: router, filters, actions, certificates, and tries what each upstream's TLS
// files hold. `ticket_keys` must outlive the snapshot and its connections.
BuildResult build_snapshot(const config::Config& config, std::uint64_t version, tls::TicketKeys& ticket_keys,
                           base::WallTime now);

// A copy of `served` with the certificates as their files have them now. What cannot be used is a problem of the
// result, and stays as it was served; nothing else of the config is looked at. `ticket_keys` as above.
BuildResult renew_certificates(const exchange::Snapshot& served, std::uint64_t version, tls::TicketKeys& ticket_keys,
                               base::WallTime now);

}  // namespace viaduct::daemon
