// SPDX-License-Identifier: Apache-2.0
#include "tls/tls_error.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "support/tls_ends.h"
#include "tls/context.h"

namespace viaduct::tls {
namespace {

class TlsErrorTest : public testing::Test {
 protected:
  // What a failure with this reason in OpenSSL's queue is called.
  static std::string message_of(SSL& ssl, int reason) {
    ERR_clear_error();
    ERR_raise(ERR_LIB_SSL, reason);
    const net::TransportError error = handshake_error(ssl, net::IoStatus::kOk, 0);
    EXPECT_EQ(ERR_peek_error(), 0U);
    return error.error.message;
  }

  TicketKeys keys_;
  SslCtxPtr context_ = make_server_context({}, keys_).value();
  SslPtr server_ = new_server_session(*context_, Alpn::kHttp1);
  SslPtr client_ = support::make_client({});
};

TEST_F(TlsErrorTest, TakesTheOldestErrorAndEmptiesTheQueue) {
  ERR_clear_error();
  EXPECT_EQ(take_openssl_error(), "unknown error");
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_PACKET);
  EXPECT_EQ(take_openssl_error(), "bad length");
  EXPECT_EQ(take_openssl_error(), "unknown error");
  ERR_raise_data(ERR_LIB_SSL, SSL_R_BAD_LENGTH, "of %d", 7);
  EXPECT_EQ(take_openssl_error(), "bad length (of 7)");
  ERR_raise(ERR_LIB_SYS, ENOENT);
  EXPECT_EQ(take_openssl_error(), "No such file or directory");
}

TEST_F(TlsErrorTest, SaysWhatToDo) {
  struct Row {
    int reason;
    std::string as_server;
    std::string as_client;
  };
  constexpr int kAlert = SSL_AD_REASON_OFFSET;
  const Row rows[] = {
      {SSL_R_WRONG_VERSION_NUMBER, "what the client sent is not TLS",
       "the server does not speak TLS on this port (http:// in place of https://?)"},
      {kAlert + SSL_AD_UNRECOGNIZED_NAME, "the client ends the handshake: alert \"unrecognized name\"",
       "the server does not know the name it is asked for (tls.sni)"},
      {kAlert + SSL_AD_CERTIFICATE_REQUIRED, "the client ends the handshake: alert \"certificate required\"",
       "the server wants a client certificate (tls.cert and tls.key)"},
      {kAlert + SSL_AD_UNKNOWN_CA, "the client refuses our certificate: it does not trust the issuer",
       "the server refuses our client certificate: it does not trust the issuer"},
      {kAlert + SSL_AD_CERTIFICATE_EXPIRED, "the client refuses our certificate: expired",
       "the server refuses our client certificate: expired"},
      {kAlert + SSL_AD_INTERNAL_ERROR, "the client ends the handshake: alert \"internal error\"",
       "the server ends the handshake: alert \"internal error\""},
      {SSL_R_LENGTH_MISMATCH, "what the client sent does not follow TLS",
       "the handshake with the server failed: length mismatch"},
      {SSL_R_EXCESSIVE_MESSAGE_SIZE, "the handshake with the client failed: excessive message size",
       "the handshake with the server failed: excessive message size"},
      {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "the client shows no certificate, which this site wants (client_auth)",
       "the handshake with the server failed: peer did not return a certificate"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(message_of(*server_, row.reason), row.as_server);
    EXPECT_EQ(message_of(*client_, row.reason), row.as_client);
  }
  EXPECT_EQ(message_of(*client_, SSL_R_UNSUPPORTED_PROTOCOL), "the server speaks no TLS version from 1.2 on");
}

TEST_F(TlsErrorTest, HasAWordForEachFailureOfAServersHandshake) {
  constexpr int kAlert = SSL_AD_REASON_OFFSET;
  const std::pair<int, std::string_view> rows[] = {
      {SSL_R_HTTP_REQUEST, "tls_plain_http"},
      {SSL_R_WRONG_VERSION_NUMBER, "tls_invalid"},
      {SSL_R_UNEXPECTED_MESSAGE, "tls_invalid"},
      {SSL_R_UNSUPPORTED_PROTOCOL, "tls_version_not_allowed"},
      {SSL_R_NO_SHARED_CIPHER, "tls_no_shared_cipher"},
      {SSL_R_NO_SUITABLE_KEY_SHARE, "tls_no_shared_group"},
      {SSL_R_NO_APPLICATION_PROTOCOL, "tls_no_application_protocol"},
      {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "tls_client_certificate_missing"},
      {SSL_R_CERTIFICATE_VERIFY_FAILED, "tls_client_certificate_refused"},
      {SSL_R_BAD_SIGNATURE, "tls_client_certificate_refused"},
      {kAlert + SSL_AD_UNKNOWN_CA, "tls_certificate_refused"},
      {kAlert + SSL_AD_CERTIFICATE_REVOKED, "tls_certificate_refused"},
      {kAlert + SSL_AD_HANDSHAKE_FAILURE, "tls_client_alert"},
      {kAlert + SSL_AD_INTERNAL_ERROR, "tls_client_alert"},
      {SSL_R_BAD_LENGTH, "tls_failed"},
  };
  for (const auto& [reason, word] : rows) {
    ERR_clear_error();
    ERR_raise(ERR_LIB_SSL, reason);
    EXPECT_EQ(http::reason_name(handshake_error(*server_, net::IoStatus::kOk, 0).reason), word);
    ERR_raise(ERR_LIB_SSL, reason);
    const bool is_verify = reason == SSL_R_CERTIFICATE_VERIFY_FAILED;
    EXPECT_EQ(http::reason_name(handshake_error(*client_, net::IoStatus::kOk, 0).reason),
              is_verify ? "upstream_certificate_invalid" : "upstream_tls_failed");
  }
}

// A bad signature is noted by the library that found it before TLS says what it came to.
TEST_F(TlsErrorTest, TakesTheWordOfTlsForWhatOtherLibrariesFound) {
  ERR_clear_error();
  ERR_raise(ERR_LIB_RSA, ERR_R_MALLOC_FAILURE);
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_SIGNATURE);
  EXPECT_EQ(handshake_error(*server_, net::IoStatus::kOk, 0).reason, http::Reason::kTlsClientCertificateRefused);
  ERR_raise(ERR_LIB_RSA, ERR_R_MALLOC_FAILURE);
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
  EXPECT_TRUE(handshake_error(*server_, net::IoStatus::kOk, 0).error.message.contains("malloc failure"));
}

TEST_F(TlsErrorTest, TellsWhoHasLeft) {
  ERR_clear_error();
  const net::TransportError of_server = handshake_error(*server_, net::IoStatus::kTruncated, 0);
  EXPECT_EQ(of_server.reason, http::Reason::kTlsClosed);
  EXPECT_EQ(of_server.error.message, "the client closed the connection during the TLS handshake");
  SSL_set_shutdown(server_.get(), SSL_RECEIVED_SHUTDOWN);
  const net::TransportError of_goodbye = handshake_error(*server_, net::IoStatus::kOk, 0);
  EXPECT_EQ(of_goodbye.reason, http::Reason::kTlsClosed);
  EXPECT_EQ(of_goodbye.error.message, of_server.error.message);
  const net::TransportError of_client = handshake_error(*client_, net::IoStatus::kFailed, ECONNRESET);
  EXPECT_EQ(of_client.reason, http::Reason::kUpstreamTlsFailed);
  EXPECT_EQ(of_client.error.code, ECONNRESET);
  EXPECT_EQ(of_client.error.message,
            "the connection broke during the TLS handshake with the server: Connection reset by peer");
}

}  // namespace
}  // namespace viaduct::tls
