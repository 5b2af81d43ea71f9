// SPDX-License-Identifier: Apache-2.0
// Sockets that listen, as this program uses them: non-blocking, close-on-exec, IPv6 without IPv4, TCP_NODELAY and a
// bound of unsent bytes for all that is accepted. Functions without state. Accepting and connecting wait for events and
// are net's business.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"
#include "base/ip.h"
#include "os/fd.h"

namespace viaduct::os {

// What the kernel takes of a connection before it has been sent, beside what is on its way: without a bound of its own
// it would keep megabytes for each client that reads slowly, until there is none left for others (tcp(7), tcp_mem).
inline constexpr int kUnsentBytesMax = 256 * 1024;

struct ListenOptions {
  // Connections that the kernel keeps until they are accepted; it bounds this by net.core.somaxconn.
  int backlog = 4096;
  // Several sockets may listen on one address and share its connections. IP addresses alone; workers that share a Unix
  // socket listen once and duplicate the descriptor.
  bool reuse_port = true;
  // Who may connect to a Unix socket.
  mode_t unix_mode = 0666;
};

// Makes a socket that listens on `address`; port 0 takes a free one (see local_address). The file of a Unix socket that
// nobody listens on any more is removed first; one that is in use, or that is no socket, is an error. An error names
// the address.
base::Result<Fd> listen_on(const base::SocketAddress& address, const ListenOptions& options);

// The address that a socket is bound to, with the port that the kernel chose; 0.0.0.0:0 where there is none.
base::SocketAddress local_address(int descriptor);

// The file of a Unix socket as its file system knows it: another socket at the same path has another one. The number is
// nobody else's as long as the socket is open.
struct SocketFile {
  std::uint64_t device = 0;
  std::uint64_t number = 0;  // its inode

  bool operator==(const SocketFile&) const = default;
};
// The one at `path`; absent where there is none.
std::optional<SocketFile> find_socket_file(const std::string& path);
// Removes `file` from `path`, where it still is there.
void remove_socket_file(const std::string& path, const SocketFile& file);

// Whether it is a stream socket on which somebody listens.
bool is_listening(int descriptor);

// A number that all descriptors of one socket share, and no other socket has; 0 where the kernel does not tell.
std::uint64_t socket_cookie(int descriptor);

// Makes a descriptor that another process gave us as ours are: non-blocking, close-on-exec.
void make_own(int descriptor);

// Sends as many bytes of `runs`, at least one run, as the socket takes at once, without SIGPIPE. Returns their number,
// or -1 with errno set, as send(2) does.
ssize_t send_runs(int descriptor, std::span<iovec> runs);

}  // namespace viaduct::os
