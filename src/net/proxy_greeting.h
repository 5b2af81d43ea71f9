// SPDX-License-Identifier: Apache-2.0
// A connection that was accepted and has not said yet for whom it is: reads the header of the PROXY protocol from its
// socket, and not a byte more, so that TLS or HTTP begins with the next one. Then it hands the socket over, or says why
// it cannot. Owned by whoever accepts, until then; one worker's thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/intrusive_list.h"
#include "http/reason.h"
#include "net/loop.h"
#include "net/proxy_header.h"
#include "os/fd.h"

namespace viaduct::net {

class ProxyGreeting;

class ProxyGreetingHandler {
 public:
  // The header is complete; what follows it waits in the socket. `greeting` is freed after this turn.
  virtual void on_greeted(ProxyGreeting& greeting, os::Fd fd, const ProxyHeader& header) = 0;
  // None came, or none that is valid, or not in time; the socket is closed. kClientClosed: the sender is gone without a
  // byte, as those do that only look whether somebody listens. `greeting` is freed after this turn.
  virtual void on_greeting_failed(ProxyGreeting& greeting, http::Reason reason) = 0;

 protected:
  ~ProxyGreetingHandler() = default;
};

class ProxyGreeting final : public Retirable,
                            public base::ListHook<ProxyGreeting>,
                            private FdHandler,
                            private TimerHandler {
 public:
  // What the handler is given back.
  struct From {
    base::SocketAddress sender;
    std::uint32_t listener = 0;  // its number
  };

  // Takes a connected, non-blocking socket. `loop` and `handler` must outlive the greeting, which frees itself through
  // Loop::retire.
  ProxyGreeting(Loop& loop, ProxyGreetingHandler& handler, os::Fd fd, From from);

  // Once: waits for the header for `timeout` from now on.
  void start(base::Duration timeout);
  const From& from() const { return from_; }
  // Ends without a word to the handler.
  void cancel();
  // Retirable
  void dispose() override;

 private:
  void on_fd_readable() override;
  void on_fd_writable() override {}
  void on_timer(int timer_id) override;
  // Takes bytes that were seen there from the socket. False when they are gone.
  bool consume(std::span<char> bytes);
  void fail(http::Reason reason);
  void leave();

  Loop& loop_;
  ProxyGreetingHandler& handler_;
  os::Fd fd_;
  From from_;
  FdWatch watch_;
  Timer timer_;
  std::string received_;  // all of it part of the header; at most ProxyHeader::kBytesMaxV2
};

}  // namespace viaduct::net
