// SPDX-License-Identifier: Apache-2.0
#include "tls/context.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "support/cert_sites.h"
#include "support/manual_clock.h"
#include "support/tls_ends.h"

namespace viaduct::tls {
namespace {

using support::ClientOffer;
using support::TlsEnd;

class ContextTest : public testing::Test {
 protected:
  ContextTest() {
    sites_.add({"host.test"},
               {support::make_pair_for({"host.test"}), support::make_pair_for({"host.test"}, KeyKind::kRsa)});
  }

  // "VERSION CIPHER ALPN" of a handshake, or why the server refused.
  std::string outcome(const ClientOffer& offer, Alpn alpn = Alpn::kHttp1) {
    const CertStore store = sites_.store();
    auto [server_fd, client_fd] = support::socket_pair();
    TlsEnd server(loop_, std::move(server_fd), store.new_session(alpn));
    TlsEnd client(loop_, std::move(client_fd), support::make_client(offer));
    server.start();
    client.start();
    support::turn_until(loop_, [&] { return server.is_settled() && client.is_settled(); });
    if (server.error()) return server.error()->error.message;
    const net::TlsInfo& info = *server.transport().tls_info();
    std::string text = std::string(info.version) + " " + std::string(info.cipher);
    if (!info.alpn.empty()) text += " " + std::string(info.alpn);
    return text;
  }

