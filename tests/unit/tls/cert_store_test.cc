// SPDX-License-Identifier: Apache-2.0
#include "tls/cert_store.h"

#include <gtest/gtest.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "support/cert_sites.h"
#include "support/manual_clock.h"
#include "support/tls_ends.h"
#include "tls/certificate.h"

namespace viaduct::tls {
namespace {

using std::chrono::hours;
using support::ClientOffer;
using support::make_pair_for;
using support::TlsEnd;

class CertStoreTest : public testing::Test {
 protected:
  // The names of the certificate that a client gets, with the kind of its key.
  std::string shown_to(const CertStore& store, const ClientOffer& offer) {
    auto [server_fd, client_fd] = support::socket_pair();
    TlsEnd server(loop_, std::move(server_fd), store.new_session(Alpn::kHttp1));
    TlsEnd client(loop_, std::move(client_fd), support::make_client(offer));
    server.start();
    client.start();
    support::turn_until(loop_, [&] { return server.is_settled() && client.is_settled(); });
    if (server.error()) return server.error()->error.message;
    chain_length_ = sk_X509_num(SSL_get_peer_cert_chain(client.ssl()));
    const X509* certificate = SSL_get0_peer_certificate(client.ssl());
    return certificate_names_text(*certificate, 10) + " " + key_text(*certificate);
  }
  std::string shown_to(const CertStore& store, const std::string& name) {
    return shown_to(store, ClientOffer{.name = name});
  }

