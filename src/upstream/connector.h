// SPDX-License-Identifier: Apache-2.0
// Makes one new connection to a server: name, socket, handshake, within one deadline. The addresses of a name are tried
// in turn. Frees itself by Loop::retire after its event or after cancel().
//
//   kResolving ──► kDialing ──► kHandshaking ──► kOver
//                    ▲   │ next address
//                    └───┘
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "http/reason.h"
#include "net/dialer.h"
#include "net/resolver.h"
#include "upstream/client_connection.h"

namespace viaduct::upstream {

// How long the steps of a connection took; zero for a step that was not needed.
struct ConnectTimes {
  base::Duration connect{};  // name and socket
  base::Duration tls{};
};

class ConnectHandler {
 public:
  // A new connection without a request, counted in its server.
  virtual void on_connected(ClientConnection& connection, const ConnectTimes& times) = 0;
  // Nothing was sent. `error.message` names the server, what was expected and what was found.
  virtual void on_connect_failed(http::Reason reason, const base::Error& error) = 0;

 protected:
  ~ConnectHandler() = default;
};

class Connector final : public net::Retirable,
                        private net::ResolveWaiter,
                        private net::DialHandler,
                        private ReadyHandler,
                        private net::TimerHandler {
 public:
  // All of them must outlive the connector.
  Connector(net::Loop& loop, net::Resolver& resolver, Server& server, ConnectHandler& handler);

  // Begins; exactly one event follows, later than this call. No `timeout`: the kernel's patience.
  void start(std::optional<base::Duration> timeout);
  // Gives up; no event follows.
  void cancel();

  // net::Retirable
  void dispose() override;

 private:
  enum class State : std::uint8_t { kResolving, kDialing, kHandshaking, kOver };

  void on_resolved(const std::vector<base::IpAddress>& addresses) override;
  void on_resolve_failed(const base::Error& error) override;
  void on_dialed(os::Fd fd) override;
  void on_dial_failed(const base::Error& error) override;
  void on_connection_ready() override;
  void on_connection_failed(const net::TransportError& error) override;
  void on_timer(int timer_id) override;

  void dial_next();
  void fail(http::Reason reason, base::Error error);
  void finish();

  net::Loop& loop_;
  net::Resolver& resolver_;
  Server& server_;
  ConnectHandler& handler_;
  State state_ = State::kResolving;
  net::Dialer dialer_;
  net::Timer timer_;
  std::optional<base::Duration> timeout_;
  std::vector<base::SocketAddress> addresses_;
  std::size_t next_address_ = 0;
  ClientConnection* connection_ = nullptr;  // while it shakes hands
  base::MonoTime step_started_;
  ConnectTimes times_;
};

}  // namespace viaduct::upstream
