// SPDX-License-Identifier: Apache-2.0
#include "tls/self_signed.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "support/cert_sites.h"
#include "support/tls_ends.h"
#include "tls/key_pair.h"

namespace viaduct::tls {
namespace {

SelfSigned wanted_for(std::vector<std::string> names) {
  SelfSigned wanted{.names = std::move(names)};
  wanted.not_before = std::chrono::system_clock::now();
  wanted.not_after = wanted.not_before + std::chrono::hours(1);
  return wanted;
}

TEST(SelfSigned, MakesPairsThatCanBeServed) {
  for (const KeyKind key : {KeyKind::kEcdsaP256, KeyKind::kRsa}) {
    support::CertSites sites;
    sites.add({"host.test", "127.0.0.1"}, {support::make_pair_for({"host.test", "127.0.0.1"}, key)});
    EXPECT_EQ(sites.problems(), "");
  }
}

TEST(SelfSigned, MakesANewKeyEveryTime) {
  const auto first = make_self_signed(wanted_for({"host.test"}));
  const auto second = make_self_signed(wanted_for({"host.test"}));
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_NE(first->key, second->key);
  EXPECT_NE(first->cert, second->cert);
}

TEST(SelfSigned, TakesNamesLongerThanACommonName) {
  const std::string name = std::string(60, 'a') + "." + std::string(60, 'b') + ".test";
  support::CertSites sites;
  sites.add({name}, {support::make_pair_for({name})});
  EXPECT_EQ(sites.problems(), "");
}

TEST(SelfSigned, RefusesWhatIsNeitherHostNorAddress) {
  for (const std::string name : {"", "host test", "host.test,IP:10.0.0.1", "host\n.test", "h\xc3\xb6st.test"}) {
    EXPECT_FALSE(make_self_signed(wanted_for({name})).has_value()) << name;
    EXPECT_FALSE(make_self_signed(wanted_for({"good.test", name})).has_value()) << name;
  }
  EXPECT_FALSE(make_self_signed(wanted_for({})).has_value());
}

TEST(SelfSigned, RefusesAnIssuerThatIsNone) {
  const PemPair broken{.cert = "no", .key = "no"};
  SelfSigned wanted = wanted_for({"host.test"});
  wanted.issuer = &broken;
  EXPECT_FALSE(make_self_signed(wanted).has_value());
}

}  // namespace
}  // namespace viaduct::tls
