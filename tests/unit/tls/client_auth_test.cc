// SPDX-License-Identifier: Apache-2.0
#include "tls/client_auth.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "support/cert_sites.h"
#include "support/manual_clock.h"
#include "support/tls_ends.h"

namespace viaduct::tls {
namespace {

using support::TlsEnd;

class ClientAuthTest : public testing::Test {
 protected:
  ClientAuthTest() {
    sites_.add({"open.test"}, {support::make_pair_for({"open.test"})});
    for (const char* host : {"closed.test", "other.test", "optional.test"}) {
      sites_.add({host}, {support::make_pair_for({host})});
    }
    ca_ = sites_.directory().write("ca.pem", authority_.cert);
    other_ca_ = sites_.directory().write("other-ca.pem", other_authority_.cert);
    authorities_ = {{"ca.pem", id_of(ca_)}, {"other-ca.pem", id_of(other_ca_)}};
    sites_.sites()[1].client_ca = ca_;
    sites_.sites()[2].client_ca = other_ca_;
    sites_.sites()[3].client_ca = ca_;
    sites_.sites()[3].client_auth = config::ClientAuth::kOptional;
  }

  // What the server knows of a client with `pair` (null: without a certificate): "in: ca.pem", "in:" or "refused". Its
  // certificate, or why it was refused, is in shown_ or error_.
  std::string come(const CertStore& store, const std::string& host, const PemPair* pair, int version = TLS1_3_VERSION) {
    SslPtr ssl =
        support::make_client({.name = host, .min_version = version, .max_version = version, .session = session_.get()});
    if (pair != nullptr) {
      const auto files = sites_.write("client", *pair);
      EXPECT_EQ(SSL_use_certificate_file(ssl.get(), files.cert.c_str(), SSL_FILETYPE_PEM), 1);
      EXPECT_EQ(SSL_use_PrivateKey_file(ssl.get(), files.key.c_str(), SSL_FILETYPE_PEM), 1);
    }
    auto [server_fd, client_fd] = support::socket_pair();
    TlsEnd server(loop_, std::move(server_fd), store.new_session(Alpn::kHttp1));
    TlsEnd client(loop_, std::move(client_fd), std::move(ssl));
    server.start();
    client.start();
    support::turn_until(loop_, [&] { return server.is_settled(); });
    shown_.clear();
    if (server.error()) {
      error_ = *server.error();
      return "refused";
    }
    server.send("x");
    support::turn_until(loop_, [&] { return !client.received().empty(); });
    session_.reset(SSL_get1_session(client.ssl()));
    is_resumed_ = server.transport().tls_info()->resumed;
    shown_ = server.transport().tls_info()->client_certificate;
    const std::string_view ca = server.transport().tls_info()->client_ca;
    for (const auto& [file, id] : authorities_) {
      if (id == ca) return "in: " + file;
    }
    EXPECT_EQ(ca, "");
    return "in: ";
  }

  static std::string id_of(const std::string& file) { return authorities_id(load_certificates(file).value()); }

  // The certificate of `pair` as RFC 9440 writes it: the text of a PEM file, in one line between colons.
  static std::string field_of(const PemPair& pair) {
    const std::size_t begin = pair.cert.find('\n') + 1;
    std::string text = pair.cert.substr(begin, pair.cert.find("\n-----END") - begin);
    std::erase(text, '\n');
    return ":" + text + ":";
  }

