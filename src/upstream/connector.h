// SPDX-License-Identifier: Apache-2.0
// Makes one new connection to a server: name, socket, handshake, within one deadline. The addresses of a name race for
// the socket (net/dial_race); behind it there is one handshake, whose failure is not tried again at another address.
// Requests that can share the connection wait for it together. Frees itself by Loop::retire behind its event or when
// nobody waits any more.
//
//   kResolving ──► kDialing ──► kHandshaking ──► kOver
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "http/reason.h"
#include "net/dial_race.h"
#include "net/resolver.h"
#include "upstream/client_connection.h"

namespace viaduct::upstream {

// How long the steps of a connection took; zero for a step that was not needed.
struct ConnectTimes {
  base::Duration connect{};  // name and socket
  base::Duration tls{};
};

class Connector;

// Who waits for a connection. Several may wait for one that will carry all their requests.
class ConnectHandler : public base::ListHook<ConnectHandler> {
 public:
  // A new connection, counted in its server, with room for a request.
  virtual void on_connected(ClientConnection& connection, const ConnectTimes& times) = 0;
  // Nothing was sent. `error.message` names the server, what was expected and what was found.
  // `is_told`: another who waited for the same connection has had this event before.
  virtual void on_connect_failed(http::Reason reason, const base::Error& error, bool is_told) = 0;

  // The connection came about, but others who waited have taken all its room; a new one may be asked for.
  virtual void on_connection_full() = 0;

  // Waits no more; no event follows. Where nobody else waits the connector gives up.
  void cancel_connect();
  bool is_connecting() const { return is_linked(); }
  // Said by the connector that takes it in.
  void set_connector(Connector& connector) { connector_ = &connector; }

 protected:
  ~ConnectHandler() = default;

 private:
  Connector* connector_ = nullptr;  // while it waits
};

class Connector final : public net::Retirable,
                        private net::ResolveWaiter,
                        private net::DialHandler,
                        private ReadyHandler,
                        private net::TimerHandler {
 public:
  // Who may wait for one connection.
  static constexpr std::size_t kWaitersMax = 100;

  // All of them must outlive the connector. The server has counted the connection in (Server::reserve).
  Connector(net::Loop& loop, net::Resolver& resolver, Server& server, ConnectHandler& handler);

  // Begins; each who waits gets exactly one event, later than this call. No `timeout`: the kernel's patience.
  void start(std::optional<base::Duration> timeout);
  // True when a request with this limit may wait here too: half of the limit at least must be left of it.
  bool has_room(std::optional<base::Duration> timeout, base::MonoTime now) const {
    return timeout == timeout_ && waiter_count_ < kWaitersMax && (!timeout || now - started_ <= *timeout / 2);
  }
  // REQUIRES: has_room().
  void join(ConnectHandler& handler);

  // net::Retirable
  void dispose() override;

 private:
  enum class State : std::uint8_t { kResolving, kDialing, kHandshaking, kOver };

  void on_resolved(const net::NameAnswer& answer) override;
  void on_resolve_failed(net::ResolveFailure failure, const base::Error& error) override;
  void on_dialed(os::Fd fd) override;
  void on_dial_failed(const base::Error& error) override;
  void on_connection_ready() override;
  void on_connection_failed(const net::TransportError& error) override;
  void on_timer(int timer_id) override;

  friend class ConnectHandler;

  void leave(ConnectHandler& handler);
  // The next of those who wait, who waits no more.
  ConnectHandler& take_waiter();
  void resolve();
  void dial(std::vector<base::SocketAddress> addresses);
  void fail(http::Reason reason, base::Error error);
  // Ends what is under way; those who wait are left to the caller, whose calls of them may end here again.
  void finish();

  net::Loop& loop_;
  net::Resolver& resolver_;
  Server& server_;
  base::IntrusiveList<ConnectHandler, ConnectHandler> waiters_;
  std::size_t waiter_count_ = 0;
  State state_ = State::kResolving;
  net::DialRace race_;
  net::Timer timer_;
  std::optional<base::Duration> timeout_;
  ClientConnection* connection_ = nullptr;  // while it shakes hands
  bool is_adopted_ = false;                 // the connection counts itself out
  base::MonoTime started_;
  base::MonoTime step_started_;
  ConnectTimes times_;
};

}  // namespace viaduct::upstream
