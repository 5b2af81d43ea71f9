// SPDX-License-Identifier: Apache-2.0
// A connection to a server that has become a tunnel, and answers that may be silent for longer than others.
#include <gtest/gtest.h>

#include "support/connect_outcome.h"
#include "support/recording_stream.h"
#include "support/scripted_server.h"
#include "support/wait_until.h"
#include "upstream/client_connection.h"
#include "upstream/server.h"

namespace viaduct::upstream {
namespace {

using namespace std::chrono_literals;
using support::RecordingResponseHandler;
using support::ScriptedConnection;

constexpr std::string_view kAgreed =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
constexpr codec::WaitLimits kLimits{.send = 3s, .read = 4s};

class ClientConnectionTunnelTest : public testing::Test {
 protected:
  http::ClientStream& ask(std::string_view protocol) {
    support::ConnectOutcome outcome;
    EXPECT_TRUE(server_.reserve());
    std::make_unique<Connector>(loop_, resolver_, server_, outcome).release()->start(std::nullopt);
    until([&] { return outcome.events > 0 && !listener_.connections.empty(); });
    EXPECT_NE(outcome.connection, nullptr);
    http::ClientStream& stream = outcome.connection->begin(response_, kLimits);
    http::RequestHead head(response_.arena());
    head.method = http::Method::kGet;
    head.target = "/";
    head.protocol = protocol;
    head.fields.add("Host", "app.test");
    head.fields.add("Sec-WebSocket-Key", "k");
    stream.send_head(head, true);
    EXPECT_TRUE(until([this] { return other_end().received.ends_with("\r\n\r\n"); }));
    other_end().received.clear();
    return stream;
  }
  // A tunnel that is open.
  http::ClientStream& open() {
    http::ClientStream& stream = ask("websocket");
    other_end().send(kAgreed);
    EXPECT_TRUE(until([this] { return response_.has("head 101"); }));
    response_.clear();
    return stream;
  }
  void say(http::ClientStream& stream, std::string_view bytes, bool end) {
    base::Buffer body(loop_.chunks());
    body.append(bytes);
    stream.send_body(body, end);
  }
  ScriptedConnection& other_end() { return listener_.last(); }
  template <typename IsDone>
  bool until(IsDone is_done) {
    return support::wait_until(loop_, is_done);
  }
  void pass(base::Duration duration) { support::pass_time(loop_, clock_, duration); }

  support::ManualClock clock_;
  codec::H2Library h2_library_;
  net::Loop loop_{clock_};
  net::Resolver resolver_{loop_};
  StateTable states_;
  Resources resources_{.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = states_};
  support::ScriptedServer listener_{loop_};
  config::Upstream config_ = support::make_upstream({listener_.config()});
  Server server_{resources_, config_, 0, nullptr};
  RecordingResponseHandler response_{loop_.chunks()};
};

TEST_F(ClientConnectionTunnelTest, EndsByHalvesAndIsNotUsedAgain) {
  http::ClientStream& stream = open();
  say(stream, "bye", true);
  ASSERT_TRUE(until([this] { return other_end().is_ended; }));
  EXPECT_EQ(other_end().received, "bye");
  pass(1h);
  other_end().send("and good night");
  other_end().finish();
  ASSERT_TRUE(until([this] { return response_.has("response end"); }));
  EXPECT_EQ(response_.text(), "body and good night | end | response end");
  EXPECT_EQ(server_.take_idle(), nullptr);
  EXPECT_TRUE(until([this] { return server_.connections() == 0; }));
}

TEST_F(ClientConnectionTunnelTest, GoesOnWhenTheServerHasEnded) {
  http::ClientStream& stream = open();
  other_end().finish();
  ASSERT_TRUE(until([this] { return response_.text() == "end"; }));
  pass(1h);
  say(stream, "more", false);
  ASSERT_TRUE(until([this] { return other_end().received == "more"; }));
  say(stream, " and the end", true);
  ASSERT_TRUE(until([this] { return response_.has("response end"); }));
  ASSERT_TRUE(until([this] { return other_end().is_ended; }));
  EXPECT_EQ(other_end().received, "more and the end");
  EXPECT_FALSE(other_end().is_reset);
  EXPECT_TRUE(until([this] { return server_.connections() == 0; }));
}

TEST_F(ClientConnectionTunnelTest, HasNoLimitOnSilence) {
  open();
  pass(24h);
  EXPECT_EQ(response_.text(), "");
}

TEST_F(ClientConnectionTunnelTest, WaitsForAServerThatDoesNotReadAsLongAsTheLimit) {
  http::ClientStream& stream = open();
  other_end().set_reading(false);
  for (int rounds = 0; rounds < 1000 && stream.writable_bytes() > 0; ++rounds) {
    say(stream, std::string(64 * 1024, 'x'), false);
    support::settle(loop_);
  }
  ASSERT_EQ(stream.writable_bytes(), 0u);
  response_.clear();
  pass(3010ms);
  EXPECT_EQ(response_.text(), "reset upstream_send_timeout answered");
}

TEST_F(ClientConnectionTunnelTest, GivesUpAServerThatDoesNotTakeTheLastBytes) {
  http::ClientStream& stream = open();
  other_end().set_reading(false);
  for (int rounds = 0; rounds < 1000 && stream.writable_bytes() > 0; ++rounds) {
    say(stream, std::string(64 * 1024, 'x'), false);
    support::settle(loop_);
  }
  say(stream, "", true);
  other_end().finish();
  ASSERT_TRUE(until([this] { return response_.has("end"); }));
  stream.reset();
  support::settle(loop_);
  EXPECT_EQ(server_.connections(), 1u);
  pass(3010ms);
  EXPECT_EQ(server_.connections(), 0u);
}

TEST_F(ClientConnectionTunnelTest, TellsThatTheServerWasReset) {
  open();
  other_end().reset();
  ASSERT_TRUE(until([this] { return response_.has("reset"); }));
  EXPECT_EQ(response_.text(), "reset upstream_reset answered");
}

TEST_F(ClientConnectionTunnelTest, CountsSilenceByTheLimitThatWasChanged) {
  http::ClientStream& stream = ask("");
  other_end().send("HTTP/1.1 200 OK\r\n\r\na");
  ASSERT_TRUE(until([this] { return response_.has("body a"); }));
  stream.set_read_limit(10s);
  support::settle(loop_);
  pass(9900ms);
  EXPECT_FALSE(response_.has("reset"));
  pass(200ms);
  EXPECT_TRUE(response_.has("reset upstream_read_timeout answered")) << response_.text();
}

TEST_F(ClientConnectionTunnelTest, CountsSilenceByAShorterLimitAtOnce) {
  http::ClientStream& stream = ask("");
  other_end().send("HTTP/1.1 200 OK\r\n\r\na");
  ASSERT_TRUE(until([this] { return response_.has("body a"); }));
  stream.set_read_limit(1s);
  support::settle(loop_);
  pass(1100ms);
  EXPECT_TRUE(response_.has("reset upstream_read_timeout answered")) << response_.text();
}

}  // namespace
}  // namespace viaduct::upstream
