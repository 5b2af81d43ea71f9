// SPDX-License-Identifier: Apache-2.0
// Refusals with their whole messages are in load_broken_parts_test.cc; here it is the edges of each rule.
#include "config/validate_sites.h"

#include <gtest/gtest.h>

#include "support/config_load.h"
#include "support/temporary_directory.h"

namespace viaduct::config {
namespace {

std::string problems_of_sites(const std::string& sites) {
  return support::problems_of("listeners: [{ address: \":80\" }]\nsites: [" + sites + "]\n");
}

constexpr const char* kRoutes = ", routes: [{ respond: {} }] }";

TEST(ValidateSites, LetsANameAndItsWildcardStand) {
  EXPECT_EQ(
      problems_of_sites(std::string("{ hosts: [a.example.com]") + kRoutes + ", { hosts: [\"*.example.com\"]" + kRoutes),
      "");
}

TEST(ValidateSites, FindsAHostTwiceInOneSiteAndWithoutCase) {
  EXPECT_TRUE(
      problems_of_sites(std::string("{ hosts: [a.example.com, A.EXAMPLE.com]") + kRoutes)
          .starts_with("viaduct.yaml:2:34: sites[0].hosts[1]: the host a.example.com stands twice, first in line 2"));
}

TEST(ValidateSites, NamesTheOtherFileOfAHost) {
  const support::TemporaryDirectory directory;
  directory.write("part.yaml", std::string("sites:\n  - { hosts: a.example.com") + kRoutes + "\n");
  const std::string main = directory.write(
      "main.yaml",
      std::string("include: part.yaml\nlisteners: [{ address: \":80\" }]\nsites: [{ hosts: a.example.com") + kRoutes +
          "]\n");
  const LoadResult result = load_file(main);
  ASSERT_EQ(result.problems.size(), 1U);
  EXPECT_EQ(result.problems[0].place.file, directory / "part.yaml");
  EXPECT_EQ(result.problems[0].message,
            "the host a.example.com stands twice, first in " + main + ":3; keep it in one site");
}

TEST(ValidateSites, TakesASiteForAllHosts) {
  EXPECT_EQ(problems_of_sites(std::string("{ default: true") + kRoutes), "");
  EXPECT_TRUE(
      problems_of_sites(std::string("{ hosts: []") + kRoutes).contains("sites[0].hosts: the site has no hosts"));
  EXPECT_TRUE(problems_of_sites(std::string("{ default: false") + kRoutes).contains("sites[0]: the site has no hosts"));
}

TEST(ValidateSites, DeniesAPathOnce) {
  EXPECT_TRUE(problems_of_sites(std::string("{ default: true, deny: [/a, /b, /a]") + kRoutes)
                  .contains("sites[0].deny[2]: /a is denied twice; delete one of them"));
  EXPECT_EQ(problems_of_sites(std::string("{ default: true, deny: [/a, /a/]") + kRoutes), "");
}

class ClientCertificates : public testing::Test {
 protected:
  ClientCertificates() {
    for (const char* name : {"a.pem", "a.key", "one.pem", "two.pem"}) directory_.write(name, "x");
  }
  // What is said of a site with these keys of `tls` and this route, and `top` above it.
  std::string problems(const std::string& tls, const std::string& route = "{ respond: {} }",
                       const std::string& top = "") const {
    return support::problems_of("listeners: [{ address: \":443\", tls: true }]\n" + top +
                                    "upstreams: { app: { servers: \"http://127.0.0.1\" } }\n"
                                    "sites: [{ default: true, tls: " +
                                    tls + ", routes: [" + route + "] }]\n",
                                directory_.path());
  }

  static constexpr const char* kCallback = "{ name: pay, callback: generic, upstream: app }";
  support::TemporaryDirectory directory_;
};

TEST_F(ClientCertificates, AreOfOneAuthorityASite) {
  EXPECT_EQ(problems("[{ cert: a.pem, key: a.key, client_ca: one.pem }, { cert: a.pem, key: a.key }]"), "");
  EXPECT_EQ(problems("[{ cert: a.pem, key: a.key, client_ca: one.pem }, "
                     "{ cert: a.pem, key: a.key, client_ca: one.pem }]"),
            "");
  EXPECT_TRUE(problems("[{ cert: a.pem, key: a.key, client_ca: one.pem }, "
                       "{ cert: a.pem, key: a.key, client_ca: two.pem }]")
                  .contains("sites[0].tls[1].client_ca: another certificate of this site has client_ca"));
  EXPECT_TRUE(problems("{ cert: a.pem, key: a.key, client_ca: gone.pem }").contains("cannot read"));
  EXPECT_TRUE(problems("{ cert: a.pem, key: a.key }", "{ respond: {} }", "tls: { client_ca: gone.pem }\n")
                  .contains("tls.client_ca: cannot read"));
}

TEST_F(ClientCertificates, AreNotAskedOfPlatforms) {
  const std::string fault = "no platform shows a certificate, and pay is a callback route of the site";
  EXPECT_TRUE(problems("{ cert: a.pem, key: a.key, client_ca: one.pem }", kCallback)
                  .contains("sites[0].tls.client_ca: " + fault));
  EXPECT_EQ(problems("{ cert: a.pem, key: a.key, client_ca: one.pem, client_auth: optional }", kCallback), "");
  EXPECT_TRUE(problems("{ cert: a.pem, key: a.key }", kCallback, "tls: { client_ca: one.pem }\n")
                  .contains("tls.client_ca: " + fault));
  EXPECT_EQ(problems("{ cert: a.pem, key: a.key, client_ca: one.pem, client_auth: optional }", kCallback,
                     "tls: { client_ca: two.pem }\n"),
            "");
}

TEST(ValidateSites, WarnsOfAPreloadThatNoListTakes) {
  const auto problems = [](const std::string& hsts) {
    return problems_of_sites("{ default: true, hsts: { " + hsts + " }" + kRoutes);
  };
  EXPECT_EQ(problems("preload: true, include_subdomains: true"), "");
  EXPECT_EQ(problems("max_age: 1d"), "");
  for (const char* hsts : {"preload: true", "preload: true, include_subdomains: true, max_age: 364d"}) {
    EXPECT_TRUE(problems(hsts).contains("warning: sites[0].hsts.preload: lists of browsers take a host only")) << hsts;
  }
}

}  // namespace
}  // namespace viaduct::config
