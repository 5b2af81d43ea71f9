// SPDX-License-Identifier: Apache-2.0
// What a worker counts: how exchanges ended, by reason and by class of status; connections; handshakes. Every refusal
// counts here. Each worker has its own Counters and is the only one that writes to it; any thread may read, and adds
// all workers' up in CounterTotals.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "http/reason.h"

namespace viaduct::observe {

#define VIADUCT_REASON_STATUS(enumerator, name, status, sentence) status,
inline constexpr std::size_t kReasonCount = std::initializer_list<int>{VIADUCT_REASONS(VIADUCT_REASON_STATUS)}.size();
#undef VIADUCT_REASON_STATUS

// Index: the status divided by 100; 0 for exchanges that ended without one.
inline constexpr std::size_t kStatusClassCount = 6;
constexpr std::size_t status_class_of(int status) {
  return status >= 100 && status < 600 ? static_cast<std::size_t>(status) / 100 : 0;
}

// Handshakes with clients that came to their end, by version; each full or resumed.
inline constexpr std::array<std::string_view, 4> kTlsVersions = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
struct HandshakeCounts {
  std::uint64_t full = 0;
  std::uint64_t resumed = 0;
};

// On cache lines of its own, so that workers do not slow each other down.
class alignas(64) Counters {
 public:
  Counters() = default;
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;

  // Counts one exchange, or a connection that was refused before there was one. `status` 0: the client got none.
  void count(http::Reason reason, int status);
  // Of what count() has just been told: it ran with a snapshot that is not served any more.
  void note_outlived(http::Reason reason);
  // Counts a connection that was accepted.
  void count_connection();
  // Counts a handshake by the name of its version; a name that is not in kTlsVersions is not counted.
  void count_handshake(std::string_view version, bool resumed);

  std::uint64_t with_reason(http::Reason reason) const;
  // REQUIRES: status_class < kStatusClassCount.
  std::uint64_t with_status_class(std::size_t status_class) const;
  std::uint64_t outlived() const { return outlived_.load(std::memory_order_relaxed); }
  std::uint64_t outlived_failures() const { return outlived_failures_.load(std::memory_order_relaxed); }
  std::uint64_t connections() const { return connections_.load(std::memory_order_relaxed); }
  // REQUIRES: version < kTlsVersions.size().
  HandshakeCounts handshakes(std::size_t version) const;

 private:
  using Cell = std::atomic<std::uint64_t>;

  std::array<Cell, kReasonCount> reasons_{};
  std::array<Cell, kStatusClassCount> status_classes_{};
  Cell outlived_ = 0;
  Cell outlived_failures_ = 0;
  Cell connections_ = 0;
  std::array<Cell, kTlsVersions.size()> full_handshakes_{};
  std::array<Cell, kTlsVersions.size()> resumed_handshakes_{};
};

// The sums over workers.
struct CounterTotals {
  std::array<std::uint64_t, kReasonCount> reasons{};  // index: http::Reason
  std::array<std::uint64_t, kStatusClassCount> status_classes{};
  std::uint64_t outlived = 0;           // among the exchanges: they ended when their snapshot was not served any more
  std::uint64_t outlived_failures = 0;  // among these, failures of ours
  std::uint64_t connections = 0;
  std::array<HandshakeCounts, kTlsVersions.size()> handshakes{};

  void add(const Counters& counters);
};

}  // namespace viaduct::observe
