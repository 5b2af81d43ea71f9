// SPDX-License-Identifier: Apache-2.0
#include "upstream/client_connection.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "codec/h1_client.h"
#include "codec/h2_client.h"
#include "upstream/server.h"

namespace viaduct::upstream {
namespace {

// What a server may send as the head of an answer: more than we take from clients, since it is our own upstream.
constexpr codec::H1Limits kResponseLimits{
    .max_head_size = 64 * 1024, .max_fields = 200, .max_target_size = 0, .max_requests = 0};
constexpr codec::H2Limits kH2ResponseLimits{.max_head_size = kResponseLimits.max_head_size,
                                            .max_fields = kResponseLimits.max_fields};

}  // namespace

ClientConnection::ClientConnection(net::Loop& loop, Server& server, std::unique_ptr<net::Transport> transport)
    : loop_(loop),
      server_(server),
      transport_(std::move(transport)),
      input_(loop.chunks()),
      timer_(loop.timers(), *this) {}

void ClientConnection::open(ReadyHandler& handler) {
  ready_handler_ = &handler;
  transport_->start(*this);
}

void ClientConnection::on_transport_ready() {
  choose_codec();
  state_ = State::kOpen;
  idle_since_ = loop_.now();
  opened_at_ = loop_.now();
  ReadyHandler* handler = std::exchange(ready_handler_, nullptr);
  handler->on_connection_ready();
}

// By ALPN; without TLS there is nobody to ask.
void ClientConnection::choose_codec() {
  const net::TlsInfo* tls = transport_->tls_info();
  const bool is_h2 = tls != nullptr ? tls->alpn == "h2" : server_.wants_h2();
  codec::ClientCodecHandler& handler = *this;
  if (is_h2) {
    codec_ = std::make_unique<codec::H2Client>(kH2ResponseLimits, server_.resources().h2_library, loop_.chunks(),
                                               handler, tls != nullptr);
  } else {
    codec_ = std::make_unique<codec::H1Client>(kResponseLimits, loop_.chunks(), handler);
  }
}

void ClientConnection::on_transport_failed(const net::TransportError& error) {
  ReadyHandler* handler = std::exchange(ready_handler_, nullptr);
  close();
  if (handler != nullptr) handler->on_connection_failed(error);
}

http::ClientStream& ClientConnection::begin(http::ResponseHandler& handler, const codec::WaitLimits& limits) {
  DCHECK(is_reusable());
  ++requests_;
  server_.state().requests.fetch_add(1, std::memory_order_relaxed);
  http::ClientStream& stream = codec_->begin(handler, limits);
  server_.set_shared(*this, is_reusable());
  loop_.at_turn_end(*this);
  return stream;
}

void ClientConnection::retire() {
  is_retired_ = true;
  server_.set_shared(*this, false);
  loop_.at_turn_end(*this);
}

void ClientConnection::on_transport_readable() {
  if (state_ != State::kOpen) return;
  const net::IoResult result = transport_->read(input_);
  read_ = {.status = result.status, .bytes = read_.bytes + result.bytes};
  loop_.at_read_end(*this);
}

void ClientConnection::on_read_end() {
  in_read_end_ = true;
  handle_input(std::exchange(read_, {}));
  in_read_end_ = false;
}

void ClientConnection::handle_input(const net::IoResult& result) {
  codec_->on_time(loop_.now());
  if (state_ != State::kOpen) return;
  if (result.bytes > 0) {
    server_.note_heard(loop_.now());
    codec_->on_input(input_);
  }
  if (state_ != State::kOpen) return;
  if (is_passed_by_ && requests_ > 0 && is_reusable()) server_.set_shared(*this, true);
  const bool ended = result.status != net::IoStatus::kOk && result.status != net::IoStatus::kAgain;
  if (ended) take_input_end(result.status);
  if (state_ != State::kOpen) return;
  count_wait(result.bytes > 0);
  settle();
}

void ClientConnection::take_input_end(net::IoStatus status) {
  input_ended_ = true;
  transport_->set_reading(false);
  if (status == net::IoStatus::kFailed) {
    codec_->abort(reason_of_failure());
  } else {
    // After a failed write the kernel shows a reset as an end.
    codec_->on_input_end(status == net::IoStatus::kEnd && !write_failed_);
  }
}

http::Reason ClientConnection::reason_of_failure() {
  const net::TransportError* failure = transport_->failure();
  if (failure == nullptr) return http::Reason::kUpstreamReset;
  LOG_WARNING("upstream_connection_ended reason={} server={} error={}", http::reason_name(failure->reason),
              server_.name(), base::quoted(failure->error.message));
  return failure->reason;
}

void ClientConnection::on_transport_writable() {
  write_blocked_ = false;
  flush();
}

void ClientConnection::on_codec_output() {
  loop_.at_turn_end(*this);
}

void ClientConnection::on_codec_resume() {
  resume_input_ = true;
  loop_.at_turn_end(*this);
}

void ClientConnection::on_codec_stream_end() {
  if (state_ == State::kClosed) return;  // counted out already
  --requests_;
  idle_since_ = loop_.now();
  server_.state().requests.fetch_sub(1, std::memory_order_relaxed);
  if (!in_read_end_) doubt_silent_server();
  // Back in the pool at once, so that the next request of this turn finds it.
  if (is_reusable()) {
    requests_ == 0 ? server_.give_back(*this) : server_.set_shared(*this, true);
  }
  // handle_input() settles by itself.
  if (!in_read_end_) loop_.at_turn_end(*this);
}

// Over HTTP/2 the codec asks the server whether it is there. Here one request alone has waited, in silence; where no
// other connection to the server has heard anything since, those that rest may be as dead as this one.
void ClientConnection::doubt_silent_server() {
  constexpr base::Duration kSilence = std::chrono::seconds(1);
  if (wait_ == Wait::kRead && loop_.now() - wait_since_ >= kSilence) server_.doubt_idle(wait_since_);
}

void ClientConnection::on_turn_end() {
  if (state_ != State::kOpen) return;
  codec_->on_time(loop_.now());
  if (state_ != State::kOpen) return;
  if (resume_input_) {
    resume_input_ = false;
    codec_->on_input(input_);
    if (state_ != State::kOpen) return;
  }
  flush();
}

void ClientConnection::flush() {
  codec_->fill_output();
  base::Buffer& output = codec_->output();
  bool progressed = false;
  if (!output.empty() && !write_blocked_ && !write_failed_) {
    const net::IoResult result = transport_->write(output);
    progressed = result.bytes > 0;
    write_blocked_ = result.status == net::IoStatus::kAgain;
    if (result.status == net::IoStatus::kFailed) {
      // What did leave counts: an answer to it may be here.
      if (progressed) codec_->on_output_drained();
      if (state_ != State::kOpen) return;
      take_write_failure();
    }
  }
  if (state_ == State::kOpen && !write_failed_) {
    progressed || output.empty() ? codec_->on_output_drained() : codec_->on_output_blocked();
  }
  if (state_ != State::kOpen) return;
  count_wait(progressed);
  settle();
}

// The answer may already be here: a server that refuses a large body answers and closes. So nothing more is written,
// and what comes is read to its end, which is near. A tunnel whose other direction has ended before is over.
void ClientConnection::take_write_failure() {
  write_failed_ = true;
  codec_->output().clear();
  if (input_ended_) {
    if (codec_->phase() == codec::CodecPhase::kTunnel) codec_->abort(http::Reason::kUpstreamReset);
  } else if (codec_->wants_input()) {
    on_transport_readable();
  }
}

void ClientConnection::settle() {
  switch (codec_->ending()) {
    case codec::CodecEnding::kOpen: break;
    case codec::CodecEnding::kHalfClose:
      if (codec_->output().empty()) transport_->shutdown();
      break;
    case codec::CodecEnding::kClose:
    case codec::CodecEnding::kLinger:
      if (codec_->output().empty() || write_failed_) return close();
      transport_->set_reading(false);
      return;
    case codec::CodecEnding::kAbort: end(true); return;
  }
  const bool is_over = input_ended_ || write_failed_ || is_retired_;
  if (is_over && (requests_ == 0 || codec_->phase() == codec::CodecPhase::kIdle)) return close();
  if (input_ended_) return;
  transport_->set_reading(codec_->wants_input());
}

void ClientConnection::close() {
  end(false);
}

void ClientConnection::end(bool abortive) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  log_fault();
  timer_.stop();
  server_.state().requests.fetch_sub(std::exchange(requests_, 0), std::memory_order_relaxed);
  ready_handler_ = nullptr;
  net::ReadEnd::unlink();
  net::TurnEnd::unlink();
  // Before its place is free: others may connect at once, and the server is to see the end first.
  transport_->close(abortive);
  server_.forget(*this);
  loop_.retire(*this);
}

