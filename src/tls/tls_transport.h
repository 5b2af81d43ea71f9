// SPDX-License-Identifier: Apache-2.0
// A byte stream under TLS over a connected socket, as server or client; see net/transport.h for the contract. OpenSSL
// works on memory: tls/socket_bio reads the socket for it and sends what it sealed, so a call into it never blocks and
// never has to be repeated with the same arguments. The handshake's deadline is the owner's. RFC 8446, RFC 5246.
//
//   kNew ── start() ──► kHandshaking ──► kOpen ── shutdown() ──► kEnding ── all sent ──► kEnded
//                            └─► kFailed            (close() leads from each of them to kClosed)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/time.h"
#include "net/loop.h"
#include "net/transport.h"
#include "os/fd.h"
#include "tls/openssl_ptr.h"
#include "tls/socket_bio.h"

namespace viaduct::tls {

class TlsTransport final : public net::Transport, private net::FdHandler, private net::TurnEnd {
 public:
  // RFC 8446 §5.1: no record holds more.
  static constexpr std::size_t kRecordBytesMax = 16 * 1024;
  // A connection that has been quiet starts with records that fit into one segment of an Ethernet path (1500 bytes less
  // IPv6, TCP with options, and the record's own 22 to 29), so that a client need not wait for a round trip more ...
  static constexpr std::size_t kColdRecordBytes = 1369;
  // ... until it has sent what a fresh congestion window holds (10 segments, RFC 6928). Writes that fit into one full
  // record are sent as one whatever the temperature.
  static constexpr std::size_t kColdBytes = 10 * kColdRecordBytes;
  static constexpr base::Duration kColdAfter = std::chrono::seconds(1);
  // Runs shorter than this are copied together into one record; longer ones are sealed where they lie.
  static constexpr std::size_t kGatherBytes = 4 * 1024;
  // What is sealed before it is sent, which is also what a blocked connection holds twice, plain and sealed. 16 to 128
  // KiB cost the same over loopback but for noise; the larger, the fewer system calls.
  static constexpr std::size_t kSealBytesMax = 32 * 1024;
  // What one read() takes, and up to a record more.
  static constexpr std::size_t kReadBytesMax = 64 * 1024;

  // Takes a connected, non-blocking socket and a session of CertStore::new_session() or ClientContext::new_session(),
  // which says whether we are server or client. `loop` must outlive the transport.
  TlsTransport(net::Loop& loop, os::Fd fd, SslPtr ssl);
  ~TlsTransport() override;

  void start(net::TransportHandler& handler) override;
  net::IoResult read(base::Buffer& into) override;
  // Bytes are dropped from `from` when the kernel has them; until then they stay at its front, sealed already, and the
  // next write() must find them there.
  net::IoResult write(base::Buffer& from) override;
  void set_reading(bool reading) override;
  // Sends close_notify behind what was written, then FIN; without blocking, later where the socket is full.
  void shutdown() override;
  // Sends no close_notify: to the other side an answer that was cut off looks cut off. For a proper end, shutdown()
  // comes first.
  void close(bool abortive) override;
  net::Delivery delivery() const override;
  const net::TransportError* failure() const override { return failure_.get(); }
  const net::TlsInfo* tls_info() const override { return info_.version.empty() ? nullptr : &info_; }

 private:
  enum class State : std::uint8_t { kNew, kHandshaking, kOpen, kEnding, kEnded, kFailed, kClosed };

  void on_fd_readable() override;
  void on_fd_writable() override;
  void on_turn_end() override;

  void handshake();
  void become_open();
  void fail_handshake(net::IoStatus sent);
  net::IoStatus read_outcome(int ssl_result);
  // Sends what reading answered; where too much of that waits, nothing is read until it is gone.
  void send_answers();
  // Seals the first bytes of `from` as records for the socket. False when OpenSSL refuses.
  bool seal(const base::Buffer& from);
  void end_writing();
  void transition(State to);

  net::Loop& loop_;
  os::Fd fd_;
  net::FdWatch watch_;
  SocketBio bio_;
  SslPtr ssl_;  // after bio_, which it uses
  net::TransportHandler* handler_ = nullptr;
  State state_ = State::kNew;
  bool reading_ = false;          // the owner wants on_transport_readable
  bool has_more_ = false;         // read() would give something though the socket is quiet
  bool has_received_ = false;     // read() has given bytes
  bool choked_ = false;           // nothing is read until what reading answered is sent
  bool write_waiting_ = false;    // the owner waits for on_transport_writable
  std::size_t sealed_bytes_ = 0;  // at the front of the owner's buffer: sealed, not yet all sent
  std::size_t warm_bytes_ = 0;    // sealed since the connection was last quiet
  base::MonoTime last_sealed_;
  std::string server_name_;
  std::string client_certificate_;  // made once, for all requests of the connection
  net::TlsInfo info_;
  std::unique_ptr<const net::TransportError> failure_;
};

}  // namespace viaduct::tls
