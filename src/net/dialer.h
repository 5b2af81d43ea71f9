// SPDX-License-Identifier: Apache-2.0
// Connects one socket without blocking. The deadline is the caller's (a Timer of its own); cancel() ends the attempt.
// A Unix socket whose queue is full is tried again and again until then: for TCP the kernel does that, for these it
// says EAGAIN at once (connect(2)), which is no word of the server. Owned by who connects (upstream/connector); one
// worker's thread.
#pragma once

#include <sys/socket.h>

#include "base/error.h"
#include "base/ip.h"
#include "net/loop.h"
#include "os/fd.h"

namespace viaduct::net {

class DialHandler {
 public:
  // Connected; the socket is non-blocking with Nagle's algorithm off.
  virtual void on_dialed(os::Fd fd) = 0;
  // `error.code` is the errno, ECONNREFUSED for example; is_shortage() says whether it was want of something of ours.
  virtual void on_dial_failed(const base::Error& error) = 0;

 protected:
  ~DialHandler() = default;
};

// Whether a call that makes or connects a socket failed for want of what this process or this machine has too little of
// at the moment: descriptors, memory, ports. It says nothing about whom it was to reach.
bool is_shortage(int error_number);

class Dialer final : private FdHandler, private TurnEnd, private TimerHandler {
 public:
  // How long a Unix socket whose queue is full is left alone before it is tried again.
  static constexpr base::Duration kFullQueuePause = std::chrono::milliseconds(10);
  // How long it is tried where the caller sets no limit: about as long as the kernel tries TCP.
  static constexpr base::Duration kFullQueuePatience = std::chrono::minutes(2);

  // `loop` and `handler` must outlive the dialer.
  Dialer(Loop& loop, DialHandler& handler)
      : loop_(loop), handler_(handler), watch_(loop), pause_timer_(loop.timers(), *this) {}

  // Begins one attempt; exactly one event follows, later than this call. REQUIRES: no attempt is under way.
  void dial(const base::SocketAddress& address);
  void cancel();

 private:
  void on_fd_readable() override {}
  void on_fd_writable() override { finish(); }
  void on_turn_end() override { finish(); }
  void on_timer(int) override { connect(); }
  void connect();
  void finish();

  Loop& loop_;
  DialHandler& handler_;
  FdWatch watch_;
  Timer pause_timer_;
  os::Fd fd_;
  sockaddr_storage address_{};
  socklen_t address_bytes_ = 0;
  base::MonoTime begun_;
  int error_number_ = 0;  // of a connect(2) that failed at once
};

}  // namespace viaduct::net
