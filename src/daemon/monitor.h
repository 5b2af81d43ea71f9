// SPDX-License-Identifier: Apache-2.0
// The health listener (`admin.health`): /livez, /readyz and /metrics over plain HTTP for monitors. It is a worker like
// the others, with a site of its own and a thread of its own, so that it answers while they are busy, with all limits
// and timers of a listener; what it serves is in no access log and in no count.
//
// /livez: 200 while the workers' loops turn, else 503 with the workers that hang. /readyz: daemon/readiness.h.
#pragma once

#include <memory>

#include "base/error.h"
#include "daemon/connection_limits.h"
#include "daemon/overview.h"
#include "daemon/worker.h"

namespace viaduct::daemon {

class Monitor {
 public:
  // At once; monitors are few. One more takes the place of the connection that has been silent for the longest time, so
  // that nobody keeps monitors out by saying nothing.
  static constexpr std::uint32_t kConnectionsMax = 64;
  // The first request must begin, and each must be here, within this; an idle connection must have a new one within the
  // latter.
  static constexpr base::Duration kHeaderTimeout = std::chrono::seconds(5);
  static constexpr base::Duration kIdleTimeout = std::chrono::seconds(60);

  // A socket that listens on `address`. The error names it.
  static base::Result<os::Fd> listen(const base::SocketAddress& address);
  // Serves on such a socket until the object is destroyed. Both must outlive it.
  static base::Result<std::unique_ptr<Monitor>> start(const base::Clock& clock, const Overview& overview, os::Fd fd);
  // For start() alone.
  Monitor(const base::Clock& clock, const Overview& overview, os::Fd fd);
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  // As bound.
  const base::SocketAddress& address() const { return address_; }
  int descriptor() const { return descriptor_; }

 private:
  base::SocketAddress address_;
  int descriptor_;
  ConnectionLimits limits_;
  upstream::StateTable states_;  // it has no upstreams
  net::SharedConditions name_conditions_;
  Worker worker_;
};

}  // namespace viaduct::daemon
