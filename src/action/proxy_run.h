// SPDX-License-Identifier: Apache-2.0
// One exchange on its way through an upstream. A short body is collected first, so that it can go to another server
// when the first one cannot be reached; a longer one streams, with backpressure both ways. What may be sent again is
// decided by upstream/retry alone. A tunnel (101), and a dialogue, whose request goes on behind the head of its answer,
// may be silent for websocket_idle. A callback that was received whole runs on, from kConnecting or kForwarding, when
// its client is gone or has our own answer (docs/adr/0013). Lives in the exchange's arena.
//
//   kCollecting ──► kConnecting ──► kForwarding ──► kTunnel ──► kOver
//                      ▲   │ next server  │ │                     ▲
//                      └───┴──────────────┘ └─────────────────────┘
//                       the kept connection was dead
#pragma once

#include <cstdint>

#include "action/proxy_answer.h"
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
  // How long a callback runs on where the route has no timeouts.read.
  static constexpr base::Duration kLateTime = std::chrono::seconds(60);

  // `upstream` must outlive the run, which counts itself in.
  ProxyRun(exchange::Exchange& exchange, upstream::Upstream& upstream);
  ~ProxyRun() override;

  // exchange::ActionRun
  void start(bool end) override;
  void on_request_body(base::Buffer& body, bool end) override;
  void on_request_trailers(http::Fields& trailers) override;
  void on_client_writable() override;
  void on_exchange_over() override;
  void on_answer_lost() override;
  bool runs_on() const override { return answer_.is_late() && state_ != State::kOver; }
  void on_worker_stop() override { end_late(http::Reason::kServerDraining); }

 private:
  enum class State : std::uint8_t { kCollecting, kConnecting, kForwarding, kTunnel, kOver };

  // http::ResponseHandler
  base::Arena& arena() override { return exchange_.arena(); }
  void on_informational(http::ResponseHead& head) override;
  void on_response_head(http::ResponseHead& head, bool end) override;
  void on_response_body(base::Buffer& body, bool end) override;
  void on_response_trailers(http::Fields& trailers) override;
  void on_request_writable() override;
  void on_response_reset(http::Reason reason, bool answered, std::string_view detail) override;
  void on_response_end() override;
  // upstream::SearchHandler
  void on_found(upstream::Server& server, upstream::ClientConnection& connection, const upstream::ConnectTimes& times,
                bool reused) override;
  void on_server_failed(upstream::Server& server, const upstream::ServerFailure& failure) override;
  void on_search_failed(http::Reason reason) override;
  // net::TimerHandler: timeouts.total, in a tunnel or dialogue websocket_idle, without a client the end of our patience
  void on_timer(int timer_id) override;

  void transition(State next);
  bool may_talk() const;
  bool lacks_host() const;
  void prepare_head();
  // Gets a connection to a server, kept or new.
  void find_connection();
  void send_on(upstream::ClientConnection& connection);
  void send_collected();
  // Whether bytes of the client go on to the server at once.
  bool is_passing() const { return stream_ != nullptr && (state_ == State::kForwarding || state_ == State::kTunnel); }
  void begin_tunnel();
  // Both sides may be silent, for websocket_idle together.
  void begin_dialogue();
  // The request is complete: its answer is one like any other.
  void end_dialogue();
  // How long the server may be silent from here on.
  std::optional<base::Duration> read_limit() const;
  void arm_timer();
  bool waits_for_client() const;
  // The server took a request for a tunnel for something else. True: the client was told.
  bool refuse_other_than_tunnel(const http::ResponseHead& head);
  void try_again_or_fail(http::Reason reason, bool answered);
  void note_vain_wait();
  // No attempt is left: tells the client, or the log where that is gone.
  void fail(http::Reason reason);
  // `error`: what the system said, null where the reason says it; `detail` as in on_response_reset.
  void log_failure(http::Reason reason, const base::Error* error, std::string_view detail = {});
  void log_recovery(const http::ResponseHead& head);
  bool is_callback() const { return exchange_.route().callback != config::CallbackProvider::kNone; }
  // Whether the request is worth its end although nobody waits for the answer any more.
  bool may_run_on() const;
  void run_on();
  void end_late(http::Reason reason);
  // Leaves connection and server.
  void give_up();
  // The total limit counts from the start; a connection may not wait beyond it.
  void note_answer_time();

  exchange::Exchange& exchange_;
  upstream::Upstream& upstream_;
  State state_ = State::kCollecting;
  net::Timer timer_;
  ProxyAnswer answer_;
  base::Buffer body_;           // collected and not yet sent; kept for a second sending while it is whole
  bool request_ended_ = false;  // the client's request is complete
  bool body_whole_ = true;      // body_ still holds everything the client sent
  bool retried_fresh_ = false;
  bool retried_held_ = false;
  bool reused_ = false;
  bool is_dialogue_ = false;   // or a tunnel
  bool is_quiet_ = false;      // the answer is of a kind whose silence means nothing
  bool names_server_ = false;  // Host is the name of the server of the present attempt
  http::Fields* trailers_ = nullptr;
  upstream::ConnectionSearch search_;
  upstream::Server* server_ = nullptr;    // of the present attempt
  http::ClientStream* stream_ = nullptr;  // while forwarding
  base::MonoTime started_;                // of the run
  base::MonoTime sent_at_;                // of the present attempt's request
  base::MonoTime moved_at_;               // of the last bytes either way
  base::MonoTime total_ends_ = base::MonoTime::max();
};

}  // namespace viaduct::action
