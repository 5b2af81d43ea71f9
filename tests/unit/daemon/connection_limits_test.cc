// SPDX-License-Identifier: Apache-2.0
#include "daemon/connection_limits.h"

#include <gtest/gtest.h>

#include <thread>

namespace viaduct::daemon {
namespace {

base::IpAddress address(std::string_view text) {
  return *base::IpAddress::parse(text);
}

config::Client client(std::uint32_t total, std::optional<std::uint32_t> per_address = std::nullopt) {
  config::Client client;
  client.max_connections = total;
  client.max_connections_per_address = per_address;
  return client;
}

using Entries = std::vector<std::optional<ConnectionLimits::Entry>>;

TEST(ConnectionLimits, HoldTheTotal) {
  ConnectionLimits limits;
  const config::Client three = client(3);
  Entries entries;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(entries.emplace_back(limits.enter(address("192.0.2.1"), three)));
  EXPECT_FALSE(limits.enter(address("192.0.2.2"), three));
  EXPECT_EQ(limits.connections(), 3u);
  entries.pop_back();
  EXPECT_TRUE(entries.emplace_back(limits.enter(address("192.0.2.2"), three)));
  EXPECT_FALSE(limits.enter(address("192.0.2.2"), three));
}

TEST(ConnectionLimits, HoldEachAddressByItself) {
  ConnectionLimits limits;
  const config::Client two = client(100, 2);
  auto first = limits.enter(address("192.0.2.1"), two);
  const auto second = limits.enter(address("192.0.2.1"), two);
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(limits.enter(address("192.0.2.1"), two));
  const auto other = limits.enter(address("2001:db8::1"), two);
  EXPECT_TRUE(other);
  EXPECT_EQ(limits.connections(), 3u);  // a refusal counts nothing
  first.reset();
  const auto third = limits.enter(address("192.0.2.1"), two);
  EXPECT_TRUE(third);
  EXPECT_FALSE(limits.enter(address("192.0.2.1"), two));
}

// One host has all addresses of its network.
TEST(ConnectionLimits, CountIPv6ByItsNetwork) {
  ConnectionLimits limits;
  const config::Client one = client(100, 1);
  auto first = limits.enter(address("2001:db8:0:1::1"), one);
  EXPECT_TRUE(first);
  EXPECT_FALSE(limits.enter(address("2001:db8:0:1:ffff::2"), one));
  EXPECT_TRUE(limits.enter(address("2001:db8:0:2::1"), one));
  first.reset();
  EXPECT_TRUE(limits.enter(address("2001:db8:0:1::3"), one));
}

TEST(ConnectionLimits, HoldTheTotalBesideTheAddresses) {
  ConnectionLimits limits;
  const config::Client both = client(2, 2);
  const auto first = limits.enter(address("192.0.2.1"), both);
  const auto second = limits.enter(address("192.0.2.2"), both);
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(limits.enter(address("192.0.2.3"), both));
}

TEST(ConnectionLimits, CountAConnectionOnceWhoeverHasIt) {
  ConnectionLimits limits;
  const config::Client one = client(100, 1);
  auto entry = limits.enter(address("192.0.2.1"), one);
  ASSERT_TRUE(entry);
  ConnectionLimits::Entry kept(std::move(*entry));
  entry.reset();
  EXPECT_FALSE(limits.enter(address("192.0.2.1"), one));
  ConnectionLimits::Entry last;
  last = std::move(kept);
  EXPECT_EQ(limits.connections(), 1u);
  last = {};
  EXPECT_EQ(limits.connections(), 0u);
  EXPECT_TRUE(limits.enter(address("192.0.2.1"), one));
}

// A load balancer's connections are not held to the limit of one address before they say for whom they are.
TEST(ConnectionLimits, CountWhoIsNotKnownYetInTheTotal) {
  ConnectionLimits limits;
  const config::Client both = client(2, 1);
  EXPECT_TRUE(limits.enter(both));
  EXPECT_TRUE(limits.enter(both));
  EXPECT_FALSE(limits.enter(both));
  EXPECT_FALSE(limits.enter(address("192.0.2.1"), both));
  limits.leave();
  const auto known = limits.enter(address("192.0.2.1"), both);
  EXPECT_TRUE(known);
  EXPECT_EQ(limits.connections(), 2u);
}

TEST(ConnectionLimits, HoldHandshakesUnderWay) {
  ConnectionLimits limits;
  config::Client two;
  two.max_handshakes = 2;
  auto first = limits.begin_handshake(two);
  auto second = limits.begin_handshake(two);
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(limits.begin_handshake(two));
  ConnectionLimits::Handshake moved = std::move(*first);
  first.reset();
  EXPECT_FALSE(limits.begin_handshake(two));
  moved = {};
  EXPECT_TRUE(limits.begin_handshake(two));
  second.reset();
  two.max_handshakes = std::nullopt;
  std::vector<std::optional<ConnectionLimits::Handshake>> many;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(many.emplace_back(limits.begin_handshake(two)));
}

TEST(ConnectionLimits, AddTheMemoryOfAllThreads) {
  ConnectionLimits limits;
  EXPECT_EQ(limits.report_memory(0, 100), 100u);
  EXPECT_EQ(limits.report_memory(0, 50), 150u);
  EXPECT_EQ(limits.report_memory(100, 10), 60u);
  EXPECT_EQ(limits.report_memory(50, 0), 10u);
}

// A reload may set the limit of addresses, or take it away, while there are connections.
TEST(ConnectionLimits, SurviveAReload) {
  ConnectionLimits limits;
  const base::IpAddress host = address("192.0.2.1");
  const config::Client two = client(100, 2);
  Entries before;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(before.emplace_back(limits.enter(host, client(100))));
  Entries since;
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(since.emplace_back(limits.enter(host, two)));
  EXPECT_FALSE(limits.enter(host, two));
  before.clear();  // which were never counted by their address
  EXPECT_FALSE(limits.enter(host, two));
  EXPECT_EQ(limits.connections(), 2u);
  EXPECT_FALSE(limits.enter(address("192.0.2.2"), client(1)));  // the lower total holds for newcomers
  Entries without;
  EXPECT_TRUE(without.emplace_back(limits.enter(host, client(100))));
  since.clear();
  EXPECT_TRUE(since.emplace_back(limits.enter(host, two)));
  EXPECT_TRUE(since.emplace_back(limits.enter(host, two)));
  EXPECT_FALSE(limits.enter(host, two));
}

TEST(ConnectionLimits, CountRightWhenAllWorkersCount) {
  ConnectionLimits limits;
  const config::Client tight = client(50, 10);
  std::vector<std::thread> workers;
  std::atomic<int> most = 0;
  for (int worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&, worker] {
      const base::IpAddress mine = address("192.0.2." + std::to_string(worker % 2));
      for (int i = 0; i < 2000; ++i) {
        const auto entry = limits.enter(mine, tight);
        if (!entry) continue;
        const int now = static_cast<int>(limits.connections());
        for (int seen = most.load(); seen < now && !most.compare_exchange_weak(seen, now);) {
        }
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(limits.connections(), 0u);
  EXPECT_LE(most.load(), 50);
}

}  // namespace
}  // namespace viaduct::daemon
