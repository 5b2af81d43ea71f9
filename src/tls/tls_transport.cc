// SPDX-License-Identifier: Apache-2.0
#include "tls/tls_transport.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "net/tcp_transport.h"
#include "tls/client_auth.h"
#include "tls/tls_error.h"

namespace viaduct::tls {
namespace {

using net::IoResult;
using net::IoStatus;

// Runs of plain bytes that one call looks at.
constexpr std::size_t kRunsMax = 64;

// Cuts the runs of a buffer into the contents of records.
class RecordCutter {
 public:
  explicit RecordCutter(const base::Buffer& from) : runs_(std::span(entries_).first(from.describe(entries_))) {
    for (const iovec& run : runs_) remaining_ += run.iov_len;
  }

  std::size_t remaining() const { return remaining_; }

  // The content of the next record, at most `limit` bytes: a part of the front run where that is long enough, else
  // several runs copied into `scratch`. Alive until the next call. REQUIRES: remaining() > 0.
  std::string_view next(std::size_t limit, std::span<char> scratch) {
    const std::string_view front = front_run();
    // All of it where that makes one record; else a long run to its end, so that what follows it lies at the front of
    // its own chunk again and is not copied either.
    const std::size_t wanted =
        remaining_ <= limit ? remaining_ : std::min(limit, std::max(front.size(), TlsTransport::kGatherBytes));
    if (front.size() >= wanted) {
      drop(wanted);
      return front.substr(0, wanted);
    }
    std::size_t gathered = 0;
    while (gathered < wanted) {
      const std::string_view run = front_run().substr(0, wanted - gathered);
      std::memcpy(scratch.data() + gathered, run.data(), run.size());
      gathered += run.size();
      drop(run.size());
    }
    return {scratch.data(), gathered};
  }

 private:
  std::string_view front_run() const {
    const iovec& run = runs_.front();
    return std::string_view(static_cast<const char*>(run.iov_base), run.iov_len).substr(offset_);
  }
  // REQUIRES: count is at most the front run's length.
  void drop(std::size_t count) {
    offset_ += count;
    remaining_ -= count;
    if (offset_ < runs_.front().iov_len) return;
    runs_ = runs_.subspan(1);
    offset_ = 0;
  }

  std::array<iovec, kRunsMax> entries_;
  std::span<const iovec> runs_;
  std::size_t offset_ = 0;  // in the front run
  std::size_t remaining_ = 0;
};

}  // namespace

TlsTransport::TlsTransport(net::Loop& loop, os::Fd fd, SslPtr ssl)
    : loop_(loop), fd_(std::move(fd)), watch_(loop), bio_(fd_.get(), loop.chunks()), ssl_(std::move(ssl)) {
  bio_.attach(*ssl_);
}

TlsTransport::~TlsTransport() {
  close(false);
}

void TlsTransport::start(net::TransportHandler& handler) {
  handler_ = &handler;
  transition(State::kHandshaking);
  reading_ = true;
  watch_.open(fd_.get(), *this);
  watch_.set_reading(true);
  // A client speaks first, but no event may come before start() has returned.
  if (SSL_is_server(ssl_.get()) == 0) loop_.at_turn_end(*this);
}

void TlsTransport::on_fd_readable() {
  if (state_ == State::kHandshaking) return handshake();
  handler_->on_transport_readable();
}

void TlsTransport::on_fd_writable() {
  if (bio_.flush() == IoStatus::kAgain) return;
  watch_.set_writing(false);
  if (std::exchange(choked_, false)) set_reading(reading_);
  if (state_ == State::kEnding) return end_writing();
  if (!std::exchange(write_waiting_, false)) return;
  handler_->on_transport_writable();
}

void TlsTransport::on_turn_end() {
  if (state_ == State::kHandshaking) return handshake();
  if (reading_) handler_->on_transport_readable();
}

void TlsTransport::handshake() {
  bio_.begin_read();
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  const int outcome = SSL_get_error(ssl_.get(), result);
  // Also what says why we refuse: an alert.
  const IoStatus sent = bio_.flush();
  watch_.set_writing(sent == IoStatus::kAgain);
  if (result == 1) return become_open();
  const bool waits = outcome == SSL_ERROR_WANT_READ && bio_.read_status() == IoStatus::kOk;
  if (!waits || sent == IoStatus::kFailed) fail_handshake(sent);
}

void TlsTransport::become_open() {
  transition(State::kOpen);
  const unsigned char* alpn = nullptr;
  unsigned alpn_length = 0;
  SSL_get0_alpn_selected(ssl_.get(), &alpn, &alpn_length);
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  server_name_ = name == nullptr ? "" : name;
  const std::string_view client_ca = SSL_is_server(ssl_.get()) == 1 ? verified_by(*ssl_) : std::string_view();
  if (!client_ca.empty()) client_certificate_ = client_certificate_text(*ssl_);
  info_ = {.version = SSL_get_version(ssl_.get()),
           .cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(ssl_.get())),
           .alpn = {reinterpret_cast<const char*>(alpn), alpn_length},
           .server_name = server_name_,
           .resumed = SSL_session_reused(ssl_.get()) == 1,
           .client_ca = client_ca,
           .client_certificate = client_certificate_};
  // The first request often comes in one segment with the end of the handshake: then the socket stays quiet.
  has_more_ = SSL_has_pending(ssl_.get()) == 1;
  set_reading(reading_);
  handler_->on_transport_ready();
}

