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

  // Takes over what is known of the same server; not what is under way.
  void learn_from(const ServerState& other);
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

// All servers of one upstream, in the order of its config.
class UpstreamState {
 public:
  explicit UpstreamState(std::size_t servers) : servers_(std::make_unique<ServerState[]>(servers)), count_(servers) {}
  UpstreamState(const UpstreamState&) = delete;
  UpstreamState& operator=(const UpstreamState&) = delete;

  ServerState& server(std::size_t index) { return servers_[index]; }
  std::size_t count() const { return count_; }
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
  std::unique_ptr<ServerState[]> servers_;
  std::size_t count_;
  std::mutex eject_mutex_;
  mutable std::mutex holders_mutex_;
  std::vector<PlaceHolder*> holders_;  // guarded by holders_mutex_
};

class StateTable {
 public:
  StateTable() = default;
  StateTable(const StateTable&) = delete;
  StateTable& operator=(const StateTable&) = delete;

  // The state of the upstream of that name with those servers; the same object each time. Where its servers are others
  // than before, those that stay keep what is known of them. Thread-safe. Lives as long as the table.
  UpstreamState& find(const config::Upstream& config);
  // The same, for who only looks; null where nobody has asked for it yet.
  UpstreamState* peek(const config::Upstream& config);

 private:
  struct Entry {
    std::vector<std::string> urls;  // of its servers
    std::unique_ptr<UpstreamState> state;
  };

  static std::string key_of(const config::Upstream& config);
  static void carry_over(const Entry& from, const Entry& to);

  // Guarded by mutex_.
  std::mutex mutex_;
  std::map<std::string, Entry> states_;
  std::map<std::string, Entry*> newest_;  // the last one that was asked for, by the upstream's name
};

}  // namespace viaduct::upstream
