// SPDX-License-Identifier: Apache-2.0
#include "tls/ocsp_staple.h"

#include <gtest/gtest.h>
#include <openssl/ocsp.h>

#include <memory>

#include "support/cert_sites.h"
#include "support/manual_clock.h"
#include "support/tls_ends.h"

namespace viaduct::tls {
namespace {

using support::TlsEnd;
using namespace std::chrono_literals;

template <auto Free>
using Freed = ReleaseWith<Free>;
using TimePtr = std::unique_ptr<ASN1_TIME, Freed<ASN1_TIME_free>>;

// What an authority would answer about a certificate.
struct Answer {
  int status = V_OCSP_CERTSTATUS_GOOD;
  base::Duration from = -1h;  // from now on
  base::Duration until = 24h;
  int response = OCSP_RESPONSE_STATUS_SUCCESSFUL;
};

TimePtr time_in(base::Duration duration) {
  const auto at = std::chrono::system_clock::now() + duration;
  return TimePtr(ASN1_TIME_set(nullptr, std::chrono::system_clock::to_time_t(at)));
}

class OcspStapleTest : public testing::Test {
 protected:
  OcspStapleTest() {
    sites_.add({"site.test"}, {{.cert = leaf_.cert + authority_.cert, .key = leaf_.key}});
    sites_.directory().write("ca.pem", authority_.cert);
    sites_.directory().write("ca.key", authority_.key);
    files().ocsp = sites_.directory() / "site.ocsp";
  }
  config::CertificateFiles& files() { return sites_.sites()[0].certificates[0]; }

