// SPDX-License-Identifier: Apache-2.0
#include "cli/demo_ports.h"

#include <utility>

#include "base/ip.h"
#include "os/socket.h"

namespace viaduct::cli {
namespace {

// A socket on the port, or on a free one.
base::Result<os::Fd> listen_near(std::uint16_t port) {
  const base::IpAddress loopback = *base::IpAddress::parse("127.0.0.1");
  const os::ListenOptions options{.backlog = 1, .reuse_port = false, .unix_mode = 0};
  auto socket = os::listen_on({loopback, port}, options);
  if (socket || port == 0) return socket;
  return os::listen_on({loopback, 0}, options);
}

}  // namespace

base::Result<DemoPorts> choose_ports(const DemoPorts& wanted) {
  // Both are held until both are known, so that they differ.
  const auto http = listen_near(wanted.http);
  if (!http) return std::unexpected(http.error());
  const auto https = listen_near(wanted.https);
  if (!https) return std::unexpected(https.error());
  return DemoPorts{.http = os::local_address(http->get()).port(), .https = os::local_address(https->get()).port()};
}

}  // namespace viaduct::cli
