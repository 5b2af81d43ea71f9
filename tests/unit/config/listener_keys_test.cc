// SPDX-License-Identifier: Apache-2.0
#include "config/listener_keys.h"

#include <gtest/gtest.h>

#include "support/config_load.h"

namespace viaduct::config {
namespace {

using namespace std::chrono_literals;
using support::config_of;
using support::with_top;

constexpr const char* kSites = "sites: [{ default: true, routes: [{ respond: {} }] }]\n";

TEST(ListenerKeys, FillEveryMember) {
  const auto config =
      config_of(std::string("listeners:\n"
                            "  - { address: \":8080\", http2: false, h2c: true, proxy_protocol: true }\n"
                            "  - { address: unix:/nonexistent.sock, proxy_from: 192.0.2.0/24 }\n") +
                kSites);
  ASSERT_EQ(config->listeners.size(), 2U);
  const Listener& first = config->listeners[0];
  EXPECT_EQ(first.address, ":8080");
  EXPECT_EQ(first.addresses.size(), 2U);
  EXPECT_FALSE(first.tls);
  EXPECT_FALSE(first.http2);
  EXPECT_TRUE(first.h2c);
  EXPECT_TRUE(first.proxy_protocol);
  EXPECT_EQ(first.proxy_from, base::CidrSet::private_networks());
  EXPECT_FALSE(first.redirect_to_https);
  EXPECT_EQ(first.place.line, 2);
  EXPECT_TRUE(config->listeners[1].addresses.front().is_unix());
  EXPECT_TRUE(config->listeners[1].http2);
  ASSERT_EQ(config->listeners[1].proxy_from.ranges().size(), 1U);  // in the place of the default
  EXPECT_EQ(config->listeners[1].proxy_from.ranges()[0].to_string(), "192.0.2.0/24");
}

TEST(ListenerTlsKeys, TakeVersionsAsTextOrNumber) {
  const auto config = config_of(with_top("tls: { min_version: 1.0, max_version: \"1.2\", session_tickets: false }\n"));
  EXPECT_EQ(config->tls.min_version, TlsVersion::k1_0);
  EXPECT_EQ(config->tls.max_version, TlsVersion::k1_2);
  EXPECT_FALSE(config->tls.session_tickets);
}

TEST(ClientKeys, FillEveryMember) {
  const auto config =
      config_of(with_top("client:\n"
                         "  handshake_timeout: 1s\n"
                         "  header_timeout: 2s\n"
                         "  body_timeout: 3s\n"
                         "  idle_timeout: 4s\n"
                         "  min_rate: 1k\n"
                         "  max_head_size: 64k\n"
                         "  max_fields: 7\n"
                         "  max_target_size: 16k\n"
                         "  max_connections: 8\n"
                         "  max_connections_per_address: 9\n"
                         "  max_handshakes: 11\n"
                         "  max_requests: 10\n"));
  const Client& client = config->client;
  EXPECT_EQ(client.handshake_timeout, 1s);
  EXPECT_EQ(client.header_timeout, 2s);
  EXPECT_EQ(client.body_timeout, 3s);
  EXPECT_EQ(client.idle_timeout, 4s);
  EXPECT_EQ(client.min_rate, 1024U);
  EXPECT_EQ(client.max_head_size, 65536U);
  EXPECT_EQ(client.max_fields, 7U);
  EXPECT_EQ(client.max_target_size, 16384U);
  EXPECT_EQ(client.max_connections, 8U);
  EXPECT_EQ(client.max_connections_per_address, 9U);
  EXPECT_EQ(client.max_handshakes, 11U);
  EXPECT_EQ(client.max_requests, 10U);
}

TEST(ClientKeys, KeepTheirDefaultsAndTakeNullForOff) {
  const auto config = config_of(with_top("client: { min_rate: null, max_requests: null }\n"));
  EXPECT_EQ(config->client.min_rate, std::nullopt);
  EXPECT_EQ(config->client.max_handshakes, std::nullopt);
  EXPECT_EQ(config->client.max_requests, std::nullopt);
  EXPECT_EQ(config->client.idle_timeout, 75s);
  EXPECT_EQ(config_of(with_top(""))->client.min_rate, 500U);
}

}  // namespace
}  // namespace viaduct::config
