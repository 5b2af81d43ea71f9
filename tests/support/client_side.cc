// SPDX-License-Identifier: Apache-2.0
#include "support/client_side.h"

#include <gtest/gtest.h>

#include "net/tcp_transport.h"
#include "support/tcp_pair.h"

namespace viaduct::support {

ClientSide::ClientSide(std::string_view log_line) : scene(log_line) {
  scene.add_route().action = std::make_unique<RecordingAction>(script);
}

ClientSide::ClientSide(std::unique_ptr<exchange::Action> action) : scene("${status} ${reason}") {
  scene.add_route().action = std::move(action);
}

ClientSide::~ClientSide() {
  connections_.for_each([](daemon::Connection& connection) { connection.close_now(); });
  support::settle(scene.loop);
  EXPECT_EQ(open_connections_, 0);
  EXPECT_TRUE(exchanges_.empty()) << "exchanges that never ended";
}

exchange::Services& ClientSide::services() {
  if (services_ != nullptr) return *services_;
  scene.publish();
  const exchange::Services& given = scene.services();
  services_ = std::make_unique<exchange::Services>(exchange::Services{.loop = given.loop,
                                                                      .access_log = given.access_log,
                                                                      .counters = given.counters,
                                                                      .route_stats = given.route_stats,
                                                                      .random = given.random,
                                                                      .files = given.files,
                                                                      .passwords = given.passwords,
                                                                      .owner = *this,
                                                                      .serving = given.serving});
  return *services_;
}

ScriptedConnection& ClientSide::connect() {
  auto [client_end, accepted] = tcp_pair();
  clients_.push_back(std::make_unique<ScriptedConnection>(scene.loop, std::move(client_end)));
  open(std::make_unique<net::TcpTransport>(scene.loop, std::move(accepted)));
  return client();
}

void ClientSide::open(std::unique_ptr<net::Transport> transport) {
  services();
  daemon::ConnectionOwner& owner = *this;
  const daemon::ConnectionProtocols protocols{.h2 = h2_library_, .h2c = h2c};
  connection_ = std::make_unique<daemon::Connection>(protocols, scene.loop, owner, scene.client, limits).release();
  connections_.push_back(*connection_);
  ++open_connections_;
  connection_->open(std::move(transport));
}

exchange::Exchange& ClientSide::make_exchange(const exchange::ClientInfo& client, http::ServerStream& stream) {
  return *exchanges_.emplace_back(std::make_unique<exchange::Exchange>(services(), client, stream));
}

void ClientSide::on_connection_closed(const exchange::ClientInfo&) {
  --open_connections_;
  EXPECT_GE(open_connections_, 0) << "a connection closed twice";
}

void ClientSide::on_connection_refused(const exchange::ClientInfo&, http::Reason reason) {
  refused_for = reason;
  ++refusals;
}

void ClientSide::on_handshake_failed(const exchange::ClientInfo&, http::Reason reason, std::string_view) {
  handshake_failure = reason;
}

void ClientSide::free_exchange(exchange::Exchange& exchange) {
  std::erase_if(exchanges_, [&exchange](const auto& each) { return each.get() == &exchange; });
}

}  // namespace viaduct::support
