// SPDX-License-Identifier: Apache-2.0
// client.max_connections and client.max_connections_per_address, counted for the whole process. Thread-safe; the table
// of addresses is kept only while such a limit is set.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>

#include "base/ip.h"
#include "config/types.h"

namespace viaduct::daemon {

class ConnectionLimits {
 public:
  // Counts a connection from `address` in; false when a limit of `client` forbids it (then nothing was counted).
  bool enter(const base::IpAddress& address, const config::Client& client);
  // Counts it out again. REQUIRES: enter() returned true for this address.
  void leave(const base::IpAddress& address);
  // The same for a connection whose client is not known yet: it counts in the total alone.
  bool enter(const config::Client& client);
  void leave() { total_.fetch_sub(1, std::memory_order_relaxed); }
  std::uint32_t connections() const { return total_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> total_ = 0;
  std::atomic<bool> counts_addresses_ = false;
  std::mutex mutex_;
  std::map<base::IpAddress, std::uint32_t> by_address_;  // guarded by mutex_
};

}  // namespace viaduct::daemon
