// SPDX-License-Identifier: Apache-2.0
// One connected byte stream, plain or TLS, with the same face. Owned by daemon/connection (client's side) or by
// upstream/client_connection. One thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/buffer.h"
#include "base/error.h"
#include "http/reason.h"

namespace viaduct::net {

enum class IoStatus : std::uint8_t {
  kOk,         // bytes went; more may go
  kAgain,      // nothing more goes now; an event will tell when
  kEnd,        // the other side ended its direction properly (FIN, behind close_notify under TLS)
  kTruncated,  // TLS ended without close_notify (RFC 8446 §6.1): what came may not be all
  kFailed,     // reset or broken
};

struct IoResult {
  IoStatus status = IoStatus::kAgain;
  std::size_t bytes = 0;
};

// What the other side has done with bytes that were sent, and with the end behind them.
enum class Delivery : std::uint8_t {
  kPending,  // nothing that could be seen yet
  kTaken,    // its system has taken all
  kRefused,  // it had closed its socket before: nobody reads them
};

// What a TLS transport knows after its handshake. The texts live as long as the transport.
struct TlsInfo {
  std::string_view version;      // "TLSv1.3"
  std::string_view cipher;       // "TLS_AES_128_GCM_SHA256"
  std::string_view alpn;         // "http/1.1", "h2" or empty
  std::string_view server_name;  // SNI, empty where none was sent
  bool resumed = false;
  // Servers: a word for the authorities by which the client's certificate was verified; empty where it showed none.
  std::string_view client_ca = {};
  // Where client_ca is set: the certificate itself as a byte sequence, ":" base64 of its DER ":" (RFC 9440 §2.1).
  std::string_view client_certificate = {};
};

// A failure to become ready, or to stay so.
struct TransportError {
  http::Reason reason = http::Reason::kNone;
  base::Error error;
};

// After each call the transport touches no member of its own unless it is still open.
class TransportHandler {
 public:
  // Connected, and the handshake is done. Called once, later than start().
  virtual void on_transport_ready() = 0;
  virtual void on_transport_readable() = 0;
  // Room again after a write() that ended with kAgain.
  virtual void on_transport_writable() = 0;
  // It will never be ready. Terminal.
  virtual void on_transport_failed(const TransportError& error) = 0;

 protected:
  ~TransportHandler() = default;
};

class Transport {
 public:
  virtual ~Transport() = default;

  // Begins: connecting and handshake where there are any, then reading is on. `handler` must outlive the transport.
  virtual void start(TransportHandler& handler) = 0;
  // Appends what can be had now to `into`, in as few system calls as possible (one, as a rule). Returns kOk with bytes
  // when something came; the loop tells when there is more.
  virtual IoResult read(base::Buffer& into) = 0;
  // Sends from the front of `from` and drops what went. kOk: all of it went. kAgain: on_transport_writable follows.
  virtual IoResult write(base::Buffer& from) = 0;
  // Turns on_transport_readable off and on.
  virtual void set_reading(bool reading) = 0;
  // Ends our direction: close_notify, then FIN.
  virtual void shutdown() = 0;
  // Ends both directions at once. No event follows. With `abortive` the other side sees a reset, not an end.
  virtual void close(bool abortive) = 0;
  // Why read() gave kFailed, where that was what the other side did under TLS; null where the socket broke, and for
  // plain transports. Lives as long as the transport.
  virtual const TransportError* failure() const { return nullptr; }
  // What has become of all that was written. REQUIRES: shutdown() was called, and everything has been written.
  virtual Delivery delivery() const = 0;
  // Null for plain transports, and before the handshake.
  virtual const TlsInfo* tls_info() const = 0;
};

}  // namespace viaduct::net
