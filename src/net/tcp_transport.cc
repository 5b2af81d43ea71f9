// SPDX-License-Identifier: Apache-2.0
#include "net/tcp_transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "os/socket.h"

namespace viaduct::net {
namespace {

// writev(2) entries of one call: enough for 256 KiB of full chunks with framing between them.
constexpr std::size_t kWriteEntriesMax = 64;

}  // namespace

IoStatus io_status_of_errno(int error_number) {
  const bool again = error_number == EAGAIN || error_number == EINTR;
  return again ? IoStatus::kAgain : IoStatus::kFailed;
}

void set_abortive_close(int fd) {
  const linger reset{.l_onoff = 1, .l_linger = 0};
  // Fails on Unix sockets alone, which have no reset.
  [[maybe_unused]] const int ignored = ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

Delivery delivery_of(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return Delivery::kTaken;
  if (info.tcpi_state != TCP_CLOSE) return Delivery::kPending;
  int error_number = 0;
  size = sizeof error_number;
  const bool is_known = ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error_number, &size) == 0;
  return is_known && error_number == 0 ? Delivery::kTaken : Delivery::kRefused;
}

TcpTransport::TcpTransport(Loop& loop, os::Fd fd) : loop_(loop), fd_(std::move(fd)), watch_(loop) {}

void TcpTransport::start(TransportHandler& handler) {
  handler_ = &handler;
  watch_.open(fd_.get(), *this);
  watch_.set_reading(true);
  loop_.at_turn_end(*this);  // ready, but not before start() has returned
}

IoResult TcpTransport::read(base::Buffer& into) {
  // One chunk while messages are small; more at once while a body streams, so that a call moves up to 256 KiB.
  std::array<iovec, kReadChunksMax> entries;
  base::Buffer room(into.pool());
  ssize_t got = 0;
  std::size_t offered = 0;
  if (read_chunks_ == 1) {
    const std::span<char> space = into.writable(base::Chunk::kBytes / 4);
    offered = space.size();
    got = ::recv(fd_.get(), space.data(), space.size(), 0);
    into.commit(got > 0 ? static_cast<std::size_t>(got) : 0);
  } else {
    offered = room.reserve_chunks(std::span(entries).first(read_chunks_));
    got = ::readv(fd_.get(), entries.data(), static_cast<int>(read_chunks_));
    room.commit_chunks(got > 0 ? static_cast<std::size_t>(got) : 0);
    into.take_all(room);
  }
  if (got > 0) {
    const auto bytes = static_cast<std::size_t>(got);
    read_chunks_ = bytes == offered ? std::min(read_chunks_ * 2, kReadChunksMax) : 1;
    return {.status = IoStatus::kOk, .bytes = bytes};
  }
  if (got == 0) return {.status = IoStatus::kEnd, .bytes = 0};
  return {.status = io_status_of_errno(errno), .bytes = 0};
}

IoResult TcpTransport::write(base::Buffer& from) {
  std::size_t total = 0;
  while (!from.empty()) {
    std::array<iovec, kWriteEntriesMax> entries;
    const std::span runs = std::span(entries).first(from.describe(entries));
    std::size_t offered = 0;
    for (const iovec& run : runs) offered += run.iov_len;
    const ssize_t sent = os::send_runs(fd_.get(), runs);
    if (sent < 0) {
      const IoStatus status = io_status_of_errno(errno);
      if (status == IoStatus::kAgain) watch_.set_writing(true);
      return {.status = status, .bytes = total};
    }
    from.drop(static_cast<std::size_t>(sent));
    total += static_cast<std::size_t>(sent);
    if (static_cast<std::size_t>(sent) < offered) {
      watch_.set_writing(true);
      return {.status = IoStatus::kAgain, .bytes = total};
    }
  }
  return {.status = IoStatus::kOk, .bytes = total};
}

void TcpTransport::on_fd_writable() {
  watch_.set_writing(false);
  handler_->on_transport_writable();
}

void TcpTransport::shutdown() {
  if (fd_.get() >= 0 && !std::exchange(is_shut_down_, true)) ::shutdown(fd_.get(), SHUT_WR);
}

void TcpTransport::close(bool abortive) {
  if (fd_.get() < 0) return;
  TurnEnd::unlink();
  watch_.close();
  if (abortive) set_abortive_close(fd_.get());
  fd_.reset();
}

}  // namespace viaduct::net
