// SPDX-License-Identifier: Apache-2.0
// What a TlsTransport puts on the wire: how it cuts bytes into records and how often it sends.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "support/tls_connection.h"
#include "tls/tls_transport.h"

namespace viaduct::tls {
namespace {

using support::all_bytes_of;
using support::client_hello;
using support::pattern_bytes;
using support::TlsEnd;
using support::turn_until;
using TlsTransportRecords = support::TlsConnectionTest;

// Record headers in what a server sends: their content types and lengths.
struct Record {
  int type;
  std::size_t length;
};
std::vector<Record> records_of(std::string_view bytes) {
  std::vector<Record> records;
  while (bytes.size() >= 5) {
    const auto at = [&bytes](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])); };
    records.push_back({.type = static_cast<int>(at(0)), .length = at(3) * 256 + at(4)});
    bytes.remove_prefix(std::min(bytes.size(), 5 + records.back().length));
  }
  return records;
}

TEST_F(TlsTransportRecords, PutsHeadAndBodyIntoOneRecord) {
  auto sockets = support::socket_pair();
  const os::Fd observer(::dup(sockets.second.get()));
  open({.max_version = TLS1_2_VERSION}, std::move(sockets));
  turn_until(loop_, [this] { return server_->is_ready() && client_->is_ready(); });
  client_->transport().set_reading(false);
  server_->send_runs({"HTTP/1.1 200 OK\r\n\r\n", pattern_bytes(3000), pattern_bytes(9000)});
  const std::vector<Record> records = records_of(all_bytes_of(observer.get()));
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].type, SSL3_RT_APPLICATION_DATA);
  EXPECT_EQ(records[0].length, 19 + 3000 + 9000 + 8 + 16U);  // explicit nonce and tag of AES-GCM in TLS 1.2
}

TEST_F(TlsTransportRecords, StartsLongAnswersInRecordsOfOneSegmentAndGoesOnInFullOnes) {
  auto sockets = support::socket_pair();
  const os::Fd observer(::dup(sockets.second.get()));
  open({}, std::move(sockets));
  turn_until(loop_, [this] { return server_->is_ready() && client_->is_ready(); });
  client_->transport().set_reading(false);
  constexpr std::size_t kOverhead = 17;  // content type and tag of TLS 1.3
  const auto lengths = [&] {
    std::vector<std::size_t> found;
    for (const Record& record : records_of(all_bytes_of(observer.get()))) found.push_back(record.length - kOverhead);
    return found;
  };
  all_bytes_of(observer.get());  // the session ticket
  server_->send(pattern_bytes(60'000));
  std::vector<std::size_t> sent = lengths();
  ASSERT_GT(sent.size(), 12U);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(sent[i], TlsTransport::kColdRecordBytes) << i;
  EXPECT_GE(sent[10], TlsTransport::kGatherBytes);
  EXPECT_GT(sent[11], 10'000U);
  // Warm: nothing but what the chunks of 16 KiB give.
  server_->send(pattern_bytes(60'000));
  sent = lengths();
  EXPECT_LE(sent.size(), 5U);
  // Cold again after a second of quiet; at exactly a second not yet.
  clock_.advance(TlsTransport::kColdAfter);
  loop_.run_once(false);
  server_->send(pattern_bytes(60'000));
  EXPECT_LE(lengths().size(), 5U);
  clock_.advance(TlsTransport::kColdAfter + std::chrono::nanoseconds(1));
  loop_.run_once(false);
  server_->send(pattern_bytes(60'000));
  EXPECT_GT(lengths().size(), 12U);
}

TEST_F(TlsTransportRecords, DoesNotCopyLongRunsBehindAShortHead) {
  auto sockets = support::socket_pair();
  const os::Fd observer(::dup(sockets.second.get()));
  open({}, std::move(sockets));
  turn_until(loop_, [this] { return server_->is_ready() && client_->is_ready(); });
  client_->transport().set_reading(false);
  server_->send(pattern_bytes(TlsTransport::kColdBytes + TlsTransport::kRecordBytesMax));
  all_bytes_of(observer.get());
  server_->send_runs({std::string(300, 'h'), pattern_bytes(16384), pattern_bytes(16384)});
  const std::vector<Record> records = records_of(all_bytes_of(observer.get()));
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].length, TlsTransport::kGatherBytes + 17);
  EXPECT_EQ(records[1].length, 300 + 16384 - TlsTransport::kGatherBytes + 17);
  EXPECT_EQ(records[2].length, 16384U + 17);
}

TEST_F(TlsTransportRecords, CarriesManySmallRuns) {
  connect();
  std::vector<std::string> runs;
  std::string whole;
  for (int i = 0; i < 1000; ++i) {
    runs.push_back(pattern_bytes(static_cast<std::size_t>(i % 97) + 1));
    whole += runs.back();
  }
  server_->send_runs(runs);
  turn_until(loop_, [&] { return client_->received().size() >= whole.size(); });
  EXPECT_TRUE(client_->received() == whole);
}

TEST_F(TlsTransportRecords, SendsTheServersFlightInOnePiece) {
  // A certificate longer than OpenSSL's own buffer of 4 KiB, which would otherwise leave in several packets.
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i) names.push_back("host-number-" + std::to_string(i) + ".test");
  sites_.sites().clear();
  sites_.add({"host-number-0.test"}, {support::make_pair_for(names)});
  // Sockets that keep each send apart.
  std::array<int, 2> sockets{-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sockets.data()), 0);
  const os::Fd raw(sockets[1]);
  server_ = std::make_unique<TlsEnd>(loop_, os::Fd(sockets[0]), server_session());
  server_->start();
  const std::string hello = client_hello();
  ASSERT_EQ(::send(raw.get(), hello.data(), hello.size(), 0), static_cast<ssize_t>(hello.size()));
  for (int turns = 0; turns < 5; ++turns) loop_.run_once(false);
  std::array<char, 65536> flight;
  EXPECT_GT(::recv(raw.get(), flight.data(), flight.size(), MSG_DONTWAIT), 4096);
  EXPECT_EQ(::recv(raw.get(), flight.data(), flight.size(), MSG_DONTWAIT), -1);
}

}  // namespace
}  // namespace viaduct::tls
