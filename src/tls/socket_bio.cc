// SPDX-License-Identifier: Apache-2.0
#include "tls/socket_bio.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>
#include <span>

#include "base/check.h"
#include "net/tcp_transport.h"
#include "os/socket.h"

namespace viaduct::tls {
namespace {

// sendmsg(2) entries of one call: 32 KiB of records are three chunks of 16 KiB; the rest is room for remainders.
constexpr std::size_t kSendEntriesMax = 8;

}  // namespace

void SocketBio::attach(SSL& ssl) {
  BIO* bio = BIO_new(method());
  CHECK(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(&ssl, bio, bio);
  SSL_set_info_callback(&ssl, on_event);
}

net::IoStatus SocketBio::flush() {
  while (!unsent_.empty()) {
    std::array<iovec, kSendEntriesMax> entries;
    const ssize_t sent = os::send_runs(fd_, std::span(entries).first(unsent_.describe(entries)));
    if (sent == -1) {
      const net::IoStatus status = net::io_status_of_errno(errno);
      if (status == net::IoStatus::kFailed) error_number_ = errno;
      return status;
    }
    unsent_.drop(static_cast<std::size_t>(sent));
  }
  answer_bytes_ = 0;
  return net::IoStatus::kOk;
}

const BIO_METHOD* SocketBio::method() {
  // OpenSSL wants one table for all BIOs of a kind; it never changes.
  static const std::unique_ptr<BIO_METHOD, ReleaseWith<BIO_meth_free>> kept = [] {
    std::unique_ptr<BIO_METHOD, ReleaseWith<BIO_meth_free>> made(
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "viaduct socket"));
    CHECK(made != nullptr);
    BIO_meth_set_read(made.get(), on_read);
    BIO_meth_set_write(made.get(), on_write);
    BIO_meth_set_ctrl(made.get(), on_control);
    return made;
  }();
  return kept.get();
}

int SocketBio::receive(char* into, int size) {
  if (is_dry_ || is_choked() || read_status_ != net::IoStatus::kOk) return -1;
  const ssize_t got = ::recv(fd_, into, static_cast<std::size_t>(size), 0);
  is_dry_ = got < size;
  if (got > 0) return static_cast<int>(got);
  if (got == 0) {
    read_status_ = net::IoStatus::kTruncated;
  } else if (net::io_status_of_errno(errno) == net::IoStatus::kFailed) {
    read_status_ = net::IoStatus::kFailed;
    error_number_ = errno;
  }
  return -1;
}

int SocketBio::on_read(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  const int got = static_cast<SocketBio*>(BIO_get_data(bio))->receive(into, size);
  // Also when the socket has ended: OpenSSL would take that for a fatal error and could no longer write either.
  if (got < 0) BIO_set_retry_read(bio);
  return got;
}

int SocketBio::on_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  auto* self = static_cast<SocketBio*>(BIO_get_data(bio));
  // OpenSSL goes on with what it has read, up to a record's length of it.
  if (self->is_flooded()) return size;
  if (self->is_answering_) self->answer_bytes_ += static_cast<std::size_t>(size);
  self->unsent_.append({bytes, static_cast<std::size_t>(size)});
  return size;
}

// OpenSSL's info callback: in a handshake for each step, later for alerts alone. It comes behind the alert's record.
void SocketBio::on_event(const SSL* ssl, int event, int value) {
  constexpr int kAlertNumber = 0xff;  // above it stands the level
  if (event != SSL_CB_WRITE_ALERT || (value & kAlertNumber) != SSL_AD_NO_RENEGOTIATION) return;
  auto* self = static_cast<SocketBio*>(BIO_get_data(SSL_get_wbio(ssl)));
  ++self->renegotiations_;
  if (!self->is_flooded()) return;
  self->read_status_ = net::IoStatus::kFailed;
  self->error_number_ = ECONNABORTED;
  self->unsent_.clear();
}

long SocketBio::on_control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

}  // namespace viaduct::tls
