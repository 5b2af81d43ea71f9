// SPDX-License-Identifier: Apache-2.0
// Connections that speak HTTP/2: by ALPN, or by the preface where the listener allows it, and their timers.
#include <gtest/gtest.h>

#include <optional>

#include "daemon/connection.h"
#include "support/cert_sites.h"
#include "support/client_side.h"
#include "support/h2_frames.h"
#include "support/h2_reading.h"
#include "support/tcp_pair.h"
#include "support/tls_ends.h"
#include "tls/tls_transport.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;
using http::Reason;
using support::h2_data;
using support::h2_frame;
using support::h2_headers;
using support::h2_preface;
using support::h2_request;
using support::kH2End;
using support::ScriptedConnection;

constexpr std::string_view kHello = "SETTINGS 3=128 4=65536 6=44160 8=1 9=1 | WINDOW_UPDATE 0 983041";
// The same where the client's settings came with its preface.
constexpr std::string_view kHelloAndAck =
    "SETTINGS 3=128 4=65536 6=44160 8=1 9=1 | SETTINGS ack | WINDOW_UPDATE 0 983041";
constexpr std::string_view kHttp1 = "GET / HTTP/1.1\r\nHost: host.test\r\n\r\n";

// The site of ClientSide is host.test.
support::H2Fields fields_of(std::string_view method) {
  support::H2Fields fields = h2_request(method);
  fields[2].second = "host.test";
  return fields;
}
std::string get(std::int32_t stream) {
  return h2_headers(stream, fields_of("GET"), kH2End);
}
std::string post(std::int32_t stream) {
  return h2_headers(stream, fields_of("POST"), 0);
}

class ConnectionH2Test : public testing::Test {
 protected:
  ConnectionH2Test() {
    side_.h2c = true;
    side_.script.body = "ok\n";
  }

  // A connection whose preface and settings are through.
  ScriptedConnection& open() {
    ScriptedConnection& client = side_.connect();
    client.send(h2_preface() + h2_frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, ""));
    EXPECT_TRUE(side_.until([this] { return read() == kHelloAndAck; })) << text_;
    text_.clear();
    return client;
  }
  // What the client has got since the last call, as text; bodies of "DATA" lines are in frames_.
  const std::string& read() {
    frames_.add(std::exchange(side_.client().received, ""));
    const std::string more = frames_.take_text();
    if (!more.empty()) text_.append(text_.empty() ? "" : " | ").append(more);
    return text_;
  }
  bool until(std::string_view end) {
    return side_.until([&] { return read().ends_with(end); });
  }

  support::ClientSide side_;
  support::H2Reading frames_;
  std::string text_;
};

// ---- which protocol -------------------------------------------------------------------------------------------------

TEST_F(ConnectionH2Test, BeginsWithThePrefaceWhole) {
  side_.connect().send(h2_preface() + get(1));
  ASSERT_TRUE(until("DATA 1 3 end"));
  EXPECT_TRUE(text_.starts_with(std::string(kHelloAndAck) + " | HEADERS 1 [:status: 200]")) << text_;
  EXPECT_EQ(frames_.bodies[1], "ok\n");
  EXPECT_EQ(side_.script.request, "GET /");
  EXPECT_EQ(side_.log(), "200 -");
}

TEST_F(ConnectionH2Test, BeginsWithThePrefaceInPiecesOfAnySize) {
  const std::string bytes = h2_preface() + get(1);
  for (const std::size_t size : {1uz, 5uz, 23uz, 24uz, 25uz}) {
    frames_ = {};
    text_.clear();
    ScriptedConnection& client = side_.connect();
    for (std::size_t at = 0; at < bytes.size(); at += size) {
      client.send(bytes.substr(at, size));
      side_.settle();
    }
    ASSERT_TRUE(until("DATA 1 3 end")) << size;
  }
}