  support::ManualClock clock_;
  net::Loop loop_{clock_};
  support::CertSites sites_;
  int chain_length_ = 0;
};

TEST_F(CertStoreTest, ChoosesByName) {
  sites_.add({"first.test", "www.first.test"}, {make_pair_for({"first.test", "www.first.test"})});
  sites_.add({"second.test"}, {make_pair_for({"second.test"})});
  sites_.add({"*.wild.test"}, {make_pair_for({"*.wild.test"})});
  sites_.add({"exact.wild.test"}, {make_pair_for({"exact.wild.test"})});
  sites_.add({"*.deep.wild.test"}, {make_pair_for({"*.deep.wild.test"})});
  const CertStore store = sites_.store();
  const std::string first = "first.test, www.first.test ECDSA P-256";
  struct Row {
    std::string name;
    std::string shown;
  };
  const Row rows[] = {
      {"first.test", first},
      {"www.first.test", first},
      {"FIRST.test", first},
      {"first.test.", first},
      {"second.test", "second.test ECDSA P-256"},
      {"Second.Test", "second.test ECDSA P-256"},
      {"a.wild.test", "*.wild.test ECDSA P-256"},
      {"a.b.wild.test", "*.wild.test ECDSA P-256"},
      {"exact.wild.test", "exact.wild.test ECDSA P-256"},
      {"a.deep.wild.test", "*.deep.wild.test ECDSA P-256"},
      {"deep.wild.test", "*.wild.test ECDSA P-256"},
      {"wild.test", first},     // no label before it: unknown
      {"unknown.test", first},  // unknown: the default site's
      {"10.0.0.1", first},      // no name at all, though some clients send it
      {"x", first},
      {"", first},  // no SNI
  };
  for (const Row& row : rows) EXPECT_EQ(shown_to(store, row.name), row.shown) << row.name;
}

TEST_F(CertStoreTest, ShowsTheDefaultSitesCertificateToStrangers) {
  sites_.add({"first.test"}, {make_pair_for({"first.test"})});
  sites_.add({"second.test"}, {make_pair_for({"second.test"})}, true);
  const CertStore store = sites_.store();
  EXPECT_EQ(shown_to(store, ""), "second.test ECDSA P-256");
  EXPECT_EQ(shown_to(store, "unknown.test"), "second.test ECDSA P-256");
  EXPECT_EQ(shown_to(store, "first.test"), "first.test ECDSA P-256");
}

TEST_F(CertStoreTest, PassesOverADefaultSiteWithoutCertificate) {
  sites_.add({"plain.test"}, {}, true);
  sites_.add({"first.test"}, {make_pair_for({"first.test"})});
  const CertStore store = sites_.store();
  EXPECT_EQ(shown_to(store, "plain.test"), "first.test ECDSA P-256");
}

TEST_F(CertStoreTest, TakesADefaultSiteWithoutHosts) {
  sites_.add({"first.test"}, {make_pair_for({"first.test"})});
  sites_.add({}, {make_pair_for({"any.test"})}, true);
  const CertStore store = sites_.store();
  EXPECT_EQ(shown_to(store, ""), "any.test ECDSA P-256");
}

TEST_F(CertStoreTest, IsEmptyWithoutAnyCertificate) {
  EXPECT_TRUE(sites_.store().empty());
  sites_.add({"plain.test"}, {});
  EXPECT_TRUE(sites_.store().empty());
  EXPECT_TRUE(sites_.load().stamps.empty());
}

TEST_F(CertStoreTest, GivesEachClientTheKindOfKeyThatItCanVerify) {
  sites_.add({"other.test"}, {make_pair_for({"other.test"})});
  sites_.add({"host.test"}, {make_pair_for({"host.test"}, KeyKind::kRsa), make_pair_for({"host.test"})});
  const CertStore store = sites_.store();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    ClientOffer offer{.name = "host.test", .min_version = version, .max_version = version};
    EXPECT_EQ(shown_to(store, offer), "host.test ECDSA P-256");
    offer.signatures = "rsa_pss_rsae_sha256:RSA+SHA256";
    EXPECT_EQ(shown_to(store, offer), "host.test RSA 2048");
    offer.signatures = "ECDSA+SHA256";
    EXPECT_EQ(shown_to(store, offer), "host.test ECDSA P-256");
  }
  EXPECT_EQ(
      shown_to(store,
               ClientOffer{.name = "host.test", .max_version = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES128-SHA"}),
      "host.test RSA 2048");
  // A site with one kind alone cannot serve who knows the other alone.
  EXPECT_EQ(shown_to(store, ClientOffer{.name = "other.test", .signatures = "rsa_pss_rsae_sha256:RSA+SHA256"}),
            "the client cannot verify the kind of certificate that is served (ECDSA alone? add an RSA certificate)");
}

TEST_F(CertStoreTest, TakesTheCertificateThatCoversTheHostWhereASiteHasSeveralOfOneKind) {
  sites_.add({"a.test", "b.test", "c.test"}, {make_pair_for({"a.test"}), make_pair_for({"b.test"})});
  const CertStore store = sites_.store();
  EXPECT_EQ(shown_to(store, "a.test"), "a.test ECDSA P-256");
  EXPECT_EQ(shown_to(store, "b.test"), "b.test ECDSA P-256");
  EXPECT_EQ(shown_to(store, "c.test"), "a.test ECDSA P-256");
}

TEST_F(CertStoreTest, SendsTheWholeChain) {
  const PemPair root = support::make_authority("Test Root");
  const PemPair middle = support::make_authority("Test Middle", &root);
  PemPair leaf = make_pair_for({"host.test"}, KeyKind::kEcdsaP256, &middle);
  leaf.cert += middle.cert;
  sites_.add({"host.test"}, {leaf});
  EXPECT_EQ(sites_.problems(), "");
  EXPECT_EQ(shown_to(sites_.store(), "host.test"), "host.test ECDSA P-256");
  EXPECT_EQ(chain_length_, 2);
}

TEST_F(CertStoreTest, IsOutlivedByItsHandshakes) {
  sites_.add({"first.test"}, {make_pair_for({"first.test"})});
  sites_.add({"second.test"}, {make_pair_for({"second.test"})});
  std::optional<CertStore> store = sites_.store();
  auto [server_fd, client_fd] = support::socket_pair();
  TlsEnd server(loop_, std::move(server_fd), store->new_session(Alpn::kHttp1));
  TlsEnd client(loop_, std::move(client_fd), support::make_client({.name = "second.test"}));
  // The snapshot is replaced between accept and ClientHello.
  store.reset();
  server.start();
  client.start();
  support::turn_until(loop_, [&] { return server.is_settled() && client.is_settled(); });
  EXPECT_EQ(client.peer_name(), "second.test");
}

TEST_F(CertStoreTest, TellsTheFactsOfItsCertificates) {
  const base::WallTime now = std::chrono::system_clock::now();
  sites_.add({"host.test", "www.host.test"}, {make_pair_for({"host.test", "www.host.test"})});
  const CertStore store = sites_.store();
  ASSERT_EQ(store.certificates().size(), 1U);
  const CertFacts& facts = store.certificates()[0];
  EXPECT_EQ(facts.file, sites_.sites()[0].certificates[0].cert);
  EXPECT_EQ(facts.site, "host.test");
  EXPECT_EQ(facts.names, (std::vector<std::string>{"host.test", "www.host.test"}));
  EXPECT_EQ(facts.key, "ECDSA P-256");
  EXPECT_LT(facts.not_before, now);
  EXPECT_GT(facts.not_after, now + hours(24 * 80));
}

TEST_F(CertStoreTest, RefusesPairsThatDoNotMatchAndTellsOfAllOfThem) {
  const PemPair one = make_pair_for({"one.test"});
  const PemPair two = make_pair_for({"two.test"});
  sites_.add({"one.test"}, {{.cert = one.cert, .key = two.key}});
  sites_.add({"good.test"}, {make_pair_for({"good.test"})});
  sites_.add({"two.test"}, {{.cert = two.cert, .key = one.key}});
  sites_.sites()[2].certificates[0].place = {.file = "viaduct.yaml", .line = 7, .column = 5};
  EXPECT_EQ(
      sites_.problems(),
      "error: pair1.pem and pair1.key do not belong together: the key is not that of the certificate; name the key "
      "it was issued for\n"
      "error: pair3.pem and pair3.key do not belong together: the key is not that of the certificate; name the key "
      "it was issued for\n");
  const CertLoad load = sites_.load();
  EXPECT_FALSE(load.store.has_value());
  ASSERT_EQ(load.problems.size(), 2U);
  EXPECT_EQ(load.problems[1].place.line, 7);
  EXPECT_EQ(load.problems[1].key, "sites[2].tls.cert");
  EXPECT_EQ(load.problems[1].file, sites_.sites()[2].certificates[0].cert);
}

TEST_F(CertStoreTest, NoticesRenewalAlsoOfWhatCouldNotBeLoaded) {
  const PemPair old_pair = make_pair_for({"host.test"});
  const PemPair new_pair = make_pair_for({"host.test", "www.host.test"});
  sites_.add({"host.test"}, {old_pair});
  CertLoad load = sites_.load();
  EXPECT_FALSE(load.stamps.changed());
  // Half of the pair is renewed: an error, tried once.
  sites_.directory().write("pair1.pem", new_pair.cert);
  EXPECT_TRUE(load.stamps.changed());
  load = sites_.load();
  EXPECT_FALSE(load.store.has_value());
  EXPECT_FALSE(load.stamps.changed());
  // The other half comes.
  std::filesystem::remove(sites_.directory() / "pair1.key");
  sites_.write("pair1", new_pair);
  EXPECT_TRUE(load.stamps.changed());
  load = sites_.load();
  ASSERT_TRUE(load.store.has_value());
  EXPECT_EQ(shown_to(*load.store, "host.test"), "host.test, www.host.test ECDSA P-256");
}

TEST_F(CertStoreTest, WarnsOfDates) {
  const base::WallTime start{std::chrono::seconds(1767323045)};
  const base::WallTime end = start + hours(24 * 90);
  const auto pair = make_self_signed({.names = {"host.test"}, .not_before = start, .not_after = end});
  ASSERT_TRUE(pair.has_value());
  sites_.add({"host.test"}, {*pair});
  const auto second = std::chrono::seconds(1);
  EXPECT_EQ(
      sites_.problems(start - second),
      "warning: pair1.pem is not valid before 2026-01-02 03:04:05 UTC: clients refuse it; wait until then, or set "
      "this machine's clock right\n");
  EXPECT_EQ(sites_.problems(start), "");
  EXPECT_EQ(sites_.problems(end - hours(24 * 30) - second), "");
  EXPECT_EQ(sites_.problems(end - hours(24 * 30)),
            "warning: pair1.pem expires in 30 days, on 2026-04-02 03:04:05 UTC; renew it\n");
  EXPECT_EQ(sites_.problems(end), "warning: pair1.pem expires in 0 days, on 2026-04-02 03:04:05 UTC; renew it\n");
  EXPECT_EQ(sites_.problems(end + second),
            "warning: pair1.pem expired on 2026-04-02 03:04:05 UTC: clients refuse it; renew it\n");
  // A warning does not keep it from being served.
  EXPECT_TRUE(sites_.load(end + second).store.has_value());
}

TEST_F(CertStoreTest, SaysOfWhatKindAProblemIs) {
  const auto kinds = [this](base::WallTime now) {
    std::vector<CertProblem::Kind> found;
    for (const CertProblem& problem : sites_.load(now).problems) found.push_back(problem.kind);
    return found;
  };
  using Kinds = std::vector<CertProblem::Kind>;
  using enum CertProblem::Kind;
  sites_.add({"a.test", "b.test"}, {support::make_pair_valid({"a.test"}, hours(-1), hours(24 * 90))});
  const auto now = std::chrono::system_clock::now();
  EXPECT_EQ(kinds(now), Kinds{kNotCovering});
  EXPECT_EQ(kinds(now - hours(2)), (Kinds{kNotYetValid, kNotCovering}));
  EXPECT_EQ(kinds(now + hours(24 * 89)), (Kinds{kExpiresSoon, kNotCovering}));
  EXPECT_EQ(kinds(now + hours(24 * 91)), (Kinds{kExpired, kNotCovering}));
  ASSERT_EQ(::chmod(sites_.sites()[0].certificates[0].key.c_str(), 0644), 0);
  EXPECT_EQ(kinds(now), (Kinds{kOpenKeyFile, kNotCovering}));
  sites_.directory().write("pair1.pem", make_pair_for({"a.test"}).cert);
  EXPECT_EQ(kinds(now), Kinds{kUnusable});
}

TEST_F(CertStoreTest, WarnsOfHostsThatTheCertificateDoesNotCover) {
  sites_.add({"www.host.test", "host.test", "*.host.test"}, {make_pair_for({"www.host.test"})});
  EXPECT_EQ(sites_.problems(),
            "warning: pair1.pem does not cover host.test (it is for www.host.test): clients refuse it there; have one "
            "issued with that name\n"
            "warning: pair1.pem does not cover *.host.test (it is for www.host.test): clients refuse it there; have "
            "one issued with that name\n");
}

TEST_F(CertStoreTest, WarnsOfSitesWhoseClientsAreShownAnothersCertificate) {
  sites_.add({"www.host.test"}, {make_pair_for({"www.host.test", "covered.test"})});
  sites_.add({"covered.test"}, {});
  sites_.add({"covered.test", "bare.test", "other.test"}, {});
  EXPECT_EQ(sites_.problems(),
            "warning: the site has no certificate, and pair1.pem does not cover bare.test (it is for www.host.test, "
            "covered.test): clients refuse it there; add tls: { cert: FILE, key: FILE }\n");
}

TEST_F(CertStoreTest, WarnsOfWeakKeys) {
  const base::WallTime now = std::chrono::system_clock::now();
  const auto weak = make_self_signed({.names = {"host.test"},
                                      .key = KeyKind::kRsa,
                                      .rsa_bits = 1024,
                                      .not_before = now,
                                      .not_after = now + hours(24 * 90)});
  ASSERT_TRUE(weak.has_value());
  sites_.add({"host.test"}, {*weak});
  EXPECT_EQ(sites_.problems(),
            "warning: pair1.pem has an RSA key of 1024 bits: many clients refuse less than 2048; have one issued for a "
            "new key\n");
  EXPECT_EQ(shown_to(sites_.store(), "host.test"), "host.test RSA 1024");
}

TEST_F(CertStoreTest, RefusesKeysThatOpensslWillNotServe) {
  const base::WallTime now = std::chrono::system_clock::now();
  const auto tiny = make_self_signed({.names = {"host.test"},
                                      .key = KeyKind::kRsa,
                                      .rsa_bits = 768,
                                      .not_before = now,
                                      .not_after = now + hours(24 * 90)});
  ASSERT_TRUE(tiny.has_value());
  sites_.add({"host.test"}, {*tiny});
  EXPECT_NE(sites_.problems().find("error: pair1.pem cannot be served: ee key too small"), std::string::npos)
      << sites_.problems();
}

TEST_F(CertStoreTest, WarnsOfKeysThatEverybodyCanRead) {
  sites_.add({"host.test"}, {make_pair_for({"host.test"})});
  const std::string& key = sites_.sites()[0].certificates[0].key;
  ASSERT_EQ(::chmod(key.c_str(), 0640), 0);
  EXPECT_EQ(sites_.problems(), "");
  ASSERT_EQ(::chmod(key.c_str(), 0644), 0);
  EXPECT_EQ(sites_.problems(),
            "warning: pair1.key can be read or written by everybody on this machine; chmod 600 it\n");
  EXPECT_EQ(sites_.load().problems.at(0).key, "sites[0].tls.key");
}

TEST_F(CertStoreTest, WarnsOfChainsThatAreOutOfOrderOrMissing) {
  const PemPair root = support::make_authority("Test Root");
  const PemPair middle = support::make_authority("Test Middle", &root);
  const PemPair stranger = support::make_authority("Stranger");
  const PemPair leaf = make_pair_for({"host.test"}, KeyKind::kEcdsaP256, &middle);
  sites_.add({"host.test"}, {{.cert = leaf.cert, .key = leaf.key}});
  sites_.add({"host.test"}, {{.cert = leaf.cert + root.cert + middle.cert, .key = leaf.key}});
  sites_.add({"host.test"}, {{.cert = leaf.cert + middle.cert + stranger.cert, .key = leaf.key}});
  sites_.add({"host.test"}, {{.cert = leaf.cert + middle.cert + root.cert, .key = leaf.key}});
  EXPECT_EQ(sites_.problems(),
            "warning: pair1.pem comes without its issuer (CN=Test Middle), which the system does not know: clients "
            "that do not fetch it, payment platforms among them, refuse the certificate; use the file with the full "
            "chain\n"
            "warning: pair2.pem: certificate 2 (CN=Test Root) did not issue certificate 1 before it, CN=Test Middle "
            "did: clients may refuse the chain; put each issuer behind what it issued\n"
            "warning: pair3.pem: certificate 3 (CN=Stranger) did not issue certificate 2 before it, CN=Test Root did: "
            "clients may refuse the chain; put each issuer behind what it issued\n");
}

TEST_F(CertStoreTest, ReadsAPairOfSeveralSitesOnce) {
  sites_.add({"a.test"}, {make_pair_for({"a.test", "b.test"})});
  sites_.add({"b.test"}, {});
  sites_.sites()[1].certificates = sites_.sites()[0].certificates;
  ASSERT_EQ(::chmod(sites_.sites()[0].certificates[0].key.c_str(), 0644), 0);
  const CertLoad load = sites_.load();
  EXPECT_EQ(load.problems.size(), 1U);
  ASSERT_TRUE(load.store.has_value());
  EXPECT_EQ(load.store->certificates().size(), 1U);
  EXPECT_EQ(shown_to(*load.store, "b.test"), "a.test, b.test ECDSA P-256");
}

TEST_F(CertStoreTest, StaplesForEachSiteWhatItsOwnKeysSay) {
  sites_.add({"a.test"}, {make_pair_for({"a.test", "b.test"})});
  sites_.add({"b.test"}, {});
  sites_.sites()[1].certificates = sites_.sites()[0].certificates;
  sites_.sites()[1].certificates[0].ocsp = sites_.directory().write("answer.der", "none");
  const CertLoad load = sites_.load();
  ASSERT_EQ(load.problems.size(), 1U);
  EXPECT_EQ(load.problems[0].kind, CertProblem::Kind::kNotStapled);
  EXPECT_EQ(load.problems[0].key, "sites[1].tls.ocsp");
  ASSERT_TRUE(load.store.has_value());
  EXPECT_EQ(load.store->certificates().size(), 1U);
}

// ---- renewal --------------------------------------------------------------------------------------------------------

class CertRenewalTest : public CertStoreTest {
 protected:
  CertRenewalTest() {
    sites_.add({"a.test"}, {make_pair_for({"a.test"})});
    sites_.add({"b.test"}, {make_pair_for({"b.test"})});
    served_.emplace(sites_.store());
  }
  CertLoad renew() {
    return CertStore::renew(*served_, sites_.sites(), sites_.tls(), sites_.ticket_keys(),
                            std::chrono::system_clock::now());
  }

  std::optional<CertStore> served_;
};

TEST_F(CertRenewalTest, GoesOnWithAPairThatIsBrokenAndTakesTheOthers) {
  const std::string& gone = sites_.sites()[0].certificates[0].cert;
  std::filesystem::remove(gone);
  sites_.write("pair2", make_pair_for({"b.test", "new.test"}));
  CertLoad load = renew();
  ASSERT_TRUE(load.store.has_value());
  EXPECT_TRUE(load.store->differs_from(*served_));
  EXPECT_EQ(shown_to(*load.store, "a.test"), "a.test ECDSA P-256");
  EXPECT_EQ(shown_to(*load.store, "b.test"), "b.test, new.test ECDSA P-256");
  ASSERT_EQ(load.problems.size(), 1U);
  EXPECT_EQ(load.problems[0].severity, CertProblem::Severity::kError);
  EXPECT_EQ(load.problems[0].key, "sites[0].tls.cert");
  EXPECT_TRUE(load.problems[0].message.ends_with("; until then the one that was read before is served"))
      << load.problems[0].message;
  // At a start, a reload or a check there is nothing to go on with.
  EXPECT_FALSE(sites_.load().store.has_value());
  // And so on: what was kept once is kept again.
  served_ = std::move(load.store);
  load = renew();
  ASSERT_TRUE(load.store.has_value());
  EXPECT_FALSE(load.store->differs_from(*served_));
  EXPECT_EQ(shown_to(*load.store, "a.test"), "a.test ECDSA P-256");
}

TEST_F(CertRenewalTest, GoesOnWhereOpensslWillNotServeTheNewPair) {
  const auto weak = make_self_signed({.names = {"a.test"}, .key = KeyKind::kRsa, .rsa_bits = 512});
  ASSERT_TRUE(weak.has_value());
  sites_.write("pair1", *weak);
  const CertLoad load = renew();
  ASSERT_TRUE(load.store.has_value());
  EXPECT_FALSE(load.store->differs_from(*served_));
  EXPECT_EQ(load.problems.size(), 1U);
}

TEST_F(CertRenewalTest, GoesOnWithTheAuthoritiesOfClients) {
  const PemPair authority = support::make_authority("Clients");
  sites_.sites()[1].client_ca = sites_.directory().write("clients.pem", authority.cert);
  served_.emplace(sites_.store());
  sites_.directory().write("clients.pem", "nothing\n");
  CertLoad load = renew();
  ASSERT_TRUE(load.store.has_value());
  EXPECT_FALSE(load.store->differs_from(*served_));
  ASSERT_EQ(load.problems.size(), 1U);
  EXPECT_EQ(load.problems[0].key, "tls.client_ca");
  sites_.directory().write("clients.pem", support::make_authority("Others").cert);
  load = renew();
  ASSERT_TRUE(load.store.has_value());
  EXPECT_TRUE(load.store->differs_from(*served_));
}

TEST_F(CertRenewalTest, SeesNoDifferenceWhereAFileWasOnlyTouched) {
  const std::string cert = sites_.sites()[0].certificates[0].cert;
  ASSERT_EQ(::chmod(cert.c_str(), 0400), 0);
  const CertLoad load = renew();
  ASSERT_TRUE(load.store.has_value());
  EXPECT_FALSE(load.store->differs_from(*served_));
  EXPECT_TRUE(load.problems.empty());
}

}  // namespace
}  // namespace viaduct::tls
