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
  // The files of certificates as they were read, those of upstreams' TLS too; when they have changed they are to be
  // renewed.
  tls::FileStamps certificate_stamps;
  // By upstream: its TLS files as they were when they could be used last.
  std::vector<tls::FileStamps> upstream_stamps{};
  // Of a renewal: whether it found anything new that can be used.
  bool differs = false;
};

// Builds everything that a snapshot needs: router, filters, actions, certificates, and tries what each upstream's TLS
// files hold. `ticket_keys` must outlive the snapshot and its connections. Routes that limit rates as those of `served`
// do, if there is one, go on counting where those are.
BuildResult build_snapshot(const config::Config& config, std::uint64_t version, tls::TicketKeys& ticket_keys,
                           base::WallTime now, const exchange::Snapshot* served = nullptr);

// A copy of the snapshot of `served` with the certificates as their files have them now. What cannot be used is a
// problem of the result, and stays as it was served; nothing else of the config is looked at. The TLS files of
// upstreams are only tried: the workers read those that have changed when they get the snapshot. `ticket_keys` as
// above. REQUIRES: served.snapshot.
BuildResult renew_certificates(const BuildResult& served, std::uint64_t version, tls::TicketKeys& ticket_keys,
                               base::WallTime now);

}  // namespace viaduct::daemon
