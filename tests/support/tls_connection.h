// SPDX-License-Identifier: Apache-2.0
// A server and a client of TLS on one loop, connected or about to be: what the tests of transports share.
// One thread.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "support/cert_sites.h"
#include "support/manual_clock.h"
#include "support/tls_ends.h"
#include "tls/cert_store.h"

namespace viaduct::support {

// Bytes that differ everywhere, so that a swap or a repetition shows.
std::string pattern_bytes(std::size_t size);
// All that can be received now.
std::string all_bytes_of(int fd);
// What a client sends first.
std::string client_hello();

class TlsConnectionTest : public testing::Test {
 protected:
  TlsConnectionTest() { sites_.add({"host.test"}, {make_pair_for({"host.test"})}); }

  tls::SslPtr server_session();
  // Starts both ends over two sockets; the handshake is not done yet.
  void open(const ClientOffer& offer, std::pair<os::Fd, os::Fd> sockets = socket_pair());
  // The same until both ends are ready.
  void connect(const ClientOffer& offer = {}, std::pair<os::Fd, os::Fd> sockets = socket_pair());
  // A server whose other end is a plain socket, which the test reads and writes.
  int open_raw();
  // Why the server's handshake failed; "ready" when it did not.
  std::string failure_of_server();

  ManualClock clock_;
  net::Loop loop_{clock_};
  CertSites sites_;
  std::optional<tls::CertStore> store_;
  os::Fd raw_;
  std::unique_ptr<TlsEnd> server_;
  std::unique_ptr<TlsEnd> client_;
};

}  // namespace viaduct::support
