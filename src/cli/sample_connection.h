// SPDX-License-Identifier: Apache-2.0
// One connection to a sample upstream: a plain transport, the HTTP/1 codec, and one timer for silence. A small relative
// of daemon/connection without limits to configure. Belongs to the sample upstream's thread; frees itself by
// Loop::retire.
//
//   kOpen ──► kLingering ──► kClosed
//     └──────────────────────▲
#pragma once

#include <memory>
#include <string>

#include "base/intrusive_list.h"
#include "codec/h1_server.h"
#include "net/loop.h"
#include "net/tcp_transport.h"

namespace viaduct::cli {

class SampleConnection final : public net::Retirable,
                               public base::ListHook<SampleConnection>,
                               private net::TransportHandler,
                               private codec::ServerCodecHandler,
                               private net::TurnEnd,
                               private net::TimerHandler {
 public:
  // A connection on which nothing moves for this long ends, unless it is a tunnel. Longer than any answer takes.
  static constexpr base::Duration kSilenceMax = std::chrono::seconds(60);
  // How long the other side may still send behind our last answer.
  static constexpr base::Duration kLingerTime = std::chrono::seconds(1);

  // Takes a connected, non-blocking socket. `loop` and `upstream`, the name that answers say, must outlive it.
  SampleConnection(net::Loop& loop, const std::string& upstream, os::Fd fd);

  void open();
  // Ends at once, in the middle of an answer, too.
  void close_now();

  // net::Retirable
  void dispose() override;

 private:
  enum class State : std::uint8_t { kOpen, kLingering, kClosed };

  void on_transport_ready() override {}
  void on_transport_readable() override;
  void on_transport_writable() override;
  void on_transport_failed(const net::TransportError& error) override;
  http::StreamHandler& on_stream(http::ServerStream& stream) override;
  void on_codec_output() override;
  void on_codec_resume() override;
  void on_turn_end() override;
  void on_timer(int timer_id) override;

  void flush();
  void settle();
  void linger();
  void linger_read();
  void close();

  net::Loop& loop_;
  const std::string& upstream_;
  net::TcpTransport transport_;
  codec::H1Limits limits_;
  codec::H1Server codec_;
  base::Buffer input_;
  State state_ = State::kOpen;
  bool input_ended_ = false;
  bool write_blocked_ = false;  // the transport will tell when there is room
  bool resume_input_ = false;   // the codec wants what input_ holds
  net::Timer silence_timer_;
};

}  // namespace viaduct::cli
