// SPDX-License-Identifier: Apache-2.0
// One connection of the load: sends the same HTTP/1.1 request again and again and reads answers of a known length.
// Owned by the run that it reports to. Whatever is not a whole answer with status 200 ends the program, so that no
// figure is made of failures.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "wire.h"

namespace viaduct::bench {

struct SessionDeleter {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};

// What all clients of a run have in common. Must outlive them, and stays where it is.
struct Target {
  std::uint32_t port = 0;
  std::string name;     // for TLS, the SNI
  std::string request;  // head and body
  TlsContext context;   // empty without TLS
  // With `resumes`, the newest session that a server gave; every handshake but the first uses it.
  bool resumes = false;
  std::unique_ptr<SSL_SESSION, SessionDeleter> session;
};

// A client context for `target`; `version` is "1.2", "1.3" or empty for both.
TlsContext make_load_context(Target& target, const std::string& version);

class Client;

// What a run hears of its clients.
class ClientEvents {
 public:
  virtual ~ClientEvents() = default;
  // A whole answer has come. The run may send, close or open the client again.
  virtual void on_answer(Client& client, Clock::duration latency) = 0;
  // The server has closed a connection on which no answer is due.
  virtual void on_closed(Client& client) = 0;
};

class Client final : public Handler {
 public:
  Client(Loop& loop, Target& target, ClientEvents& events, std::uint32_t number)
      : loop_(loop), target_(target), events_(events), number_(number) {}

  // Connects and sends the first request; the latency of its answer includes connection and handshake.
  void open();
  // Sends a request. Latency counts from `due`, which lies in the past when the connection was busy.
  void send(Clock::time_point due);
  // Ends the connection; the client may be opened again.
  void close();
  bool was_resumed() const { return wire_ && wire_->tls() != nullptr && SSL_session_reused(wire_->tls()) == 1; }
  // Bytes of requests and answers so far, in whole or in part.
  std::uint64_t moved_bytes() const { return moved_bytes_; }
  std::uint64_t answers() const { return answers_; }
  void on_ready(std::uint32_t events) override;

 private:
  void flush();
  bool take(std::string_view bytes);
  void take_head();
  void watch(std::uint32_t events);

  Loop& loop_;
  Target& target_;
  ClientEvents& events_;
  const std::uint32_t number_;  // chooses the source address
  std::optional<Wire> wire_;
  std::uint32_t watched_ = 0;
  std::string_view unsent_;
  Clock::time_point due_;
  bool is_waiting_ = false;  // an answer is due
  std::string head_;         // of the answer, until it is whole
  std::uint64_t body_left_ = 0;
  std::uint64_t moved_bytes_ = 0;
  std::uint64_t answers_ = 0;
};

}  // namespace viaduct::bench
