// SPDX-License-Identifier: Apache-2.0
#include "upstream/server.h"

#include <algorithm>
#include <utility>

#include "base/format.h"
#include "net/tcp_transport.h"
#include "tls/tls_transport.h"

namespace viaduct::upstream {
namespace {

using ConnectionHook = base::ListHook<ClientConnection>;

std::string authority_of(const config::Server& config, const std::string& name) {
  if (config.is_unix) return "localhost";
  if (!config.service.empty()) return config.host;
  const int scheme_port = config.tls ? 443 : 80;
  return config.port == scheme_port ? name.substr(0, name.rfind(':')) : name;
}

net::ResolvedName* name_in(const Resources& resources, const config::Server& config) {
  const bool is_service = !config.service.empty();
  if (config.is_unix || (!is_service && base::IpAddress::parse(config.host))) return nullptr;
  return &resources.resolver.name(is_service ? config.service : config.host, is_service, config.allow_addresses);
}

}  // namespace

std::string server_name(const config::Server& config) {
  if (config.is_unix) return "unix:" + config.host;
  if (!config.service.empty()) return config.service;
  const bool is_v6 = config.host.find(':') != std::string::npos;
  return is_v6 ? base::format("[{}]:{}", config.host, config.port) : base::format("{}:{}", config.host, config.port);
}

Server::Server(const Resources& resources, const config::Upstream& upstream, std::size_t index,
               const tls::ClientContext* tls)
    : resources_(resources),
      state_(resources.states.find(upstream).server(upstream.servers[index])),
      config_(upstream.servers[index]),
      keepalive_(upstream.keepalive),
      tls_(tls),
      tls_names_(tls::ServerNames::of(upstream.tls, config_)),
      name_(server_name(config_)),
      authority_(authority_of(config_, name_)),
      resolved_name_(name_in(resources, config_)),
      connections_max_(upstream.max_connections),
      wants_h2_(upstream.http2),
      is_sharing_(upstream.http2) {
  if (resolved_name_ != nullptr) resolved_name_->watch(*this);
}

Server::~Server() {
  while (!idle_.empty()) idle_.front().close();
  while (!shared_.empty()) shared_.front().close();
  while (!busy_.empty()) busy_.front().close();
}

std::unique_ptr<net::Transport> Server::make_transport(net::Loop& loop, os::Fd fd) {
  if (tls_ == nullptr) return std::make_unique<net::TcpTransport>(loop, std::move(fd));
  const tls::Alpn alpn = wants_h2_ ? tls::Alpn::kHttp2AndHttp1 : tls::Alpn::kHttp1;
  return std::make_unique<tls::TlsTransport>(loop, std::move(fd), tls_->new_session(tls_names_, tls_session_, alpn));
}

ClientConnection* Server::take() {
  while (!shared_.empty()) {
    ClientConnection& connection = shared_.front();
    if (connection.is_reusable() && !leads_astray(connection)) return &connection;
    set_shared(connection, false);
    connection.set_passed_by(true);
  }
  if (ClientConnection* idle = take_idle()) return idle;
  const bool is_long = leaving_ != nullptr && resources_.loop.now() >= leaving_since_ + giving_up_;
  return is_long ? take_back() : nullptr;
}

void Server::set_shared(ClientConnection& connection, bool has_room) {
  connection.ConnectionHook::unlink();
  connection.set_passed_by(false);
  (has_room ? shared_ : busy_).push_front(connection);
  if (has_room && waiting_room_ != nullptr) waiting_room_->wake();
}

ClientConnection* Server::take_idle() {
  while (!idle_.empty()) {
    ClientConnection& connection = idle_.front();
    connection.ConnectionHook::unlink();
    connection.set_pooled(false);
    --idle_count_;
    busy_.push_back(connection);
    if (connection.is_reusable()) return &connection;
    connection.close();
  }
  return nullptr;
}

void Server::give_back(ClientConnection& connection) {
  connection.ConnectionHook::unlink();
  idle_.push_front(connection);
  connection.set_pooled(true);
  ++idle_count_;
  const std::uint32_t limit = keeps_idle_ ? keepalive_.max_idle : 0;
  if (idle_count_ > limit) idle_.back().close();
  if (connection.is_pooled()) {
    const bool serves_on = waiting_room_ != nullptr && !waiting_room_->empty() && !has_held_long(connection);
    if (leads_astray(connection) || (!serves_on && should_yield(connections_))) connection.close();
  }
  if (waiting_room_ != nullptr) waiting_room_->wake();
}

bool Server::should_yield(std::uint32_t held) const {
  const bool is_full = state_->connections.load(std::memory_order_relaxed) >= connections_max_;
  return is_full && waiting_room_ != nullptr && waiting_room_->yields(held, connections_max_);
}

bool Server::has_held_long(const ClientConnection& connection) const {
  return resources_.loop.now() >= connection.opened_at() + kPlaceHold;
}

bool Server::close_idle() {
  if (idle_.empty()) return false;
  idle_.back().close();
  return true;
}

bool Server::give_place() {
  if (!should_yield(connections_)) return false;
  if (close_idle()) return true;
  if (leaving_ != nullptr || resources_.loop.now() < gives_up_at_) return false;
  ClientConnection* least = nullptr;
  shared_.for_each([&](ClientConnection& connection) {
    const bool is_less = least == nullptr || connection.requests() < least->requests();
    if (is_less && has_held_long(connection)) least = &connection;
  });
  if (least == nullptr) return false;
  leaving_ = least;
  leaving_since_ = resources_.loop.now();
  least->retire();
  return true;
}

// Its requests take long, an event stream for instance, and this worker has nothing else for others.
ClientConnection* Server::take_back() {
  if (leaving_ == nullptr) return nullptr;
  ClientConnection& connection = *std::exchange(leaving_, nullptr);
  giving_up_ = std::min(2 * giving_up_, kGivingUpMax);
  gives_up_at_ = resources_.loop.now() + kGivingPause;
  connection.come_back();
  if (!connection.is_reusable() || leads_astray(connection)) return nullptr;
  set_shared(connection, true);
  return &connection;
}

void Server::doubt_idle(base::MonoTime since) {
  if (heard_at_ > since) return;
  while (close_idle()) {
  }
}

bool Server::reserve() {
  const bool is_for_others = waiting_room_ != nullptr && waiting_room_->others_wait() &&
                             resources_.loop.now() < handed_over_at_ + WaitingRoom::kPollInterval;
  if (is_for_others) return false;
  if (state_->connections.fetch_add(1, std::memory_order_relaxed) < connections_max_) return true;
  state_->connections.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

void Server::release() {
  const bool is_for_others = should_yield(connections_ + 1);
  state_->connections.fetch_sub(1, std::memory_order_relaxed);
  if (waiting_room_ == nullptr) return;
  if (!is_for_others) return waiting_room_->wake();
  handed_over_at_ = resources_.loop.now();
  waiting_room_->tell_others();
}

void Server::adopt(ClientConnection& connection) {
  busy_.push_back(connection);
  ++connections_;
}

void Server::forget(ClientConnection& connection) {
  if (connection.is_pooled()) --idle_count_;
  connection.set_pooled(false);
  if (leaving_ == &connection) {
    leaving_ = nullptr;
    giving_up_ = kGivingUp;
  }
  connection.ConnectionHook::unlink();
  --connections_;
  release();
}

void Server::on_name_changed(const net::NameAnswer& answer) {
  idle_.for_each([&](ClientConnection& connection) {
    if (!answer.contains(connection.address(), config_.port)) connection.close();
  });
}

bool Server::leads_astray(const ClientConnection& connection) {
  if (resolved_name_ == nullptr) return false;
  const net::NameAnswer* answer = resolved_name_->find();
  return answer != nullptr && !answer->contains(connection.address(), config_.port);
}

void Server::retire_pool() {
  keeps_idle_ = false;
  while (!idle_.empty()) idle_.front().close();
}

}  // namespace viaduct::upstream
