// SPDX-License-Identifier: Apache-2.0
// Connects one socket without blocking. The deadline is the caller's (a Timer of its own); cancel() ends the attempt.
// Owned by who connects (upstream/connector); one worker's thread.
#pragma once

#include "base/error.h"
#include "base/ip.h"
#include "net/loop.h"
#include "os/fd.h"

namespace viaduct::net {

class DialHandler {
 public:
  // Connected; the socket is non-blocking with Nagle's algorithm off.
  virtual void on_dialed(os::Fd fd) = 0;
  // `error.code` is the errno, ECONNREFUSED for example; `error.side` says whether it was want of something of ours.
  virtual void on_dial_failed(const base::Error& error) = 0;

 protected:
  ~DialHandler() = default;
};

// Whether a call that makes or connects a socket failed for want of what this process or this machine has too little of
// at the moment: descriptors, memory, ports. It says nothing about whom it was to reach.
bool is_shortage(int error_number);

class Dialer final : private FdHandler, private TurnEnd {
 public:
  // `loop` and `handler` must outlive the dialer.
  Dialer(Loop& loop, DialHandler& handler) : loop_(loop), handler_(handler), watch_(loop) {}

  // Begins one attempt; exactly one event follows, later than this call. REQUIRES: no attempt is under way.
  void dial(const base::SocketAddress& address);
  void cancel();

 private:
  void on_fd_readable() override {}
  void on_fd_writable() override { finish(); }
  void on_turn_end() override { finish(); }
  void finish();

  Loop& loop_;
  DialHandler& handler_;
  FdWatch watch_;
  os::Fd fd_;
  int error_number_ = 0;  // of a connect(2) that failed at once
};

}  // namespace viaduct::net
