// SPDX-License-Identifier: Apache-2.0
// What `viaduct status --json` prints: the process, its config, its sites with rates and percentiles of each route, the
// servers of its upstreams, and its certificates. One JSON object in one line; every key is in docs/MONITORING.md, and
// keys are added but never change their meaning. Main thread.
#pragma once

#include <string>

#include "base/ip.h"
#include "daemon/overview.h"
#include "daemon/route_window.h"

namespace viaduct::daemon {

struct StatusListener {
  base::SocketAddress address;  // as bound
  bool is_tls = false;
};

std::string status_page(const Overview& overview, const RouteWindow& window,
                        const std::vector<StatusListener>& listeners, base::MonoTime now);

}  // namespace viaduct::daemon
