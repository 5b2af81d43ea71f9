// SPDX-License-Identifier: Apache-2.0
// What a site asks of its clients, and tells them, whatever the route.
#include <gtest/gtest.h>

#include "exchange/exchange.h"
#include "support/exchange_scene.h"
#include "support/recording_action.h"

namespace viaduct::exchange {
namespace {

class ExchangeSiteTest : public testing::Test {
 protected:
  ExchangeSiteTest() { scene_.add_route().action = std::make_unique<support::RecordingAction>(script_); }

  int status() { return scene_.call({}).response.status; }

  support::ActionScript script_;
  support::ExchangeScene scene_;
  net::TlsInfo tls_;
};

TEST_F(ExchangeSiteTest, TakesCertificatesOfItsOwnAuthorityAlone) {
  scene_.site().client_ca = "/ours.pem";
  EXPECT_EQ(status(), 421);  // without TLS
  scene_.client.tls = &tls_;
  EXPECT_EQ(status(), 421);
  tls_.client_ca = "/theirs.pem";
  EXPECT_EQ(status(), 421);
  EXPECT_EQ(script_.begun, 0);
  tls_.client_ca = "/ours.pem";
  EXPECT_EQ(status(), 200);
  scene_.turn();
  EXPECT_TRUE(scene_.log().starts_with("421 client_certificate_missing|")) << scene_.log();
}

TEST_F(ExchangeSiteTest, LetsEverybodyInWhereACertificateIsOptional) {
  scene_.site().client_ca = "/ours.pem";
  scene_.site().client_auth = config::ClientAuth::kOptional;
  EXPECT_EQ(status(), 200);
}

TEST_F(ExchangeSiteTest, PutsItsHstsInThePlaceOfTheUpstreams) {
  scene_.site().hsts = config::Hsts{.max_age = {}, .include_subdomains = false, .preload = false, .text = "max-age=5"};
  script_.answer_fields = {{"Strict-Transport-Security", "max-age=1"}, {"strict-transport-security", "max-age=2"}};
  EXPECT_EQ(scene_.call({}).response.field("Strict-Transport-Security"), "max-age=1|max-age=2");
  scene_.client.tls = &tls_;
  EXPECT_EQ(scene_.call({}).response.field("Strict-Transport-Security"), "max-age=5");
  EXPECT_EQ(scene_.call("GET", "/%zz").response.field("Strict-Transport-Security"), "max-age=5");
}

}  // namespace
}  // namespace viaduct::exchange
