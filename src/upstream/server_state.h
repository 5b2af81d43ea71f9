// SPDX-License-Identifier: Apache-2.0
// What the process knows of the servers of an upstream, whichever worker found it out: health, ejection, and how much
// is under way. Workers read and write it as atomics; the supervisor owns it. It outlives snapshots, so that a reload
// forgets nothing about servers that stay.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/time.h"
#include "config/types.h"
#include "http/reason.h"

namespace viaduct::upstream {

// One server. On cache lines of its own.
struct alignas(64) ServerState {
  enum class Health : std::uint8_t {
    kUnchecked,  // there are no checks, or none has ended yet: it counts as healthy
    kHealthy,
    kUnhealthy,
  };

  std::atomic<Health> health = Health::kUnchecked;
  // Left out until then, a MonoTime as a count of its duration; 0: never was.
  std::atomic<base::MonoTime::rep> ejected_until = 0;
  // Why it was left out last.
  std::atomic<http::Reason> ejected_for = http::Reason::kNone;
  // The operator wants no requests sent to it.
  std::atomic<bool> drained = false;
  // When it came back from being unhealthy or left out; 0: never was.
  std::atomic<base::MonoTime::rep> recovered_at = 0;
  // Failed attempts in a row.
  std::atomic<std::uint32_t> failures = 0;
  // Under way in all workers; connections include those that are being made and those that are idle.
  std::atomic<std::uint32_t> connections = 0;
  std::atomic<std::uint32_t> requests = 0;
  // Since the start: requests that were sent to it or would have been, those of them that failed, and how often it was
  // left out.
  std::atomic<std::uint64_t> attempts = 0;
  std::atomic<std::uint64_t> failed_attempts = 0;
  std::atomic<std::uint64_t> ejections = 0;

  // Whether requests may be sent to it.
  bool is_available(base::MonoTime now) const {
    return health.load(std::memory_order_relaxed) != Health::kUnhealthy && !drained.load(std::memory_order_relaxed) &&
           now.time_since_epoch().count() >= ejected_until.load(std::memory_order_relaxed);
  }
};

// A worker that has places among the connections of servers.
class PlaceHolder {
 public:
  // Requests of another worker wait for a place, or it has given one up. Any thread, under the state's lock.
  virtual void ask_for_place() = 0;

 protected:
  ~PlaceHolder() = default;
};

// What is known of the upstream of one name, whichever lists of servers its configs have: those that stay are the same
// objects before and after a reload, and those that requests of an old snapshot are under way at, too.
class UpstreamState {
 public:
  // Servers beyond this many that nobody holds any more are forgotten.
  static constexpr std::size_t kRememberedMax = 512;

  UpstreamState() = default;
  UpstreamState(const UpstreamState&) = delete;
  UpstreamState& operator=(const UpstreamState&) = delete;

  // The state of the server with that URL, the same object for all who hold it. One that was in the config before is
  // remembered. Thread-safe.
  std::shared_ptr<ServerState> server(const config::Server& config);
  // Held while a server is ejected, so that not all of them are at once. Cold paths alone.
  std::mutex& eject_mutex() { return eject_mutex_; }

  // Who is asked for places; until remove(), which comes in the thread of the holder, or when that has ended.
  void add(PlaceHolder& holder);
  void remove(PlaceHolder& holder);
  bool knows(const PlaceHolder& holder) const;
  // Asks all but `asker`. Cold path: only while requests wait.
  void ask_others(const PlaceHolder& asker);

  // Requests of all workers that wait for a connection.
  std::atomic<std::uint32_t> waiting = 0;
  // The operator wants requests to wait until then instead of being sent, a MonoTime as a count of its duration; 0:
  // not.
  std::atomic<base::MonoTime::rep> held_until = 0;
  bool is_held(base::MonoTime now) const {
    return now.time_since_epoch().count() < held_until.load(std::memory_order_relaxed);
  }
  // Since the start: attempts behind the first one of a request.
  std::atomic<std::uint64_t> retries = 0;

 private:
  std::mutex servers_mutex_;
  std::map<std::string, std::shared_ptr<ServerState>> servers_;  // by URL; guarded by servers_mutex_
  std::mutex eject_mutex_;
  mutable std::mutex holders_mutex_;
  std::vector<PlaceHolder*> holders_;  // guarded by holders_mutex_
};

class StateTable {
 public:
  StateTable() = default;
  StateTable(const StateTable&) = delete;
  StateTable& operator=(const StateTable&) = delete;

  // The state of the upstream of that name; the same object each time. Thread-safe. Lives as long as the table.
  UpstreamState& find(const config::Upstream& config);
  // The same, for who only looks; null where nobody has asked for it yet.
  UpstreamState* peek(const config::Upstream& config);

 private:
  std::mutex mutex_;
  std::map<std::string, UpstreamState> states_;  // by name; guarded by mutex_
};

}  // namespace viaduct::upstream
