// SPDX-License-Identifier: Apache-2.0
// One client's connection: a transport, a codec chosen by ALPN, and the timers that wait for the client. Makes an
// exchange for each stream. Belongs to one worker; frees itself by Loop::retire.
//
//   kHandshake ──► kOpen ──► kLingering ──► kClosed
//        │           └────────────────────────▲
//        └────────────────────────────────────┘
#pragma once

#include <memory>
#include <optional>

#include "codec/h1_limits.h"
#include "codec/h2_library.h"
#include "codec/h2_limits.h"
#include "codec/server_codec.h"
#include "config/types.h"
#include "daemon/connection_limits.h"
#include "exchange/exchange.h"
#include "net/loop.h"
#include "net/transport.h"

namespace viaduct::daemon {

// Which protocols a connection may speak.
struct ConnectionProtocols {
  codec::H2Library& h2;  // outlives the connection
  bool h2c = false;      // HTTP/2 without TLS, by its preface (RFC 9113 §3.3)
};

// How connections end gracefully. kNow: idle ones at once, busy ones after the exchange under way. kPatient: idle ones
// after one more exchange, since the client may be sending its request at this moment.
enum class DrainMode : std::uint8_t { kNone, kPatient, kNow };

// Who owns connections: a worker.
class ConnectionOwner {
 public:
  virtual exchange::Exchange& make_exchange(const exchange::ClientInfo& client, http::ServerStream& stream) = 0;
  // The connection is over; it is freed after this turn.
  virtual void on_connection_closed(const exchange::ClientInfo& client) = 0;
  // A codec ended the connection for something that was no request: it is counted and logged.
  virtual void on_connection_refused(const exchange::ClientInfo& client, http::Reason reason) = 0;
  // A TLS handshake came to its end, or failed and ends the connection: `error` says why in a sentence.
  virtual void on_handshake(const net::TlsInfo& tls) = 0;
  virtual void on_handshake_failed(const exchange::ClientInfo& client, http::Reason reason, std::string_view error) = 0;

