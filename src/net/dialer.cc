// SPDX-License-Identifier: Apache-2.0
#include "net/dialer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "base/check.h"

namespace viaduct::net {
namespace {

int connect_error(int fd) {
  int error_number = 0;
  socklen_t length = sizeof error_number;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error_number, &length) == -1) return errno;
  return error_number;
}

}  // namespace

bool is_shortage(int error_number) {
  switch (error_number) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:        // all ports to call from are in use
    case EAGAIN: return true;  // of TCP; of a Unix socket the dialer tells it to nobody
    default: return false;
  }
}

void Dialer::dial(const base::SocketAddress& address) {
  DCHECK(fd_.get() < 0);
  address_ = {};
  address_bytes_ = address.to_sockaddr(address_);
  begun_ = loop_.now();
  error_number_ = 0;
  fd_ = os::Fd(::socket(address_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd_.get() < 0) {
    error_number_ = errno;
    loop_.at_turn_end(*this);
    return;
  }
  if (!address.is_unix()) {
    const int on = 1;
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  connect();
}

void Dialer::connect() {
  const int result = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address_), address_bytes_);
  const int error_number = result == 0 ? 0 : errno;
  if (error_number == EINPROGRESS) {
    watch_.open(fd_.get(), *this);
    watch_.set_writing(true);
    return;
  }
  const bool is_queue_full = error_number == EAGAIN && address_.ss_family == AF_UNIX;
  if (is_queue_full && loop_.now() < begun_ + kFullQueuePatience) return pause_timer_.start_after(kFullQueuePause);
  error_number_ = is_queue_full ? ETIMEDOUT : error_number;
  loop_.at_turn_end(*this);
}

void Dialer::cancel() {
  TurnEnd::unlink();
  pause_timer_.stop();
  watch_.close();
  fd_.reset();
}

void Dialer::finish() {
  if (error_number_ == 0) error_number_ = connect_error(fd_.get());
  watch_.close();
  os::Fd fd = std::move(fd_);
  fd_.reset();
  if (error_number_ != 0) {
    fd.reset();
    handler_.on_dial_failed(base::fail_errno("connect", error_number_).error());
    return;
  }
  handler_.on_dialed(std::move(fd));
}

}  // namespace viaduct::net
