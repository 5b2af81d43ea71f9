// SPDX-License-Identifier: Apache-2.0
// H1Client as one end of a tunnel: how it asks, what it takes for agreement, and how a tunnel passes bytes and ends.
// Rows run whole and one byte at a time.
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "codec/h1_client.h"
#include "codec/websocket_handshake.h"
#include "support/field_list.h"
#include "support/h1_wire.h"

namespace viaduct::codec {
namespace {

using http::Reason;
using support::FieldList;
using support::H1ClientWire;
using support::kFragmentSizes;
using support::RecordingResponseHandler;

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAgreed =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
constexpr std::string_view kAgreedHead =
    "head 101 'Switching Protocols' body=none [Upgrade: websocket] [Connection: Upgrade] "
    "[Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=]";

// A connection on which a WebSocket was asked for, with the key of kKey or, where it is empty, one of the codec.
struct Tunnel {
  explicit Tunnel(std::string_view key = kKey) {
    http::RequestHead head(handler.arena());
    head.method = http::Method::kGet;
    head.method_text = "GET";
    head.target = "/ws";
    head.protocol = kWebsocketProtocol;
    head.fields.add("Host", "a");
    if (!key.empty()) head.fields.add(kWebsocketKeyField, key);
    stream.send_head(head, true);
    wire.turn();
  }
  void open() {
    wire.feed(kAgreed);
    wire.sent.clear();
    handler.clear();
  }
  void say(std::string_view bytes, bool end = false) {
    base::Buffer body(wire.chunks);
    body.append(bytes);
    stream.send_body(body, end);
    EXPECT_TRUE(body.empty());
    wire.turn();
  }
  // The key that was sent.
  std::string sent_key() const {
    constexpr std::string_view kName = "\r\nSec-WebSocket-Key: ";
    const std::size_t at = wire.sent.find(kName) + kName.size();
    return wire.sent.substr(at, wire.sent.find('\r', at) - at);
  }

