// SPDX-License-Identifier: Apache-2.0
// What the process knows about itself, in one place for everyone who shows it: /metrics, /readyz and `viaduct status`.
// The supervisor tells it what changes; any thread may ask. Numbers of different counters are read one after the other
// and may differ by the requests that ended in between.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/log_sink.h"
#include "base/time.h"
#include "daemon/connection_limits.h"
#include "exchange/snapshot.h"
#include "observe/counters.h"
#include "observe/route_stats.h"
#include "upstream/server_state.h"

namespace viaduct::daemon {

// What one worker counts.
struct WorkerCounts {
  const observe::Counters& counters;
  const observe::RouteStats& routes;
};

// One server of an upstream as it is now.
struct ServerFacts {
  std::string name;        // as the log names it
  std::string_view state;  // healthy, unhealthy, ejected, drained or unchecked (no check has ended, or there are none)
  bool is_available = false;  // requests are sent to it
  bool is_backup = false;
  std::uint32_t connections = 0;  // idle ones too
  std::uint32_t requests = 0;     // under way
  std::uint64_t attempts = 0;
  std::uint64_t failed_attempts = 0;
  std::uint64_t ejections = 0;
};

struct UpstreamFacts {
  std::string name;
  bool is_needed = false;  // a route leads to it
  bool is_held = false;    // by `viaduct hold`
  std::uint32_t waiting = 0;
  std::uint64_t retries = 0;
  std::vector<ServerFacts> servers;

  bool has_server() const;
};

class Overview {
 public:
  // The main thread may be busy loading thousands of certificates; beyond this it counts as hanging.
  static constexpr base::Duration kLookPatience = std::chrono::seconds(60);

  // All of them must outlive the object.
  struct Sources {
    const base::Clock& clock;
    upstream::StateTable& states;
    const ConnectionLimits& limits;
    std::string version;  // of the program
  };

  // What changes as the process lives.
  struct Facts {
    exchange::SnapshotRef snapshot;
    base::WallTime loaded_at{};  // the snapshot
    bool is_draining = false;
    std::uint64_t reloads_done = 0;  // renewed certificates count, too
    std::uint64_t reloads_refused = 0;
    std::string refusal;  // why the last reload or renewal was refused; empty where it was not
  };

  explicit Overview(Sources sources);
  Overview(const Overview&) = delete;
  Overview& operator=(const Overview&) = delete;

  // ---- for the supervisor
  // Before others ask, and again before one of them goes. `access_sink` may be null: no access log.
  void watch(std::vector<WorkerCounts> workers, const base::LogSink* access_sink);
  void note_snapshot(exchange::SnapshotRef snapshot, bool is_reload);
  void note_refusal(std::string reason);
  void note_draining();
  // The supervisor has looked at the workers, as of `now`: which of them hang.
  void note_look(base::MonoTime now, std::vector<bool> hangs);

  // ---- for who shows it
  Facts facts() const;
  const std::string& version() const { return sources_.version; }
  base::WallTime started_at() const { return started_at_; }
  base::WallTime now() const { return sources_.clock.wall_now(); }
  std::uint32_t connections() const { return sources_.limits.connections(); }
  std::size_t workers() const;
  // What hangs: "worker 1 hangs", or that the main thread has not looked for kLookPatience. Empty: all threads turn.
  std::string hanging() const;
  // Lines of the access log that were given up.
  std::uint64_t lost_lines() const;
  observe::CounterTotals counters() const;
  // Of the route with that number, summed over the workers.
  observe::RouteTotals route(std::uint32_t number) const;
  // In the order of the config of `snapshot`.
  std::vector<UpstreamFacts> upstreams(const exchange::Snapshot& snapshot) const;

 private:
  ServerFacts server_facts(const config::Server& config, const upstream::ServerState* state) const;

  Sources sources_;
  base::WallTime started_at_;
  mutable std::mutex mutex_;  // guards what follows
  Facts facts_;
  std::vector<WorkerCounts> workers_;
  const base::LogSink* access_sink_ = nullptr;
  base::MonoTime looked_at_;
  std::vector<bool> hangs_;  // by worker
};

}  // namespace viaduct::daemon