TEST_F(ConnectionH2Test, SpeaksHttp1WhereThereIsNoPreface) {
  // Requests that begin as the preface does, in pieces of any size.
  for (const std::string_view request :
       {kHttp1, std::string_view("POST / HTTP/1.1\r\nHost: host.test\r\nContent-Length: 0\r\n\r\n"),
        std::string_view("PUT / HTTP/1.1\r\nHost: host.test\r\nContent-Length: 0\r\n\r\n"),
        std::string_view("PROPFIND / HTTP/1.1\r\nHost: host.test\r\n\r\n")}) {
    for (const std::size_t size : {1uz, 2uz, 3uz, request.size()}) {
      ScriptedConnection& client = side_.connect();
      for (std::size_t at = 0; at < request.size(); at += size) {
        client.send(request.substr(at, size));
        side_.settle();
      }
      ASSERT_TRUE(side_.until_received("ok\n")) << request << size;
      EXPECT_TRUE(client.received.starts_with("HTTP/1.1 200 OK\r\n"));
    }
  }
}

TEST_F(ConnectionH2Test, RefusesWhatBeginsLikeThePrefaceAndGoesOnOtherwise) {
  ScriptedConnection& client = side_.connect();
  client.send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
  ASSERT_TRUE(side_.until_closed());
  EXPECT_TRUE(client.received.starts_with("HTTP/1.1 505 ")) << client.received;
  EXPECT_EQ(side_.script.begun, 0);
}

TEST_F(ConnectionH2Test, KnowsNoPrefaceWhereItIsNotAllowed) {
  side_.h2c = false;
  ScriptedConnection& client = side_.connect();
  client.send(h2_preface() + get(1));
  ASSERT_TRUE(side_.until_closed());
  EXPECT_TRUE(client.received.starts_with("HTTP/1.1 505 ")) << client.received;
  EXPECT_EQ(side_.script.begun, 0);
  EXPECT_EQ(side_.log(), "505 unsupported_version");
}

class ConnectionH2TlsTest : public ConnectionH2Test {
 protected:
  ConnectionH2TlsTest() {
    side_.h2c = false;
    sites_.add({"host.test"}, {support::make_pair_for({"host.test"})}, true);
    store_.emplace(sites_.store());
  }
  support::TlsEnd& handshake(const std::string& alpn) {
    auto [client, accepted] = support::tcp_pair();
    side_.open(std::make_unique<tls::TlsTransport>(side_.scene.loop, std::move(accepted),
                                                   store_->new_session(tls::Alpn::kHttp2AndHttp1)));
    const support::ClientOffer offer{.name = "host.test", .alpn = alpn};
    client_ = std::make_unique<support::TlsEnd>(side_.scene.loop, std::move(client), support::make_client(offer));
    client_->start();
    return *client_;
  }

  support::CertSites sites_;
  std::optional<tls::CertStore> store_;
  std::unique_ptr<support::TlsEnd> client_;
};

TEST_F(ConnectionH2TlsTest, IsChosenByAlpn) {
  support::TlsEnd& client = handshake("\x02h2\x08http/1.1");
  client.send(h2_preface() + get(1));
  ASSERT_TRUE(side_.until([&] {
    support::H2Reading frames;
    frames.add(client.received());
    return frames.take_text().ends_with("DATA 1 3 end");
  }));
  EXPECT_EQ(side_.log(), "200 -");
}

// RFC 9113 §3.4: the server's settings may go first.
TEST_F(ConnectionH2TlsTest, SaysItsSettingsWithoutWaitingForTheClient) {
  support::TlsEnd& client = handshake("\x02h2");
  ASSERT_TRUE(side_.until([&] { return client.received().size() == 9 + 5 * 6 + 9 + 4; }));
  support::H2Reading frames;
  frames.add(client.received());
  EXPECT_EQ(frames.take_text(), kHello);
}

