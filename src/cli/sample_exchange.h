// SPDX-License-Identifier: Apache-2.0
// One request to a sample upstream and its answer: a whole one, events one by one, or a WebSocket. The body is hashed
// as it comes and not kept. Made by cli/sample_connection for each stream, in the sample upstream's thread; frees
// itself by Loop::retire after its terminal event.
//
//   kRequest ──► kAnswered | kEvents ──► kAnswered | kEcho ──► kAnswered
#pragma once

#include <string>

#include "base/arena.h"
#include "base/sha256.h"
#include "cli/sample_answer.h"
#include "cli/sample_echo.h"
#include "cli/sample_events.h"
#include "http/stream.h"
#include "net/loop.h"

namespace viaduct::cli {

class SampleExchange final : public http::StreamHandler, public net::Retirable, private net::TimerHandler {
 public:
  // Longer request bodies are refused by 413.
  static constexpr std::uint64_t kBodyBytesMax = 64 * 1024 * 1024;

  // `loop` and `stream` must outlive the terminal event.
  SampleExchange(net::Loop& loop, std::string upstream, http::ServerStream& stream);

  // http::StreamHandler
  base::Arena& arena() override { return arena_; }
  void on_head(http::RequestHead& head, bool end) override;
  void on_refused(http::RequestHead& head, http::Reason reason) override;
  void on_body(base::Buffer& body, bool end) override;
  void on_trailers(http::Fields& trailers) override;
  void on_writable() override;
  void on_reset(http::Reason reason) override;
  void on_stream_end() override;

  // net::Retirable
  void dispose() override;

 private:
  enum class State : std::uint8_t {
    kRequest,   // the request comes in
    kAnswered,  // the answer is given, or waits for its time
    kEvents,    // one event after the other
    kEcho,      // a WebSocket is open
  };

  void on_timer(int timer_id) override;
  void transition(State next);
  void finish_request();
  http::ResponseHead& new_head(int status);
  void begin_events(const SampleEventRange& range);
  void send_event();
  void begin_echo(std::string_view key);
  void echo(base::Buffer& bytes, bool end);
  void refuse(http::Reason reason);
  void send();
  void retire();

  net::Loop& loop_;
  http::ServerStream& stream_;
  base::Arena arena_;
  SampleRequest request_;
  base::Sha256 body_hash_;
  SampleAnswer answer_;
  State state_ = State::kRequest;
  SampleEventRange events_;  // still to be sent
  SampleEcho echo_;
  net::Timer delay_timer_;
};

}  // namespace viaduct::cli