  H1ClientWire wire;
  RecordingResponseHandler handler{wire.chunks};
  http::ClientStream& stream = wire.client.begin(handler, {.send = std::chrono::seconds(3), .read = std::nullopt});
};

TEST(H1ClientTunnel, AsksWithTheKeyOfTheClient) {
  const Tunnel tunnel;
  EXPECT_EQ(tunnel.wire.sent,
            "GET /ws HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_EQ(tunnel.wire.client.phase(), CodecPhase::kHead);
}

TEST(H1ClientTunnel, AsksWithAKeyOfItsOwnWhereThereIsNone) {
  const Tunnel tunnel("");
  EXPECT_EQ(tunnel.wire.sent,
            "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Key: " +
                tunnel.sent_key() + "\r\n\r\n");
  EXPECT_EQ(tunnel.sent_key().size(), 24U);
}

TEST(H1ClientTunnel, PassesBytesBothWays) {
  for (const std::size_t size : kFragmentSizes) {
    Tunnel tunnel;
    tunnel.wire.feed(std::string(kAgreed) + "right behind", size);
    EXPECT_EQ(tunnel.handler.text(), std::string(kAgreedHead) + " | body right behind");
    EXPECT_EQ(tunnel.wire.client.phase(), CodecPhase::kTunnel);
    tunnel.wire.sent.clear();
    tunnel.say("HTTP/1.1 ");
    tunnel.say(std::string_view("\0\xff", 2));
    EXPECT_EQ(tunnel.wire.sent, std::string("HTTP/1.1 \0\xff", 11));
    EXPECT_FALSE(tunnel.wire.client.reusable());
  }
}

TEST(H1ClientTunnel, TakesTheProofOfItsOwnKeyAndKeepsItToItself) {
  for (const std::size_t size : kFragmentSizes) {
    Tunnel tunnel("");
    const WebsocketAccept accept = websocket_accept(tunnel.sent_key());
    tunnel.wire.feed("HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nsec-websocket-ACCEPT: " +
                         std::string(accept.view()) + "\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
                     size);
    EXPECT_EQ(tunnel.handler.text(),
              "head 101 'S' body=none [Upgrade: websocket] [Connection: Upgrade] [Sec-WebSocket-Protocol: chat]");
  }
}

TEST(H1ClientTunnel, TakesNothingElseForAgreement) {
  const std::initializer_list<std::string_view> rows = {
      "HTTP/1.1 101 S\r\n\r\n",
      "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n",
      "HTTP/1.1 101 S\r\nConnection: Upgrade\r\n\r\n",
      "HTTP/1.1 101 S\r\nConnection: close\r\nUpgrade: websocket\r\n\r\n",
      "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
      "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n",
      "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n\r\n",
      "HTTP/1.0 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  };
  for (const std::string_view row : rows) {
    for (const std::size_t size : kFragmentSizes) {
      Tunnel tunnel;
      tunnel.wire.feed(row, size);
      EXPECT_EQ(tunnel.handler.text(), "reset upstream_invalid_response answered") << row;
    }
  }
  // With a key of the codec the proof must be there, once and right.
  constexpr std::string_view kHead = "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
  for (const int lines : {0, 1, 2}) {
    Tunnel tunnel("");
    const std::string right(websocket_accept(tunnel.sent_key()).view());
    std::string head(kHead);
    if (lines == 1) head += "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    if (lines == 2) head += "Sec-WebSocket-Accept: " + right + "\r\nSec-WebSocket-Accept: " + right + "\r\n";
    tunnel.wire.feed(head + "\r\n");
    EXPECT_EQ(tunnel.handler.text(), "reset upstream_invalid_response answered") << lines;
  }
}

TEST(H1ClientTunnel, TakesNo101ThatNobodyAskedFor) {
  H1ClientWire wire;
  RecordingResponseHandler handler(wire.chunks);
  wire.request(handler);
  wire.feed(kAgreed);
  EXPECT_EQ(handler.text(), "reset upstream_invalid_response answered");
}

TEST(H1ClientTunnel, TakesOtherAnswersAndKeepsTheConnection) {
  Tunnel tunnel;
  tunnel.wire.feed("HTTP/1.1 103 E\r\n\r\nHTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_EQ(tunnel.handler.text(),
            "informational 103 'E' body=none | head 403 'Forbidden' body=2 [Content-Length: 2] | body no | end | "
            "response end");
  EXPECT_TRUE(tunnel.wire.client.reusable());
}

TEST(H1ClientTunnel, DeliversNothingWhileTheHandlerDoesNotRead) {
  Tunnel tunnel;
  tunnel.open();
  tunnel.stream.set_reading(false);
  EXPECT_FALSE(tunnel.wire.client.wants_input());
  tunnel.wire.feed("abc");
  tunnel.wire.end();
  EXPECT_EQ(tunnel.handler.text(), "");
  tunnel.stream.set_reading(true);
  tunnel.wire.turn();
  EXPECT_EQ(tunnel.handler.text(), "body abc | end");
}

TEST(H1ClientTunnel, TellsWhenThereIsRoomAgain) {
  Tunnel tunnel;
  tunnel.open();
  tunnel.wire.takes_output = false;
  tunnel.say(std::string(H1Client::kOutputBytesMax, 'x'));
  EXPECT_EQ(tunnel.stream.writable_bytes(), 0U);
  tunnel.wire.takes_output = true;
  tunnel.wire.flush();
  EXPECT_EQ(tunnel.handler.text(), "writable");
}

TEST(H1ClientTunnel, EndsWhenTheServerEndsFirst) {
  Tunnel tunnel;
  tunnel.open();
  tunnel.wire.feed("last");
  tunnel.wire.end();
  EXPECT_EQ(tunnel.handler.text(), "body last | end");
  EXPECT_EQ(tunnel.wire.client.ending(), CodecEnding::kOpen);
  tunnel.say("more");
  tunnel.say("end", true);
  EXPECT_EQ(tunnel.wire.sent, "moreend");
  EXPECT_EQ(tunnel.handler.text(), "body last | end | response end");
  EXPECT_EQ(tunnel.wire.client.ending(), CodecEnding::kClose);
  EXPECT_EQ(tunnel.wire.streams_ended, 1);
}

TEST(H1ClientTunnel, EndsWhenTheHandlerEndsFirst) {
  Tunnel tunnel;
  tunnel.open();
  tunnel.wire.takes_output = false;
  tunnel.say("last", true);
  EXPECT_EQ(tunnel.wire.client.ending(), CodecEnding::kOpen);  // not before the bytes have left
  tunnel.wire.takes_output = true;
  tunnel.wire.flush();
  EXPECT_EQ(tunnel.wire.client.ending(), CodecEnding::kHalfClose);
  tunnel.wire.feed("more");
  tunnel.wire.end();
  EXPECT_EQ(tunnel.handler.text(), "body more | end | response end");
  EXPECT_EQ(tunnel.wire.client.ending(), CodecEnding::kClose);
}

TEST(H1ClientTunnel, TellsACutFromAnEnd) {
  Tunnel tunnel;
  tunnel.open();
  tunnel.wire.feed("abc");
  tunnel.wire.end(false);
  EXPECT_EQ(tunnel.handler.text(), "body abc | reset upstream_truncated answered");
  EXPECT_EQ(tunnel.wire.client.ending(), CodecEnding::kAbort);
  Tunnel broken;
  broken.open();
  broken.wire.client.abort(Reason::kUpstreamReset);
  EXPECT_EQ(broken.handler.text(), "reset upstream_reset answered");
}

TEST(H1ClientTunnel, IsCutWhereItIsGivenUp) {
  Tunnel tunnel;
  tunnel.open();
  tunnel.say("abc");
  tunnel.stream.reset();
  EXPECT_EQ(tunnel.wire.client.ending(), CodecEnding::kAbort);
  EXPECT_EQ(tunnel.handler.text(), "");
}

TEST(H1ClientTunnel, SendsItsLastBytesThoughNobodyWaitsForThem) {
  Tunnel tunnel;
  tunnel.open();
  tunnel.wire.end();
  tunnel.wire.takes_output = false;
  tunnel.say("last words", true);
  tunnel.stream.reset();
  tunnel.wire.turn();
  EXPECT_EQ(tunnel.wire.client.ending(), CodecEnding::kClose);
  EXPECT_EQ(tunnel.wire.client.output().to_string(), "last words");
  // Unless the server does not take them.
  tunnel.wire.client.abort(Reason::kUpstreamSendTimeout);
  EXPECT_EQ(tunnel.wire.client.ending(), CodecEnding::kAbort);
  EXPECT_TRUE(tunnel.wire.client.output().empty());
}

TEST(H1ClientTunnel, LetsTheReadLimitBeChanged) {
  Tunnel tunnel;
  EXPECT_EQ(tunnel.wire.client.limits().read, std::nullopt);
  tunnel.stream.set_read_limit(std::chrono::hours(1));
  EXPECT_EQ(tunnel.wire.client.limits().read, std::chrono::hours(1));
  EXPECT_EQ(tunnel.wire.client.limits().send, std::chrono::seconds(3));
}

}  // namespace
}  // namespace viaduct::codec
