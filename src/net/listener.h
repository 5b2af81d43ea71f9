// SPDX-License-Identifier: Apache-2.0
// Accepts connections on one listening socket of one worker. Every worker has its own socket for the same address
// (SO_REUSEPORT), so that the kernel spreads connections and workers share nothing.
#pragma once

#include "base/ip.h"
#include "net/loop.h"
#include "os/fd.h"

namespace viaduct::net {

class AcceptHandler {
 public:
  // A new connection, non-blocking. `listener_id` is the number given to the Listener.
  virtual void on_accept(os::Fd fd, const base::SocketAddress& peer, int listener_id) = 0;
  // False: those that wait in the kernel wait on; it is asked again after Listener::kExhaustedPause.
  virtual bool may_accept() { return true; }

 protected:
  ~AcceptHandler() = default;
};

class Listener final : private FdHandler, private TimerHandler, private ReadEnd {
 public:
  // Connections taken in one turn, so that a flood of them cannot starve those that exist.
  static constexpr int kAcceptsPerTurnMax = 64;
  // How long accepting rests after the process ran out of descriptors or memory.
  static constexpr base::Duration kExhaustedPause = std::chrono::milliseconds(100);
  // What a queue can hold (os::ListenOptions::backlog), and what may come while it is emptied.
  static constexpr int kWaitingMax = 2 * 4096;

  // How long nothing is said of further times, since it runs out of them again and again.
  static constexpr base::Duration kLogPause = std::chrono::seconds(10);

  // Takes a listening, non-blocking socket and accepts at once. `loop` and `handler` must outlive the listener.
  Listener(Loop& loop, os::Fd fd, AcceptHandler& handler, int listener_id);

  // Stops accepting and closes the socket. Connections that the kernel still holds are refused by it.
  void close();
  // Takes what waits in the kernel's queue, at most kWaitingMax, without waiting for a turn: for a socket that is about
  // to be closed, whose queue would be lost with it. Calls the handler from within.
  void take_waiting();

 private:
  void on_fd_readable() override;
  void on_fd_writable() override {}
  void on_timer(int timer_id) override;
  void on_read_end() override;
  void accept_up_to(int count);
  // Stops accepting for kExhaustedPause.
  void pause();
  void tell_of_failure(int error_number);

  Loop& loop_;
  os::Fd fd_;
  AcceptHandler& handler_;
  int listener_id_;
  FdWatch watch_;
  Timer resume_timer_;
  base::MonoTime silent_until_;  // about failures to accept
  unsigned unsaid_ = 0;          // times that it failed since the last line
};

}  // namespace viaduct::net
