// SPDX-License-Identifier: Apache-2.0
#include "daemon/connection_limits.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace viaduct::daemon {
namespace {

// One host has a whole network of IPv6: its first 8 bytes count.
base::IpAddress counted_as(const base::IpAddress& address) {
  if (address.is_v4()) return address;
  std::array<unsigned char, 16> network{};
  std::copy_n(address.bytes(), 8, network.begin());
  return base::IpAddress::from_bytes(network.data(), network.size());
}

}  // namespace

bool ConnectionLimits::enter(const config::Client& client) {
  if (total_.fetch_add(1, std::memory_order_relaxed) < client.max_connections) return true;
  leave();
  return false;
}

std::optional<ConnectionLimits::Entry> ConnectionLimits::enter(const base::IpAddress& address,
                                                               const config::Client& client) {
  if (!enter(client)) return std::nullopt;
  Entry entry(*this);
  if (!client.max_connections_per_address || address.is_unix()) return entry;
  const base::IpAddress counted = counted_as(address);
  const std::lock_guard lock(mutex_);
  std::uint32_t& count = by_address_[counted];
  if (count >= *client.max_connections_per_address) return std::nullopt;
  ++count;
  entry.address_ = counted;
  return entry;
}

std::optional<ConnectionLimits::Handshake> ConnectionLimits::begin_handshake(const config::Client& client) {
  const std::uint32_t before = handshakes_.fetch_add(1, std::memory_order_relaxed);
  Handshake counted(*this);
  if (client.max_handshakes && before >= *client.max_handshakes) return std::nullopt;
  return counted;
}

void ConnectionLimits::leave(const Entry& entry) {
  leave();
  if (!entry.address_) return;
  const std::lock_guard lock(mutex_);
  const auto found = by_address_.find(*entry.address_);
  CHECK(found != by_address_.end());
  if (--found->second == 0) by_address_.erase(found);
}

}  // namespace viaduct::daemon
