// SPDX-License-Identifier: Apache-2.0
#include "daemon/connection.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "net/tcp_transport.h"
#include "support/client_side.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;
using support::ScriptedConnection;

constexpr std::string_view kPost = "POST / HTTP/1.1\r\nHost: host.test\r\nContent-Length: 1000000\r\n\r\n";
constexpr std::string_view kGet = "GET /x HTTP/1.1\r\nHost: host.test\r\n\r\n";

class ConnectionTest : public testing::Test {
 protected:
  ConnectionTest() { side_.script.body = "ok\n"; }

  // How many answers with this status the client has.
  long answers(std::string_view status) {
    const std::string line = "HTTP/1.1 " + std::string(status) + " ";
    const std::string& text = side_.client().received;
    long count = 0;
    for (std::size_t at = text.find(line); at != std::string::npos; at = text.find(line, at + 1)) ++count;
    return count;
  }

  support::ClientSide side_;
};

// ---- one request after another --------------------------------------------------------------------------------------

TEST_F(ConnectionTest, AnswersOneRequestAfterAnother) {
  ScriptedConnection& client = side_.connect();
  for (int i = 0; i < 3; ++i) {
    client.received.clear();
    client.send(kGet);
    ASSERT_TRUE(side_.until_received("\r\n\r\nok\n"));
  }
  EXPECT_EQ(side_.script.begun, 3);
  EXPECT_FALSE(client.is_ended);
  EXPECT_EQ(side_.exchanges(), 0u);
  EXPECT_EQ(side_.log(), "200 -|200 -|200 -");
}

TEST_F(ConnectionTest, EndsBehindTheAnswerWhereTheClientWantsItSo) {
  for (const std::string_view request :
       {"GET / HTTP/1.1\r\nHost: host.test\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"}) {
    ScriptedConnection& client = side_.connect();
    client.send(request);
    ASSERT_TRUE(side_.until_closed());
    EXPECT_TRUE(client.is_ended);
    EXPECT_TRUE(client.received.ends_with("Connection: close\r\n\r\nok\n")) << client.received;
    EXPECT_EQ(side_.open_connections(), 0);
  }
}

TEST_F(ConnectionTest, AnswersPipelinedRequestsInTheirOrder) {
  ScriptedConnection& client = side_.connect();
  std::string all;
  for (int i = 0; i < 50; ++i) all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: host.test\r\n\r\n";
  client.send(all);
  ASSERT_TRUE(side_.until([this] { return answers("200") == 50; }));
  EXPECT_EQ(side_.script.request, "GET /49");
}

TEST_F(ConnectionTest, ReadsARequestInPiecesOfAnySize) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{7}, kGet.size() - 1}) {
    ScriptedConnection& client = side_.connect();
    for (std::size_t at = 0; at < kGet.size(); at += size) {
      client.send(kGet.substr(at, size));
      side_.settle();
    }
    ASSERT_TRUE(side_.until_received("ok\n")) << size;
  }
}

TEST_F(ConnectionTest, GrantsAsManyRequestsAsTheConfigSays) {
  side_.limits.max_requests = 2;
  ScriptedConnection& client = side_.connect();
  client.send(std::string(kGet) + std::string(kGet) + std::string(kGet));
  ASSERT_TRUE(side_.until_closed());
  EXPECT_EQ(side_.script.begun, 2);
}

TEST_F(ConnectionTest, HoldsTheLimitsOfAHead) {
  side_.limits.max_target_size = 50;
  side_.limits.max_fields = 3;
  side_.limits.max_head_size = 200;
  const auto status = [this](const std::string& target, const std::string& fields) {
    side_.connect().send("GET " + target + " HTTP/1.1\r\nHost: host.test\r\n" + fields + "\r\n");
    side_.until([this] { return side_.client().received.size() > 20; });
    return side_.client().received.substr(9, 3);
  };
  const auto target = [](std::size_t size) { return "/" + std::string(size - 1, 'x'); };
  EXPECT_EQ(status(target(50), ""), "200");
  EXPECT_EQ(status(target(51), ""), "414");
  EXPECT_EQ(status("/", "A: 1\r\nB: 2\r\n"), "200");
  EXPECT_EQ(status("/", "A: 1\r\nB: 2\r\nC: 3\r\n"), "431");
  EXPECT_EQ(status("/", "A: " + std::string(300, 'x') + "\r\n"), "431");
}

