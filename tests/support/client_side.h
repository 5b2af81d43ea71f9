// SPDX-License-Identifier: Apache-2.0
// A daemon::Connection with a client at its other end whom the test moves, and exchanges whose action does what the
// test says: for tests of daemon/connection. One thread, one loop, a clock that stands still.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/connection.h"
#include "support/exchange_scene.h"
#include "support/recording_action.h"
#include "support/scripted_server.h"

namespace viaduct::support {

class ClientSide final : private daemon::ConnectionOwner, private exchange::ExchangeOwner {
 public:
  // `log_line`: the template of the lines of log().
  explicit ClientSide(std::string_view log_line = "${status} ${reason}");
  // The same with another action for every path; an upstream that it names is added to the scene's config.
  explicit ClientSide(std::unique_ptr<exchange::Action> action);
  ~ClientSide();
  ClientSide(const ClientSide&) = delete;
  ClientSide& operator=(const ClientSide&) = delete;

  ActionScript script;                                   // of the route that takes every path
  ExchangeScene scene;                                   // change its config before the first connect()
  config::Client limits;                                 // of the next connect()
  bool h2c = false;                                      // of the next connect()
  http::Reason refused_for = http::Reason::kNone;        // what the last codec that ended by itself said
  http::Reason handshake_failure = http::Reason::kNone;  // of the last handshake that failed
  int refusals = 0;                                      // how often one did

  // Opens a connection and returns the client's end of it.
  ScriptedConnection& connect();
  // Opens a connection over a transport whose other end is the test's own business.
  void open(std::unique_ptr<net::Transport> transport);
  ScriptedConnection& client() { return *clients_.back(); }
  // The newest connection; REQUIRES: it is open.
  daemon::Connection& connection() { return *connection_; }
  int open_connections() const { return open_connections_; }
  std::size_t exchanges() const { return exchanges_.size(); }

  void settle() { support::settle(scene.loop); }
  void pass(base::Duration duration) { pass_time(scene.loop, scene.clock, duration); }
  template <typename IsDone>
  bool until(IsDone is_done) {
    return wait_until(scene.loop, is_done);
  }
  // Waits until the client has received a text that ends so.
  bool until_received(std::string_view end) {
    return until([&] { return client().received.ends_with(end); });
  }
  // Waits until the client sees an end or a reset.
  bool until_closed() {
    return until([&] { return client().is_ended || client().is_reset; });
  }
  std::string log() { return scene.log(); }

 private:
  exchange::Exchange& make_exchange(const exchange::ClientInfo& client, http::ServerStream& stream) override;
  void on_connection_closed(const exchange::ClientInfo& client) override;
  void on_connection_refused(const exchange::ClientInfo& client, http::Reason reason) override;
  void on_handshake(const net::TlsInfo&) override {}
  void on_handshake_failed(const exchange::ClientInfo& client, http::Reason reason, std::string_view error) override;
  void free_exchange(exchange::Exchange& exchange) override;
  void on_run_on(exchange::Exchange&) override {}
  exchange::Services& services();

  codec::H2Library h2_library_;
  std::unique_ptr<exchange::Services> services_;
  std::vector<std::unique_ptr<exchange::Exchange>> exchanges_;
  std::vector<std::unique_ptr<ScriptedConnection>> clients_;
  base::IntrusiveList<daemon::Connection, daemon::Connection> connections_;
  daemon::Connection* connection_ = nullptr;
  int open_connections_ = 0;
};

}  // namespace viaduct::support