TEST_F(ConnectionH2TlsTest, IsNotSpokenWhereAlpnDidNotChooseIt) {
  for (const std::string alpn : {"\x08http/1.1", ""}) {
    support::TlsEnd& client = handshake(alpn);
    client.send(kHttp1);
    ASSERT_TRUE(side_.until([&] { return client.received().ends_with("ok\n"); }));
    EXPECT_TRUE(client.received().starts_with("HTTP/1.1 200 OK\r\n"));
  }
}

TEST_F(ConnectionH2TlsTest, RefusesHttp1WhereHttp2WasChosen) {
  support::TlsEnd& client = handshake("\x02h2");
  client.send(kHttp1);
  ASSERT_TRUE(side_.until([&] { return client.ended().has_value(); }));
  support::H2Reading frames;
  frames.add(client.received());
  const std::string text = frames.take_text();
  EXPECT_TRUE(text.starts_with("SETTINGS ") && text.ends_with(" | GOAWAY 0 PROTOCOL_ERROR")) << text;
  EXPECT_EQ(*client.ended(), net::IoStatus::kEnd);
  EXPECT_EQ(side_.refused_for, Reason::kH2ProtocolError);
}

// ---- requests -------------------------------------------------------------------------------------------------------

TEST_F(ConnectionH2Test, AnswersManyRequestsInOneTurn) {
  ScriptedConnection& client = open();
  std::string requests;
  for (std::int32_t id = 1; id < 200; id += 2) requests += get(id);
  client.send(requests);
  ASSERT_TRUE(side_.until([this] { return read(), frames_.bodies.size() == 100; }));
  EXPECT_EQ(side_.script.begun, 100);
  EXPECT_EQ(side_.exchanges(), 0u);
  EXPECT_EQ(side_.refused_for, Reason::kNone);
}

TEST_F(ConnectionH2Test, WritesALongAnswerAsTheClientReads) {
  side_.script.body = std::string(2'000'000, 'y');
  ScriptedConnection& client = open();
  client.send(support::h2_window(0, 10'000'000) + get(1) + support::h2_window(1, 10'000'000));
  ASSERT_TRUE(side_.until([this] { return read(), frames_.bodies[1].size() == 2'000'000; }));
  EXPECT_TRUE(until("end"));
  EXPECT_EQ(side_.log(), "200 -");
}

TEST_F(ConnectionH2Test, GrantsAsManyRequestsAsTheConfigSays) {
  side_.limits.max_requests = 2;
  ScriptedConnection& client = open();
  client.send(get(1) + get(3));
  ASSERT_TRUE(side_.until_closed());
  read();
  EXPECT_NE(text_.find("GOAWAY 3 NO_ERROR"), std::string::npos) << text_;
  EXPECT_EQ(frames_.bodies.size(), 2u);
  EXPECT_TRUE(client.is_ended);
}

TEST_F(ConnectionH2Test, EndsExchangesWhoseClientHasGone) {
  side_.script.status = 0;
  ScriptedConnection& client = open();
  client.send(get(1) + get(3));
  ASSERT_TRUE(side_.until([this] { return side_.script.begun == 2; }));
  client.reset();
  ASSERT_TRUE(side_.until([this] { return side_.open_connections() == 0; }));
  EXPECT_EQ(side_.exchanges(), 0u);
  EXPECT_EQ(side_.log(), "499 client_closed|499 client_closed");
}

// ---- failures, which the owner is told ------------------------------------------------------------------------------

TEST_F(ConnectionH2Test, TellsItsOwnerOnceWhyItEndedAConnection) {
  ScriptedConnection& client = open();
  client.send(h2_data(1, "x") + h2_data(3, "x"));
  ASSERT_TRUE(side_.until([this] { return side_.refused_for != Reason::kNone; }));
  EXPECT_EQ(side_.refused_for, Reason::kH2ProtocolError);
  EXPECT_EQ(side_.refusals, 1);
  ASSERT_TRUE(side_.until_closed());
  EXPECT_EQ(read(), "GOAWAY 0 PROTOCOL_ERROR");
  EXPECT_EQ(side_.refusals, 1);
  EXPECT_EQ(side_.log(), "");
}

