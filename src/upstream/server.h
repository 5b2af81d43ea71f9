// SPDX-License-Identifier: Apache-2.0
// One address of an upstream as one worker sees it: its idle connections, those in use, and the TLS context to reach
// it. Owned by its Upstream.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/intrusive_list.h"
#include "config/types.h"
#include "tls/client_context.h"
#include "upstream/client_connection.h"

namespace viaduct::upstream {

class Server {
 public:
  // `upstream` and `tls` must outlive the server. `tls` is null for plain servers.
  Server(const config::Server& config, const config::Upstream& upstream, const tls::ClientContext* tls);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const config::Server& config() const { return config_; }
  // "10.0.0.6:8000" or "unix:/path", as the log shows it.
  const std::string& name() const { return name_; }
  // Host for this server: its name or address, with the port where it is not the scheme's own (RFC 9110 §4.2).
  const std::string& authority() const { return authority_; }
  bool is_tls() const { return tls_ != nullptr; }
  // A transport over a connected socket, with a TLS handshake ahead of it where the server speaks TLS.
  std::unique_ptr<net::Transport> make_transport(net::Loop& loop, os::Fd fd);
  base::Duration idle_limit() const { return keepalive_.idle; }

  // A reusable connection, taken out of the pool, the one used last first; null when there is none.
  ClientConnection* take_idle();
  // Puts a connection without a request into the pool; closes the one that rests longest where the pool is full.
  void give_back(ClientConnection& connection);
  // Counts a new connection in, and the end of one.
  void adopt(ClientConnection& connection);
  void forget(ClientConnection& connection);
  // Closes what is idle now, and from now on everything that becomes idle.
  void retire_pool();
  // Keeps connections again, after retire_pool().
  void revive_pool() { keeps_idle_ = true; }
  std::uint32_t connections() const { return connections_; }

 private:
  const config::Server& config_;
  const config::KeepAlive& keepalive_;
  const tls::ClientContext* tls_;
  tls::ServerNames tls_names_;
  tls::SessionSlot tls_session_;
  std::string name_;
  std::string authority_;
  base::IntrusiveList<ClientConnection, ClientConnection> idle_;
  base::IntrusiveList<ClientConnection, ClientConnection> busy_;
  std::uint32_t idle_count_ = 0;
  std::uint32_t connections_ = 0;
  bool keeps_idle_ = true;
};

}  // namespace viaduct::upstream