  // The answer in DER form, signed by the authority.
  std::string der(const Answer& wanted, const std::string& cert_file) {
    auto leaf = load_certificates(cert_file);
    auto signer = load_key_pair(sites_.directory() / "ca.pem", sites_.directory() / "ca.key");
    EXPECT_TRUE(leaf.has_value() && signer.has_value());
    const std::unique_ptr<OCSP_BASICRESP, Freed<OCSP_BASICRESP_free>> basic(OCSP_BASICRESP_new());
    OCSP_CERTID* id = OCSP_cert_to_id(EVP_sha1(), leaf->front().get(), signer->leaf.get());
    const TimePtr revoked = time_in(-2h);
    const TimePtr from = time_in(wanted.from);
    const TimePtr until = time_in(wanted.until);
    const bool is_revoked = wanted.status == V_OCSP_CERTSTATUS_REVOKED;
    OCSP_basic_add1_status(basic.get(), id, wanted.status, 0, is_revoked ? revoked.get() : nullptr, from.get(),
                           until.get());
    OCSP_CERTID_free(id);
    EXPECT_EQ(OCSP_basic_sign(basic.get(), signer->leaf.get(), signer->key.get(), EVP_sha256(), nullptr, 0), 1);
    const std::unique_ptr<OCSP_RESPONSE, Freed<OCSP_RESPONSE_free>> response(
        OCSP_response_create(wanted.response, basic.get()));
    unsigned char* bytes = nullptr;
    const int size = i2d_OCSP_RESPONSE(response.get(), &bytes);
    std::string text(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return text;
  }
  void write(const std::string& bytes) { sites_.directory().write("site.ocsp", bytes); }
  std::string problems_of(const Answer& wanted) {
    write(der(wanted, files().cert));
    return sites_.problems();
  }
  // What a client that asks is told.
  std::string stapled(const CertStore& store, bool asks = true) {
    SslPtr ssl = support::make_client({.name = "site.test"});
    if (asks) SSL_set_tlsext_status_type(ssl.get(), TLSEXT_STATUSTYPE_ocsp);
    auto [server_fd, client_fd] = support::socket_pair();
    TlsEnd server(loop_, std::move(server_fd), store.new_session(Alpn::kHttp1));
    TlsEnd client(loop_, std::move(client_fd), std::move(ssl));
    server.start();
    client.start();
    support::turn_until(loop_, [&] { return client.is_settled(); });
    const unsigned char* bytes = nullptr;
    const long size = SSL_get_tlsext_status_ocsp_resp(client.ssl(), &bytes);
    return size <= 0 ? "" : std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }

  support::ManualClock clock_;
  net::Loop loop_{clock_};
  support::CertSites sites_;
  PemPair authority_ = support::make_authority("Ours");
  PemPair leaf_ = support::make_pair_for({"site.test"}, KeyKind::kEcdsaP256, &authority_);
};

TEST_F(OcspStapleTest, GivesTheAnswerToWhoAsks) {
  const std::string answer = der({}, files().cert);
  write(answer);
  EXPECT_EQ(sites_.problems(), "");
  const CertStore store = sites_.store();
  EXPECT_EQ(stapled(store), answer);
  EXPECT_EQ(stapled(store, false), "");
}

TEST_F(OcspStapleTest, GivesNothingWhereThereIsNoAnswer) {
  files().ocsp.clear();
  EXPECT_EQ(stapled(sites_.store()), "");
}

TEST_F(OcspStapleTest, StaplesNothingThatIsNoUse) {
  EXPECT_TRUE(problems_of({.status = V_OCSP_CERTSTATUS_REVOKED}).contains("the certificate is revoked; renew"));
  EXPECT_TRUE(problems_of({.status = V_OCSP_CERTSTATUS_UNKNOWN}).contains("the certificate is unknown"));
  EXPECT_TRUE(problems_of({.from = -48h, .until = -1h}).contains("site.ocsp: it ended on "));
  EXPECT_TRUE(problems_of({.from = 1h, .until = 48h}).contains("it holds from "));
  EXPECT_TRUE(problems_of({.response = OCSP_RESPONSE_STATUS_TRYLATER}).contains("no answer by OCSP in DER form"));
  EXPECT_EQ(problems_of({.from = 2min, .until = 48h}), "");  // clocks differ
  const std::string good = der({}, files().cert);
  for (const std::string& bytes : {std::string(), std::string("text"), good.substr(0, good.size() - 1), good + "x"}) {
    write(bytes);
    EXPECT_TRUE(sites_.problems().starts_with("warning: site.ocsp: no answer by OCSP")) << bytes.size();
    EXPECT_EQ(sites_.load().problems.at(0).key, "sites[0].tls.ocsp");
    EXPECT_EQ(stapled(sites_.store()), "");
  }
}

TEST_F(OcspStapleTest, StaplesNothingThatIsAboutAnother) {
  const PemPair other = support::make_pair_for({"other.test"}, KeyKind::kEcdsaP256, &authority_);
  write(der({}, sites_.directory().write("other.pem", other.cert)));
  EXPECT_TRUE(sites_.problems().contains("it is not about this certificate"));
}

TEST_F(OcspStapleTest, NeedsTheIssuer) {
  write(der({}, files().cert));
  files().cert = sites_.directory().write("alone.pem", leaf_.cert);
  EXPECT_TRUE(sites_.problems().contains("use the full chain; until then nothing is stapled"));
}

TEST_F(OcspStapleTest, IsWatchedLikeTheCertificate) {
  write(der({}, files().cert));
  const CertLoad load = sites_.load();
  EXPECT_FALSE(load.stamps.changed());
  write(der({.until = 48h}, files().cert) + " ");
  EXPECT_TRUE(load.stamps.changed());
}

// An answer that ends while the store is in use is left out from then on.
TEST_F(OcspStapleTest, SendsNoAnswerThatHasEnded) {
  write(der({.from = -48h, .until = -1h}, files().cert));
  CertLoad load = sites_.load(std::chrono::system_clock::now() - 24h);
  ASSERT_TRUE(load.store.has_value());
  EXPECT_EQ(stapled(*load.store), "");
}

}  // namespace
}  // namespace viaduct::tls
