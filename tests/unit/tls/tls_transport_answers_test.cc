// SPDX-License-Identifier: Apache-2.0
// What a TLS transport answers by itself while it reads, and how much of that the other side can bring about.
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <string>
#include <utility>

#include "support/tls_connection.h"
#include "tls/tls_transport.h"

namespace viaduct::tls {
namespace {

using net::IoStatus;

// The client of these tests is a transport as well: the one that we are towards upstreams.
class TlsTransportAnswers : public support::TlsConnectionTest {
 protected:
  void connect_by_tls_12() {
    connect({.max_version = TLS1_2_VERSION});
    SSL_set_options(client_->ssl(), SSL_OP_NO_RENEGOTIATION);
    SSL_clear_options(server_->ssl(), SSL_OP_NO_RENEGOTIATION);
  }
  // The server sends that many HelloRequests, and then "x".
  void ask_for_renegotiations(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_EQ(SSL_renegotiate(server_->ssl()), 1);
      ASSERT_EQ(SSL_do_handshake(server_->ssl()), 1);
    }
    server_->send("x");
  }
};

TEST_F(TlsTransportAnswers, RefuseAFewRenegotiations) {
  connect_by_tls_12();
  ask_for_renegotiations(SocketBio::kRenegotiationsMax);
  support::turn_until(loop_, [this] { return !client_->received().empty(); });
  EXPECT_EQ(client_->received(), "x");
  EXPECT_EQ(client_->transport().failure(), nullptr);
}

TEST_F(TlsTransportAnswers, EndWithTheOneThatIsTooMuch) {
  connect_by_tls_12();
  ask_for_renegotiations(SocketBio::kRenegotiationsMax + 1);
  support::turn_until(loop_, [this] { return client_->ended().has_value(); });
  EXPECT_EQ(client_->ended(), IoStatus::kFailed);
  ASSERT_NE(client_->transport().failure(), nullptr);
  EXPECT_EQ(client_->transport().failure()->reason, http::Reason::kUpstreamInvalidResponse);
  EXPECT_EQ(client_->transport().failure()->error.message, "the server asks for one renegotiation after another");
}

// OpenSSL has no answer as long as that; the test writes it in its place, at each record that is read.
void answer_at_length(int is_written, int /*version*/, int type, const void* /*bytes*/, std::size_t /*size*/, SSL* ssl,
                      void* /*unused*/) {
  if (is_written != 0 || type != SSL3_RT_HEADER) return;
  const std::string answer(SocketBio::kAnswerBytesMax + 1, 'x');
  BIO_write(SSL_get_wbio(ssl), answer.data(), static_cast<int>(answer.size()));
}

TEST_F(TlsTransportAnswers, StopReadingWhileTooManyOfThemWait) {
  auto sockets = support::socket_pair();
  const os::Fd servers(::dup(sockets.first.get()));
  const os::Fd clients(::dup(sockets.second.get()));
  connect({}, std::move(sockets));
  client_->set_consuming(false);
  const std::string block(16'384, 'x');
  while (::send(servers.get(), block.data(), block.size(), MSG_DONTWAIT) > 0) {
  }
  SSL_set_msg_callback(server_->ssl(), answer_at_length);
  client_->send("first,");
  support::turn_until(loop_, [this] { return server_->received() == "first,"; });
  client_->send("second");
  for (int turns = 0; turns < 100; ++turns) loop_.run_once(false);
  EXPECT_EQ(server_->received(), "first,");
  const int events = server_->readable_events();
  for (int turns = 0; turns < 10; ++turns) loop_.run_once(false);
  EXPECT_EQ(server_->readable_events(), events);
  SSL_set_msg_callback(server_->ssl(), nullptr);
  support::turn_until(loop_, [&] {
    support::all_bytes_of(clients.get());
    return server_->received() == "first,second";
  });
  EXPECT_EQ(server_->received(), "first,second");
}

}  // namespace
}  // namespace viaduct::tls
