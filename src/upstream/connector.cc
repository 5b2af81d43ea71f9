// SPDX-License-Identifier: Apache-2.0
#include "upstream/connector.h"

#include <cerrno>
#include <utility>

#include "base/format.h"
#include "upstream/server.h"

namespace viaduct::upstream {
namespace {

http::Reason reason_of(const base::Error& error) {
  if (net::is_shortage(error.code)) return http::Reason::kUpstreamConnectExhausted;
  const bool refused = error.code == ECONNREFUSED || error.code == ENOENT;
  return refused ? http::Reason::kUpstreamConnectRefused : http::Reason::kUpstreamConnectFailed;
}

}  // namespace

Connector::Connector(net::Loop& loop, net::Resolver& resolver, Server& server, ConnectHandler& handler)
    : loop_(loop), resolver_(resolver), server_(server), race_(loop, *this), timer_(loop.timers(), *this) {
  join(handler);
}

void ConnectHandler::cancel_connect() {
  if (is_connecting()) connector_->leave(*this);
}

void Connector::join(ConnectHandler& handler) {
  handler.set_connector(*this);
  waiters_.push_back(handler);
  ++waiter_count_;
}

void Connector::leave(ConnectHandler& handler) {
  handler.unlink();
  if (--waiter_count_ == 0) finish();
}

ConnectHandler& Connector::take_waiter() {
  ConnectHandler& handler = waiters_.front();
  handler.unlink();
  --waiter_count_;
  return handler;
}

void Connector::start(std::optional<base::Duration> timeout) {
  timeout_ = timeout;
  started_ = step_started_ = loop_.now();
  if (timeout) timer_.start_after(*timeout);
  resolve();
}

void Connector::resolve() {
  const config::Server& config = server_.config();
  if (config.is_unix) return dial({base::SocketAddress::unix_path(config.host)});
  net::ResolvedName* name = server_.resolved_name();
  if (name == nullptr) return dial({{*base::IpAddress::parse(config.host), config.port}});
  if (const net::NameAnswer* known = name->find()) return on_resolved(*known);
  name->resolve(*this);
}

void Connector::on_resolved(const net::NameAnswer& answer) {
  dial(answer.in_order(server_.config().port, resolver_.random()));
}

void Connector::on_resolve_failed(net::ResolveFailure failure, const base::Error& error) {
  switch (failure) {
    case net::ResolveFailure::kUnresolved: return fail(http::Reason::kUpstreamNameUnresolved, error);
    case net::ResolveFailure::kForbidden: return fail(http::Reason::kUpstreamAddressForbidden, error);
  }
}

void Connector::dial(std::vector<base::SocketAddress> addresses) {
  state_ = State::kDialing;
  race_.start(std::move(addresses));
}

void Connector::on_dialed(os::Fd fd) {
  state_ = State::kHandshaking;
  times_.connect = loop_.now() - step_started_;
  step_started_ = loop_.now();
  auto transport = server_.make_transport(loop_, std::move(fd));
  connection_ = std::make_unique<ClientConnection>(loop_, server_, std::move(transport)).release();
  connection_->set_address(race_.decided_by());
  server_.adopt(*connection_);
  is_adopted_ = true;
  connection_->open(*this);
}

void Connector::on_dial_failed(const base::Error& error) {
  base::Error named = error;
  // The name of the server does not say which address it was.
  const std::string address = race_.decided_by().to_string();
  if (address != server_.name()) named.message = base::format("{}: {}", address, error.message);
  fail(reason_of(error), std::move(named));
}

void Connector::on_connection_ready() {
  if (server_.is_tls()) times_.tls = loop_.now() - step_started_;
  ClientConnection& connection = *std::exchange(connection_, nullptr);
  finish();
  std::size_t served = 0;
  for (; !waiters_.empty() && connection.is_reusable(); ++served) take_waiter().on_connected(connection, times_);
  // One request on a connection: HTTP/1.1, or a server that grants no more.
  server_.set_sharing(waiters_.empty() || served > 1);
  while (!waiters_.empty()) take_waiter().on_connection_full();
}

void Connector::on_connection_failed(const net::TransportError& error) {
  connection_ = nullptr;  // it has closed itself
  fail(error.reason == http::Reason::kNone ? http::Reason::kUpstreamTlsFailed : error.reason, error.error);
}

void Connector::on_timer(int) {
  const char* step = state_ == State::kResolving ? "resolving" : state_ == State::kDialing ? "connect" : "handshake";
  const auto reason =
      state_ == State::kResolving ? http::Reason::kUpstreamNameUnresolved : http::Reason::kUpstreamConnectTimeout;
  const auto limit_ms = std::chrono::duration_cast<std::chrono::milliseconds>(*timeout_).count();
  fail(reason, base::Error{.code = ETIMEDOUT,
                           .message = base::format("{} timed out after {}ms (timeouts.connect)", step, limit_ms)});
}

void Connector::fail(http::Reason reason, base::Error error) {
  error.message = base::format("server {}: {}", server_.name(), error.message);
  finish();
  bool is_told = false;
  while (!waiters_.empty()) take_waiter().on_connect_failed(reason, error, std::exchange(is_told, true));
}

void Connector::finish() {
  if (state_ == State::kOver) return;
  state_ = State::kOver;
  if (server_.joinable() == this) server_.set_joinable(nullptr);
  timer_.stop();
  net::ResolveWaiter::unlink();
  race_.cancel();
  if (connection_ != nullptr) std::exchange(connection_, nullptr)->close();
  if (!is_adopted_) server_.release();
  loop_.retire(*this);
}

void Connector::dispose() {
  const std::unique_ptr<Connector> self(this);
}

}  // namespace viaduct::upstream
