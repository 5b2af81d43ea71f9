// SPDX-License-Identifier: Apache-2.0
#include "config/upstream_keys.h"

#include <gtest/gtest.h>

#include "support/config_load.h"

namespace viaduct::config {
namespace {

using namespace std::chrono_literals;

// The upstream `app` of a config whose upstreams are `yaml`.
Upstream upstream_of(const std::string& yaml) {
  const auto config = support::config_of("listeners: [{ address: \":80\" }]\nupstreams:\n" + yaml +
                                         "sites: [{ default: true, routes: [{ upstream: app }] }]\n");
  return config->upstreams.empty() ? Upstream() : config->upstreams.front();
}

TEST(UpstreamKeys, TakeAServerAsUrlOrMap) {
  const Upstream upstream = upstream_of(
      "  app:\n"
      "    servers:\n"
      "      - https://a.example.com\n"
      "      - { url: \"http://10.0.0.6:8000\", weight: 2, backup: true }\n"
      "      - unix:/run/app.sock\n");
  ASSERT_EQ(upstream.servers.size(), 3U);
  EXPECT_EQ(upstream.name, "app");
  EXPECT_TRUE(upstream.servers[0].tls);
  EXPECT_EQ(upstream.servers[0].weight, 1U);
  EXPECT_EQ(upstream.servers[0].place.line, 5);
  EXPECT_EQ(upstream.servers[1].host, "10.0.0.6");
  EXPECT_EQ(upstream.servers[1].port, 8000);
  EXPECT_EQ(upstream.servers[1].weight, 2U);
  EXPECT_TRUE(upstream.servers[1].backup);
  EXPECT_TRUE(upstream.servers[2].is_unix);
}

TEST(UpstreamKeys, FillEveryMember) {
  const Upstream upstream = upstream_of(
      "  app:\n"
      "    servers: https://a.example.com\n"
      "    balance: hash header:X-User\n"
      "    host: other.example.com:8443\n"
      "    tls: { verify: true, sni: sni.example.com, verify_name: name.example.com }\n"
      "    http2: true\n"
      "    keepalive: { max_idle: 0, idle: 1m }\n"
      "    health: { path: /health, host: h.example.com, interval: 6s, timeout: 3s, rise: 4, fall: 5, expect: 204 }\n"
      "    eject: { failures: 6, for: 7s }\n"
      "    slow_start: 10m\n"
      "    max_connections: 8\n"
      "    max_waiting: 0\n"
      "    hold: 9s\n");
  EXPECT_EQ(upstream.balance.kind, BalanceKind::kHashHeader);
  EXPECT_EQ(upstream.balance.header, "X-User");
  EXPECT_EQ(upstream.host_mode, HostMode::kLiteral);
  EXPECT_EQ(upstream.host, "other.example.com:8443");
  EXPECT_EQ(upstream.tls.sni, "sni.example.com");
  EXPECT_EQ(upstream.tls.verify_name, "name.example.com");
  EXPECT_TRUE(upstream.http2);
  EXPECT_EQ(upstream.keepalive.max_idle, 0U);
  EXPECT_EQ(upstream.keepalive.idle, 1min);
  ASSERT_TRUE(upstream.health.has_value());
  EXPECT_EQ(upstream.health->path, "/health");
  EXPECT_EQ(upstream.health->host, "h.example.com");
  EXPECT_EQ(upstream.health->interval, 6s);
  EXPECT_EQ(upstream.health->timeout, 3s);
  EXPECT_EQ(upstream.health->rise, 4U);
  EXPECT_EQ(upstream.health->fall, 5U);
  EXPECT_EQ(upstream.health->expect_from, 204);
  EXPECT_EQ(upstream.health->expect_to, 204);
  ASSERT_TRUE(upstream.eject.has_value());
  EXPECT_EQ(upstream.eject->failures, 6U);
  EXPECT_EQ(upstream.eject->duration, 7s);
  EXPECT_EQ(upstream.slow_start, 10min);
  EXPECT_EQ(upstream.max_connections, 8U);
  EXPECT_EQ(upstream.max_waiting, 0U);
  EXPECT_EQ(upstream.hold, 9s);
}

TEST(UpstreamKeys, KeepTheirDefaults) {
  const Upstream upstream = upstream_of("  app: { servers: \"http://a.example.com\" }\n");
  EXPECT_EQ(upstream.balance.kind, BalanceKind::kRoundRobin);
  EXPECT_EQ(upstream.host_mode, HostMode::kClient);
  EXPECT_TRUE(upstream.tls.verify);
  EXPECT_EQ(upstream.keepalive.idle, 4s);
  EXPECT_FALSE(upstream.health.has_value());
  ASSERT_TRUE(upstream.eject.has_value());
  EXPECT_EQ(upstream.eject->failures, 3U);
  EXPECT_EQ(upstream.eject->duration, 10s);
  EXPECT_EQ(upstream.slow_start, 0s);
  EXPECT_EQ(upstream.hold, 0s);
}

TEST(UpstreamKeys, TakeNullForOff) {
  const Upstream upstream = upstream_of("  app: { servers: \"http://a.example.com\", eject: null, health: null }\n");
  EXPECT_FALSE(upstream.eject.has_value());
  EXPECT_FALSE(upstream.health.has_value());
}

TEST(UpstreamKeys, GiveServersWhatTheirNamesMayMean) {
  const Upstream upstream = upstream_of(
      "  app:\n"
      "    allow_addresses: [127.0.0.0/8, \"::1\"]\n"
      "    servers: [\"http://a.example.com\", \"srv+http://_b._tcp.example.com\"]\n");
  ASSERT_EQ(upstream.servers.size(), 2U);
  EXPECT_EQ(upstream.allow_addresses.ranges().size(), 2U);
  EXPECT_EQ(upstream.servers[0].allow_addresses, upstream.allow_addresses);
  EXPECT_EQ(upstream.servers[1].allow_addresses, upstream.allow_addresses);
  EXPECT_EQ(upstream.servers[1].service, "_b._tcp.example.com");
  EXPECT_EQ(upstream.servers[1].host, "example.com");
}

TEST(UpstreamKeys, KnowTheModesOfHost) {
  EXPECT_EQ(upstream_of("  app: { servers: \"http://a.example.com\", host: upstream }\n").host_mode,
            HostMode::kUpstream);
  EXPECT_EQ(upstream_of("  app: { servers: \"http://a.example.com\", host: client }\n").host_mode, HostMode::kClient);
}

TEST(UpstreamMap, KeepsTheOrderOfTheFile) {
  const auto config = support::config_of(
      "listeners: [{ address: \":80\" }]\n"
      "upstreams: { web: { servers: \"http://a.example.com\" }, app: { servers: \"http://b.example.com\" } }\n"
      "sites: [{ default: true, routes: [{ upstream: app }] }]\n");
  ASSERT_EQ(config->upstreams.size(), 2U);
  EXPECT_EQ(config->upstreams[0].name, "web");
  EXPECT_EQ(config->upstreams[1].name, "app");
  EXPECT_EQ(config->upstreams[1].place.line, 2);
}

TEST(Balance, IsWrittenAsItIsRead) {
  const Type<Balance> type = balance();
  const struct {
    Balance balance;
    const char* text;
  } rows[] = {
      {{.kind = BalanceKind::kRoundRobin, .header = {}}, "round_robin"},
      {{.kind = BalanceKind::kLeastRequests, .header = {}}, "least_requests"},
      {{.kind = BalanceKind::kHashClientIp, .header = {}}, "hash client_ip"},
      {{.kind = BalanceKind::kHashPath, .header = {}}, "hash path"},
      {{.kind = BalanceKind::kHashHeader, .header = "X-User"}, "hash header:X-User"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(type.write(row.balance).text, row.text);
    EXPECT_EQ(upstream_of(std::string("  app: { servers: \"http://a.example.com\", balance: \"") + row.text + "\" }\n")
                  .balance.kind,
              row.balance.kind);
  }
}

}  // namespace
}  // namespace viaduct::config