TEST_F(ConnectionTest, AnswersAClientThatEndedItsDirection) {
  ScriptedConnection& client = side_.connect();
  client.send(std::string(kGet) + std::string(kGet));
  client.finish();
  ASSERT_TRUE(side_.until_closed());
  EXPECT_TRUE(client.is_ended);
  EXPECT_EQ(answers("200"), 2);
  EXPECT_EQ(side_.log(), "200 -|200 -");
}

// ---- the end --------------------------------------------------------------------------------------------------------

TEST_F(ConnectionTest, LetsAClientReadARefusalWhileItIsStillSending) {
  ScriptedConnection& client = side_.connect();
  client.send("BROKEN\x01 / HTTP/1.1\r\nHost: host.test\r\n\r\n");
  ASSERT_TRUE(side_.until([&] { return client.received.starts_with("HTTP/1.1 400 "); }));
  client.send(std::string(100'000, 'x'));
  ASSERT_TRUE(side_.until_closed());
  EXPECT_TRUE(client.is_ended) << "a reset could have taken the answer away";
  EXPECT_EQ(side_.open_connections(), 1);
  side_.pass(Connection::kLingerTime + 20ms);
  EXPECT_EQ(side_.open_connections(), 0);
}

TEST_F(ConnectionTest, LingersNoLongerThanTheClient) {
  ScriptedConnection& client = side_.connect();
  client.send("BROKEN\x01 / HTTP/1.1\r\nHost: host.test\r\n\r\n");
  ASSERT_TRUE(side_.until_closed());
  client.close();
  ASSERT_TRUE(side_.until([this] { return side_.open_connections() == 0; }));
}

TEST_F(ConnectionTest, LingersForABoundedNumberOfBytes) {
  ScriptedConnection& client = side_.connect();
  client.send("BROKEN\x01 / HTTP/1.1\r\nHost: host.test\r\n\r\n");
  ASSERT_TRUE(side_.until_closed());
  client.send(std::string(Connection::kLingerBytesMax / 2, 'x'));
  side_.settle();
  EXPECT_EQ(side_.open_connections(), 1);
  client.send(std::string(Connection::kLingerBytesMax, 'x'));
  ASSERT_TRUE(side_.until([this] { return side_.open_connections() == 0; }));
  EXPECT_LT(side_.scene.loop.chunks().chunks_in_use(), 4u);
}

TEST_F(ConnectionTest, DrainsAtOnceWhenItIsIdle) {
  ScriptedConnection& client = side_.connect();
  client.send(kGet);
  ASSERT_TRUE(side_.until_received("ok\n"));
  side_.connection().begin_drain();
  ASSERT_TRUE(side_.until_closed());
  EXPECT_TRUE(client.is_ended);
  EXPECT_EQ(side_.open_connections(), 0);
}

TEST_F(ConnectionTest, DrainsBehindTheExchangeUnderWay) {
  side_.script.status = 0;
  ScriptedConnection& client = side_.connect();
  client.send(std::string(kGet) + std::string(kGet));
  side_.settle();
  side_.connection().begin_drain();
  side_.settle();
  EXPECT_EQ(side_.open_connections(), 1);
  side_.script.exchange->respond({.status = 200, .content_type = "text/plain", .body = "late", .fields = {}});
  ASSERT_TRUE(side_.until_closed());
  EXPECT_TRUE(client.received.ends_with("Connection: close\r\n\r\nlate")) << client.received;
  EXPECT_EQ(answers("200"), 1);
}

TEST_F(ConnectionTest, DrainsPatientlyBehindOneMoreExchange) {
  ScriptedConnection& client = side_.connect();
  client.send(kGet);
  ASSERT_TRUE(side_.until_received("ok\n"));
  side_.connection().begin_drain(DrainMode::kPatient);
  side_.settle();
  EXPECT_EQ(side_.open_connections(), 1);
  client.send(kGet);
  ASSERT_TRUE(side_.until_closed());
  EXPECT_EQ(answers("200"), 2);
  EXPECT_NE(client.received.find("Connection: close\r\n"), std::string::npos) << client.received;
}

TEST_F(ConnectionTest, EndsAtOnceBehindAPatientDrain) {
  side_.connect();
  side_.connection().begin_drain(DrainMode::kPatient);
  side_.settle();
  EXPECT_EQ(side_.open_connections(), 1);
  side_.connection().begin_drain(DrainMode::kNow);
  ASSERT_TRUE(side_.until_closed());
  EXPECT_EQ(side_.open_connections(), 0);
}

TEST_F(ConnectionTest, ClosesAConnectionThatComesWhileTheWorkerDrains) {
  ScriptedConnection& client = side_.connect();
  side_.connection().begin_drain();
  side_.settle();
  ASSERT_TRUE(side_.until_closed());
  EXPECT_TRUE(client.is_ended);
  EXPECT_EQ(side_.open_connections(), 0);
}

TEST_F(ConnectionTest, LogsExchangesThatAreCutAtTheLastMoment) {
  side_.script.status = 0;
  side_.connect().send(kGet);
  side_.settle();
  side_.connection().close_now();
  EXPECT_EQ(side_.open_connections(), 0);
  EXPECT_TRUE(side_.script.is_over);
  ASSERT_TRUE(side_.until_closed());
  EXPECT_TRUE(side_.client().is_reset);

  side_.connect().send(kGet);
  side_.settle();
  exchange::Exchange& exchange = *side_.script.exchange;
  http::ResponseHead& head = exchange.new_head(200);
  head.body.kind = http::BodyKind::kStream;
  exchange.send_head(head, false);
  side_.settle();
  side_.connection().close_now();
  side_.settle();
  EXPECT_EQ(side_.log(), "499 server_draining|200 server_draining");
  EXPECT_EQ(side_.exchanges(), 0u);
}

TEST_F(ConnectionTest, ClosesAnIdleConnectionAtTheLastMomentWithoutALine) {
  side_.connect();
  side_.settle();
  side_.connection().close_now();
  ASSERT_TRUE(side_.until_closed());
  EXPECT_EQ(side_.log(), "");
}

// ---- memory ---------------------------------------------------------------------------------------------------------

TEST_F(ConnectionTest, ReadsAheadNoFurtherThanItsBound) {
  side_.script.status = 0;
  ScriptedConnection& client = side_.connect();
  client.send(kPost);
  client.send(std::string(10'000'000, 'x'));
  side_.settle();
  EXPECT_LE(side_.scene.loop.chunks().chunks_in_use(),
            Connection::kReadAheadBytesMax / base::Chunk::kBytes + net::TcpTransport::kReadChunksMax + 4);
  side_.script.exchange->read_request(true);
  ASSERT_TRUE(side_.until([this] { return side_.script.request_body.size() == 1'000'000; }));
}

TEST_F(ConnectionTest, HoldsNothingWhileItIsIdle) {
  ScriptedConnection& client = side_.connect();
  client.send(kGet);
  ASSERT_TRUE(side_.until_received("ok\n"));
  side_.settle();
  EXPECT_EQ(side_.scene.loop.chunks().chunks_in_use(), 0u);
}

}  // namespace
}  // namespace viaduct::daemon
