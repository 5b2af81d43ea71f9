// SPDX-License-Identifier: Apache-2.0
#include "net/tcp_transport.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>

#include "support/pipe_pair.h"

namespace viaduct::net {
namespace {

struct Recorder final : TransportHandler {
  void on_transport_ready() override { ++ready; }
  void on_transport_readable() override { ++readable; }
  void on_transport_writable() override { ++writable; }
  void on_transport_failed(const TransportError&) override { ++failed; }
  int ready = 0;
  int readable = 0;
  int writable = 0;
  int failed = 0;
};

class TcpTransportTest : public testing::Test {
 protected:
  TcpTransportTest() : transport_(loop_, pair_.take_left()) {}
  void start() {
    transport_.start(recorder_);
    loop_.run_once(true);
  }
  std::string drain_peer() {
    std::string text;
    std::array<char, 65536> bytes;
    for (ssize_t got = 1; got > 0;) {
      got = ::read(pair_.right(), bytes.data(), bytes.size());
      if (got > 0) text.append(bytes.data(), static_cast<std::size_t>(got));
    }
    return text;
  }

  base::SystemClock clock_;
  Loop loop_{clock_};
  support::PipePair pair_;
  Recorder recorder_;
  TcpTransport transport_;
};

TEST_F(TcpTransportTest, IsReadyOnceAndLaterThanStart) {
  transport_.start(recorder_);
  EXPECT_EQ(recorder_.ready, 0);
  loop_.run_once(true);
  loop_.run_once(false);
  EXPECT_EQ(recorder_.ready, 1);
}

TEST_F(TcpTransportTest, ReadsWhatIsThereAndLeavesNoChunkBehindAnEmptyRead) {
  start();
  base::Buffer buffer(loop_.chunks());
  EXPECT_EQ(transport_.read(buffer).status, IoStatus::kAgain);
  EXPECT_EQ(loop_.chunks().chunks_in_use(), 0u);
  ASSERT_EQ(::write(pair_.right(), "hello", 5), 5);
  const IoResult result = transport_.read(buffer);
  EXPECT_EQ(result.status, IoStatus::kOk);
  EXPECT_EQ(result.bytes, 5u);
  EXPECT_EQ(buffer.to_string(), "hello");
}

TEST_F(TcpTransportTest, ReadsMoreAtOnceWhileReadsComeBackFull) {
  start();
  const std::string payload(150 * 1024, 'x');
  ASSERT_GT(::write(pair_.right(), payload.data(), payload.size()), 100 * 1024);
  base::Buffer buffer(loop_.chunks());
  const std::size_t first = transport_.read(buffer).bytes;
  const std::size_t second = transport_.read(buffer).bytes;
  EXPECT_EQ(first, base::Chunk::kBytes);
  EXPECT_GT(second, first);
  EXPECT_EQ(buffer.to_string(), payload.substr(0, buffer.size()));
}

TEST_F(TcpTransportTest, TellsTheEndOfTheOtherSide) {
  start();
  pair_.take_right().reset();
  base::Buffer buffer(loop_.chunks());
  EXPECT_EQ(transport_.read(buffer).status, IoStatus::kEnd);
}

TEST_F(TcpTransportTest, WritesSlicesInOrderInOneGo) {
  start();
  base::Buffer buffer(loop_.chunks());
  buffer.append("head ");
  base::Buffer body(loop_.chunks());
  body.append("body");
  buffer.take_all(body);
  EXPECT_EQ(transport_.write(buffer).status, IoStatus::kOk);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(drain_peer(), "head body");
}

TEST_F(TcpTransportTest, KeepsWhatDoesNotFitAndTellsWhenThereIsRoom) {
  start();
  std::string sent;
  base::Buffer buffer(loop_.chunks());
  for (int i = 0; i < 100; ++i) {
    const std::string piece(16 * 1024, static_cast<char>('a' + i % 26));
    sent += piece;
    buffer.append(piece);
  }
  EXPECT_EQ(transport_.write(buffer).status, IoStatus::kAgain);
  EXPECT_FALSE(buffer.empty());
  std::string received;
  while (!buffer.empty()) {
    received += drain_peer();
    loop_.run_once(true);
    if (recorder_.writable > 0) {
      recorder_.writable = 0;
      transport_.write(buffer);
    }
  }
  received += drain_peer();
  EXPECT_EQ(received, sent);
}

TEST_F(TcpTransportTest, FailsInsteadOfDyingWhenTheOtherSideIsGone) {
  start();
  pair_.take_right().reset();
  base::Buffer buffer(loop_.chunks());
  buffer.append("x");
  EXPECT_EQ(transport_.write(buffer).status, IoStatus::kFailed);
}

TEST_F(TcpTransportTest, GivesNoEventsWhileReadingIsOffOrAfterClose) {
  start();
  transport_.set_reading(false);
  ASSERT_EQ(::write(pair_.right(), "x", 1), 1);
  loop_.run_once(false);
  EXPECT_EQ(recorder_.readable, 0);
  transport_.set_reading(true);
  loop_.run_once(true);
  EXPECT_EQ(recorder_.readable, 1);
  transport_.close(false);
  loop_.run_once(false);
  EXPECT_EQ(recorder_.readable, 1);
}

TEST_F(TcpTransportTest, ShutdownEndsOnlyOurDirection) {
  start();
  transport_.shutdown();
  char byte = 0;
  EXPECT_EQ(::read(pair_.right(), &byte, 1), 0);
  ASSERT_EQ(::write(pair_.right(), "y", 1), 1);
  base::Buffer buffer(loop_.chunks());
  EXPECT_EQ(transport_.read(buffer).bytes, 1u);
}

}  // namespace
}  // namespace viaduct::net
