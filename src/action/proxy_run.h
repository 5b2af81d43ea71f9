// SPDX-License-Identifier: Apache-2.0
// One exchange on its way through an upstream. A short body is collected first, so that it can go to another server
// when the first one cannot be reached; a longer one streams, with backpressure both ways. What may be sent again is
// decided by upstream/retry alone. A 101 makes a tunnel of it, which ends when both directions have ended, when one
// side fails, or when it was silent for websocket_idle. Lives in the exchange's arena.
//
//   kCollecting ──► kConnecting ──► kForwarding ──► kTunnel ──► kOver
//                      ▲   │ next server  │ │                     ▲
//                      └───┴──────────────┘ └─────────────────────┘
//                       the kept connection was dead
#pragma once

#include <cstdint>

#include "base/buffer.h"
#include "config/types.h"
#include "exchange/exchange.h"
#include "http/stream.h"
#include "net/timer_wheel.h"
#include "upstream/connection_search.h"
#include "upstream/retry.h"
#include "upstream/upstream.h"

namespace viaduct::action {

class ProxyRun final : public exchange::ActionRun,
                       private http::ResponseHandler,
                       private upstream::SearchHandler,
                       private net::TimerHandler {
 public:
  // A body of at most this many bytes is read before a server is chosen.
  static constexpr std::size_t kCollectedBytesMax = 64 * 1024;

  // `upstream` must outlive the run, which counts itself in.
  ProxyRun(exchange::Exchange& exchange, upstream::Upstream& upstream);
  ~ProxyRun() override;

  // exchange::ActionRun
  void start(bool end) override;
  void on_request_body(base::Buffer& body, bool end) override;
  void on_request_trailers(http::Fields& trailers) override;
  void on_client_writable() override;
  void on_exchange_over() override;

 private:
  enum class State : std::uint8_t { kCollecting, kConnecting, kForwarding, kTunnel, kOver };

  // http::ResponseHandler
  base::Arena& arena() override { return exchange_.arena(); }
  void on_informational(http::ResponseHead& head) override;
  void on_response_head(http::ResponseHead& head, bool end) override;
  void on_response_body(base::Buffer& body, bool end) override;
  void on_response_trailers(http::Fields& trailers) override;
  void on_request_writable() override;
  void on_response_reset(http::Reason reason, bool answered) override;
  void on_response_end() override;
  // upstream::SearchHandler
  void on_found(upstream::Server& server, upstream::ClientConnection& connection, const upstream::ConnectTimes& times,
                bool reused) override;
  void on_server_failed(upstream::Server& server, http::Reason reason, const base::Error& error,
                        bool is_repeated) override;
  void on_search_failed(http::Reason reason) override;
  // net::TimerHandler: timeouts.total, in a tunnel websocket_idle
  void on_timer(int timer_id) override;

  void transition(State next);
  void prepare_head();
  // Gets a connection to a server, kept or new.
  void find_connection();
  void send_on(upstream::ClientConnection& connection);
  void send_collected();
  // Whether bytes of the client go on to the server at once.
  bool is_passing() const { return stream_ != nullptr && (state_ == State::kForwarding || state_ == State::kTunnel); }
  void begin_tunnel();
  void watch_tunnel();
  void failed(http::Reason reason, bool answered);
  void log_failure(http::Reason reason, const base::Error* error);
  // The total limit counts from the start; a connection may not wait beyond it.
  void note_answer_time();

  exchange::Exchange& exchange_;
  upstream::Upstream& upstream_;
  State state_ = State::kCollecting;
  net::Timer timer_;
  base::Buffer body_;           // collected and not yet sent; kept for a second sending while it is whole
  bool request_ended_ = false;  // the client's request is complete
  bool body_whole_ = true;      // body_ still holds everything the client sent
  bool retried_fresh_ = false;
  bool reused_ = false;
  bool names_server_ = false;  // Host is the name of the server of the present attempt
  http::Fields* trailers_ = nullptr;
  upstream::ConnectionSearch search_;
  upstream::Server* server_ = nullptr;    // of the present attempt
  http::ClientStream* stream_ = nullptr;  // while forwarding
  base::MonoTime started_;                // of the run
  base::MonoTime sent_at_;                // of the present attempt's request
  base::MonoTime moved_at_;               // of the last bytes that came through the tunnel
};

}  // namespace viaduct::action