  support::ManualClock clock_;
  net::Loop loop_{clock_};
  support::CertSites sites_;
};

TEST_F(ContextTest, SpeaksTls12And13ByDefault) {
  EXPECT_EQ(outcome({}), "TLSv1.3 TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(outcome({.max_version = TLS1_2_VERSION}), "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256");
}

TEST_F(ContextTest, RefusesOlderVersionsUnlessAskedByName) {
  const ClientOffer tls_1_1{.min_version = TLS1_1_VERSION, .max_version = TLS1_1_VERSION};
  const ClientOffer tls_1_0{.min_version = TLS1_VERSION, .max_version = TLS1_VERSION};
  EXPECT_EQ(outcome(tls_1_1),
            "the client offers TLS versions up to 0x0302 (0x0301 is TLS 1.0), which are not allowed here "
            "(tls.min_version)");
  sites_.tls().min_version = config::TlsVersion::k1_1;
  EXPECT_EQ(outcome(tls_1_1), "TLSv1.1 ECDHE-ECDSA-AES128-SHA");
  EXPECT_EQ(outcome(tls_1_0),
            "the client offers TLS versions up to 0x0301 (0x0301 is TLS 1.0), which are not allowed here "
            "(tls.min_version)");
  sites_.tls().min_version = config::TlsVersion::k1_0;
  EXPECT_EQ(outcome(tls_1_0), "TLSv1 ECDHE-ECDSA-AES128-SHA");
  // The new versions are not weakened by it.
  EXPECT_EQ(outcome({}), "TLSv1.3 TLS_AES_128_GCM_SHA256");
}

TEST_F(ContextTest, KeepsToTheVersionsOfTheConfig) {
  sites_.tls().max_version = config::TlsVersion::k1_2;
  EXPECT_TRUE(outcome({}).starts_with("TLSv1.2 "));
  sites_.tls().max_version = config::TlsVersion::k1_3;
  sites_.tls().min_version = config::TlsVersion::k1_3;
  EXPECT_TRUE(outcome({}).starts_with("TLSv1.3 "));
  EXPECT_EQ(outcome({.max_version = TLS1_2_VERSION}),
            "the client offers TLS versions up to 0x0303 (0x0301 is TLS 1.0), which are not allowed here "
            "(tls.min_version)");
}

TEST_F(ContextTest, ChoosesTheCipherSuiteItself) {
  const auto offering = [](std::string ciphers) {
    return ClientOffer{.max_version = TLS1_2_VERSION, .ciphers = std::move(ciphers)};
  };
  EXPECT_EQ(outcome(offering("AES256-SHA:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256")),
            "TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256");
  // ChaCha20 for those that put it first, since they have no help for AES.
  EXPECT_EQ(outcome(offering("ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256")),
            "TLSv1.2 ECDHE-RSA-CHACHA20-POLY1305");
  EXPECT_EQ(outcome({.ciphers_13 = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"}),
            "TLSv1.3 TLS_CHACHA20_POLY1305_SHA256");
  EXPECT_EQ(outcome({.ciphers_13 = "TLS_AES_256_GCM_SHA384"}), "TLSv1.3 TLS_AES_256_GCM_SHA384");
}

TEST_F(ContextTest, ServesClientsWithoutAeadButNotWithoutForwardSecrecy) {
  const auto offering = [](std::string ciphers) {
    return ClientOffer{.max_version = TLS1_2_VERSION, .ciphers = std::move(ciphers)};
  };
  EXPECT_EQ(outcome(offering("ECDHE-RSA-AES128-SHA")), "TLSv1.2 ECDHE-RSA-AES128-SHA");
  EXPECT_EQ(outcome(offering("ECDHE-RSA-AES256-SHA")), "TLSv1.2 ECDHE-RSA-AES256-SHA");
  const std::string refused = "the client offers no cipher suite that is allowed here";
  for (const std::string ciphers : {"AES128-SHA", "AES128-GCM-SHA256", "AES256-GCM-SHA384", "DHE-RSA-AES128-SHA",
                                    "ECDHE-RSA-NULL-SHA", "AECDH-AES128-SHA"}) {
    EXPECT_EQ(outcome(offering(ciphers)), refused) << ciphers;
  }
  // TLS 1.0 by name brings clients that know no elliptic curves.
  sites_.tls().min_version = config::TlsVersion::k1_0;
  EXPECT_EQ(outcome(offering("AES128-SHA")), "TLSv1.2 AES128-SHA");
  EXPECT_EQ(outcome(offering("NULL-SHA")), refused);
}

TEST_F(ContextTest, AgreesOnTheFirstProtocolOfItsOwn) {
  const std::string h2 = "\x02h2";
  const std::string http11 = "\x08http/1.1";
  const std::string http10 = "\x08http/1.0";
  const std::string suffix = "TLSv1.3 TLS_AES_128_GCM_SHA256";
  struct Row {
    std::string offered;
    Alpn alpn;
    std::string agreed;
  };
  const Row rows[] = {
      {"", Alpn::kHttp1, ""},
      {"", Alpn::kHttp2AndHttp1, ""},
      {http11, Alpn::kHttp1, " http/1.1"},
      {h2 + http11, Alpn::kHttp1, " http/1.1"},
      {h2 + http11, Alpn::kHttp2AndHttp1, " h2"},
      {http11 + h2, Alpn::kHttp2AndHttp1, " h2"},
      {http11, Alpn::kHttp2AndHttp1, " http/1.1"},
      {http10, Alpn::kHttp1, " http/1.0"},
      {http10 + http11, Alpn::kHttp1, " http/1.1"},
  };
  for (const Row& row : rows) EXPECT_EQ(outcome({.alpn = row.offered}, row.alpn), suffix + row.agreed) << row.offered;
}

TEST_F(ContextTest, RefusesClientsWithWhichItHasNoProtocolInCommon) {
  const std::string refused = "the client offers no HTTP version that is served here (ALPN)";
  EXPECT_EQ(outcome({.alpn = "\x02h2"}), refused);
  EXPECT_EQ(outcome({.alpn = "\x03"
                             "ftp"},
                    Alpn::kHttp2AndHttp1),
            refused);
}

TEST_F(ContextTest, SetsWhatProtectsEveryConnection) {
  TicketKeys keys;
  const auto context = make_server_context({}, keys);
  ASSERT_TRUE(context.has_value());
  const std::uint64_t options = SSL_CTX_get_options(context->get());
  EXPECT_NE(options & SSL_OP_NO_RENEGOTIATION, 0U);
  EXPECT_NE(options & SSL_OP_NO_COMPRESSION, 0U);
  EXPECT_EQ(options & SSL_OP_IGNORE_UNEXPECTED_EOF, 0U);
  EXPECT_EQ(SSL_CTX_get_max_early_data(context->get()), 0U);
  EXPECT_EQ(SSL_CTX_get_num_tickets(context->get()), 1U);
  EXPECT_EQ(SSL_CTX_get_session_cache_mode(context->get()), SSL_SESS_CACHE_OFF);
}

}  // namespace
}  // namespace viaduct::tls
