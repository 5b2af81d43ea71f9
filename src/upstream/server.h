// SPDX-License-Identifier: Apache-2.0
// One server of an upstream as one worker sees it: its idle connections, those in use, and the TLS context to reach it.
// It watches its name, so that no request goes where the name does not lead any more. Owned by its Upstream.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/intrusive_list.h"
#include "config/types.h"
#include "tls/client_context.h"
#include "upstream/client_connection.h"
#include "upstream/resources.h"
#include "upstream/waiting_room.h"

namespace viaduct::upstream {

class Connector;

class Server final : private net::NameWatcher {
 public:
  // All of them must outlive the server. `tls` is null for plain servers; `index` is the server's place in `upstream`.
  Server(const Resources& resources, const config::Upstream& upstream, std::size_t index,
         const tls::ClientContext* tls);
  // Told when a connection, or the place of one, becomes free. Null: nobody is.
  void set_waiting_room(WaitingRoom* room) { waiting_room_ = room; }
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const config::Server& config() const { return config_; }
  // "10.0.0.6:8000", "unix:/path" or "_api._tcp.example.com", as the log shows it.
  const std::string& name() const { return name_; }
  // Host for this server: its name or address, with the port where it is not the scheme's own (RFC 9110 §4.2).
  const std::string& authority() const { return authority_; }
  // What says where it is; null where the config gives an address.
  net::ResolvedName* resolved_name() { return resolved_name_; }
  bool is_tls() const { return tls_ != nullptr; }
  const Resources& resources() const { return resources_; }
  // The config wants HTTP/2: by ALPN, or, without TLS, known beforehand.
  bool wants_h2() const { return wants_h2_; }
  // A transport over a connected socket, with a TLS handshake ahead of it where the server speaks TLS.
  std::unique_ptr<net::Transport> make_transport(net::Loop& loop, os::Fd fd);
  base::Duration idle_limit() const { return keepalive_.idle; }

  // A connection for one more request: one that carries requests and has room for more, or an idle one. Null when there
  // is none.
  ClientConnection* take();
  // A reusable connection, taken out of the pool, the one used last first; null when there is none.
  ClientConnection* take_idle();
  // A connection with requests has room for more, or has none.
  void set_shared(ClientConnection& connection, bool has_room);
  // Puts a connection without a request into the pool; closes the one that rests longest where the pool is full, and
  // this one where requests of other workers wait for its place.
  void give_back(ClientConnection& connection);
  // Closes the connection that has been idle longest; false: there is none.
  bool close_idle();
  // Gives up a place among its connections where it is full and other workers should have it: an idle connection goes
  // at once, a shared one behind its requests, if they end soon; else it is taken back. False: there is nothing to
  // give.
  bool give_place();
  // Takes the shared connection that is being given up back at once. False: there is none, or it is of no use.
  bool reclaim() { return take_back() != nullptr; }
  // Bytes came from it.
  void note_heard(base::MonoTime now) { heard_at_ = now; }
  // A request has waited since `since` in vain: idle connections go where nothing at all was heard from the server.
  void doubt_idle(base::MonoTime since);
  // Counts a connection in that is to be made. False: the server has as many as it may have, in the whole process.
  [[nodiscard]] bool reserve();
  // Counts it out: it did not come about.
  void release();
  // Takes a new connection in, which was reserved, and counts one out that has ended.
  void adopt(ClientConnection& connection);
  void forget(ClientConnection& connection);
  // Closes what is idle now, and from now on everything that becomes idle.
  void retire_pool();
  // Keeps connections again, after retire_pool().
  void revive_pool() { keeps_idle_ = true; }
  // The connector that more requests may wait for; null where there is none.
  Connector* joinable() const { return joinable_; }
  // Whether its connections carry several requests, as far as is known.
  bool is_sharing() const { return is_sharing_; }
  void set_sharing(bool sharing) { is_sharing_ = sharing && wants_h2_; }
  void set_joinable(Connector* connector) { joinable_ = connector; }
  std::uint32_t connections() const { return connections_; }
  // What the process knows of it.
  ServerState& state() { return *state_; }

 private:
  // How long a connection serves those who wait in this worker before its place goes to others who wait. Each change
  // of hands is a connection that is made.
  static constexpr base::Duration kPlaceHold = std::chrono::milliseconds(20);
  // How long a shared connection that is being given up takes no requests, the first time and at most. Doubled each
  // time that its requests take longer.
  static constexpr base::Duration kGivingUp = std::chrono::milliseconds(50);
  static constexpr base::Duration kGivingUpMax = std::chrono::milliseconds(200);
  // Until the next try, once one was taken back.
  static constexpr base::Duration kGivingPause = std::chrono::seconds(1);

  // It has as many connections as it may have, and other workers should have one of the `held` ones of this worker.
  bool should_yield(std::uint32_t held) const;
  bool has_held_long(const ClientConnection& connection) const;
  ClientConnection* take_back();
  // Idle connections to what the name means no more are closed; those in use, when they become idle.
  void on_name_changed(const net::NameAnswer& answer) override;
  bool leads_astray(const ClientConnection& connection);

  const Resources& resources_;
  std::shared_ptr<ServerState> state_;
  const config::Server& config_;
  const config::KeepAlive& keepalive_;
  const tls::ClientContext* tls_;
  tls::ServerNames tls_names_;
  tls::SessionSlot tls_session_;
  std::string name_;
  std::string authority_;
  net::ResolvedName* resolved_name_;
  base::IntrusiveList<ClientConnection, ClientConnection> idle_;
  base::IntrusiveList<ClientConnection, ClientConnection> shared_;  // with requests, and room for more
  base::IntrusiveList<ClientConnection, ClientConnection> busy_;
  Connector* joinable_ = nullptr;
  WaitingRoom* waiting_room_ = nullptr;
  std::uint32_t connections_max_;
  std::uint32_t idle_count_ = 0;
  std::uint32_t connections_ = 0;
  ClientConnection* leaving_ = nullptr;  // shared, and being given up; one at a time
  base::MonoTime leaving_since_{};
  base::Duration giving_up_ = kGivingUp;
  base::MonoTime gives_up_at_{};     // no shared connection before
  base::MonoTime handed_over_at_{};  // a place of ours, to those who wait elsewhere
  base::MonoTime heard_at_{};
  bool keeps_idle_ = true;
  bool wants_h2_;
  bool is_sharing_;
};

// "10.0.0.6:8000", "unix:/path" or "_api._tcp.example.com", as log, metrics and status show a server.
std::string server_name(const config::Server& config);

}  // namespace viaduct::upstream
