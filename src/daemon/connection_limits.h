// SPDX-License-Identifier: Apache-2.0
// client.max_connections, client.max_connections_per_address, client.max_handshakes and process.memory, counted for the
// whole process. Thread-safe; the table of addresses is kept only while such a limit is set.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "base/ip.h"
#include "config/types.h"

namespace viaduct::daemon {

class ConnectionLimits {
 public:
  // One TLS handshake under way; counted out when this goes.
  class Handshake {
   public:
    Handshake() = default;
    explicit Handshake(ConnectionLimits& limits) : limits_(&limits) {}
    Handshake(Handshake&& other) noexcept : limits_(std::exchange(other.limits_, nullptr)) {}
    Handshake& operator=(Handshake&& other) noexcept {
      std::swap(limits_, other.limits_);
      return *this;
    }
    ~Handshake() {
      if (limits_ != nullptr) limits_->handshakes_.fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    ConnectionLimits* limits_ = nullptr;  // null: none is counted
  };

  // Counts a connection from `address` in; false when a limit of `client` forbids it (then nothing was counted).
  bool enter(const base::IpAddress& address, const config::Client& client);
  // Counts it out again. REQUIRES: enter() returned true for this address.
  void leave(const base::IpAddress& address);
  // The same for a connection whose client is not known yet: it counts in the total alone.
  bool enter(const config::Client& client);
  void leave() { total_.fetch_sub(1, std::memory_order_relaxed); }
  // Counts a handshake in; absent when there are client.max_handshakes. The limits must outlive it.
  std::optional<Handshake> begin_handshake(const config::Client& client);
  // A thread has `now` bytes of payload, and had `before` when it last said so. Returns what all threads have.
  std::uint64_t report_memory(std::uint64_t before, std::uint64_t now) {
    return memory_.fetch_add(now - before, std::memory_order_relaxed) + (now - before);
  }
  std::uint32_t connections() const { return total_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> total_ = 0;
  std::atomic<std::uint32_t> handshakes_ = 0;
  std::atomic<std::uint64_t> memory_ = 0;  // bytes of payload
  std::atomic<bool> counts_addresses_ = false;
  std::mutex mutex_;
  std::map<base::IpAddress, std::uint32_t> by_address_;  // IPv6 by /64; guarded by mutex_
};

}  // namespace viaduct::daemon
