// SPDX-License-Identifier: Apache-2.0
// One question to one server, time and again: a new connection, and over it, where the config names a path, a GET whose
// answer is read to its end. Speaks as requests do (TLS verified, HTTP/2 where the upstream says so), since it goes the
// same way through a Connector and a ClientConnection. Owned by a HealthCheck; the supervisor's thread.
//
//   kResting ──begin──► kConnecting ──► kAsking ──► kReading
//      ▲                    │              │            │
//      └────────────────────┴── a result ──┴────────────┘
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "config/types.h"
#include "http/stream.h"
#include "net/timer_wheel.h"
#include "upstream/connector.h"
#include "upstream/server.h"

namespace viaduct::upstream {

struct ProbeResult {
  bool is_good = false;
  bool is_void = false;     // it says nothing about the server, which was never called: something of ours was short
  std::string_view reason;  // the word of an http::Reason, or "unexpected_status"; a constant
  std::string detail;       // one sentence for a person
  int status = 0;           // of the answer; 0: there was none
  // How much later the answer's Date is than our clock, to the second (RFC 9110 §6.6.1); absent without a Date.
  std::optional<base::Duration> clock_offset{};
};

class ProbeHandler {
 public:
  // The only event of a probe, later than its begin(). The handler may begin the next one.
  virtual void on_probe_done(const ProbeResult& result) = 0;

 protected:
  ~ProbeHandler() = default;
};

class HealthProbe final : private ConnectHandler, private http::ResponseHandler, private net::TimerHandler {
 public:
  // Of an answer's body no more is read.
  static constexpr std::size_t kBodyBytesMax = std::size_t{256} * 1024;

  // All must outlive the probe; `server` keeps no idle connections. `method` has no body and changes nothing.
  HealthProbe(Server& server, const config::Health& config, ProbeHandler& handler,
              http::Method method = http::Method::kGet);
  // Ends what is under way.
  ~HealthProbe();

  // REQUIRES: none is under way.
  void begin();

 private:
  enum class State : std::uint8_t { kResting, kConnecting, kAsking, kReading };

  // ConnectHandler
  void on_connected(ClientConnection& connection, const ConnectTimes& times) override;
  void on_connect_failed(http::Reason reason, const base::Error& error, bool is_told) override;
  void on_connection_full() override;
  // http::ResponseHandler
  base::Arena& arena() override { return arena_; }
  void on_informational(http::ResponseHead&) override {}
  void on_response_head(http::ResponseHead& head, bool end) override;
  void on_response_body(base::Buffer& body, bool end) override;
  void on_response_trailers(http::Fields&) override {}
  void on_request_writable() override {}
  void on_response_reset(http::Reason reason, bool answered, std::string_view detail) override;
  void on_response_end() override;
  // net::TimerHandler: the time is over
  void on_timer(int timer_id) override;

  void transition(State next);
  void ask(ClientConnection& connection);
  ProbeResult judge(const http::ResponseHead& head) const;
  void finish(const ProbeResult& result);

  Server& server_;
  const config::Health& config_;
  ProbeHandler& handler_;
  http::Method method_;
  std::string target_;
  base::Arena arena_;  // of the answer
  net::Timer timer_;
  State state_ = State::kResting;
  http::ClientStream* stream_ = nullptr;  // while an answer is due
  ProbeResult result_;                    // by the head of the answer
  std::size_t body_bytes_ = 0;
};

}  // namespace viaduct::upstream
