// SPDX-License-Identifier: Apache-2.0
// Refusals with their whole messages are in load_broken_parts_test.cc; here it is the edges of each rule.
#include "config/validate_upstreams.h"

#include <gtest/gtest.h>

#include "support/config_load.h"
#include "support/temporary_directory.h"

namespace viaduct::config {
namespace {

std::string problems_of_upstream(const std::string& keys, const std::string& directory = support::kNoDirectory) {
  return support::problems_of("listeners: [{ address: \":80\" }]\nupstreams: { app: { " + keys +
                                  " } }\nsites: [{ default: true, routes: [{ upstream: app }] }]\n",
                              directory);
}

TEST(ValidateUpstreams, TellsServersApartByAddress) {
  EXPECT_EQ(problems_of_upstream(
                "servers: [\"http://a.example.com\", \"http://a.example.com:81\", \"https://b.example.com\", "
                "\"http://b.example.com\"]"),
            "");
  EXPECT_TRUE(problems_of_upstream("servers: [\"https://a.example.com\", \"https://A.example.com:443\"]")
                  .contains("listed "
                            "twice"));
  EXPECT_TRUE(problems_of_upstream("servers: [\"unix:/x\", \"unix:/x\"]").contains("listed twice"));
  EXPECT_TRUE(problems_of_upstream("servers: [\"http://a.example.com:81\", \"https://a.example.com:81\"]")
                  .contains("upstreams.app.servers[1]: https://a.example.com:81 is the server http://a.example.com:81 "
                            "of line 2 by another scheme; keep the one that it speaks, or put this one into an "
                            "upstream of its own"));
  EXPECT_TRUE(problems_of_upstream("servers: [\"srv+https://_a._tcp.example.com\", \"srv+http://_a._tcp.example.com\"]")
                  .contains("by another scheme"));
  EXPECT_TRUE(problems_of_upstream("servers: [\"srv+http://_a._tcp.example.com\", \"srv+http://_a._tcp.example.com\"]")
                  .contains("listed twice"));
  EXPECT_EQ(problems_of_upstream("servers: [\"srv+http://_a._tcp.example.com\", \"srv+http://_b._tcp.example.com\", "
                                 "\"http://example.com\"]"),
            "");
}

TEST(ValidateUpstreams, WantsAServerThatIsNoBackup) {
  EXPECT_EQ(
      problems_of_upstream("servers: [\"http://a.example.com\", { url: \"http://b.example.com\", backup: true }]"), "");
  EXPECT_NE(problems_of_upstream("servers: [{ url: \"http://b.example.com\", backup: true }]"), "");
}

TEST(ValidateUpstreams, WantsBothHalvesOfACertificate) {
  const support::TemporaryDirectory directory;
  for (const char* name : {"ca", "cert", "key"}) directory.write(name, "x");
  const std::string servers = "servers: \"https://a.example.com\", tls: ";
  EXPECT_EQ(problems_of_upstream(servers + "{ ca: ca, cert: cert, key: key }", directory.path()), "");
  EXPECT_TRUE(problems_of_upstream(servers + "{ cert: cert }", directory.path()).contains("cert without key"));
  EXPECT_TRUE(problems_of_upstream(servers + "{ key: key }", directory.path()).contains("key without cert"));
  EXPECT_TRUE(
      problems_of_upstream(servers + "{ ca: other }", directory.path()).contains("upstreams.app.tls.ca: cannot read"));
}

TEST(ValidateUpstreams, WarnsOfTlsThatHasNoEffectOrNoSense) {
  EXPECT_TRUE(problems_of_upstream("servers: \"http://a.example.com\", tls: { sni: a.example.com }")
                  .contains("warning: upstreams.app.tls: no server of this upstream has an https URL"));
  EXPECT_TRUE(problems_of_upstream("servers: \"https://a.example.com\", tls: { verify: false }")
                  .contains("warning: upstreams.app.tls.verify: "));
  EXPECT_EQ(
      problems_of_upstream("servers: [\"http://a.example.com\", \"https://b.example.com\"], tls: { verify: true }"),
      "");
}

TEST(ValidateUpstreams, EndsAHealthCheckBeforeTheNext) {
  const std::string servers = "servers: \"http://a.example.com\", health: ";
  EXPECT_FALSE(problems_of_upstream(servers + "{ interval: 2s, timeout: 2s }").contains("longer than"));
  EXPECT_TRUE(
      problems_of_upstream(servers + "{ interval: 2s, timeout: 2001ms }")
          .contains("upstreams.app.health.timeout: timeout (2001ms) is longer than interval (2s); make it shorter"));
  // The default makes room by itself.
  EXPECT_EQ(problems_of_upstream(servers + "{ interval: 500ms }"), "");
}

}  // namespace
}  // namespace viaduct::config
