// SPDX-License-Identifier: Apache-2.0
// The answer of an upstream on its way to the client. On ordinary routes it passes as it comes. On callback routes it
// is held until it is complete, so that a server that dies in the middle of it leaves room for the platform's form of
// failure; one that grows too long to be held streams from there on. When the client is gone, or has our own answer,
// what still comes is counted as late: nobody gets it, and its result is one line of the error log (docs/adr/0013).
// A member of action/proxy_run.
//
//   kHolding ──► kPassing ──► kLate
//      └────────────────────────▲
#pragma once

#include <cstdint>
#include <string_view>

#include "base/buffer.h"
#include "base/time.h"
#include "exchange/exchange.h"
#include "http/message.h"
#include "http/reason.h"

namespace viaduct::action {

class ProxyAnswer {
 public:
  // How much of a body is held; a longer one streams.
  static constexpr std::size_t kHeldBytesMax = 1024 * 1024;

  // `exchange` must outlive the answer; its route says whether it is held.
  explicit ProxyAnswer(exchange::Exchange& exchange);

  // As in http/stream.h. `head` and `trailers` live in the exchange's arena.
  void send_informational(const http::ResponseHead& head);
  void send_head(http::ResponseHead& head, bool end);
  void send_body(base::Buffer& body, bool end);
  void send_trailers(const http::Fields& trailers);

  // Whether the server may send more of its body.
  bool has_room() const { return state_ != State::kPassing || exchange_.writable_bytes() > 0; }
  // All of it has come from the server.
  bool is_complete() const { return is_complete_; }

  // Nobody takes the answer any more.
  void become_late();
  bool is_late() const { return state_ == State::kLate; }
  // Writes the line, also for an answer that went out and reached nobody: its status, or the reason where it failed.
  void log_late(std::string_view upstream, std::string_view server, http::Reason reason) const;

 private:
  enum class State : std::uint8_t { kHolding, kPassing, kLate };

  void transition(State next);
  // Hands what is held to the client.
  void release(bool end);
  // REQUIRES: all of the answer is held.
  void state_length();

  exchange::Exchange& exchange_;
  State state_;
  bool is_complete_ = false;
  int status_ = 0;                      // 0: no head has come
  http::ResponseHead* head_ = nullptr;  // while it is held
  base::Buffer held_;
  base::MonoTime late_since_;
};

}  // namespace viaduct::action
