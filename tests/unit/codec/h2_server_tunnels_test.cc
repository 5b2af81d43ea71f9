// SPDX-License-Identifier: Apache-2.0
// WebSockets by extended CONNECT (RFC 8441): a 101 is written as 200, and bytes pass both ways.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "codec/h2_server.h"
#include "support/h2_wire.h"

namespace viaduct::codec {
namespace {

using namespace std::chrono_literals;
using support::h2_data;
using support::h2_headers;
using support::H2ServerWire;
using support::kFragmentSizes;
using support::kH2End;

std::string connect(std::string_view protocol = "websocket", std::uint8_t flags = 0) {
  return h2_headers(1,
                    {{":method", "CONNECT"},
                     {":protocol", std::string(protocol)},
                     {":scheme", "https"},
                     {":path", "/chat"},
                     {":authority", "a"},
                     {"sec-websocket-version", "13"}},
                    flags);
}

struct Tunnel {
  explicit Tunnel(std::size_t size = std::string_view::npos, const H2Limits& limits = {}) : wire(limits) {
    wire.answers = wire.reads = false;
    wire.open().feed(connect(), size);
    EXPECT_EQ(wire.streams.size(), 1u);
  }

  support::RecordingStreamHandler& handler() { return wire.last(); }
  void head(int status, bool end) {
    http::ResponseHead head(handler().arena());
    head.status = status;
    head.fields.add("Upgrade", "websocket");
    head.fields.add("Connection", "Upgrade");
    head.fields.add("Sec-WebSocket-Protocol", "chat");
    handler().stream->send_head(head, end);
    wire.turn();
  }
  void send(std::string_view bytes, bool end) {
    base::Buffer body(wire.chunks);
    body.append(bytes);
    handler().stream->send_body(body, end);
    wire.turn();
  }
  void read() {
    handler().stream->set_reading(true);
    wire.turn();
  }

