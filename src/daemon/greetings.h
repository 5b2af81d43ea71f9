// SPDX-License-Identifier: Apache-2.0
// The connections of one worker on listeners with proxy_protocol that have not said yet for whom they are. Takes them
// from listed senders alone, counts them among all connections, and gives the worker those that have announced a
// client. Owned by the worker; its thread.
#pragma once

#include "base/intrusive_list.h"
#include "daemon/connection_limits.h"
#include "net/proxy_greeting.h"
#include "observe/counters.h"

namespace viaduct::daemon {

class Listening;

// Who is on the two ends of a connection, as far as they are known.
struct ConnectionEnds {
  base::SocketAddress peer;
  base::SocketAddress local;
};

class GreetingsOwner {
 public:
  // The client of a connection of `listening` is known now.
  virtual void on_client_known(Listening& listening, os::Fd fd, const ConnectionEnds& ends) = 0;
  // Null where there is none of that number any more.
  virtual Listening* find_listening(std::uint32_t number) = 0;
  // One of those that waited is gone.
  virtual void on_greeting_over() = 0;

 protected:
  ~GreetingsOwner() = default;
};

class Greetings final : private net::ProxyGreetingHandler {
 public:
  // All must outlive this object.
  Greetings(net::Loop& loop, ConnectionLimits& limits, observe::Counters& counters, GreetingsOwner& owner)
      : loop_(loop), limits_(limits), counters_(counters), owner_(owner) {}
  ~Greetings() { cancel_all(); }
  Greetings(const Greetings&) = delete;
  Greetings& operator=(const Greetings&) = delete;

  // Waits for what the connection announces, or refuses it.
  void take(os::Fd fd, const net::ProxyGreeting::From& from, const config::Client& client);
  bool is_empty() const { return waiting_.empty(); }
  // Whether connections of that listener wait.
  bool has(std::uint32_t listener);
  // Closes those of that listener that wait.
  void cancel(std::uint32_t listener);
  // Closes all that wait.
  void cancel_all();

 private:
  void on_greeted(net::ProxyGreeting& greeting, os::Fd fd, const net::ProxyHeader& header) override;
  void on_greeting_failed(net::ProxyGreeting& greeting, http::Reason reason) override;
  void cancel(net::ProxyGreeting& greeting);
  void refuse(const base::SocketAddress& sender, http::Reason reason);

  net::Loop& loop_;
  ConnectionLimits& limits_;
  observe::Counters& counters_;
  GreetingsOwner& owner_;
  base::IntrusiveList<net::ProxyGreeting, net::ProxyGreeting> waiting_;
};

}  // namespace viaduct::daemon
