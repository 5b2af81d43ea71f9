// SPDX-License-Identifier: Apache-2.0
#include "os/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/format.h"

namespace viaduct::os {
namespace {

using base::fail;
using base::fail_errno;
using base::Result;
using base::SocketAddress;

// The address in the kernel's form. REQUIRES: the path of a Unix socket fits.
struct KernelAddress {
  explicit KernelAddress(const SocketAddress& address) : length(address.to_sockaddr(storage)) {}

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }

  sockaddr_storage storage{};
  socklen_t length;
};

bool set_option(int descriptor, int level, int name, int value = 1) {
  return ::setsockopt(descriptor, level, name, &value, sizeof(value)) == 0;
}

Result<Fd> make_socket(const KernelAddress& address) {
  Fd socket(::socket(address.get()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno("cannot make a socket", errno);
  return socket;
}

bool fits_kernel(const SocketAddress& address) {
  return !address.is_unix() || address.path().size() < sizeof(sockaddr_un::sun_path);
}

std::unexpected<base::Error> fail_path_length(const SocketAddress& address) {
  return fail(base::format("{}: the path of a Unix socket has at most {} bytes, this one has {}", address.to_string(),
                           sizeof(sockaddr_un::sun_path) - 1, address.path().size()));
}

// Removes the file of a Unix socket if nobody listens on it.
Result<void> remove_stale_socket(const SocketAddress& address, const KernelAddress& kernel) {
  const std::string& path = address.path();
  struct stat status{};
  if (::lstat(path.c_str(), &status) == -1) return errno == ENOENT ? Result<void>() : fail_errno(path, errno);
  if (!S_ISSOCK(status.st_mode)) {
    return fail(base::format("cannot listen on {}: the path exists and is no socket; remove it or choose another",
                             address.to_string()));
  }
  const Result<Fd> probe = make_socket(kernel);
  if (!probe.has_value()) return std::unexpected(probe.error());
  if (::connect(probe->get(), kernel.get(), kernel.length) == 0 || errno != ECONNREFUSED) {
    return fail_errno(base::format("cannot listen on {}", address.to_string()), EADDRINUSE);
  }
  if (::unlink(path.c_str()) == -1 && errno != ENOENT) {
    return fail_errno(base::format("cannot remove the unused socket {}", path), errno);
  }
  return {};
}

Result<void> set_listen_options(int socket, const SocketAddress& address, const ListenOptions& options) {
  const std::string what = base::format("cannot listen on {}", address.to_string());
  // Without SO_REUSEADDR, connections in TIME_WAIT would keep a restarted daemon from its port.
  if (!set_option(socket, SOL_SOCKET, SO_REUSEADDR)) return fail_errno(what, errno);
  if (options.reuse_port && !set_option(socket, SOL_SOCKET, SO_REUSEPORT)) return fail_errno(what, errno);
  // ":443" is two listeners, so that an IPv6 socket never answers for IPv4 under mapped addresses.
  if (!address.ip().is_v4() && !set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY)) return fail_errno(what, errno);
  // Accepted sockets inherit it on Linux, which saves a system call a connection.
  if (!set_option(socket, IPPROTO_TCP, TCP_NODELAY)) return fail_errno(what, errno);
  if (!set_option(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentBytesMax)) return fail_errno(what, errno);
  return {};
}

}  // namespace

Result<Fd> listen_on(const SocketAddress& address, const ListenOptions& options) {
  if (!fits_kernel(address)) return fail_path_length(address);
  const KernelAddress kernel(address);
  Result<Fd> socket = make_socket(kernel);
  if (!socket.has_value()) return socket;
  TRY(address.is_unix() ? remove_stale_socket(address, kernel) : set_listen_options(socket->get(), address, options));
  if (::bind(socket->get(), kernel.get(), kernel.length) == -1) {
    return fail_errno(base::format("cannot listen on {}", address.to_string()), errno);
  }
  // Before listen(2) nobody can connect, so there is no moment at which the wrong ones may.
  if (address.is_unix() && ::chmod(address.path().c_str(), options.unix_mode) == -1) {
    return fail_errno(base::format("cannot set the mode of {}", address.to_string()), errno);
  }
  if (::listen(socket->get(), options.backlog) == -1) {
    return fail_errno(base::format("cannot listen on {}", address.to_string()), errno);
  }
  return socket;
}

SocketAddress local_address(int descriptor) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) == -1) return {};
  return SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), length);
}

std::optional<SocketFile> find_socket_file(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) == -1 || !S_ISSOCK(status.st_mode)) return std::nullopt;
  return SocketFile{.device = status.st_dev, .number = status.st_ino};
}

void remove_socket_file(const std::string& path, const SocketFile& file) {
  if (find_socket_file(path) == file) ::unlink(path.c_str());
}

bool is_listening(int descriptor) {
  int listens = 0;
  socklen_t length = sizeof listens;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && listens != 0;
}

std::uint64_t socket_cookie(int descriptor) {
  std::uint64_t cookie = 0;
  socklen_t length = sizeof cookie;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &length) == 0 ? cookie : 0;
}

void make_own(int descriptor) {
  ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

ssize_t send_runs(int descriptor, std::span<iovec> runs) {
  // The kernel has less to read and to check for one run, which is what short messages are.
  if (runs.size() == 1) return ::send(descriptor, runs.front().iov_base, runs.front().iov_len, MSG_NOSIGNAL);
  msghdr message{};
  message.msg_iov = runs.data();
  message.msg_iovlen = runs.size();
  return ::sendmsg(descriptor, &message, MSG_NOSIGNAL);
}

}  // namespace viaduct::os
