// SPDX-License-Identifier: Apache-2.0
// Both ends of TLS connections on one loop, for tests: certificates made on the spot, a transport with a handler that
// notes what happens and keeps what arrives, socket pairs, and a relay that lets bytes through one at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "base/time.h"
#include "net/loop.h"
#include "net/transport.h"
#include "os/fd.h"
#include "tls/self_signed.h"
#include "tls/tls_transport.h"

namespace viaduct::support {

// A certificate for `names`, valid from an hour ago for ninety days; a failure of the test where it cannot be made.
tls::PemPair make_pair_for(std::vector<std::string> names, tls::KeyKind key = tls::KeyKind::kEcdsaP256,
                           const tls::PemPair* issuer = nullptr);
// The same, valid from `from_now` until `until_now` after the present (both may be negative).
tls::PemPair make_pair_valid(std::vector<std::string> names, base::Duration from_now, base::Duration until_now);
// An authority, for the `issuer` of others.
tls::PemPair make_authority(const std::string& name, const tls::PemPair* issuer = nullptr);

// Two connected non-blocking sockets.
std::pair<os::Fd, os::Fd> socket_pair();

// Turns `loop` until `is_done`; a failure of the test, and false, when that takes implausibly long.
template <typename IsDone>
bool turn_until(net::Loop& loop, IsDone is_done);
bool turns_exhausted(int turns);

// What a client offers that looks at no certificate. Empty members: OpenSSL's defaults.
struct ClientOffer {
  std::string name = {};  // SNI
  int min_version = TLS1_2_VERSION;
  int max_version = TLS1_3_VERSION;
  std::string ciphers = {};     // up to TLS 1.2
  std::string ciphers_13 = {};  // TLS 1.3
  std::string signatures = {};
  std::string alpn = {};  // as on the wire: each name behind its length
  SSL_SESSION* session = nullptr;
};
tls::SslPtr make_client(const ClientOffer& offer);

// One end of a connection.
class TlsEnd final : private net::TransportHandler {
 public:
  TlsEnd(net::Loop& loop, os::Fd fd, tls::SslPtr ssl)
      : ssl_(ssl.get()), loop_(loop), outgoing_(loop.chunks()), transport_(loop, std::move(fd), std::move(ssl)) {}

  void start() { transport_.start(*this); }
  // Writes as much as goes, the rest by and by; before the handshake is done, once it is.
  void send(std::string_view bytes);
  // Hands the bytes over as the given runs, each in memory of its own.
  void send_runs(const std::vector<std::string>& runs);
  // When false, what can be read is left in the transport, with reading on.
  void set_consuming(bool consuming) { is_consuming_ = consuming; }

  tls::TlsTransport& transport() { return transport_; }
  SSL* ssl() { return ssl_; }  // alive as long as this object

  bool is_ready() const { return is_ready_; }
  // True when the handshake is over, in one way or the other.
  bool is_settled() const { return is_ready_ || error_.has_value(); }
  const std::string& received() const { return received_; }
  bool has_sent_all() const { return outgoing_.empty(); }
  std::size_t unsent_bytes() const { return outgoing_.size(); }
  // The status that ended reading: kEnd, kTruncated or kFailed.
  std::optional<net::IoStatus> ended() const { return ended_; }
  const std::optional<net::TransportError>& error() const { return error_; }
  int readable_events() const { return readable_events_; }
  int writable_events() const { return writable_events_; }
  // The certificate's name that the other side showed.
  std::string peer_name() const;

 private:
  void on_transport_ready() override;
  void on_transport_readable() override;
  void on_transport_writable() override;
  void on_transport_failed(const net::TransportError& error) override { error_ = error; }
  void write_some();

  SSL* ssl_;
  net::Loop& loop_;
  base::Buffer outgoing_;
  tls::TlsTransport transport_;
  bool is_ready_ = false;
  bool is_consuming_ = true;
  std::string received_;
  std::optional<net::IoStatus> ended_;
  std::optional<net::TransportError> error_;
  int readable_events_ = 0;
  int writable_events_ = 0;
};

// Stands between two ends and lets one byte at a time through, in both directions.
class ByteRelay {
 public:
  // The sockets for the two ends; the relay keeps the others.
  std::pair<os::Fd, os::Fd> open();
  // Carries one byte each way, where there is one. False when nothing came.
  bool step();

 private:
  os::Fd left_;
  os::Fd right_;
};

template <typename IsDone>
bool turn_until(net::Loop& loop, IsDone is_done) {
  for (int turns = 0; !is_done(); ++turns) {
    if (turns_exhausted(turns)) return false;
    loop.run_once(false);
  }
  return true;
}

}  // namespace viaduct::support
