// SPDX-License-Identifier: Apache-2.0
// client.max_connections, client.max_connections_per_address, client.max_handshakes and process.memory, counted for the
// whole process. Thread-safe; the table of addresses has those connections that came while such a limit was set.
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

  // One connection whose client is known; counted out, wherever it was counted, when this goes. A limit of addresses
  // that a reload has brought or taken away meanwhile makes no difference to it.
  class Entry {
   public:
    Entry() = default;
    Entry(Entry&& other) noexcept
        : limits_(std::exchange(other.limits_, nullptr)), address_(std::exchange(other.address_, std::nullopt)) {}
    Entry& operator=(Entry&& other) noexcept {
      std::swap(limits_, other.limits_);
      std::swap(address_, other.address_);
      return *this;
    }
    ~Entry() {
      if (limits_ != nullptr) limits_->leave(*this);
    }

   private:
    friend class ConnectionLimits;

    explicit Entry(ConnectionLimits& limits) : limits_(&limits) {}

    ConnectionLimits* limits_ = nullptr;      // null: none is counted
    std::optional<base::IpAddress> address_;  // in by_address_; absent: in the total alone
  };

  // Counts a connection from `address` in; absent when a limit of `client` forbids it (then nothing was counted). The
  // limits must outlive what is returned.
  std::optional<Entry> enter(const base::IpAddress& address, const config::Client& client);
  // The same for a connection whose client is not known yet: it counts in the total alone, until leave().
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
  void leave(const Entry& entry);

  std::atomic<std::uint32_t> total_ = 0;
  std::atomic<std::uint32_t> handshakes_ = 0;
  std::atomic<std::uint64_t> memory_ = 0;  // bytes of payload
  std::mutex mutex_;
  std::map<base::IpAddress, std::uint32_t> by_address_;  // IPv6 by /64; guarded by mutex_
};

}  // namespace viaduct::daemon
