// SPDX-License-Identifier: Apache-2.0
#include "cli/sample_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "support/manual_clock.h"
#include "support/pipe_pair.h"
#include "support/wait_until.h"
#include "support/websocket_client.h"

namespace viaduct::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// The other end of the connection, which the test reads and writes.
class SampleConnections : public testing::Test {
 protected:
  SampleConnections() {
    auto made = std::make_unique<SampleConnection>(loop_, name_, pair_.take_left());
    connections_.push_back(*made);
    made.release()->open();  // frees itself
    support::settle(loop_);
  }
  ~SampleConnections() override {
    connections_.for_each([](SampleConnection& connection) { connection.close_now(); });
    support::settle(loop_);
  }

  void send(std::string_view bytes) {
    ASSERT_EQ(::write(pair_.right(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    support::settle(loop_);
  }
  // What has come since the last call.
  std::string received() {
    std::string text;
    std::array<char, 65536> bytes;
    for (;;) {
      const ssize_t got = ::read(pair_.right(), bytes.data(), bytes.size());
      if (got <= 0) {
        is_ended_ = got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
        return text;
      }
      text.append(bytes.data(), static_cast<std::size_t>(got));
    }
  }
  bool is_closed() const { return connections_.empty(); }

  const std::string name_ = "web";
  support::ManualClock clock_;
  net::Loop loop_{clock_};
  support::PipePair pair_;
  base::IntrusiveList<SampleConnection, SampleConnection> connections_;
  bool is_ended_ = false;  // the last received() saw the end
};

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

TEST_F(SampleConnections, AnswersOneRequestAfterTheOther) {
  for (int count = 0; count < 3; ++count) {
    send(kGet);
    const std::string answer = received();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("X-Sample-Upstream: web\r\n"));
    EXPECT_FALSE(is_ended_);
  }
}

TEST_F(SampleConnections, AnswersRequestsThatComeTogetherInTheirOrder) {
  send("GET /first HTTP/1.1\r\nHost: h\r\n\r\nPOST /second HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" +
       std::string(kGet));
  const std::string answer = received();
  const std::size_t first = answer.find("\"/first\"");
  const std::size_t second = answer.find("\"/second\"");
  const std::size_t third = answer.find("\"/a\"");
  EXPECT_TRUE(first < second && second < third && third != std::string::npos) << answer;
}

TEST_F(SampleConnections, ReadsARequestByteByByte) {
  const std::string request = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (const char byte : request) send({&byte, 1});
  EXPECT_THAT(received(), HasSubstr("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}

TEST_F(SampleConnections, ClosesWhenItIsAskedTo) {
  send("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(received(), HasSubstr("\"/a\""));
  EXPECT_TRUE(is_ended_);
  EXPECT_TRUE(is_closed());
}

TEST_F(SampleConnections, ClosesWhenTheOtherSideDoes) {
  send(kGet);
  ::shutdown(pair_.right(), SHUT_WR);
  support::settle(loop_);
  EXPECT_THAT(received(), HasSubstr("\"/a\""));
  EXPECT_TRUE(is_ended_);
  EXPECT_TRUE(is_closed());
}

TEST_F(SampleConnections, AnswersAClientThatHasEndedItsDirectionFirst) {
  ASSERT_EQ(::write(pair_.right(), kGet.data(), kGet.size()), static_cast<ssize_t>(kGet.size()));
  ::shutdown(pair_.right(), SHUT_WR);
  support::settle(loop_);
  EXPECT_THAT(received(), HasSubstr("\"/a\""));
  EXPECT_TRUE(is_ended_);
}

TEST_F(SampleConnections, RefusesGarbageAndLetsItsAnswerBeRead) {
  send("GET /a HTTP/1.1\r\nHost: h\r\nbad header\r\n\r\n");
  EXPECT_THAT(received(), StartsWith("HTTP/1.1 400 "));
  EXPECT_TRUE(is_ended_);
  // It still takes what is on its way, for a while.
  send("more of the same");
  EXPECT_FALSE(is_closed());
  support::pass_time(loop_, clock_, SampleConnection::kLingerTime + std::chrono::milliseconds(20));
  EXPECT_TRUE(is_closed());
}

TEST_F(SampleConnections, EndsAfterALongSilence) {
  send("GET /a HT");
  support::pass_time(loop_, clock_, SampleConnection::kSilenceMax - std::chrono::milliseconds(20));
  EXPECT_FALSE(is_closed());
  send("TP/1.1\r\n");
  support::pass_time(loop_, clock_, SampleConnection::kSilenceMax - std::chrono::milliseconds(20));
  EXPECT_FALSE(is_closed());
  support::pass_time(loop_, clock_, std::chrono::milliseconds(40));
  EXPECT_TRUE(is_closed());
}

TEST_F(SampleConnections, EchoThroughAWebsocketThatMayBeSilent) {
  send(
      "GET /api/v1/ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  EXPECT_THAT(received(), StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
  support::pass_time(loop_, clock_, 3 * SampleConnection::kSilenceMax);
  send(support::frame_bytes({.payload = "hello"}));
  EXPECT_EQ(received(), "\x81\x05hello");
  send(support::frame_bytes({.opcode = 8, .payload = "\x03\xe8"}));
  EXPECT_EQ(received(), "\x88\x02\x03\xe8");
  EXPECT_TRUE(is_ended_);
  ::shutdown(pair_.right(), SHUT_WR);
  support::settle(loop_);
  EXPECT_TRUE(is_closed());
}

TEST_F(SampleConnections, CutsAnAnswerThatIsUnderWay) {
  send("GET /api/v1/slow HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(received(), "");
  connections_.front().close_now();
  support::settle(loop_);
  EXPECT_EQ(received(), "");
  EXPECT_TRUE(is_ended_);
  // No answer is left waiting for its time.
  EXPECT_EQ(loop_.timers().size(), 0U);
}

TEST_F(SampleConnections, SurvivesAClientThatGoesWhileItAnswers) {
  send("GET /api/v1/slow HTTP/1.1\r\nHost: h\r\n\r\n");
  pair_.take_right().reset();
  support::settle(loop_);
  support::pass_time(loop_, clock_, 2 * std::chrono::seconds(3));
  EXPECT_TRUE(is_closed());
}

}  // namespace
}  // namespace viaduct::cli
