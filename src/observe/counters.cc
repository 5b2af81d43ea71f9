// SPDX-License-Identifier: Apache-2.0
#include "observe/counters.h"

#include <algorithm>

namespace viaduct::observe {
namespace {

// With one writer, a load and a store are as good as an atomic addition, and far cheaper.
void add_one(std::atomic<std::uint64_t>& cell) {
  cell.store(cell.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace

void Counters::count(http::Reason reason, int status) {
  add_one(reasons_.at(static_cast<std::size_t>(reason)));
  add_one(status_classes_.at(status_class_of(status)));
}

void Counters::note_outlived(http::Reason reason) {
  add_one(outlived_);
  if (http::is_our_failure(reason)) add_one(outlived_failures_);
}

void Counters::count_connection() {
  add_one(connections_);
}

void Counters::count_handshake(std::string_view version, bool resumed) {
  const auto* const known = std::ranges::find(kTlsVersions, version);
  if (known == kTlsVersions.end()) return;
  add_one(
      (resumed ? resumed_handshakes_ : full_handshakes_).at(static_cast<std::size_t>(known - kTlsVersions.begin())));
}

HandshakeCounts Counters::handshakes(std::size_t version) const {
  return {.full = full_handshakes_.at(version).load(std::memory_order_relaxed),
          .resumed = resumed_handshakes_.at(version).load(std::memory_order_relaxed)};
}

std::uint64_t Counters::with_reason(http::Reason reason) const {
  return reasons_.at(static_cast<std::size_t>(reason)).load(std::memory_order_relaxed);
}

std::uint64_t Counters::with_status_class(std::size_t status_class) const {
  return status_classes_.at(status_class).load(std::memory_order_relaxed);
}

void CounterTotals::add(const Counters& counters) {
  for (std::size_t reason = 0; reason < reasons.size(); ++reason) {
    reasons[reason] += counters.with_reason(static_cast<http::Reason>(reason));
  }
  for (std::size_t status_class = 0; status_class < status_classes.size(); ++status_class) {
    status_classes[status_class] += counters.with_status_class(status_class);
  }
  outlived += counters.outlived();
  outlived_failures += counters.outlived_failures();
  connections += counters.connections();
  for (std::size_t version = 0; version < handshakes.size(); ++version) {
    const HandshakeCounts more = counters.handshakes(version);
    handshakes[version].full += more.full;
    handshakes[version].resumed += more.resumed;
  }
}

}  // namespace viaduct::observe