TEST_F(ConnectionH2Test, TellsItsOwnerOfAFlood) {
  ScriptedConnection& client = open();
  std::string pings;
  for (int i = 0; i < 200; ++i) pings += support::h2_ping();
  client.send(pings);
  ASSERT_TRUE(side_.until_closed());
  EXPECT_EQ(side_.refused_for, Reason::kH2PingFlood);
  EXPECT_EQ(side_.refusals, 1);
  EXPECT_TRUE(read().ends_with("GOAWAY 0 ENHANCE_YOUR_CALM")) << text_;
}

// ---- time -----------------------------------------------------------------------------------------------------------

TEST_F(ConnectionH2Test, GivesAHeadItsTime) {
  side_.limits.header_timeout = 10s;
  ScriptedConnection& client = open();
  client.send(h2_frame(NGHTTP2_HEADERS, kH2End, 1, ""));
  side_.settle();
  side_.pass(9s);
  client.send(h2_frame(NGHTTP2_CONTINUATION, 0, 1, ""));
  side_.settle();
  side_.pass(990ms);
  EXPECT_EQ(side_.open_connections(), 1);
  EXPECT_EQ(side_.refused_for, Reason::kNone);
  side_.pass(20ms);
  ASSERT_TRUE(side_.until_closed());
  EXPECT_EQ(read(), "GOAWAY 1 ENHANCE_YOUR_CALM");
  EXPECT_EQ(side_.refused_for, Reason::kHeaderTimeout);
  EXPECT_EQ(side_.refusals, 1);
}

TEST_F(ConnectionH2Test, GivesThePrefaceItsTime) {
  side_.limits.header_timeout = 10s;
  side_.limits.idle_timeout = 75s;
  ScriptedConnection& client = side_.connect();
  for (const char byte : support::kH2Magic.substr(0, 9)) {
    client.send(std::string(1, byte));
    side_.settle();
    side_.pass(1s);
  }
  EXPECT_EQ(side_.open_connections(), 1);
  side_.pass(1s);
  ASSERT_TRUE(side_.until_closed());
  EXPECT_EQ(side_.script.begun, 0);
}

TEST_F(ConnectionH2Test, SaysGoodbyeToAnIdleConnection) {
  side_.limits.idle_timeout = 75s;
  ScriptedConnection& client = open();
  client.send(get(1));
  ASSERT_TRUE(until("DATA 1 3 end"));
  text_.clear();
  side_.pass(74990ms);
  EXPECT_EQ(side_.open_connections(), 1);
  side_.pass(20ms);
  ASSERT_TRUE(side_.until_closed());
  EXPECT_EQ(read(), "GOAWAY 1 NO_ERROR");
  EXPECT_TRUE(client.is_ended);
  EXPECT_EQ(side_.refused_for, Reason::kNone);
}

TEST_F(ConnectionH2Test, IsNotIdleWhileARequestIsUnderWay) {
  side_.limits.idle_timeout = 75s;
  side_.script.status = 0;
  open().send(get(1));
  ASSERT_TRUE(side_.until([this] { return side_.script.begun == 1; }));
  side_.pass(1h);
  EXPECT_EQ(side_.open_connections(), 1);
}

