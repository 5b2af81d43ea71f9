// SPDX-License-Identifier: Apache-2.0
// Connects to the first of several addresses that answers (RFC 8305 §5, "happy eyeballs"): they are dialed in their
// order, the next one when the one before has failed or has not answered for a while; the first connection wins and the
// others are closed. The deadline is the caller's, as with a Dialer. Owned by who connects (upstream/connector); one
// worker's thread.
#pragma once

#include <memory>
#include <vector>

#include "net/dialer.h"

namespace viaduct::net {

class DialRace final : private TimerHandler {
 public:
  // How long an attempt may be pending before the next one begins beside it.
  static constexpr base::Duration kNextAttemptDelay = std::chrono::milliseconds(250);

  // `loop` and `handler` must outlive the race. When all addresses fail, the handler gets the error that says most: a
  // refusal rather than a timeout, a timeout rather than a network that cannot be reached.
  DialRace(Loop& loop, DialHandler& handler);
  ~DialRace();
  DialRace(const DialRace&) = delete;
  DialRace& operator=(const DialRace&) = delete;

  // Begins; exactly one event follows, later than this call. REQUIRES: not empty, and the only call.
  void start(std::vector<base::SocketAddress> addresses);
  // Closes everything; no event follows.
  void cancel();
  // The address of the connection, or of the error, that the handler got.
  const base::SocketAddress& decided_by() const { return addresses_[decided_by_]; }

 private:
  class Attempt;

  void dial_next();
  void on_attempt_dialed(std::size_t index, os::Fd fd);
  void on_attempt_failed(std::size_t index, const base::Error& error);
  void on_timer(int timer_id) override;

  Loop& loop_;
  DialHandler& handler_;
  Timer next_timer_;
  std::vector<base::SocketAddress> addresses_;
  std::vector<std::unique_ptr<Attempt>> attempts_;  // of the first addresses, in their order
  std::size_t pending_ = 0;
  std::size_t decided_by_ = 0;
  base::Error error_;  // the best so far
};

}  // namespace viaduct::net
