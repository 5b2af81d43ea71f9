// SPDX-License-Identifier: Apache-2.0
// All health checks of the process (`health`). Runs beside the supervisor, with connections of its own;
// what it finds out stands in the StateTable, where all workers read it (docs/adr/0014). One thread.
#pragma once

#include <memory>
#include <vector>

#include "base/random.h"
#include "config/types.h"
#include "upstream/registry.h"
#include "upstream/resources.h"
#include "upstream/server_state.h"

namespace viaduct::upstream {

class HealthMonitor {
 public:
  // All of them must outlive the monitor; the library for HTTP/2 must outlive the loop as well, which frees the last
  // connections.
  explicit HealthMonitor(const Resources& resources);
  ~HealthMonitor();
  HealthMonitor(const HealthMonitor&) = delete;
  HealthMonitor& operator=(const HealthMonitor&) = delete;

  // Checks what a new snapshot's upstreams ask for. Checks that did not change go on; new ones begin at once, with what
  // is known of their servers; servers that are not checked any more count as healthy.
  void adopt(const std::vector<config::Upstream>& upstreams);

 private:
  // The checks of one upstream.
  class Group;

  // The group for `upstream`, as it was where its config is the same.
  std::unique_ptr<Group> take_group(Upstream& upstream, const config::Upstream& config);

  StateTable& states_;
  StateTable probe_states_;  // counts the probes' own connections and requests, which no limit and no policy may see
  base::Random random_;
  Registry registry_;
  std::vector<std::unique_ptr<Group>> groups_;
};

}  // namespace viaduct::upstream
