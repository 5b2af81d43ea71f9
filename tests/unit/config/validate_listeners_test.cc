// SPDX-License-Identifier: Apache-2.0
// Refusals with their whole messages are in load_broken_parts_test.cc; here it is the edges of each rule.
#include "config/validate_listeners.h"

#include <gtest/gtest.h>

#include "base/format.h"
#include "support/config_load.h"
#include "support/temporary_directory.h"

namespace viaduct::config {
namespace {

std::string problems_of_listeners(const std::string& listeners, const std::string& site = "default: true") {
  return support::problems_of("listeners: " + listeners + "\nsites: [{ " + site + ", routes: [{ respond: {} }] }]\n");
}

TEST(ValidateListeners, LetsTwoAddressesShareAPort) {
  EXPECT_EQ(problems_of_listeners("[{ address: \"127.0.0.1:80\" }, { address: \"127.0.0.2:80\" }]"), "");
  EXPECT_EQ(problems_of_listeners("[{ address: \"0.0.0.0:80\" }, { address: \"[::]:80\" }]"), "");
  EXPECT_EQ(problems_of_listeners("[{ address: \"127.0.0.1:80\" }, { address: \"127.0.0.1:81\" }]"), "");
}

TEST(ValidateListeners, LetsTheKernelChooseManyPorts) {
  EXPECT_EQ(problems_of_listeners("[{ address: \"127.0.0.1:0\" }, { address: \"127.0.0.1:0\" }, { address: \":0\" }]"),
            "");
}

TEST(ValidateListeners, RefusesOneAddressTwiceUnderEverySpelling) {
  for (const char* other : {"127.0.0.1:80", "[::ffff:127.0.0.1]:80"}) {
    EXPECT_TRUE(problems_of_listeners(std::string("[{ address: \"127.0.0.1:80\" }, { address: \"") + other + "\" }]")
                    .contains("is bound twice"))
        << other;
  }
  EXPECT_TRUE(problems_of_listeners("[{ address: \":80\" }, { address: \"[::]:80\" }]").contains("is bound twice"));
  for (const char* other : {"/x", "/usr/../x", "//x", "/./x"}) {
    EXPECT_TRUE(problems_of_listeners(std::string("[{ address: \"unix:/x\" }, { address: \"unix:") + other + "\" }]")
                    .contains("is bound twice, first by unix:/x"))
        << other;
  }
  EXPECT_EQ(problems_of_listeners("[{ address: \"unix:/x\" }, { address: \"unix:/y\" }]"), "");
}

TEST(ValidateListeners, RefusesOneAddressBesideAllOfThem) {
  const auto pair = [](std::string_view one, std::string_view other) {
    return problems_of_listeners(base::format("[{{ address: \"{}\" }}, {{ address: \"{}\" }}]", one, other));
  };
  EXPECT_TRUE(pair("0.0.0.0:80", "127.0.0.1:80").contains("127.0.0.1:80 is bound twice, first by 0.0.0.0:80"));
  EXPECT_TRUE(pair("[::1]:80", ":80").contains("is bound twice"));
  EXPECT_EQ(pair("0.0.0.0:80", "[::1]:80"), "");
  EXPECT_EQ(pair("0.0.0.0:80", "127.0.0.1:81"), "");
}

TEST(ValidateListeners, RefusesTheAddressOfHealthForAListener) {
  for (const char* health : {"127.0.0.1:80", "0.0.0.0:80"}) {
    const std::string problems =
        problems_of_listeners(std::string("[{ address: \"127.0.0.1:80\" }]\nadmin: { health: \"") + health + "\" }");
    EXPECT_TRUE(problems.contains("admin.health: the listener 127.0.0.1:80 in line 1 has this address")) << problems;
  }
}

TEST(ValidateListeners, WarnsOfSendersWhereNobodyIsAnnounced) {
  EXPECT_TRUE(problems_of_listeners("[{ address: \":80\", proxy_from: 10.0.0.0/8 }]")
                  .contains("warning: listeners[0].proxy_from: without proxy_protocol everybody may connect"));
  EXPECT_EQ(problems_of_listeners("[{ address: \":80\", proxy_from: 10.0.0.0/8, proxy_protocol: true }]"), "");
}

TEST(ValidateListeners, WantsTheDirectoryOfAUnixSocket) {
  EXPECT_TRUE(problems_of_listeners("[{ address: \"unix:/nonexistent/x\" }]").contains("create its directory"));
  const support::TemporaryDirectory directory;
  EXPECT_EQ(problems_of_listeners("[{ address: \"unix:" + directory / "x" + "\" }]"), "");
}

TEST(ValidateListeners, WarnsOfCertificatesThatNobodyUses) {
  const support::TemporaryDirectory directory;
  directory.write("c", "x");
  const std::string text = problems_of_listeners(
      "[{ address: \":80\" }]", "default: true, tls: { cert: " + directory / "c" + ", key: " + directory / "c" + " }");
  EXPECT_TRUE(text.starts_with("viaduct.yaml:2:31: warning: sites[0].tls: no listener speaks TLS")) << text;
}

TEST(ValidateListeners, RedirectsOnlyFromPlainToTls) {
  const support::TemporaryDirectory directory;
  directory.write("c", "x");
  const std::string site = "default: true, tls: { cert: " + directory / "c" + ", key: " + directory / "c" + " }";
  EXPECT_EQ(
      problems_of_listeners("[{ address: \":80\", redirect_to_https: true }, { address: \":443\", tls: true }]", site),
      "");
  EXPECT_NE(problems_of_listeners("[{ address: \":443\", tls: true, redirect_to_https: true }]", site), "");
}

TEST(ValidateListeners, KeepsH2cOffTls) {
  const support::TemporaryDirectory directory;
  directory.write("c", "x");
  const std::string site = "default: true, tls: { cert: " + directory / "c" + ", key: " + directory / "c" + " }";
  EXPECT_EQ(problems_of_listeners("[{ address: \":80\", h2c: true }, { address: \":443\", tls: true }]", site), "");
  EXPECT_TRUE(problems_of_listeners("[{ address: \":443\", tls: true, h2c: true }]", site)
                  .contains("listeners[0].h2c: h2c is HTTP/2 without TLS"));
}

TEST(ValidateListeners, TakesOneTlsVersionAlone) {
  EXPECT_EQ(support::problems_of(support::with_top("tls: { min_version: 1.3, max_version: 1.3 }\n")), "");
}

}  // namespace
}  // namespace viaduct::config