 protected:
  ~ConnectionOwner() = default;
};

class Connection final : public net::Retirable,
                         public base::ListHook<Connection>,
                         private net::TransportHandler,
                         private codec::ServerCodecHandler,
                         private net::TimerHandler,
                         private net::ReadEnd,
                         private net::TurnEnd {
 public:
  // What is read ahead of the handler's wish: pipelined requests, or body bytes that nobody wants yet.
  static constexpr std::size_t kReadAheadBytesMax = 64 * 1024;
  // How long, and how much, a client may still send behind our last answer before the connection is cut.
  static constexpr base::Duration kLingerTime = std::chrono::seconds(2);
  static constexpr std::size_t kLingerBytesMax = 1024 * 1024;
  // A client that has ended its direction may be waiting for its answer or be gone; the kernel cannot tell us which.
  // When no byte of the answer has moved for this long it counts as gone (docs/adr/0004).
  static constexpr base::Duration kHalfClosedGrace = std::chrono::seconds(2);
  // How long, and how often, it is looked whether somebody was there for an answer to such a client.
  static constexpr base::Duration kConfirmTime = std::chrono::seconds(1);
  static constexpr base::Duration kConfirmPoll = std::chrono::milliseconds(10);
  // How long a body may stay below client.min_rate at first.
  static constexpr base::Duration kRateGrace = std::chrono::seconds(10);
  // How often the rate is looked at behind that.
  static constexpr base::Duration kRateInterval = std::chrono::seconds(1);

  // `owner` must outlive the connection. `limits` are copied.
  Connection(const ConnectionProtocols& protocols, net::Loop& loop, ConnectionOwner& owner,
             const exchange::ClientInfo& client, const config::Client& limits);

  // Once, right behind the constructor. `handshake` goes when the transport is ready, or the connection over; `entry`
  // with the connection's end.
  void open(std::unique_ptr<net::Transport> transport, ConnectionLimits::Handshake handshake = {},
            ConnectionLimits::Entry entry = {});
  // Since when nothing has come that a wait for the client would be told of; absent while it is our turn.
  std::optional<base::MonoTime> silent_since() const;
  // Ends now, since others need its place.
  void make_room();
  // Graceful end; kNow may follow kPatient. REQUIRES: not kNone.
  void begin_drain(DrainMode mode = DrainMode::kNow);
  // The listener's options for exchanges that begin from now on.
  void set_redirect(bool redirect_to_https, std::uint16_t https_port);
  // Ends now; exchanges under way are logged as cut.
  void close_now();

  // net::Retirable
  void dispose() override;

 private:
  enum class State : std::uint8_t { kHandshake, kOpen, kLingering, kClosed };
  enum class Wait : std::uint8_t { kNone, kHandshake, kIdle, kHead, kBody, kWrite, kHalfClosed, kConfirm, kLinger };

  void on_transport_ready() override;
  void on_transport_readable() override;
  void on_transport_writable() override;
  void on_transport_failed(const net::TransportError& error) override;
  http::StreamHandler& on_stream(http::ServerStream& stream) override;
  void on_codec_output() override;
  void on_codec_resume() override;
  void on_timer(int timer_id) override;
  void on_read_end() override;
  void on_turn_end() override;

  void choose_codec(bool is_h2);
  void drain_codec();
  // Looks for HTTP/2's preface at the start of a plain connection. False: too few bytes have come to tell.
  bool find_preface();
  void flush();
  // Whether the exchange ends with what has been written, and its client may have been gone before.
  bool is_unconfirmed() const;
  // Ends the exchange as soon as it is known whether its answer reached somebody.
  void confirm();
  void linger_read();
  void settle();
  void stop_reading();
  void start_lingering();
  void close(bool abortive);
  // How many bytes of the client were read, or written to it, since the last call.
  struct Moved {
    std::size_t read = 0;
    std::size_t written = 0;
  };
  void count_wait(const Moved& moved);
  // The wait changes to `next`: begins, goes on with or pauses what min_rate is measured over.
  void turn_rate(Wait next);
  void arm_timer();
  Wait present_wait();
  std::optional<base::Duration> limit_of(Wait wait) const;
  static bool is_for_input(Wait wait);
  bool is_too_slow() const;
  void expire();

  net::Loop& loop_;
  ConnectionOwner& owner_;
  codec::H2Library& h2_library_;
  std::unique_ptr<net::Transport> transport_;
  ConnectionLimits::Handshake handshake_;
  ConnectionLimits::Entry entry_;
  std::unique_ptr<codec::ServerCodec> codec_;  // null before the handshake is done
  exchange::ClientInfo client_;
  config::Client limits_;
  codec::H1Limits h1_limits_;  // the codec refers to one of them
  codec::H2Limits h2_limits_;
  base::Buffer input_;
  State state_ = State::kHandshake;
  DrainMode drain_ = DrainMode::kNone;
  bool awaits_preface_ = false;  // the first bytes say which HTTP is spoken
  bool is_fresh_ = true;         // HTTP/1.1, and nothing was asked yet
  bool input_ended_ = false;
  bool write_blocked_ = false;                   // the transport will tell when there is room
  bool resume_input_ = false;                    // the codec wants what input_ holds
  net::IoResult read_{};                         // what was read and not yet handled: all bytes, the last status
  std::optional<base::MonoTime> confirm_until_;  // once the last answer has been written to who may be gone
  bool is_refused_ = false;                      // the owner was told why the codec ended the connection
  std::size_t lingered_bytes_ = 0;
  net::Timer timer_;
  Wait wait_ = Wait::kNone;
  base::MonoTime wait_since_;                 // begin of the wait, or its last progress
  std::optional<base::MonoTime> idle_since_;  // it became idle behind its last request
  base::MonoTime rate_since_;       // begin of the present body, or of the present wait for the reader of an answer
  base::Duration rate_counted_{0};  // in earlier waits of that answer
  std::uint64_t rate_bytes_ = 0;    // moved in all of that
  base::MonoTime timer_now_;        // the present, as the timer saw it
};

}  // namespace viaduct::daemon
