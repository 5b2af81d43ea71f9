// SPDX-License-Identifier: Apache-2.0
#include "support/tls_ends.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "tls/certificate.h"

namespace viaduct::support {
namespace {

tls::PemPair make(const tls::SelfSigned& wanted) {
  auto pair = tls::make_self_signed(wanted);
  if (pair.has_value()) return std::move(*pair);
  ADD_FAILURE() << pair.error().message;
  return {};
}

bool relay_byte(int from, int to) {
  char byte = 0;
  if (::recv(from, &byte, 1, MSG_DONTWAIT) != 1) return false;
  EXPECT_EQ(::send(to, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL), 1);
  return true;
}

}  // namespace

tls::PemPair make_pair_for(std::vector<std::string> names, tls::KeyKind key, const tls::PemPair* issuer) {
  tls::SelfSigned wanted{.names = std::move(names), .key = key};
  wanted.not_before = std::chrono::system_clock::now() - std::chrono::hours(1);
  wanted.not_after = wanted.not_before + std::chrono::hours(24 * 90);
  wanted.issuer = issuer;
  return make(wanted);
}

tls::PemPair make_pair_valid(std::vector<std::string> names, base::Duration from_now, base::Duration until_now) {
  tls::SelfSigned wanted{.names = std::move(names)};
  wanted.not_before = std::chrono::system_clock::now() + from_now;
  wanted.not_after = std::chrono::system_clock::now() + until_now;
  return make(wanted);
}

tls::PemPair make_authority(const std::string& name, const tls::PemPair* issuer) {
  tls::SelfSigned wanted{.names = {name}};
  wanted.not_before = std::chrono::system_clock::now() - std::chrono::hours(1);
  wanted.not_after = wanted.not_before + std::chrono::hours(24 * 90);
  wanted.is_authority = true;
  wanted.issuer = issuer;
  return make(wanted);
}

std::pair<os::Fd, os::Fd> socket_pair() {
  std::array<int, 2> sockets{-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets.data()), 0) << errno;
  return {os::Fd(sockets[0]), os::Fd(sockets[1])};
}

bool turns_exhausted(int turns) {
  constexpr int kTurnsMax = 200'000;
  if (turns < kTurnsMax) return false;
  ADD_FAILURE() << "nothing came of " << kTurnsMax << " turns of the loop";
  return true;
}

tls::SslPtr make_client(const ClientOffer& offer) {
  const tls::SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_security_level(context.get(), 0);
  bool done = SSL_CTX_set_min_proto_version(context.get(), offer.min_version) == 1 &&
              SSL_CTX_set_max_proto_version(context.get(), offer.max_version) == 1;
  if (!offer.ciphers.empty()) done = done && SSL_CTX_set_cipher_list(context.get(), offer.ciphers.c_str()) == 1;
  if (!offer.ciphers_13.empty()) done = done && SSL_CTX_set_ciphersuites(context.get(), offer.ciphers_13.c_str()) == 1;
  if (!offer.signatures.empty()) {
    done = done && SSL_CTX_set1_sigalgs_list(context.get(), offer.signatures.c_str()) == 1;
  }
  EXPECT_TRUE(done);
  tls::SslPtr ssl(SSL_new(context.get()));
  SSL_set_connect_state(ssl.get());
  if (!offer.name.empty()) {
    SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(offer.name.c_str()));
  }
  if (!offer.alpn.empty()) {
    const auto* alpn = reinterpret_cast<const unsigned char*>(offer.alpn.data());
    SSL_set_alpn_protos(ssl.get(), alpn, static_cast<unsigned>(offer.alpn.size()));
  }
  if (offer.session != nullptr) SSL_set_session(ssl.get(), offer.session);
  return ssl;
}

void TlsEnd::send(std::string_view bytes) {
  outgoing_.append(bytes);
  if (is_ready_) write_some();
}

void TlsEnd::send_runs(const std::vector<std::string>& runs) {
  for (const std::string& run : runs) {
    base::Buffer one(loop_.chunks());
    one.append(run);
    outgoing_.take_all(one);
  }
  if (is_ready_) write_some();
}

std::string TlsEnd::peer_name() const {
  const X509* certificate = SSL_get0_peer_certificate(ssl_);
  return certificate == nullptr ? "" : tls::certificate_names_text(*certificate, 10);
}

void TlsEnd::on_transport_ready() {
  is_ready_ = true;
  write_some();
}

void TlsEnd::on_transport_readable() {
  ++readable_events_;
  if (!is_consuming_) return;
  base::Buffer into(loop_.chunks());
  const net::IoResult result = transport_.read(into);
  EXPECT_EQ(result.bytes, into.size());
  received_ += into.to_string();
  switch (result.status) {
    case net::IoStatus::kOk: EXPECT_GT(result.bytes, 0U); return;
    case net::IoStatus::kAgain: EXPECT_EQ(result.bytes, 0U); return;
    case net::IoStatus::kEnd:
    case net::IoStatus::kTruncated:
    case net::IoStatus::kFailed: break;
  }
  ended_ = result.status;
  transport_.set_reading(false);
}

void TlsEnd::on_transport_writable() {
  ++writable_events_;
  write_some();
}

void TlsEnd::write_some() {
  const std::size_t before = outgoing_.size();
  const net::IoResult result = transport_.write(outgoing_);
  EXPECT_EQ(before - outgoing_.size(), result.bytes);
  // What is not all gone lies in the buffer still.
  EXPECT_TRUE(result.status == net::IoStatus::kFailed || outgoing_.empty() == (result.status == net::IoStatus::kOk));
}

std::pair<os::Fd, os::Fd> ByteRelay::open() {
  auto [left_end, left] = socket_pair();
  auto [right_end, right] = socket_pair();
  left_ = std::move(left);
  right_ = std::move(right);
  return {std::move(left_end), std::move(right_end)};
}

bool ByteRelay::step() {
  const bool right = relay_byte(left_.get(), right_.get());
  const bool left = relay_byte(right_.get(), left_.get());
  return left || right;
}

}  // namespace viaduct::support
