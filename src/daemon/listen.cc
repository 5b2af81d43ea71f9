// SPDX-License-Identifier: Apache-2.0
#include "daemon/listen.h"

#include "base/check.h"
#include "os/socket.h"

namespace viaduct::daemon {
namespace {

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

base::Result<std::vector<os::Fd>> open_sockets(const base::SocketAddress& wanted, std::size_t workers,
                                               Sharing sharing) {
  std::vector<os::Fd> sockets;
  if (wanted.is_unix()) {
    auto first = os::listen_on(wanted, {});
    if (!first) return std::unexpected(std::move(first).error());
    sockets.push_back(std::move(*first));
    share_sockets(sockets, workers);
    return sockets;
  }
  base::SocketAddress address = wanted;
  if (address.port() != 0 && sharing == Sharing::kNobody) {
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

void share_sockets(std::vector<os::Fd>& sockets, std::size_t workers) {
  CHECK(!sockets.empty());
  for (std::size_t i = 0; sockets.size() < workers; ++i) sockets.push_back(sockets[i].duplicate());
}

observe::AccessLogOptions access_log_options(const config::AccessLog& log) {
  static_assert(static_cast<int>(config::QueryLogging::kFull) == static_cast<int>(observe::QueryLogging::kFull));
  return {.format = line_format(log), .query = static_cast<observe::QueryLogging>(log.query)};
}

}  // namespace viaduct::daemon
