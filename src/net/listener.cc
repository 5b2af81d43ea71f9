// SPDX-License-Identifier: Apache-2.0
#include "net/listener.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/log.h"

namespace viaduct::net {
namespace {

// What accept(2) says of a connection that was gone before we took it: not our failure (accept(2), "Error handling").
bool is_connection_error(int error_number) {
  return error_number == ECONNABORTED || error_number == EINTR || error_number == EPROTO || error_number == ENETDOWN ||
         error_number == ENOPROTOOPT || error_number == EHOSTDOWN || error_number == ENONET ||
         error_number == EHOSTUNREACH || error_number == EOPNOTSUPP || error_number == ENETUNREACH;
}

}  // namespace

Listener::Listener(Loop& loop, os::Fd fd, AcceptHandler& handler, int listener_id)
    : loop_(loop),
      fd_(std::move(fd)),
      handler_(handler),
      listener_id_(listener_id),
      watch_(loop),
      resume_timer_(loop.timers(), *this) {
  watch_.open(fd_.get(), *this);
  watch_.set_reading(true);
}

void Listener::close() {
  resume_timer_.stop();
  ReadEnd::unlink();
  watch_.close();
  fd_.reset();
}

void Listener::pause() {
  watch_.set_reading(false);
  resume_timer_.start_after(kExhaustedPause);
}

void Listener::on_timer(int) {
  watch_.set_reading(true);
  if (!watch_.is_reading()) resume_timer_.start_after(kExhaustedPause);
}

// In turn with what connections have read: one that has ended makes room for a new one.
void Listener::on_fd_readable() {
  loop_.at_read_end(*this);
}

void Listener::on_read_end() {
  if (!watch_.is_reading()) return;
  if (!handler_.may_accept()) return pause();
  accept_up_to(kAcceptsPerTurnMax);
}

void Listener::take_waiting() {
  if (!fd_) return;
  resume_timer_.stop();
  watch_.set_reading(true);
  accept_up_to(kWaitingMax);
}

void Listener::accept_up_to(int count) {
  for (int accepted = 0; accepted < count; ++accepted) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    os::Fd fd(::accept4(fd_.get(), reinterpret_cast<sockaddr*>(&storage), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.get() >= 0) {
      const auto peer = base::SocketAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage), length);
      handler_.on_accept(std::move(fd), peer, listener_id_);
      // The handler may have called close().
      if (!watch_.is_reading()) return;
      continue;
    }
    if (errno == EAGAIN) return;
    if (is_connection_error(errno)) continue;
    // Out of descriptors or memory: the connection stays in the kernel's queue and is taken when there is room again.
    tell_of_failure(errno);
    pause();
    return;
  }
}

void Listener::tell_of_failure(int error_number) {
  ++unsaid_;
  if (loop_.now() < silent_until_) return;
  silent_until_ = loop_.now() + kLogPause;
  LOG_ERROR("accept_failed error={} pause_ms=100 times={}", base::quoted(std::strerror(error_number)),
            std::exchange(unsaid_, 0));
}

}  // namespace viaduct::net
