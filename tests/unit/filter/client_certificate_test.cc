// SPDX-License-Identifier: Apache-2.0
#include "filter/client_certificate.h"

#include <gtest/gtest.h>

#include "support/exchange_scene.h"
#include "support/recording_action.h"

namespace viaduct::filter {
namespace {

class ClientCertificateTest : public testing::Test {
 protected:
  ClientCertificateTest() {
    exchange::RoutePlan& plan = scene_.add_route();
    plan.filters.push_back(std::make_unique<ClientCertificate>());
    scene_.site().client_ca = "/ours.pem";
    scene_.site().client_auth = config::ClientAuth::kOptional;
    plan.action = std::make_unique<support::RecordingAction>(script_);
  }

  // What the upstream would get, where the client says it has another one.
  std::string told() {
    scene_.call({.fields = {{"Client-Cert", ":Zm9yZ2Vk:"}, {"Client-Cert-Chain", "x"}, {"Client_Cert", "x"}}});
    EXPECT_EQ(script_.field("Client-Cert-Chain"), "(none)");
    EXPECT_EQ(script_.field("Client_Cert"), "(none)");
    return script_.field("Client-Cert");
  }

  support::ActionScript script_;
  support::ExchangeScene scene_;
  net::TlsInfo tls_;
};

TEST_F(ClientCertificateTest, TellsOfTheOneThatTheConnectionBeganWith) {
  tls_.client_ca = "/ours.pem";
  tls_.client_certificate = ":AAAA:";
  scene_.client.tls = &tls_;
  EXPECT_EQ(told(), ":AAAA:");
  EXPECT_EQ(told(), ":AAAA:");
}

TEST_F(ClientCertificateTest, TellsOfNoneThatAnotherAuthorityHasMade) {
  tls_.client_ca = "/theirs.pem";
  tls_.client_certificate = ":AAAA:";
  scene_.client.tls = &tls_;
  EXPECT_EQ(told(), "(none)");
}

TEST_F(ClientCertificateTest, TellsOfNoneWhereNoneWasShown) {
  EXPECT_EQ(told(), "(none)");
  scene_.client.tls = &tls_;
  EXPECT_EQ(told(), "(none)");
}

}  // namespace
}  // namespace viaduct::filter