void TlsTransport::fail_handshake(IoStatus sent) {
  transition(State::kFailed);
  watch_.close();
  IoStatus socket_status = bio_.read_status();
  // Where the other side sent an alert and reset the connection, the alert says more than the reset.
  if (sent == IoStatus::kFailed && ERR_peek_error() == 0) socket_status = IoStatus::kFailed;
  const net::TransportError error = handshake_error(*ssl_, socket_status, bio_.error_number());
  handler_->on_transport_failed(error);
}

IoResult TlsTransport::read(base::Buffer& into) {
  const bool is_established = state_ == State::kOpen || state_ == State::kEnding || state_ == State::kEnded;
  if (!is_established) return {.status = IoStatus::kFailed, .bytes = 0};
  bio_.begin_read();
  bio_.set_answering(true);
  IoStatus status = IoStatus::kOk;
  std::size_t total = 0;
  bool may_have_more = true;
  while (may_have_more && total < kReadBytesMax) {
    const std::span<char> room = into.writable(base::Chunk::kBytes / 4);
    std::size_t got = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_.get(), room.data(), room.size(), &got);
    into.commit(got);
    total += got;
    if (result != 1) {
      status = read_outcome(result);
      break;
    }
    may_have_more = SSL_has_pending(ssl_.get()) == 1 || !bio_.is_dry();
  }
  bio_.set_answering(false);
  if (bio_.has_unsent()) send_answers();
  if (total == 0) {
    has_more_ = false;
    return {.status = status, .bytes = 0};
  }
  // What the socket will not announce again: records that lie here whole, and how it ended, told by the next read().
  has_received_ = true;
  if (status == IoStatus::kOk) status = bio_.read_status();
  has_more_ = status == IoStatus::kOk ? SSL_has_pending(ssl_.get()) == 1 : status != IoStatus::kAgain;
  if (has_more_ && reading_) loop_.at_turn_end(*this);
  return {.status = IoStatus::kOk, .bytes = total};
}

void TlsTransport::send_answers() {
  if (bio_.flush() != IoStatus::kAgain) return;
  watch_.set_writing(true);
  choked_ = bio_.is_choked();
  if (choked_) watch_.set_reading(false);
}

IoStatus TlsTransport::read_outcome(int ssl_result) {
  if (bio_.is_flooded() && failure_ == nullptr) failure_ = renegotiation_flood(*ssl_);
  switch (SSL_get_error(ssl_.get(), ssl_result)) {
    case SSL_ERROR_ZERO_RETURN: return IoStatus::kEnd;
    case SSL_ERROR_WANT_READ: return bio_.read_status() == IoStatus::kOk ? IoStatus::kAgain : bio_.read_status();
    default:
      if (!has_received_ && SSL_is_server(ssl_.get()) == 0) failure_ = late_refusal(*ssl_);
      return IoStatus::kFailed;
  }
}

