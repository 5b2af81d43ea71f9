// SPDX-License-Identifier: Apache-2.0
#include "tls/ticket_keys.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "support/cert_sites.h"
#include "support/manual_clock.h"
#include "support/tls_ends.h"
#include "tls/client_context.h"

namespace viaduct::tls {
namespace {

using support::TlsEnd;

// A client that keeps its sessions and trusts anybody.
ClientContext client_context() {
  config::UpstreamTls tls;
  tls.verify = false;
  auto context = ClientContext::load(tls);
  EXPECT_TRUE(context.has_value());
  return std::move(context).value();
}

class TicketKeysTest : public testing::TestWithParam<int> {
 protected:
  TicketKeysTest() {
    sites_.tls().max_version = GetParam() == TLS1_2_VERSION ? config::TlsVersion::k1_2 : config::TlsVersion::k1_3;
    sites_.add({"host.test"}, {support::make_pair_for({"host.test"})});
  }

  // One connection with a byte each way; true when it resumed the session of the last one.
  bool is_resumed(const CertStore& store) {
    auto [server_fd, client_fd] = support::socket_pair();
    TlsEnd server(loop_, std::move(server_fd), store.new_session(Alpn::kHttp1));
    TlsEnd client(loop_, std::move(client_fd),
                  client_.new_session({.sni = "host.test", .verify_name = ""}, slot_, Alpn::kHttp1));
    server.start();
    client.start();
    server.send("s");
    client.send("c");
    support::turn_until(loop_, [&] { return server.received() == "c" && client.received() == "s"; });
    const bool resumed = server.transport().tls_info()->resumed;
    EXPECT_EQ(client.transport().tls_info()->resumed, resumed);
    EXPECT_EQ(server.transport().tls_info()->server_name, "host.test");
    client.transport().close(false);
    server.transport().close(false);
    return resumed;
  }

  support::ManualClock clock_;
  net::Loop loop_{clock_};
  support::CertSites sites_;
  ClientContext client_ = client_context();
  SessionSlot slot_;
};
// At an upgrade: what one process has sealed, the next one opens.
TEST_P(TicketKeysTest, ResumesWithTheKeysOfAnotherProcess) {
  const CertStore store = sites_.store();
  EXPECT_FALSE(is_resumed(store));
  TicketKeys::Secret secret;
  sites_.ticket_keys().give(secret);
  TicketKeys fresh;
  fresh.take(secret);
  for (std::size_t i = 0; i < TicketKeys::kKeys; ++i) sites_.ticket_keys().rotate();
  TicketKeys::Secret taken;
  fresh.give(taken);
  EXPECT_EQ(taken, secret);
  sites_.ticket_keys().take(taken);
  EXPECT_TRUE(is_resumed(store));
}

INSTANTIATE_TEST_SUITE_P(BothVersions, TicketKeysTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& row) { return row.param == TLS1_2_VERSION ? "Tls12" : "Tls13"; });

TEST_P(TicketKeysTest, ResumeAConnection) {
  const CertStore store = sites_.store();
  EXPECT_FALSE(is_resumed(store));
  EXPECT_TRUE(is_resumed(store));
  EXPECT_TRUE(is_resumed(store));
}

TEST_P(TicketKeysTest, ResumeAfterAReload) {
  std::optional<CertStore> store = sites_.store();
  EXPECT_FALSE(is_resumed(*store));
  store.reset();
  const CertStore reloaded = sites_.store();
  EXPECT_TRUE(is_resumed(reloaded));
}

TEST_P(TicketKeysTest, ResumeUntilTheirKeyIsForgotten) {
  const CertStore store = sites_.store();
  EXPECT_FALSE(is_resumed(store));
  SslSessionPtr first(slot_.session());
  SSL_SESSION_up_ref(first.get());
  for (std::size_t i = 1; i < TicketKeys::kKeys; ++i) sites_.ticket_keys().rotate();
  EXPECT_TRUE(is_resumed(store));
  // In TLS 1.3 the resumed connection gave a ticket under the newest key; OpenSSL's client of TLS 1.2 keeps its first.
  sites_.ticket_keys().rotate();
  EXPECT_EQ(is_resumed(store), GetParam() == TLS1_3_VERSION);
  EXPECT_TRUE(is_resumed(store));
  slot_.keep(std::move(first));
  EXPECT_FALSE(is_resumed(store));
}

TEST_P(TicketKeysTest, OpenNothingOfAnotherProcess) {
  EXPECT_FALSE(is_resumed(sites_.store()));
  support::CertSites others;
  others.tls() = sites_.tls();
  others.sites() = sites_.sites();
  EXPECT_FALSE(is_resumed(others.store()));
}

TEST_P(TicketKeysTest, AreNotUsedWhereTicketsAreOff) {
  sites_.tls().session_tickets = false;
  const CertStore store = sites_.store();
  EXPECT_FALSE(is_resumed(store));
  EXPECT_FALSE(is_resumed(store));
  EXPECT_TRUE(slot_.empty() || SSL_SESSION_has_ticket(slot_.session()) == 0);
}

TEST_P(TicketKeysTest, RotateWhileWorkersShakeHands) {
  const CertStore store = sites_.store();
  std::atomic<bool> is_done = false;
  std::thread main_thread([&] {
    while (!is_done) sites_.ticket_keys().rotate();
  });
  for (int i = 0; i < 30; ++i) is_resumed(store);
  is_done = true;
  main_thread.join();
  EXPECT_FALSE(slot_.empty());
}

}  // namespace
}  // namespace viaduct::tls
