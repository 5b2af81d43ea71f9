// SPDX-License-Identifier: Apache-2.0
#include "support/tls_connection.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>

namespace viaduct::support {

std::string pattern_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 1;
  for (char& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24U);
  }
  return bytes;
}

std::string all_bytes_of(int fd) {
  std::string bytes;
  std::array<char, 65536> part;
  for (ssize_t got = 1; (got = ::recv(fd, part.data(), part.size(), MSG_DONTWAIT)) > 0;) {
    bytes.append(part.data(), static_cast<std::size_t>(got));
  }
  return bytes;
}

std::string client_hello() {
  const tls::SslPtr ssl = make_client({});
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_do_handshake(ssl.get());
  ERR_clear_error();
  char* bytes = nullptr;
  const long length = BIO_ctrl(SSL_get_wbio(ssl.get()), BIO_CTRL_INFO, 0, &bytes);
  return {bytes, static_cast<std::size_t>(length)};
}

tls::SslPtr TlsConnectionTest::server_session() {
  if (!store_) store_.emplace(sites_.store());
  return store_->new_session(tls::Alpn::kHttp1);
}

void TlsConnectionTest::open(const ClientOffer& offer, std::pair<os::Fd, os::Fd> sockets) {
  server_ = std::make_unique<TlsEnd>(loop_, std::move(sockets.first), server_session());
  client_ = std::make_unique<TlsEnd>(loop_, std::move(sockets.second), make_client(offer));
  server_->start();
  client_->start();
}

void TlsConnectionTest::connect(const ClientOffer& offer, std::pair<os::Fd, os::Fd> sockets) {
  open(offer, std::move(sockets));
  turn_until(loop_, [this] { return server_->is_settled() && client_->is_settled(); });
  ASSERT_TRUE(server_->is_ready()) << server_->error()->error.message;
  ASSERT_TRUE(client_->is_ready()) << client_->error()->error.message;
}

int TlsConnectionTest::open_raw() {
  auto sockets = socket_pair();
  raw_ = std::move(sockets.second);
  server_ = std::make_unique<TlsEnd>(loop_, std::move(sockets.first), server_session());
  server_->start();
  return raw_.get();
}

std::string TlsConnectionTest::failure_of_server() {
  turn_until(loop_, [this] { return server_->is_settled(); });
  return server_->error() ? server_->error()->error.message : "ready";
}

}  // namespace viaduct::support