void ClientConnection::log_fault() const {
  if (codec_ == nullptr || codec_->fault().empty()) return;
  LOG_WARNING("upstream_connection_ended reason={} server={} detail={}",
              http::reason_name(http::Reason::kUpstreamInvalidResponse), server_.name(), codec_->fault());
}

void ClientConnection::dispose() {
  const std::unique_ptr<ClientConnection> self(this);
}

// ---- timers: one timer, moved only when a nearer deadline needs it --------------------------------------------------

ClientConnection::Wait ClientConnection::present_wait() {
  if (write_failed_) return Wait::kRead;
  if (!codec_->output().empty()) return Wait::kSend;
  switch (codec_->phase()) {
    case codec::CodecPhase::kIdle: return Wait::kIdle;
    case codec::CodecPhase::kHead:
    case codec::CodecPhase::kBody: return Wait::kRead;
    case codec::CodecPhase::kResponse:
    case codec::CodecPhase::kTunnel:
    case codec::CodecPhase::kClosing: return Wait::kNone;
  }
  return Wait::kNone;
}

std::optional<base::Duration> ClientConnection::limit_of(Wait wait) const {
  switch (wait) {
    case Wait::kNone: return std::nullopt;
    case Wait::kIdle: return server_.idle_limit();
    case Wait::kSend: {
      if (const auto limit = codec_->limits().send) return limit;
      // HTTP/2 has a limit for each request. Without one nobody else would notice a server that takes no bytes.
      const codec::CodecPhase phase = codec_->phase();
      const bool has_request = phase != codec::CodecPhase::kIdle && phase != codec::CodecPhase::kClosing;
      if (has_request) return std::nullopt;
      return server_.idle_limit();
    }
    case Wait::kRead: return codec_->limits().read;
  }
  return std::nullopt;
}

