// SPDX-License-Identifier: Apache-2.0
// One connection to one server of an upstream: a transport and a codec, with the timers that wait for the server. Made
// by a Connector once the socket is connected; becomes ready behind the TLS handshake; then carries requests, one after
// another or, where the codec has room, side by side, until it closes. Between requests it rests in its server's pool,
// reading on, so that a server that hangs up is noticed at once. Belongs to one worker; frees itself by Loop::retire.
//
//   kOpening ──► kOpen ──► kClosed
//      └────────────────────▲
#pragma once

#include <memory>
#include <optional>

#include "base/ip.h"
#include "codec/client_codec.h"
#include "http/stream.h"
#include "net/loop.h"
#include "net/transport.h"
#include "os/fd.h"

namespace viaduct::upstream {

class Server;

// Waits for a connection to become ready. Exactly one event.
class ReadyHandler {
 public:
  virtual void on_connection_ready() = 0;
  virtual void on_connection_failed(const net::TransportError& error) = 0;

 protected:
  ~ReadyHandler() = default;
};

class ClientConnection final : public net::Retirable,
                               public base::ListHook<ClientConnection>,
                               private net::TransportHandler,
                               private codec::ClientCodecHandler,
                               private net::TimerHandler,
                               private net::ReadEnd,
                               private net::TurnEnd {
 public:
  // `server` must outlive the connection.
  ClientConnection(net::Loop& loop, Server& server, std::unique_ptr<net::Transport> transport);

  // Begins the handshake where there is one. `handler` must live until its event or until close().
  void open(ReadyHandler& handler);
  // Begins a request. REQUIRES: is_reusable().
  http::ClientStream& begin(http::ResponseHandler& handler, const codec::WaitLimits& limits);
  // Takes no further request, and ends with those that are under way.
  void retire();
  // Takes requests again, where it has not ended yet.
  void come_back() { is_retired_ = false; }
  // Ends the connection now; a request under way gets no further event.
  void close();

  bool is_reusable() const {
    return state_ == State::kOpen && !is_retired_ && !write_failed_ && !input_ended_ && !has_ill_news() &&
           codec_->reusable();
  }
  Server& server() { return server_; }
  // Where it leads, said by who connected it.
  const base::SocketAddress& address() const { return address_; }
  void set_address(const base::SocketAddress& address) { address_ = address; }
  // Whether it rests in its server's pool; kept by Server.
  bool is_pooled() const { return is_pooled_; }
  void set_pooled(bool pooled) { is_pooled_ = pooled; }
  // Whether requests pass it by until it has room again; kept by Server.
  void set_passed_by(bool passed_by) { is_passed_by_ = passed_by; }
  std::uint32_t requests() const { return requests_; }
  // When it became ready.
  base::MonoTime opened_at() const { return opened_at_; }

  // net::Retirable
  void dispose() override;

 private:
  enum class State : std::uint8_t { kOpening, kOpen, kClosed };
  // What the timer counts.
  enum class Wait : std::uint8_t { kNone, kIdle, kSend, kRead };

  void on_transport_ready() override;
  void on_transport_readable() override;
  void on_transport_writable() override;
  void on_transport_failed(const net::TransportError& error) override;
  void on_codec_output() override;
  void on_codec_resume() override;
  void on_codec_stream_end() override;
  void on_timer(int timer_id) override;
  void on_read_end() override;
  void on_turn_end() override;

  // Whether something has come that nobody has looked at yet and that a new request must not meet: the end, or bytes
  // where none are due, which would be taken for its answer.
  bool has_ill_news() const {
    const bool goes_on = read_.status == net::IoStatus::kOk || read_.status == net::IoStatus::kAgain;
    return net::ReadEnd::is_linked() && (requests_ == 0 || !goes_on);
  }
  void choose_codec();
  void handle_input(const net::IoResult& result);
  void flush();
  void take_write_failure();
  void take_input_end(net::IoStatus status);
  // A server that did something to the connection for which it ends is named in the log.
  void log_fault() const;
  // Why the transport failed, which is logged where it was more than a reset.
  http::Reason reason_of_failure();
  // Gives the codec's wishes to the transport: reading, and the end.
  void settle();
  // close(), or with a reset.
  void end(bool abortive);
  void count_wait(bool progressed);
  // When the present wait has lasted too long; MonoTime::max() where it may last.
  base::MonoTime wait_ends() const;
  // A request has ended, and not by what came.
  void doubt_silent_server();
  void arm_timer();
  Wait present_wait();
  std::optional<base::Duration> limit_of(Wait wait) const;

  net::Loop& loop_;
  Server& server_;
  base::SocketAddress address_;
  std::unique_ptr<net::Transport> transport_;
  std::unique_ptr<codec::ClientCodec> codec_;  // null before the handshake is done
  base::Buffer input_;
  State state_ = State::kOpening;
  ReadyHandler* ready_handler_ = nullptr;
  net::Timer timer_;
  Wait wait_ = Wait::kNone;
  base::MonoTime wait_since_;
  base::MonoTime idle_since_;  // the last request ended, or the connection was ready
  base::MonoTime opened_at_{};
  std::uint32_t requests_ = 0;  // under way
  bool is_pooled_ = false;
  bool is_passed_by_ = false;
  bool is_retired_ = false;  // takes no further request
  bool input_ended_ = false;
  bool write_blocked_ = false;  // the transport will tell when there is room
  bool write_failed_ = false;   // nothing is written any more
  bool resume_input_ = false;   // the codec wants what input_ holds
  bool in_read_end_ = false;
  net::IoResult read_{};  // what was read and not yet handled: all bytes, the last status
};

}  // namespace viaduct::upstream