  support::ManualClock clock_;
  net::Loop loop_{clock_};
  support::CertSites sites_;
  PemPair authority_ = support::make_authority("Ours");
  PemPair other_authority_ = support::make_authority("Theirs");
  PemPair ours_ = support::make_pair_for({"anna"}, KeyKind::kEcdsaP256, &authority_);
  PemPair theirs_ = support::make_pair_for({"bert"}, KeyKind::kEcdsaP256, &other_authority_);
  std::string ca_;
  std::string other_ca_;
  std::map<std::string, std::string> authorities_;  // by the name of their file
  std::string shown_;
  bool is_resumed_ = false;
  net::TransportError error_;
  SslSessionPtr session_;  // of the last client, which the next one offers
};

TEST_F(ClientAuthTest, AsksWhereTheSiteWantsIt) {
  const CertStore store = sites_.store();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto asked = [&](const char* host, const PemPair* pair) {
      session_.reset();
      return come(store, host, pair, version);
    };
    EXPECT_EQ(asked("open.test", nullptr), "in: ");
    EXPECT_EQ(asked("open.test", &ours_), "in: ");
    EXPECT_EQ(asked("closed.test", &ours_), "in: ca.pem");
    EXPECT_EQ(asked("closed.test", nullptr), "refused");
    EXPECT_EQ(asked("closed.test", &theirs_), "refused");
    EXPECT_EQ(asked("other.test", &theirs_), "in: other-ca.pem");
    EXPECT_EQ(asked("other.test", &ours_), "refused");
    EXPECT_EQ(asked("optional.test", nullptr), "in: ");
    EXPECT_EQ(asked("optional.test", &ours_), "in: ca.pem");
    EXPECT_EQ(asked("optional.test", &theirs_), "refused");
    EXPECT_EQ(asked("unknown.test", nullptr), "in: ");
  }
}

// The first context asks, and the site that the client names does not.
TEST_F(ClientAuthTest, AsksNotWhereOnlyTheDefaultSiteWantsIt) {
  sites_.sites()[1].is_default = true;
  const CertStore store = sites_.store();
  EXPECT_EQ(come(store, "open.test", nullptr), "in: ");
  session_.reset();
  EXPECT_EQ(come(store, "unknown.test", nullptr), "refused");
  EXPECT_EQ(come(store, "", nullptr), "refused");
  EXPECT_EQ(come(store, "", &ours_), "in: ca.pem");
}

// A session that began where nobody asked does not stand for a certificate.
TEST_F(ClientAuthTest, BelievesNoSessionOfAnotherSite) {
  const CertStore store = sites_.store();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    session_.reset();
    EXPECT_EQ(come(store, "open.test", nullptr, version), "in: ");
    EXPECT_EQ(come(store, "closed.test", nullptr, version), "refused") << "the ticket is not even opened";
    session_.reset();
    EXPECT_EQ(come(store, "other.test", &theirs_, version), "in: other-ca.pem");
    EXPECT_NE(come(store, "closed.test", nullptr, version), "in: ca.pem");
  }
}

// Also where connections begin with a site that asks, and never resumes.
TEST_F(ClientAuthTest, LetsOpenSitesResumeWhateverTheDefaultSiteWants) {
  for (const bool is_default_closed : {false, true}) {
    sites_.sites()[1].is_default = is_default_closed;
    const CertStore store = sites_.store();
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      session_.reset();
      EXPECT_EQ(come(store, "open.test", nullptr, version), "in: ");
      EXPECT_FALSE(is_resumed_);
      EXPECT_EQ(come(store, "open.test", nullptr, version), "in: ");
      EXPECT_TRUE(is_resumed_) << is_default_closed << " " << version;
      EXPECT_EQ(come(store, "closed.test", &ours_, version), "in: ca.pem");
      EXPECT_FALSE(is_resumed_);
      // The client keeps what it has of a site that gives no ticket.
      EXPECT_EQ(come(store, "closed.test", &ours_, version), "in: ca.pem");
      EXPECT_FALSE(is_resumed_);
    }
  }
}

TEST_F(ClientAuthTest, KnowsAuthoritiesByTheirCertificates) {
  const std::string both = sites_.directory().write("both.pem", authority_.cert + other_authority_.cert);
  const std::string turned = sites_.directory().write("turned.pem", other_authority_.cert + authority_.cert);
  EXPECT_EQ(id_of(both), id_of(turned));
  EXPECT_NE(id_of(both), id_of(ca_));
  EXPECT_NE(id_of(other_ca_), id_of(ca_));
  const CertStore store = sites_.store();
  EXPECT_EQ(store.authorities_of(sites_.sites()[0]), "");
  EXPECT_EQ(store.authorities_of(sites_.sites()[1]), id_of(ca_));
  sites_.directory().write("ca.pem", other_authority_.cert);
  EXPECT_EQ(sites_.store().authorities_of(sites_.sites()[1]), id_of(other_ca_));
}

TEST_F(ClientAuthTest, HandsOnTheCertificateThatItBelieves) {
  const CertStore store = sites_.store();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto shown = [&](const char* host, const PemPair* pair) {
      session_.reset();
      come(store, host, pair, version);
      return shown_;
    };
    EXPECT_EQ(shown("closed.test", &ours_), field_of(ours_));
    EXPECT_EQ(shown("other.test", &theirs_), field_of(theirs_));
    EXPECT_EQ(shown("optional.test", &ours_), field_of(ours_));
    EXPECT_EQ(shown("optional.test", nullptr), "");
    EXPECT_EQ(shown("open.test", &ours_), "");
  }
}

