// SPDX-License-Identifier: Apache-2.0
#include "net/proxy_greeting.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "net/tcp_transport.h"

namespace viaduct::net {

ProxyGreeting::ProxyGreeting(Loop& loop, ProxyGreetingHandler& handler, os::Fd fd, From from)
    : loop_(loop),
      handler_(handler),
      fd_(std::move(fd)),
      from_(std::move(from)),
      watch_(loop),
      timer_(loop.timers(), *this) {
  watch_.open(fd_.get(), *this);
}

void ProxyGreeting::start(base::Duration timeout) {
  timer_.start_after(timeout);
  watch_.set_reading(true);
}

void ProxyGreeting::on_fd_readable() {
  // Looked at first and then taken as far as it is the header: what follows is for somebody else.
  std::array<char, ProxyHeader::kBytesMaxV2> seen;
  const std::size_t before = received_.size();
  const ssize_t got = ::recv(fd_.get(), seen.data(), seen.size() - before, MSG_PEEK);
  if (got == 0) return fail(before == 0 ? http::Reason::kClientClosed : http::Reason::kProxyProtocolInvalid);
  if (got < 0) {
    if (io_status_of_errno(errno) == IoStatus::kFailed) fail(http::Reason::kClientClosed);
    return;
  }
  received_.append(seen.data(), static_cast<std::size_t>(got));
  const ProxyHeader header = parse_proxy_header(received_);
  switch (header.status) {
    case ProxyHeader::Status::kInvalid: return fail(http::Reason::kProxyProtocolInvalid);
    case ProxyHeader::Status::kIncomplete:
      if (!consume(std::span(seen).first(static_cast<std::size_t>(got)))) fail(http::Reason::kClientClosed);
      return;
    case ProxyHeader::Status::kComplete: break;
  }
  if (!consume(std::span(seen).first(header.bytes - before))) return fail(http::Reason::kClientClosed);
  leave();
  handler_.on_greeted(*this, std::move(fd_), header);
}

bool ProxyGreeting::consume(std::span<char> bytes) {
  return ::recv(fd_.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size());
}

void ProxyGreeting::on_timer(int) {
  fail(http::Reason::kProxyProtocolTimeout);
}

void ProxyGreeting::fail(http::Reason reason) {
  leave();
  fd_.reset();
  handler_.on_greeting_failed(*this, reason);
}

void ProxyGreeting::cancel() {
  leave();
  fd_.reset();
}

void ProxyGreeting::leave() {
  timer_.stop();
  watch_.close();
  base::ListHook<ProxyGreeting>::unlink();
  loop_.retire(*this);
}

void ProxyGreeting::dispose() {
  const std::unique_ptr<ProxyGreeting> self(this);
}

}  // namespace viaduct::net
