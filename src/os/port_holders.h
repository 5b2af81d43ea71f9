// SPDX-License-Identifier: Apache-2.0
// Who listens at an address already, as /proc tells it: for checks before a start, so that an operator reads a name and
// not "Address already in use". Reads a file or two for each process; cold paths, any thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/ip.h"

namespace viaduct::os {

struct PortHolder {
  pid_t pid = 0;
  std::string program;  // as ps(1) shows it, at most 15 bytes

  bool operator==(const PortHolder&) const = default;
};

// The processes that listen where `address` would: at its port on the same address, on all addresses, or anywhere where
// `address` means all of them; or at the path of a Unix socket. Empty where nobody does, and where we may not see who:
// processes of other users show their sockets to root alone.
std::vector<PortHolder> find_port_holders(const base::SocketAddress& address);

}  // namespace viaduct::os