TEST_F(ClientAuthTest, SaysWhyAClientIsRefused) {
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i) names.push_back("a-rather-long-name-" + std::to_string(i) + ".test");
  const PemPair large = support::make_pair_for(names, KeyKind::kEcdsaP256, &authority_);
  const PemPair alone = support::make_pair_for({"anna"});
  const PemPair forger = support::make_authority("Ours");
  const PemPair forged = support::make_pair_for({"anna"}, KeyKind::kEcdsaP256, &forger);
  using http::Reason;
  struct Row {
    const PemPair* pair;
    Reason reason;
    std::string message;
  };
  const Row rows[] = {
      {nullptr, Reason::kTlsClientCertificateMissing, "shows no certificate, which this site wants (client_auth)"},
      {&theirs_, Reason::kTlsClientCertificateRefused, "CN=bert) comes from an authority that is not trusted here"},
      {&forged, Reason::kTlsClientCertificateRefused,
       "CN=anna) comes from an authority that is not trusted here: CN=Ours"},
      {&alone, Reason::kTlsClientCertificateRefused, "CN=anna) is self-signed and not trusted here (client_ca)"},
      {&large, Reason::kTlsClientCertificateRefused, "is larger than 5120 bytes"},
  };
  const CertStore store = sites_.store();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const Row& row : rows) {
      session_.reset();
      EXPECT_EQ(come(store, "closed.test", row.pair, version), "refused") << row.message;
      EXPECT_EQ(error_.reason, row.reason) << row.message;
      EXPECT_TRUE(error_.error.message.contains(row.message)) << error_.error.message;
    }
  }
}

// Seen by the transport that we are towards upstreams.
TEST_F(ClientAuthTest, RefusesClientsOfTls13BehindTheirHandshake) {
  const CertStore store = sites_.store();
  for (const PemPair* pair : {static_cast<const PemPair*>(nullptr), static_cast<const PemPair*>(&theirs_)}) {
    SslPtr ssl = support::make_client({.name = "closed.test", .min_version = TLS1_3_VERSION});
    if (pair != nullptr) {
      const auto files = sites_.write("client", *pair);
      ASSERT_EQ(SSL_use_certificate_file(ssl.get(), files.cert.c_str(), SSL_FILETYPE_PEM), 1);
      ASSERT_EQ(SSL_use_PrivateKey_file(ssl.get(), files.key.c_str(), SSL_FILETYPE_PEM), 1);
    }
    auto [server_fd, client_fd] = support::socket_pair();
    TlsEnd server(loop_, std::move(server_fd), store.new_session(Alpn::kHttp1));
    TlsEnd client(loop_, std::move(client_fd), std::move(ssl));
    server.start();
    client.start();
    support::turn_until(loop_, [&] { return client.ended().has_value(); });
    EXPECT_TRUE(client.is_ready());
    EXPECT_EQ(client.ended(), net::IoStatus::kFailed);
    const net::TransportError* failure = client.transport().failure();
    ASSERT_NE(failure, nullptr);
    EXPECT_EQ(failure->reason, http::Reason::kUpstreamTlsFailed);
    EXPECT_TRUE(failure->error.message.ends_with(pair == nullptr ? "; alert \"certificate required\""
                                                                 : "; alert \"unknown CA\""))
        << failure->error.message;
  }
}

TEST_F(ClientAuthTest, TellsOfAuthoritiesThatCannotBeRead) {
  sites_.sites()[1].client_ca = sites_.directory().write("empty.pem", "nothing\n");
  EXPECT_EQ(
      sites_.problems(),
      "error: empty.pem: no certificate in PEM form; name the file that begins with -----BEGIN CERTIFICATE-----\n");
  EXPECT_EQ(sites_.load().problems.at(0).key, "tls.client_ca");
  sites_.sites()[1].certificates[0].client_ca = sites_.sites()[1].client_ca;
  EXPECT_EQ(sites_.load().problems.at(0).key, "sites[1].tls.client_ca");
}

}  // namespace
}  // namespace viaduct::tls