  H2ServerWire wire;
};

TEST(H2ServerTunnels, PassBytesBothWays) {
  for (const std::size_t size : kFragmentSizes) {
    Tunnel tunnel(size);
    EXPECT_EQ(tunnel.wire.events(),
              "head GET /chat HTTP/2.0 host=a body=none protocol=websocket [Host: a] [sec-websocket-version: 13] | "
              "end");
    EXPECT_EQ(tunnel.handler().head->protocol, "websocket");
    tunnel.head(101, false);
    EXPECT_EQ(tunnel.wire.sent(), "HEADERS 1 [:status: 200] [sec-websocket-protocol: chat]");
    tunnel.wire.feed(h2_data(1, "ping"), size);
    EXPECT_FALSE(tunnel.handler().has("body")) << "reading begins off again";
    tunnel.read();
    EXPECT_EQ(tunnel.handler().lines().back(), "body ping");
    tunnel.send("pong", false);
    EXPECT_EQ(tunnel.wire.sent(), "DATA 1 4");
    tunnel.wire.feed(h2_data(1, "!", kH2End), size);
    EXPECT_TRUE(tunnel.handler().text().ends_with("body ping! | end"));
    EXPECT_EQ(tunnel.wire.server.phase(), CodecPhase::kResponse) << "the other direction goes on";
    tunnel.send("bye", true);
    EXPECT_EQ(tunnel.wire.sent(), "DATA 1 3 end");
    EXPECT_EQ(tunnel.handler().lines().back(), "stream end");
    EXPECT_EQ(tunnel.wire.server.phase(), CodecPhase::kIdle);
  }
}

TEST(H2ServerTunnels, AreHalfClosedByTheServer) {
  Tunnel tunnel;
  tunnel.head(101, false);
  tunnel.read();
  tunnel.send("bye", true);
  EXPECT_EQ(tunnel.wire.sent(), "HEADERS 1 [:status: 200] [sec-websocket-protocol: chat] | DATA 1 3 end");
  tunnel.wire.feed(h2_data(1, "still "));
  tunnel.wire.feed(h2_data(1, "here", kH2End));
  EXPECT_TRUE(tunnel.handler().text().ends_with("body still here | end | stream end")) << tunnel.wire.events();
  EXPECT_EQ(tunnel.wire.sent(), "");
}

TEST(H2ServerTunnels, TakeBytesThatComeBeforeTheAnswer) {
  Tunnel tunnel;
  tunnel.wire.feed(h2_data(1, "early"));
  tunnel.head(101, false);
  tunnel.read();
  EXPECT_EQ(tunnel.handler().lines().back(), "body early");
}

TEST(H2ServerTunnels, AreNoneWhereAnotherStatusAnswers) {
  for (const int status : {302, 403, 502}) {
    Tunnel tunnel;
    tunnel.head(status, true);
    EXPECT_EQ(tunnel.wire.sent(), "HEADERS 1 [:status: " + std::to_string(status) +
                                      "] [sec-websocket-protocol: chat] end | RST_STREAM 1 NO_ERROR");
    EXPECT_EQ(tunnel.handler().lines().back(), "stream end");
    tunnel.wire.feed(h2_data(1, "late"));
    EXPECT_EQ(tunnel.wire.server.failure(), http::Reason::kNone);
  }
}

// To a client any 2xx says that the tunnel is there (RFC 9110 §9.3.6).
TEST(H2ServerTunnels, AreNotOpenedByASuccessOfAnotherKind) {
  for (const int status : {200, 204, 299}) {
    for (const bool has_body : {false, true}) {
      Tunnel tunnel;
      tunnel.head(status, !has_body);
      if (has_body) tunnel.send("<html>", true);
      EXPECT_EQ(tunnel.wire.sent(), "HEADERS 1 [:status: 502] end | RST_STREAM 1 NO_ERROR") << status;
      EXPECT_EQ(tunnel.handler().lines().back(), "stream end");
    }
  }
}

TEST(H2ServerTunnels, SpeakNoOtherProtocol) {
  H2ServerWire wire;
  wire.open().feed(connect("gopher"));
  EXPECT_EQ(wire.events(), "refused unsupported_method | stream end");
  EXPECT_EQ(wire.sent(), "HEADERS 1 [:status: 501] [content-length: 2] | DATA 1 2 end | RST_STREAM 1 NO_ERROR");
}

TEST(H2ServerTunnels, HoldTheWindowOfAnEndThatDoesNotRead) {
  Tunnel tunnel;
  tunnel.head(101, false);
  tunnel.wire.sent();
  for (int i = 0; i < 4; ++i) tunnel.wire.feed(h2_data(1, std::string(16 * 1024, 'x')));
  EXPECT_EQ(tunnel.wire.sent(), "");
  tunnel.read();
  EXPECT_NE(tunnel.wire.sent().find("WINDOW_UPDATE 1 "), std::string::npos);
}

TEST(H2ServerTunnels, MayBeSilent) {
  Tunnel tunnel(std::string_view::npos, {.body_timeout = 60s, .min_rate = 100});
  tunnel.head(101, false);
  tunnel.read();
  EXPECT_FALSE(tunnel.wire.server.next_deadline()) << "who tunnels counts silence";
  tunnel.wire.pass(1h);
  EXPECT_EQ(tunnel.handler().lines().back(), "end");
}

TEST(H2ServerTunnels, AreCutByEitherSide) {
  Tunnel by_client;
  by_client.head(101, false);
  by_client.read();
  by_client.wire.feed(support::h2_reset(1));
  EXPECT_EQ(by_client.handler().lines().back(), "reset client_closed");
  Tunnel by_us;
  by_us.head(101, false);
  by_us.handler().stream->reset();
  by_us.wire.turn();
  EXPECT_EQ(by_us.wire.sent(), "HEADERS 1 [:status: 200] [sec-websocket-protocol: chat] | RST_STREAM 1 CANCEL");
  Tunnel by_end;
  by_end.head(101, false);
  by_end.wire.end();
  EXPECT_EQ(by_end.handler().lines().back(), "reset client_closed");
}

}  // namespace
}  // namespace viaduct::codec
