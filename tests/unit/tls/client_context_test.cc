// SPDX-License-Identifier: Apache-2.0
#include "tls/client_context.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "support/cert_sites.h"
#include "support/manual_clock.h"
#include "support/tls_ends.h"
#include "tls/certificate.h"

namespace viaduct::tls {
namespace {

using support::make_pair_for;
using support::TlsEnd;

struct NamesRow {
  std::string host;
  std::string sni;
  std::string verify_name;
  std::string sent;
  std::string expected;
};

TEST(ServerNames, DefaultFromVerifyNameToSniToHost) {
  const NamesRow rows[] = {
      {"app.test", "", "", "app.test", "app.test"},
      {"app.test.", "", "", "app.test", "app.test"},
      {"app.test", "www.test", "", "www.test", "www.test"},
      {"app.test", "", "real.test", "app.test", "real.test"},
      {"app.test", "www.test", "real.test", "www.test", "real.test"},
      {"10.0.0.1", "", "", "", "10.0.0.1"},
      {"2001:db8::1", "", "", "", "2001:db8::1"},
      {"10.0.0.1", "www.test", "", "www.test", "www.test"},
      {"10.0.0.1", "", "real.test", "", "real.test"},
      {"app.test", "10.0.0.9", "", "", "10.0.0.9"},
  };
  for (const NamesRow& row : rows) {
    config::Server server;
    server.host = row.host;
    config::UpstreamTls tls;
    tls.sni = row.sni;
    tls.verify_name = row.verify_name;
    const ServerNames names = ServerNames::of(tls, server);
    EXPECT_EQ(names.sni, row.sent) << row.host << " " << row.sni << " " << row.verify_name;
    EXPECT_EQ(names.verify_name, row.expected) << row.host << " " << row.sni << " " << row.verify_name;
  }
}

TEST(ServerNames, CallAUnixSocketLocalhost) {
  config::Server server;
  server.host = "/run/app.sock";
  server.is_unix = true;
  const ServerNames names = ServerNames::of({}, server);
  EXPECT_EQ(names.sni, "localhost");
  EXPECT_EQ(names.verify_name, "localhost");
}

class ClientContextTest : public testing::Test {
 protected:
  // Serves `leaf` with the middle authority; the root is in the file ca_.
  void serve(PemPair leaf) {
    leaf.cert += middle_.cert;
    serve_as_is(leaf);
  }
  void serve_as_is(const PemPair& pair) {
    sites_.sites().clear();
    sites_.add({"host.test"}, {pair});
    store_.emplace(sites_.store());
  }
  ClientContext context(const config::UpstreamTls& tls) {
    auto loaded = ClientContext::load(tls);
    EXPECT_TRUE(loaded.has_value()) << loaded.error().message;
    return std::move(loaded).value();
  }
  // "" when the handshake succeeds, else "reason: message".
  std::string failure_of(const config::UpstreamTls& tls, const std::string& host = "host.test") {
    config::Server server;
    server.host = host;
    return failure_of(context(tls), ServerNames::of(tls, server));
  }
  std::string failure_of(const ClientContext& client_context, const ServerNames& names) {
    auto [server_fd, client_fd] = support::socket_pair();
    TlsEnd server(loop_, std::move(server_fd), store_->new_session(Alpn::kHttp1));
    TlsEnd client(loop_, std::move(client_fd), client_context.new_session(names, slot_, Alpn::kHttp1));
    server.start();
    client.start();
    server.send("s");
    support::turn_until(loop_, [&] { return client.error() || client.received() == "s"; });
    if (client.error()) {
      const net::TransportError& error = *client.error();
      return std::string(http::reason_name(error.reason)) + ": " + error.error.message;
    }
    info_ = std::string(client.transport().tls_info()->alpn) + (client.transport().tls_info()->resumed ? " again" : "");
    sent_name_ = server.transport().tls_info()->server_name;
    return "";
  }
  config::UpstreamTls trusting(const std::string& ca) const {
    config::UpstreamTls tls;
    tls.ca = ca;
    return tls;
  }