// A client may send one body behind the other.
TEST_F(ConnectionH2Test, EndsABodyThatDoesNotComeWhenNoOtherMoves) {
  side_.limits.body_timeout = 60s;
  side_.limits.min_rate.reset();
  side_.limits.idle_timeout = 75s;
  side_.script.reads = true;
  side_.script.status = 0;
  ScriptedConnection& client = open();
  client.send(post(1) + post(3));
  ASSERT_TRUE(side_.until([this] { return side_.script.begun == 2; }));
  for (int i = 0; i < 90; ++i) {
    side_.pass(1s);
    client.send(h2_data(3, "x"));
    side_.settle();
    EXPECT_TRUE(read().empty()) << i << text_;
  }
  side_.pass(60s);
  ASSERT_TRUE(until("RST_STREAM 3 NO_ERROR")) << text_;
  EXPECT_EQ(side_.log(), "408 body_timeout|408 body_timeout");
  EXPECT_EQ(side_.open_connections(), 1);
  EXPECT_EQ(side_.exchanges(), 0u);
}

TEST_F(ConnectionH2Test, EndsAnAnswerThatTheClientDoesNotRead) {
  side_.limits.body_timeout = 30s;
  side_.limits.min_rate.reset();
  side_.script.body = std::string(100'000, 'y');
  ScriptedConnection& client = open();
  client.send(get(1));
  ASSERT_TRUE(side_.until([this] { return read(), frames_.bodies[1].size() == 65'535; }));
  side_.pass(29990ms);
  EXPECT_EQ(side_.log(), "");
  side_.pass(20ms);
  ASSERT_TRUE(until("RST_STREAM 1 CANCEL"));
  EXPECT_EQ(side_.log(), "200 client_read_timeout");
  EXPECT_EQ(side_.open_connections(), 1) << "the others go on";
}

TEST_F(ConnectionH2Test, CutsAConnectionThatTakesNothing) {
  side_.limits.body_timeout = 30s;
  side_.limits.min_rate.reset();
  side_.script.body = std::string(20'000'000, 'y');
  ScriptedConnection& client = open();
  client.set_reading(false);
  client.send(support::h2_window(0, 0x7fff0000 - 65535) + get(1) + support::h2_window(1, 0x7fff0000));
  side_.settle();
  side_.pass(30100ms);
  ASSERT_TRUE(side_.until([this] { return side_.open_connections() == 0; }));
  EXPECT_EQ(side_.log(), "200 client_read_timeout");
}

// ---- drain ----------------------------------------------------------------------------------------------------------

TEST_F(ConnectionH2Test, DrainsAnIdleConnectionAtOnce) {
  open();
  side_.connection().begin_drain();
  ASSERT_TRUE(side_.until_closed());
  EXPECT_EQ(read(), "GOAWAY 0 NO_ERROR");
}

TEST_F(ConnectionH2Test, DrainsABusyConnectionAfterItsAnswers) {
  side_.script.status = 0;
  ScriptedConnection& client = open();
  client.send(get(1));
  ASSERT_TRUE(side_.until([this] { return side_.script.begun == 1; }));
  side_.connection().begin_drain();
  ASSERT_TRUE(until("GOAWAY 2147483647 NO_ERROR | PING"));
  exchange::Exchange& first = *side_.script.exchange;
  side_.script.status = 200;
  client.send(get(3));
  ASSERT_TRUE(until("DATA 3 3 end"));
  client.send(h2_frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, std::string(8, '\0')));
  ASSERT_TRUE(until("GOAWAY 3 NO_ERROR"));
  EXPECT_EQ(side_.open_connections(), 1);
  http::ResponseHead& head = first.new_head(204);
  first.send_head(head, true);
  ASSERT_TRUE(side_.until_closed());
  EXPECT_TRUE(read().find("HEADERS 1 [:status: 204]") != std::string::npos) << text_;
  EXPECT_TRUE(client.is_ended);
}

TEST_F(ConnectionH2Test, SaysGoodbyeAtOnceWhereTheWorkerDrains) {
  ScriptedConnection& client = side_.connect();
  side_.connection().begin_drain();
  client.send(h2_preface());
  ASSERT_TRUE(side_.until_closed());
  EXPECT_EQ(side_.script.begun, 0);
}

}  // namespace
}  // namespace viaduct::daemon
