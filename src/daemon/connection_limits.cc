// SPDX-License-Identifier: Apache-2.0
#include "daemon/connection_limits.h"

#include <algorithm>
#include <array>

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

bool ConnectionLimits::enter(const base::IpAddress& address, const config::Client& client) {
  if (!enter(client)) return false;
  if (!client.max_connections_per_address) return true;
  counts_addresses_.store(true, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  std::uint32_t& count = by_address_[counted_as(address)];
  if (count >= *client.max_connections_per_address) {
    leave();
    return false;
  }
  ++count;
  return true;
}

std::optional<ConnectionLimits::Handshake> ConnectionLimits::begin_handshake(const config::Client& client) {
  const std::uint32_t before = handshakes_.fetch_add(1, std::memory_order_relaxed);
  Handshake counted(*this);
  if (client.max_handshakes && before >= *client.max_handshakes) return std::nullopt;
  return counted;
}

void ConnectionLimits::leave(const base::IpAddress& address) {
  leave();
  if (!counts_addresses_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(mutex_);
  // A connection that came before the limit was set is not in the table.
  const auto found = by_address_.find(counted_as(address));
  if (found == by_address_.end()) return;
  if (--found->second == 0) by_address_.erase(found);
}

}  // namespace viaduct::daemon