IoResult TlsTransport::write(base::Buffer& from) {
  if (state_ != State::kOpen) return {.status = IoStatus::kFailed, .bytes = 0};
  std::size_t sent = 0;
  while (true) {
    const IoStatus status = bio_.flush();
    if (status == IoStatus::kAgain) {
      write_waiting_ = true;
      watch_.set_writing(true);
    }
    if (status != IoStatus::kOk) return {.status = status, .bytes = sent};
    const std::size_t gone = std::min(std::exchange(sealed_bytes_, 0), from.size());
    from.drop(gone);
    sent += gone;
    if (from.empty()) return {.status = IoStatus::kOk, .bytes = sent};
    if (!seal(from)) return {.status = IoStatus::kFailed, .bytes = sent};
  }
}

bool TlsTransport::seal(const base::Buffer& from) {
  const base::MonoTime now = loop_.now();
  if (now - last_sealed_ > kColdAfter) warm_bytes_ = 0;
  last_sealed_ = now;
  std::array<char, kRecordBytesMax> scratch;
  RecordCutter cutter(from);
  const bool is_long = from.size() > kRecordBytesMax;
  while (cutter.remaining() > 0 && sealed_bytes_ < kSealBytesMax) {
    const bool is_cold = is_long && warm_bytes_ < kColdBytes;
    const std::string_view content = cutter.next(is_cold ? kColdRecordBytes : kRecordBytesMax, scratch);
    std::size_t written = 0;
    ERR_clear_error();
    if (SSL_write_ex(ssl_.get(), content.data(), content.size(), &written) != 1) return false;
    CHECK(written == content.size());
    sealed_bytes_ += written;
    warm_bytes_ += written;
  }
  return true;
}

void TlsTransport::set_reading(bool reading) {
  reading_ = reading;
  if (state_ == State::kHandshaking) return;  // which reads in any case
  watch_.set_reading(reading && !choked_ && fd_.get() >= 0);
  if (reading && has_more_) loop_.at_turn_end(*this);
}

void TlsTransport::shutdown() {
  if (state_ == State::kHandshaking) {
    ::shutdown(fd_.get(), SHUT_WR);
    return;
  }
  if (state_ != State::kOpen) return;
  transition(State::kEnding);
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  write_waiting_ = false;
  const IoStatus status = bio_.flush();
  watch_.set_writing(status == IoStatus::kAgain);
  if (status == IoStatus::kAgain) return;
  if (std::exchange(choked_, false)) set_reading(reading_);
  end_writing();
}

net::Delivery TlsTransport::delivery() const {
  return state_ == State::kEnding ? net::Delivery::kPending : net::delivery_of(fd_.get());
}

void TlsTransport::end_writing() {
  transition(State::kEnded);
  ::shutdown(fd_.get(), SHUT_WR);
}

void TlsTransport::close(bool abortive) {
  if (state_ == State::kClosed) return;
  transition(State::kClosed);
  TurnEnd::unlink();
  watch_.close();
  bio_.clear();
  has_more_ = false;
  // OpenSSL would take a session whose connection had no proper end for one that must not be resumed.
  SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  if (abortive) net::set_abortive_close(fd_.get());
  fd_.reset();
}

void TlsTransport::transition(State to) {
  const auto is_edge = [from = state_, to] {
    switch (to) {
      case State::kNew: return false;
      case State::kHandshaking: return from == State::kNew;
      case State::kOpen:
      case State::kFailed: return from == State::kHandshaking;
      case State::kEnding: return from == State::kOpen;
      case State::kEnded: return from == State::kEnding;
      case State::kClosed: return from != State::kClosed;
    }
    return false;
  };
  CHECK(is_edge());
  state_ = to;
}

}  // namespace viaduct::tls