void ClientConnection::count_wait(bool progressed) {
  const Wait wait = present_wait();
  if (wait != wait_ || progressed) wait_since_ = loop_.now();
  wait_ = wait;
  arm_timer();
}

// Bytes that no request asked for do not keep a connection.
base::MonoTime ClientConnection::wait_ends() const {
  const auto limit = limit_of(wait_);
  if (!limit) return base::MonoTime::max();
  return (wait_ == Wait::kIdle ? idle_since_ : wait_since_) + *limit;
}

void ClientConnection::arm_timer() {
  base::MonoTime deadline = wait_ends();
  deadline = std::min(deadline, codec_->next_deadline().value_or(deadline));
  if (deadline == base::MonoTime::max()) return;
  if (!timer_.is_running() || timer_.deadline() > deadline) timer_.start(deadline);
}

void ClientConnection::on_timer(int) {
  if (state_ != State::kOpen) return;
  codec_->on_time(loop_.now());
  if (state_ != State::kOpen) return;
  // The handler may have stopped reading since.
  if (present_wait() != wait_) count_wait(false);
  if (loop_.now() < wait_ends()) {
    arm_timer();
    return;
  }
  switch (wait_) {
    case Wait::kNone: return;
    case Wait::kIdle: close(); return;
    case Wait::kSend: codec_->abort(http::Reason::kUpstreamSendTimeout); break;
    case Wait::kRead:
      codec_->abort(codec_->phase() == codec::CodecPhase::kHead ? http::Reason::kUpstreamHeaderTimeout
                                                                : http::Reason::kUpstreamReadTimeout);
      break;
  }
  if (state_ == State::kOpen) settle();
}

}  // namespace viaduct::upstream
