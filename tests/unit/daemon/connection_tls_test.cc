// SPDX-License-Identifier: Apache-2.0
// Connections that begin with a TLS handshake: its limits, its failures, and what exchanges learn from it.
#include <gtest/gtest.h>

#include <optional>

#include "daemon/connection.h"
#include "support/cert_sites.h"
#include "support/client_side.h"
#include "support/tcp_pair.h"
#include "support/tls_ends.h"
#include "tls/tls_transport.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;

class ConnectionTlsTest : public testing::Test {
 protected:
  ConnectionTlsTest() {
    sites_.add({"host.test"}, {support::make_pair_for({"host.test"})}, true);
    store_.emplace(sites_.store());
  }
  // Opens a connection and returns the client's end of its socket.
  os::Fd open() {
    auto [client, accepted] = support::tcp_pair();
    side_.open(std::make_unique<tls::TlsTransport>(side_.scene.loop, std::move(accepted),
                                                   store_->new_session(tls::Alpn::kHttp1)));
    return std::move(client);
  }
  support::TlsEnd& handshake() {
    const support::ClientOffer offer{.name = "host.test"};
    client_ = std::make_unique<support::TlsEnd>(side_.scene.loop, open(), support::make_client(offer));
    client_->start();
    return *client_;
  }

  support::CertSites sites_;
  std::optional<tls::CertStore> store_;
  support::ClientSide side_{"${status} ${reason} ${tls_version}"};
  std::unique_ptr<support::TlsEnd> client_;
};

TEST_F(ConnectionTlsTest, AnswersBehindTheHandshake) {
  side_.script.body = "ok\n";
  support::TlsEnd& client = handshake();
  client.send("GET / HTTP/1.1\r\nHost: host.test\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(side_.until([&] { return client.ended().has_value(); }));
  EXPECT_EQ(*client.ended(), net::IoStatus::kEnd) << "close_notify tells that nothing is missing";
  EXPECT_TRUE(client.received().ends_with("ok\n")) << client.received();
  EXPECT_EQ(side_.log(), "200 - TLSv1.3");
}

TEST_F(ConnectionTlsTest, CutsAnAnswerWithoutAProperEnd) {
  side_.script.status = 0;
  support::TlsEnd& client = handshake();
  client.send("GET / HTTP/1.1\r\nHost: host.test\r\n\r\n");
  ASSERT_TRUE(side_.until([this] { return side_.script.begun == 1; }));
  EXPECT_EQ(side_.script.exchange->scheme(), "https");
  exchange::Exchange& exchange = *side_.script.exchange;
  http::ResponseHead& head = exchange.new_head(200);
  head.body.kind = http::BodyKind::kStream;
  exchange.send_head(head, false);
  side_.settle();
  exchange.fail(http::Reason::kUpstreamTruncated);
  ASSERT_TRUE(side_.until([&] { return client.ended().has_value(); }));
  EXPECT_NE(*client.ended(), net::IoStatus::kEnd);
  EXPECT_EQ(side_.log(), "200 upstream_truncated TLSv1.3");
}

TEST_F(ConnectionTlsTest, GivesTheHandshakeItsTime) {
  side_.limits.handshake_timeout = 10s;
  const os::Fd client = open();
  side_.pass(9990ms);
  EXPECT_EQ(side_.open_connections(), 1);
  side_.pass(20ms);
  EXPECT_EQ(side_.open_connections(), 0);
  EXPECT_EQ(side_.log(), "");
}

TEST_F(ConnectionTlsTest, ClosesWhoDoesNotSpeakTls) {
  const os::Fd client = open();
  const std::string_view request = "GET / HTTP/1.1\r\nHost: host.test\r\n\r\n";
  ASSERT_EQ(::send(client.get(), request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  ASSERT_TRUE(side_.until([this] { return side_.open_connections() == 0; }));
  EXPECT_EQ(side_.script.begun, 0);
  EXPECT_EQ(side_.log(), "");
}

TEST_F(ConnectionTlsTest, ClosesAHandshakeAtTheLastMoment) {
  const os::Fd client = open();
  side_.settle();
  side_.connection().begin_drain();  // says nothing before there is a request
  side_.settle();
  EXPECT_EQ(side_.open_connections(), 1);
  side_.connection().close_now();
  EXPECT_EQ(side_.open_connections(), 0);
}

}  // namespace
}  // namespace viaduct::daemon
