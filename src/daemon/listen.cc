// SPDX-License-Identifier: Apache-2.0
#include "daemon/listen.h"

#include <algorithm>

#include "base/check.h"
#include "os/socket.h"

namespace viaduct::daemon {
namespace {

// The sockets of one address, one a worker.
base::Result<std::vector<os::Fd>> open_address(const base::SocketAddress& wanted, std::size_t workers) {
  std::vector<os::Fd> sockets;
  if (wanted.is_unix()) {
    auto first = os::listen_on(wanted, {});
    if (!first) return std::unexpected(std::move(first).error());
    for (std::size_t i = 1; i < workers; ++i) sockets.push_back(first->duplicate());
    sockets.push_back(std::move(*first));
    return sockets;
  }
  base::SocketAddress address = wanted;
  if (address.port() != 0) {
    // SO_REUSEPORT would let a second daemon of the same user share the address unnoticed: try without it first.
    auto probe = os::listen_on(address, {.backlog = 1, .reuse_port = false, .unix_mode = 0});
    if (!probe) return std::unexpected(std::move(probe).error());
  }
  for (std::size_t i = 0; i < workers; ++i) {
    auto socket = os::listen_on(address, {});
    if (!socket) return std::unexpected(std::move(socket).error());
    if (i == 0) address = os::local_address(socket->get());
    sockets.push_back(std::move(*socket));
  }
  return sockets;
}

observe::LineFormat line_format(const config::AccessLog& log) {
  switch (log.format) {
    case config::AccessFormat::kJson: return observe::LineFormat::json();
    case config::AccessFormat::kCombined: return observe::LineFormat::combined();
    case config::AccessFormat::kTemplate: break;
  }
  auto made = observe::LineFormat::from_template(log.line_template);
  CHECK(made.has_value());  // daemon/build has tried it
  return std::move(*made);
}

}  // namespace

base::Result<OpenedListeners> open_listeners(const std::vector<config::Listener>& listeners, std::size_t workers) {
  OpenedListeners opened;
  opened.by_worker.resize(workers);
  std::uint16_t https_port = 0;
  for (const config::Listener& listener : listeners) {
    for (const base::SocketAddress& address : listener.addresses) {
      auto sockets = open_address(address, workers);
      if (!sockets) return std::unexpected(std::move(sockets).error());
      const base::SocketAddress local = os::local_address(sockets->front().get());
      opened.addresses.push_back(local);
      opened.is_tls.push_back(listener.tls);
      if (listener.tls && https_port == 0) https_port = local.port();
      for (std::size_t i = 0; i < workers; ++i) {
        opened.by_worker[i].push_back({.fd = std::move((*sockets)[i]),
                                       .local = local,
                                       .is_tls = listener.tls,
                                       .http2 = listener.http2,
                                       .h2c = listener.h2c,
                                       .redirect_to_https = listener.redirect_to_https});
      }
    }
  }
  for (auto& of_worker : opened.by_worker) {
    for (WorkerListener& listener : of_worker) listener.https_port = https_port;
  }
  return opened;
}

bool is_same_listening(const std::vector<config::Listener>& before, const std::vector<config::Listener>& after) {
  return std::ranges::equal(before, after, [](const config::Listener& a, const config::Listener& b) {
    return a.addresses == b.addresses && a.tls == b.tls && a.redirect_to_https == b.redirect_to_https &&
           a.http2 == b.http2 && a.h2c == b.h2c && a.proxy_protocol == b.proxy_protocol;
  });
}

observe::AccessLogOptions access_log_options(const config::AccessLog& log) {
  static_assert(static_cast<int>(config::QueryLogging::kFull) == static_cast<int>(observe::QueryLogging::kFull));
  return {.format = line_format(log), .query = static_cast<observe::QueryLogging>(log.query)};
}

}  // namespace viaduct::daemon
