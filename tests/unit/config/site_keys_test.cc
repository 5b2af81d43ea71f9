// SPDX-License-Identifier: Apache-2.0
#include "config/site_keys.h"

#include <gtest/gtest.h>

#include "support/config_load.h"
#include "support/temporary_directory.h"

namespace viaduct::config {
namespace {

TEST(SiteKeys, FillEveryMember) {
  const support::TemporaryDirectory directory;
  for (const char* name : {"rsa.pem", "rsa.key", "ec.pem", "ec.key", "ca.pem"}) directory.write(name, "x");
  const auto config = support::config_of(
      "listeners: [{ address: \":443\", tls: true }]\n"
      "sites:\n"
      "  - hosts: [WWW.example.com, \"*.example.com\"]\n"
      "    default: true\n"
      "    tls:\n"
      "      - { cert: rsa.pem, key: rsa.key }\n"
      "      - { cert: ec.pem, key: ec.key, ocsp: ec.ocsp, client_ca: ca.pem, client_auth: optional }\n"
      "    hsts: { max_age: 1d, include_subdomains: true }\n"
      "    deny: [/internal/, /.git]\n"
      "    trusted_proxies: [10.0.0.0/8, \"::1\"]\n"
      "    routes: [{ respond: {} }]\n"
      "  - hosts: other.example.com\n"
      "    tls: { cert: rsa.pem, key: rsa.key }\n"
      "    routes: [{ respond: {} }]\n",
      directory.path());
  ASSERT_EQ(config->sites.size(), 2U);
  const Site& site = config->sites[0];
  EXPECT_EQ(site.hosts, (std::vector<std::string>{"www.example.com", "*.example.com"}));
  EXPECT_TRUE(site.is_default);
  ASSERT_EQ(site.certificates.size(), 2U);
  EXPECT_EQ(site.certificates[1].cert, directory / "ec.pem");
  EXPECT_EQ(site.certificates[1].key, directory / "ec.key");
  EXPECT_EQ(site.certificates[1].place.line, 7);
  EXPECT_EQ(site.certificates[1].ocsp, directory / "ec.ocsp");
  EXPECT_EQ(site.client_ca, directory / "ca.pem");
  EXPECT_EQ(site.client_auth, ClientAuth::kOptional);
  ASSERT_TRUE(site.hsts.has_value());
  EXPECT_EQ(site.hsts->text, "max-age=86400; includeSubDomains");
  EXPECT_EQ(site.deny, (std::vector<std::string>{"/internal/", "/.git"}));
  EXPECT_TRUE(site.trusted_proxies.contains(*base::IpAddress::parse("10.9.9.9")));
  EXPECT_TRUE(site.trusted_proxies.contains(*base::IpAddress::parse("::1")));
  EXPECT_EQ(site.place.line, 3);
  EXPECT_EQ(config->sites[1].certificates.size(), 1U);
  EXPECT_FALSE(config->sites[1].is_default);
  EXPECT_TRUE(config->sites[1].trusted_proxies.empty());
  EXPECT_EQ(config->sites[1].client_ca, "");
  EXPECT_FALSE(config->sites[1].hsts.has_value());
}

TEST(SiteKeys, TakeEveryKeyThatRoutesInherit) {
  const Table<SiteDraft> table = site_keys();
  std::size_t of_routes = 0;
  for (const KeyInfo& key : table.infos()) of_routes += key.is_of_route ? 1 : 0;
  EXPECT_EQ(of_routes, 18U);
  EXPECT_EQ(table.infos().back().name, "routes");
}

}  // namespace
}  // namespace viaduct::config
