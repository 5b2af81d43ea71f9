// SPDX-License-Identifier: Apache-2.0
#include "tls/tls_transport.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "support/tls_connection.h"

namespace viaduct::tls {
namespace {

using net::IoStatus;
using support::ClientOffer;
using support::pattern_bytes;
using support::TlsEnd;
using support::turn_until;
using TlsTransportTest = support::TlsConnectionTest;

class TlsVersionTest : public TlsTransportTest, public testing::WithParamInterface<int> {
 protected:
  ClientOffer offer() const { return {.name = "host.test", .min_version = GetParam(), .max_version = GetParam()}; }
};
INSTANTIATE_TEST_SUITE_P(BothVersions, TlsVersionTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) { return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13"; });

TEST_P(TlsVersionTest, ShakesHandsAndTellsWhatWasAgreed) {
  ClientOffer wanted = offer();
  wanted.alpn = "\x08http/1.1";
  open(wanted);
  EXPECT_EQ(server_->transport().tls_info(), nullptr);
  turn_until(loop_, [this] { return server_->is_ready() && client_->is_ready(); });
  const bool is_12 = GetParam() == TLS1_2_VERSION;
  for (TlsEnd* end : {server_.get(), client_.get()}) {
    const net::TlsInfo* info = end->transport().tls_info();
    ASSERT_NE(info, nullptr);
    EXPECT_EQ(info->version, is_12 ? "TLSv1.2" : "TLSv1.3");
    EXPECT_EQ(info->cipher, is_12 ? "ECDHE-ECDSA-AES128-GCM-SHA256" : "TLS_AES_128_GCM_SHA256");
    EXPECT_EQ(info->alpn, "http/1.1");
    EXPECT_EQ(info->server_name, "host.test");
    EXPECT_FALSE(info->resumed);
  }
  EXPECT_EQ(client_->peer_name(), "host.test");
}

TEST_P(TlsVersionTest, CarriesBytesBothWaysUnaltered) {
  open(offer());
  const std::string request = pattern_bytes(100'000);
  const std::string response = pattern_bytes(300'000);
  client_->send(request);
  server_->send(response);
  turn_until(loop_, [&] {
    return server_->received().size() >= request.size() && client_->received().size() >= response.size();
  });
  EXPECT_TRUE(server_->received() == request);
  EXPECT_TRUE(client_->received() == response);
}

TEST_P(TlsVersionTest, WorksWhenEveryByteComesAlone) {
  support::ByteRelay relay;
  open(offer(), relay.open());
  client_->send("GET / HTTP/1.1\r\n\r\n");
  server_->send("HTTP/1.1 204 No Content\r\n\r\n");
  for (int quiet = 0; quiet < 3;) {
    loop_.run_once(false);
    quiet = relay.step() ? 0 : quiet + 1;
  }
  EXPECT_EQ(server_->received(), "GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(client_->received(), "HTTP/1.1 204 No Content\r\n\r\n");
  client_->transport().shutdown();
  for (int quiet = 0; quiet < 3;) {
    loop_.run_once(false);
    quiet = relay.step() ? 0 : quiet + 1;
  }
  EXPECT_EQ(server_->ended(), IoStatus::kEnd);
}

TEST_P(TlsVersionTest, EndsProperlyWithCloseNotify) {
  open(offer());
  client_->send("last words");
  turn_until(loop_, [this] { return client_->is_ready() && client_->has_sent_all(); });
  client_->transport().shutdown();
  turn_until(loop_, [this] { return server_->ended().has_value(); });
  EXPECT_EQ(server_->received(), "last words");
  EXPECT_EQ(server_->ended(), IoStatus::kEnd);
  // The other direction is still open.
  server_->send("an answer");
  server_->transport().shutdown();
  turn_until(loop_, [this] { return client_->ended().has_value(); });
  EXPECT_EQ(client_->received(), "an answer");
  EXPECT_EQ(client_->ended(), IoStatus::kEnd);
}

TEST_P(TlsVersionTest, TellsAConnectionThatWasCutOffFromOneThatEnded) {
  open(offer());
  client_->send("half a mess");
  turn_until(loop_, [this] { return client_->is_ready() && client_->has_sent_all(); });
  client_->transport().close(false);
  turn_until(loop_, [this] { return server_->ended().has_value(); });
  EXPECT_EQ(server_->received(), "half a mess");
  EXPECT_EQ(server_->ended(), IoStatus::kTruncated);
}

TEST_P(TlsVersionTest, CanStillAnswerWhoClosedWithoutCloseNotify) {
  auto sockets = support::socket_pair();
  const os::Fd client_socket(::dup(sockets.second.get()));
  open(offer(), std::move(sockets));
  client_->send("request");
  turn_until(loop_, [this] { return client_->is_ready() && client_->has_sent_all(); });
  ::shutdown(client_socket.get(), SHUT_WR);
  turn_until(loop_, [this] { return server_->ended().has_value(); });
  EXPECT_EQ(server_->ended(), IoStatus::kTruncated);
  server_->send("answer");
  server_->transport().shutdown();
  turn_until(loop_, [this] { return client_->ended().has_value(); });
  EXPECT_EQ(client_->received(), "answer");
  EXPECT_EQ(client_->ended(), IoStatus::kEnd);
}

TEST_P(TlsVersionTest, WaitsForASlowReaderAndLosesNothing) {
  open(offer());
  const std::string response = pattern_bytes(4 * 1024 * 1024);
  client_->set_consuming(false);
  server_->send(response);
  turn_until(loop_, [this] { return server_->is_ready() && client_->readable_events() > 0; });
  for (int turns = 0; turns < 100; ++turns) loop_.run_once(false);
  // The socket holds little, the transport a batch: the rest has stayed with the owner.
  EXPECT_GT(server_->unsent_bytes(), response.size() / 2);
  const int events = server_->writable_events();
  for (int turns = 0; turns < 10; ++turns) loop_.run_once(false);
  EXPECT_EQ(server_->writable_events(), events);
  client_->set_consuming(true);
  turn_until(loop_, [&] { return client_->received().size() >= response.size(); });
  EXPECT_TRUE(client_->received() == response);
  EXPECT_GT(server_->writable_events(), events);
  EXPECT_TRUE(server_->has_sent_all());
}

TEST_P(TlsVersionTest, CarriesMuchBothWaysAtOnce) {
  open(offer());
  const std::string up = pattern_bytes(3 * 1024 * 1024);
  const std::string down = pattern_bytes(2 * 1024 * 1024);
  client_->send(up);
  server_->send(down);
  turn_until(loop_,
             [&] { return server_->received().size() >= up.size() && client_->received().size() >= down.size(); });
  EXPECT_TRUE(server_->received() == up);
  EXPECT_TRUE(client_->received() == down);
}

TEST_P(TlsVersionTest, SendsWhatIsPendingBeforeTheEnd) {
  open(offer());
  const std::string response = pattern_bytes(600'000);
  client_->set_consuming(false);
  turn_until(loop_, [this] { return server_->is_ready() && client_->is_ready(); });
  // Blocked in the middle of a batch; then the batch goes out in front of close_notify.
  base::Buffer buffer(loop_.chunks());
  buffer.append(response);
  const net::IoResult result = server_->transport().write(buffer);
  ASSERT_EQ(result.status, IoStatus::kAgain);
  server_->transport().shutdown();
  EXPECT_EQ(server_->transport().write(buffer).status, IoStatus::kFailed);
  client_->set_consuming(true);
  turn_until(loop_, [&] { return client_->ended().has_value(); });
  EXPECT_EQ(client_->ended(), IoStatus::kEnd);
  EXPECT_GE(client_->received().size(), result.bytes);
  EXPECT_TRUE(response.starts_with(client_->received()));
}

TEST_P(TlsVersionTest, IsQuietWhileReadingIsOffAndSpeaksUpAfterwards) {
  open(offer());
  turn_until(loop_, [this] { return server_->is_ready() && client_->is_ready(); });
  server_->transport().set_reading(false);
  client_->send(pattern_bytes(200'000));
  for (int turns = 0; turns < 50; ++turns) loop_.run_once(false);
  EXPECT_EQ(server_->readable_events(), 0);
  server_->transport().set_reading(true);
  turn_until(loop_, [this] { return server_->received().size() == 200'000; });
  EXPECT_TRUE(server_->received() == pattern_bytes(200'000));
}

TEST_P(TlsVersionTest, DeliversTheRestOfARecordThoughTheSocketIsQuiet) {
  open(offer());
  turn_until(loop_, [this] { return server_->is_ready() && client_->is_ready(); });
  // One read() of the owner takes 64 KiB; what lies decrypted behind it must come without another byte on the wire.
  server_->set_consuming(false);
  server_->transport().set_reading(false);
  client_->send(pattern_bytes(150'000));
  for (int turns = 0; turns < 50; ++turns) loop_.run_once(false);
  server_->set_consuming(true);
  base::Buffer into(loop_.chunks());
  ASSERT_EQ(server_->transport().read(into).status, IoStatus::kOk);
  const std::string first = into.to_string();
  EXPECT_LE(first.size(), TlsTransport::kReadBytesMax + TlsTransport::kRecordBytesMax);
  server_->transport().set_reading(true);
  turn_until(loop_, [&] { return first.size() + server_->received().size() == 150'000; });
  EXPECT_TRUE(first + server_->received() == pattern_bytes(150'000));
}

TEST_P(TlsVersionTest, DeliversTheFirstRequestThatCameWithTheEndOfTheHandshake) {
  open(offer());
  // Sent in one go with the client's last flight of TLS 1.3, or right behind it.
  client_->send("GET / HTTP/1.1\r\n\r\n");
  turn_until(loop_, [this] { return !server_->received().empty(); });
  EXPECT_EQ(server_->received(), "GET / HTTP/1.1\r\n\r\n");
}

TEST_P(TlsVersionTest, TellsOfAResetWhileReading) {
  open(offer());
  turn_until(loop_, [this] { return server_->is_ready() && client_->is_ready(); });
  // Unread bytes make the close of a Unix socket a reset.
  client_->set_consuming(false);
  client_->transport().set_reading(false);
  server_->send("never read");
  client_->transport().close(true);
  turn_until(loop_, [this] { return server_->ended().has_value(); });
  EXPECT_EQ(server_->ended(), IoStatus::kFailed);
  base::Buffer more(loop_.chunks());
  more.append("more");
  EXPECT_EQ(server_->transport().write(more).status, IoStatus::kFailed);
}

TEST_P(TlsVersionTest, RefusesRecordsThatWereTamperedWith) {
  auto sockets = support::socket_pair();
  const os::Fd client_socket(::dup(sockets.second.get()));
  open(offer(), std::move(sockets));
  turn_until(loop_, [this] { return server_->is_ready() && client_->is_ready(); });
  const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
  ASSERT_EQ(::send(client_socket.get(), forged.data(), forged.size(), 0), static_cast<ssize_t>(forged.size()));
  turn_until(loop_, [this] { return server_->ended().has_value(); });
  EXPECT_EQ(server_->ended(), IoStatus::kFailed);
  EXPECT_EQ(server_->received(), "");
}

TEST_P(TlsVersionTest, SurvivesKeyUpdatesAndRefusesRenegotiation) {
  open(offer());
  turn_until(loop_, [this] { return server_->is_ready() && client_->is_ready(); });
  if (GetParam() == TLS1_3_VERSION) {
    ASSERT_EQ(SSL_key_update(client_->ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    client_->send("after the update");
    server_->send("an answer under new keys");
    turn_until(loop_, [this] { return !server_->received().empty() && !client_->received().empty(); });
    EXPECT_EQ(server_->received(), "after the update");
    EXPECT_EQ(client_->received(), "an answer under new keys");
    return;
  }
  ASSERT_EQ(SSL_renegotiate(client_->ssl()), 1);
  ERR_clear_error();
  SSL_do_handshake(client_->ssl());
  client_->send("x");
  turn_until(loop_, [this] { return client_->ended().has_value() || server_->ended().has_value(); });
  // OpenSSL's client gives up when it is told no_renegotiation; no new handshake took place.
  EXPECT_TRUE(client_->ended().has_value());
}

struct Garbage {
  const char* name;
  std::string bytes;
  std::string message;
  http::Reason reason;
};
class TlsGarbageTest : public TlsTransportTest, public testing::WithParamInterface<Garbage> {};
INSTANTIATE_TEST_SUITE_P(
    FirstBytes, TlsGarbageTest,
    testing::Values(
        Garbage{"PlainHttp", "GET / HTTP/1.1\r\nHost: host.test\r\n\r\n", "the client speaks plain HTTP on a TLS port",
                http::Reason::kTlsPlainHttp},
        Garbage{"PlainPost", "POST /api/v1/payment/notify HTTP/1.1\r\n\r\n",
                "the client speaks plain HTTP on a TLS port", http::Reason::kTlsPlainHttp},
        Garbage{"Proxy", "CONNECT host.test:443 HTTP/1.1\r\n\r\n",
                "the client takes this TLS port for a plain HTTP proxy", http::Reason::kTlsPlainHttp},
        Garbage{"Noise", std::string(64, '\xaa'), "what the client sent is not TLS", http::Reason::kTlsInvalid},
        Garbage{"Zeros", std::string(64, '\0'), "what the client sent is not TLS", http::Reason::kTlsInvalid}),
    [](const auto& row) { return row.param.name; });

TEST_P(TlsGarbageTest, IsRefusedWithAReason) {
  const int raw = open_raw();
  ASSERT_GT(::send(raw, GetParam().bytes.data(), GetParam().bytes.size(), 0), 0);
  EXPECT_EQ(failure_of_server(), GetParam().message);
  EXPECT_EQ(server_->error()->reason, GetParam().reason);
}

TEST_P(TlsGarbageTest, IsRefusedByteByByteToo) {
  const int raw = open_raw();
  for (const char byte : GetParam().bytes) {
    if (::send(raw, &byte, 1, MSG_NOSIGNAL) != 1) break;
    loop_.run_once(false);
    if (server_->is_settled()) break;
  }
  EXPECT_EQ(failure_of_server(), GetParam().message);
}

TEST_F(TlsTransportTest, FailsWhenTheClientLeavesDuringTheHandshake) {
  for (const std::string_view sent : {"", "\x16\x03\x01", "\x16\x03\x01\x02\x00\x01"}) {
    const int raw = open_raw();
    ASSERT_EQ(::send(raw, sent.data(), sent.size(), 0), static_cast<ssize_t>(sent.size()));
    ::shutdown(raw, SHUT_WR);
    EXPECT_EQ(failure_of_server(), "the client closed the connection during the TLS handshake");
  }
}

TEST_F(TlsTransportTest, WaitsForAClientThatSaysNothing) {
  const int raw = open_raw();
  ASSERT_EQ(::send(raw, "\x16\x03\x01", 3, 0), 3);
  for (int turns = 0; turns < 20; ++turns) loop_.run_once(false);
  EXPECT_FALSE(server_->is_settled());
  // The owner's deadline passes.
  server_->transport().close(true);
  for (int turns = 0; turns < 5; ++turns) loop_.run_once(false);
  EXPECT_FALSE(server_->is_settled());
}

TEST_F(TlsTransportTest, TellsAClientThatIsRefusedWhy) {
  open({.min_version = TLS1_1_VERSION, .max_version = TLS1_1_VERSION});
  turn_until(loop_, [this] { return server_->is_settled() && client_->is_settled(); });
  ASSERT_TRUE(client_->error());
  EXPECT_EQ(client_->error()->error.message, "the server refuses TLS 1.2 and 1.3, which are offered");
  EXPECT_EQ(client_->error()->reason, http::Reason::kUpstreamTlsFailed);
}

TEST_F(TlsTransportTest, CanBeClosedInEveryState) {
  open({});
  client_->transport().close(false);
  client_->transport().close(true);
  client_->transport().shutdown();
  client_->transport().set_reading(true);
  EXPECT_EQ(failure_of_server(), "the client closed the connection during the TLS handshake");
  server_->transport().close(true);
  base::Buffer buffer(loop_.chunks());
  EXPECT_EQ(server_->transport().read(buffer).status, IoStatus::kFailed);
  EXPECT_EQ(server_->transport().write(buffer).status, IoStatus::kFailed);
  for (int turns = 0; turns < 5; ++turns) loop_.run_once(false);
  EXPECT_FALSE(client_->is_settled());
}

TEST_F(TlsTransportTest, GivesBuffersBackWhileIdle) {
  connect();
  server_->send(pattern_bytes(500'000));
  turn_until(loop_, [this] { return client_->received().size() == 500'000; });
  loop_.run_once(false);
  EXPECT_EQ(loop_.chunks().chunks_in_use(), 0U);
}

}  // namespace
}  // namespace viaduct::tls