  support::ManualClock clock_;
  net::Loop loop_{clock_};
  support::CertSites sites_;
  std::optional<CertStore> store_;
  PemPair root_ = support::make_authority("Test Root");
  PemPair middle_ = support::make_authority("Test Middle", &root_);
  std::string ca_ = sites_.directory().write("ca.pem", root_.cert);
  SessionSlot slot_;
  std::string info_;
  std::string sent_name_;
};

TEST_F(ClientContextTest, TrustsWhatTheAuthorityIssuedForTheName) {
  serve(make_pair_for({"host.test", "*.wild.test", "10.0.0.1"}, KeyKind::kEcdsaP256, &middle_));
  EXPECT_EQ(failure_of(trusting(ca_)), "");
  EXPECT_EQ(sent_name_, "host.test");
  EXPECT_EQ(info_, "http/1.1");
  EXPECT_EQ(failure_of(trusting(ca_), "a.wild.test"), "");
  EXPECT_EQ(failure_of(trusting(ca_), "10.0.0.1"), "");
}

TEST_F(ClientContextTest, SendsNoNameToAnAddress) {
  serve(make_pair_for({"10.0.0.1"}, KeyKind::kEcdsaP256, &middle_));
  EXPECT_EQ(failure_of(trusting(ca_), "10.0.0.1"), "");
  EXPECT_EQ(sent_name_, "");
}

TEST_F(ClientContextTest, TellsWhichNameIsExpectedAndWhichIsThere) {
  serve(make_pair_for({"other.test", "www.other.test"}, KeyKind::kEcdsaP256, &middle_));
  const std::string prefix =
      "upstream_certificate_invalid: the server's certificate is for other.test, www.other.test, ";
  EXPECT_EQ(failure_of(trusting(ca_)), prefix + "not for host.test, which is expected (tls.verify_name, tls.sni)");
  EXPECT_EQ(failure_of(trusting(ca_), "10.0.0.1"),
            prefix + "not for 10.0.0.1, which is expected (tls.verify_name, tls.sni)");
  // A pattern covers one label.
  serve(make_pair_for({"*.wild.test"}, KeyKind::kEcdsaP256, &middle_));
  EXPECT_NE(failure_of(trusting(ca_), "a.b.wild.test"), "");
  EXPECT_NE(failure_of(trusting(ca_), "wild.test"), "");
}

TEST_F(ClientContextTest, ExpectsTheNameOfTheConfigBeforeTheServers) {
  serve(make_pair_for({"real.test"}, KeyKind::kEcdsaP256, &middle_));
  config::UpstreamTls tls = trusting(ca_);
  tls.verify_name = "real.test";
  EXPECT_EQ(failure_of(tls), "");
  EXPECT_EQ(sent_name_, "host.test");
  tls.verify_name.clear();
  tls.sni = "real.test";
  EXPECT_EQ(failure_of(tls, "10.0.0.1"), "");
  EXPECT_EQ(sent_name_, "real.test");
}

TEST_F(ClientContextTest, AcceptsNobodyWhereNoNameIsExpected) {
  serve(make_pair_for({"host.test"}, KeyKind::kEcdsaP256, &middle_));
  EXPECT_NE(failure_of(context(trusting(ca_)), {.sni = "host.test", .verify_name = ""}), "");
  EXPECT_NE(failure_of(context(trusting(ca_)), {.sni = "host.test", .verify_name = std::string("host.test\0.", 11)}),
            "");
}

TEST_F(ClientContextTest, TellsWhichDateHasPassed) {
  const auto hour = std::chrono::hours(1);
  const PemPair expired = support::make_pair_valid({"host.test"}, -48 * hour, -24 * hour);
  serve_as_is(expired);
  const std::string ca = sites_.directory().write("expired.pem", expired.cert);
  const std::string ended = date_text(store_->certificates()[0].not_after);
  EXPECT_EQ(failure_of(trusting(ca)),
            "upstream_certificate_invalid: the server's certificate (CN=host.test) expired on " + ended);
  const PemPair early = support::make_pair_valid({"host.test"}, 24 * hour, 48 * hour);
  serve_as_is(early);
  const std::string early_ca = sites_.directory().write("early.pem", early.cert);
  const std::string begins = date_text(store_->certificates()[0].not_before);
  EXPECT_EQ(failure_of(trusting(early_ca)),
            "upstream_certificate_invalid: the server's certificate (CN=host.test) is not valid before " + begins);
}

TEST_F(ClientContextTest, TellsWhichAuthorityIsNotTrusted) {
  const PemPair stranger = support::make_authority("Stranger");
  const std::string other_ca = sites_.directory().write("other.pem", stranger.cert);
  serve(make_pair_for({"host.test"}, KeyKind::kEcdsaP256, &middle_));
  EXPECT_EQ(failure_of(trusting(other_ca)),
            "upstream_certificate_invalid: the server's certificate (CN=host.test) comes from an authority that is "
            "not trusted here: CN=Test Root (tls.ca)");
  // By the system's store, which knows none of ours.
  EXPECT_EQ(failure_of(trusting("")),
            "upstream_certificate_invalid: the server's certificate (CN=host.test) comes from an authority that is "
            "not trusted here: CN=Test Root (tls.ca)");
  // A server that forgets its chain.
  serve_as_is(make_pair_for({"host.test"}, KeyKind::kEcdsaP256, &middle_));
  EXPECT_EQ(failure_of(trusting(ca_)),
            "upstream_certificate_invalid: the server's certificate (CN=host.test) comes from an authority that is "
            "not trusted here: CN=Test Middle (tls.ca)");
}

TEST_F(ClientContextTest, TellsOfSelfSignedCertificatesAndTrustsThemByName) {
  const PemPair own = make_pair_for({"host.test"});
  serve_as_is(own);
  EXPECT_EQ(failure_of(trusting(ca_)),
            "upstream_certificate_invalid: the server's certificate (CN=host.test) is self-signed and not trusted "
            "here (tls.ca)");
  const std::string own_ca = sites_.directory().write("own.pem", own.cert);
  EXPECT_EQ(failure_of(trusting(own_ca)), "");
  EXPECT_NE(failure_of(trusting(own_ca), "other.test"), "");
}

TEST_F(ClientContextTest, TrustsAnAuthorityBelowARoot) {
  serve(make_pair_for({"host.test"}, KeyKind::kEcdsaP256, &middle_));
  EXPECT_EQ(failure_of(trusting(sites_.directory().write("middle.pem", middle_.cert))), "");
}

TEST_F(ClientContextTest, LooksAtNothingWhereVerificationIsOff) {
  serve_as_is(support::make_pair_valid({"other.test"}, -std::chrono::hours(48), -std::chrono::hours(24)));
  config::UpstreamTls tls;
  tls.verify = false;
  EXPECT_EQ(failure_of(tls), "");
}

TEST_F(ClientContextTest, ResumesTheLastSessionOfAServer) {
  const ServerNames names{.sni = "host.test", .verify_name = "host.test"};
  for (const config::TlsVersion version : {config::TlsVersion::k1_2, config::TlsVersion::k1_3}) {
    sites_.tls().max_version = version;
    serve(make_pair_for({"host.test"}, KeyKind::kEcdsaP256, &middle_));
    const ClientContext client_context = context(trusting(ca_));
    EXPECT_EQ(failure_of(client_context, names), "");
    EXPECT_EQ(info_, "http/1.1");
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(failure_of(client_context, names), "");
      EXPECT_EQ(info_, "http/1.1 again");
    }
    // The server has forgotten: a full handshake, no failure.
    for (std::size_t i = 0; i < TicketKeys::kKeys; ++i) sites_.ticket_keys().rotate();
    EXPECT_EQ(failure_of(client_context, names), "");
    EXPECT_EQ(info_, "http/1.1");
    EXPECT_EQ(failure_of(client_context, names), "");
    EXPECT_EQ(info_, "http/1.1 again");
  }
}

TEST_F(ClientContextTest, ResumesNothingThatWasJudgedInAnotherWay) {
  serve(make_pair_for({"host.test"}, KeyKind::kEcdsaP256, &middle_));
  config::UpstreamTls unverified;
  unverified.verify = false;
  const ClientContext careless = context(unverified);
  const ClientContext careful = context(trusting(ca_));
  const ServerNames names{.sni = "host.test", .verify_name = "host.test"};
  const ServerNames others{.sni = "host.test", .verify_name = "other.test"};
  EXPECT_EQ(failure_of(careless, others), "");
  EXPECT_NE(failure_of(careful, others), "");
  EXPECT_EQ(failure_of(careful, names), "");
  EXPECT_EQ(info_, "http/1.1");
  EXPECT_EQ(failure_of(careful, names), "");
  EXPECT_EQ(info_, "http/1.1 again");
  EXPECT_NE(failure_of(careful, others), "");
  EXPECT_EQ(failure_of(context(trusting(ca_)), names), "");
  EXPECT_EQ(info_, "http/1.1");
}

TEST_F(ClientContextTest, ShowsItsCertificateToWhoAsks) {
  serve(make_pair_for({"host.test"}, KeyKind::kEcdsaP256, &middle_));
  config::UpstreamTls tls = trusting(ca_);
  const config::CertificateFiles files = sites_.write("client", make_pair_for({"client.test"}));
  tls.cert = files.cert;
  tls.key = files.key;
  const ClientContext client_context = context(tls);
  auto [server_fd, client_fd] = support::socket_pair();
  SslPtr server_ssl = store_->new_session(Alpn::kHttp1);
  SSL_set_verify(server_ssl.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  TlsEnd server(loop_, std::move(server_fd), std::move(server_ssl));
  TlsEnd client(loop_, std::move(client_fd),
                client_context.new_session({.sni = "host.test", .verify_name = "host.test"}, slot_, Alpn::kHttp1));
  server.start();
  client.start();
  support::turn_until(loop_, [&] { return server.is_settled() && client.is_settled(); });
  EXPECT_EQ(server.peer_name(), "client.test");
}

TEST_F(ClientContextTest, NamesTheFileThatCannotBeUsed) {
  const config::CertificateFiles client = sites_.write("client", make_pair_for({"client.test"}));
  const config::CertificateFiles other = sites_.write("other", make_pair_for({"client.test"}));
  const std::string empty = sites_.directory().write("empty.pem", "");
  struct Row {
    config::UpstreamTls tls;
    std::string named;
  };
  Row rows[5];
  rows[0].tls.ca = sites_.directory() / "missing.pem";
  rows[0].named = "missing.pem";
  rows[1].tls.ca = empty;
  rows[1].named = "empty.pem: no certificate in PEM form";
  rows[2].tls.cert = client.cert;
  rows[2].tls.key = other.key;
  rows[2].named = "other.key do not belong together";
  rows[3].tls.cert = sites_.directory() / "missing.pem";
  rows[3].tls.key = other.key;
  rows[3].named = "missing.pem";
  rows[4].tls.ca = sites_.directory().path();
  rows[4].named = sites_.directory().path();
  for (const Row& row : rows) {
    const auto loaded = ClientContext::load(row.tls);
    ASSERT_FALSE(loaded.has_value());
    EXPECT_NE(loaded.error().message.find(row.named), std::string::npos) << loaded.error().message;
  }
}

}  // namespace
}  // namespace viaduct::tls
