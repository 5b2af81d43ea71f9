// SPDX-License-Identifier: Apache-2.0
#include "daemon/connection.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "codec/h1_server.h"
#include "codec/h2_server.h"

namespace viaduct::daemon {
namespace {

codec::H1Limits h1_limits(const config::Client& client) {
  return {.max_head_size = client.max_head_size,
          .max_fields = client.max_fields,
          .max_target_size = client.max_target_size,
          .max_requests = client.max_requests.value_or(0)};
}

codec::H2Limits h2_limits(const config::Client& client) {
  return {.max_head_size = client.max_head_size,
          .max_fields = client.max_fields,
          .max_target_size = client.max_target_size,
          .max_requests = client.max_requests.value_or(0),
          .body_timeout = client.body_timeout,
          .min_rate = client.min_rate};
}

// RFC 9113 §3.4.
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

}  // namespace

Connection::Connection(const ConnectionProtocols& protocols, net::Loop& loop, ConnectionOwner& owner,
                       const exchange::ClientInfo& client, const config::Client& limits)
    : loop_(loop),
      owner_(owner),
      h2_library_(protocols.h2),
      client_(client),
      limits_(limits),
      h1_limits_(h1_limits(limits)),
      h2_limits_(h2_limits(limits)),
      input_(loop.chunks()),
      awaits_preface_(protocols.h2c),
      timer_(loop.timers(), *this) {}

void Connection::open(std::unique_ptr<net::Transport> transport, ConnectionLimits::Handshake handshake,
                      ConnectionLimits::Entry entry) {
  transport_ = std::move(transport);
  handshake_ = std::move(handshake);
  entry_ = std::move(entry);
  count_wait({});
  transport_->start(*this);
}

void Connection::on_transport_ready() {
  state_ = State::kOpen;
  handshake_ = {};
  client_.tls = transport_->tls_info();
  if (client_.tls != nullptr) owner_.on_handshake(*client_.tls);
  choose_codec(client_.tls != nullptr && client_.tls->alpn == "h2");
  drain_codec();
  count_wait({});
  settle();
}

void Connection::choose_codec(bool is_h2) {
  codec::ServerCodecHandler& handler = *this;
  if (is_h2) {
    is_fresh_ = false;  // browsers open some beforehand, and say so by the preface
    codec_ = std::make_unique<codec::H2Server>(h2_limits_, h2_library_, loop_.chunks(), handler);
    codec_->on_time(loop_.now());
    loop_.at_turn_end(*this);  // our SETTINGS go first
  } else {
    codec_ = std::make_unique<codec::H1Server>(h1_limits_, loop_.chunks(), handler);
  }
}

bool Connection::find_preface() {
  const std::string_view begin = input_.front().substr(0, kPreface.size());
  const bool is_h2 = kPreface.starts_with(begin);
  if (is_h2 && begin.size() < kPreface.size() && input_.size() < kPreface.size()) return false;
  awaits_preface_ = false;
  if (!is_h2) return true;
  choose_codec(true);
  drain_codec();
  return true;
}

void Connection::on_transport_failed(const net::TransportError& error) {
  owner_.on_handshake_failed(client_, error.reason, error.error.message);
  close(false);
}

// ---- bytes in -------------------------------------------------------------------------------------------------------

void Connection::on_transport_readable() {
  if (state_ == State::kLingering) {
    linger_read();
    return;
  }
  if (state_ != State::kOpen || input_ended_) return;
  const net::IoResult result = transport_->read(input_);
  read_ = {.status = result.status, .bytes = read_.bytes + result.bytes};
  loop_.at_read_end(*this);
}

void Connection::on_read_end() {
  if (state_ != State::kOpen) return;
  const net::IoResult result = std::exchange(read_, {});
  codec_->on_time(loop_.now());
  const bool is_known = !awaits_preface_ || input_.empty() || find_preface();
  if (is_known && result.bytes > 0 && codec_->wants_input()) codec_->on_input(input_);
  if (state_ != State::kOpen) return;
  if (result.status == net::IoStatus::kFailed) {
    input_ended_ = true;
    const net::TransportError* failure = transport_->failure();
    if (failure != nullptr && !std::exchange(is_refused_, true)) owner_.on_connection_refused(client_, failure->reason);
    codec_->abort(http::Reason::kClientClosed);
  } else if (result.status == net::IoStatus::kEnd || result.status == net::IoStatus::kTruncated) {
    input_ended_ = true;
    codec_->on_input_end(result.status == net::IoStatus::kEnd);
  }
  if (state_ != State::kOpen) return;
  count_wait({.read = result.bytes});
  settle();
}

void Connection::on_codec_resume() {
  resume_input_ = true;
  loop_.at_turn_end(*this);
}

http::StreamHandler& Connection::on_stream(http::ServerStream& stream) {
  idle_since_.reset();
  is_fresh_ = false;
  return owner_.make_exchange(client_, stream);
}

// ---- bytes out ------------------------------------------------------------------------------------------------------

void Connection::on_codec_output() {
  loop_.at_turn_end(*this);
}

void Connection::on_transport_writable() {
  write_blocked_ = false;
  flush();
}

void Connection::on_turn_end() {
  if (state_ != State::kOpen) return;
  codec_->on_time(loop_.now());
  if (std::exchange(resume_input_, false)) {
    codec_->on_input(input_);
    if (state_ != State::kOpen) return;
  }
  flush();
}

void Connection::flush() {
  if (state_ != State::kOpen) return;
  codec_->fill_output();
  base::Buffer& output = codec_->output();
  std::size_t moved = 0;
  if (!output.empty() && !write_blocked_) {
    const net::IoResult result = transport_->write(output);
    moved = result.bytes;
    write_blocked_ = result.status == net::IoStatus::kAgain;
    if (result.status == net::IoStatus::kFailed) {
      output.clear();
      codec_->abort(http::Reason::kClientClosed);
      if (state_ == State::kOpen) close(false);
      return;
    }
  }
  if (is_unconfirmed()) return confirm();
  // Also when there was nothing to write: an answer may end without a last byte.
  if (moved > 0 || output.empty()) codec_->on_output_drained();
  if (state_ != State::kOpen) return;
  count_wait({.written = moved});
  settle();
}

bool Connection::is_unconfirmed() const {
  return input_ended_ && input_.empty() && codec_->is_answer_whole() && codec_->output().empty();
}

void Connection::confirm() {
  if (!confirm_until_) {
    confirm_until_ = loop_.now() + kConfirmTime;
    transport_->shutdown();
  }
  const net::Delivery delivery = transport_->delivery();
  if (delivery == net::Delivery::kPending && loop_.now() < *confirm_until_) return count_wait({});
  if (delivery == net::Delivery::kRefused) {
    codec_->abort(http::Reason::kClientClosed);
  } else {
    codec_->on_output_drained();
  }
  if (state_ != State::kOpen) return;
  count_wait({});
  settle();
}

// ---- the transport follows the codec --------------------------------------------------------------------------------

void Connection::settle() {
  const http::Reason failure = codec_->failure();
  if (failure != http::Reason::kNone && !std::exchange(is_refused_, true))
    owner_.on_connection_refused(client_, failure);
  switch (codec_->ending()) {
    case codec::CodecEnding::kOpen:
      transport_->set_reading(!input_ended_ && (codec_->wants_input() || input_.size() < kReadAheadBytesMax));
      return;
    case codec::CodecEnding::kHalfClose:
      if (codec_->output().empty()) transport_->shutdown();
      transport_->set_reading(!input_ended_ && codec_->wants_input());
      return;
    case codec::CodecEnding::kAbort: close(true); return;
    case codec::CodecEnding::kClose: codec_->output().empty() ? close(false) : stop_reading(); return;
    case codec::CodecEnding::kLinger: codec_->output().empty() ? start_lingering() : stop_reading(); return;
  }
}

// The codec takes nothing more while its last bytes go out: what came would be kept for nobody.
void Connection::stop_reading() {
  input_.clear();
  transport_->set_reading(false);
}

void Connection::start_lingering() {
  if (input_ended_) {
    close(false);
    return;
  }
  state_ = State::kLingering;
  input_.clear();
  transport_->shutdown();
  transport_->set_reading(true);
  count_wait({});
}

void Connection::linger_read() {
  const net::IoResult result = transport_->read(input_);
  lingered_bytes_ += result.bytes;
  input_.clear();
  const bool goes_on = result.status == net::IoStatus::kOk || result.status == net::IoStatus::kAgain;
  if (!goes_on || lingered_bytes_ > kLingerBytesMax) close(false);
}

void Connection::begin_drain(DrainMode mode) {
  drain_ = std::max(drain_, mode);
  if (state_ == State::kOpen) drain_codec();
}

void Connection::drain_codec() {
  switch (drain_) {
    case DrainMode::kNone: return;
    case DrainMode::kPatient: codec_->begin_patient_drain(); break;
    case DrainMode::kNow: codec_->begin_drain(); break;
  }
  loop_.at_turn_end(*this);
}

void Connection::set_redirect(bool redirect_to_https, std::uint16_t https_port) {
  client_.redirect_to_https = redirect_to_https;
  client_.https_port = https_port;
}

std::optional<base::MonoTime> Connection::silent_since() const {
  return wait_ == Wait::kNone ? std::nullopt : std::optional(wait_since_);
}

void Connection::make_room() {
  if (!std::exchange(is_refused_, true)) owner_.on_connection_refused(client_, http::Reason::kConnectionLimit);
  close_now();
}

void Connection::close_now() {
  if (state_ == State::kOpen) codec_->abort(http::Reason::kServerDraining);
  close(true);
}

void Connection::close(bool abortive) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  handshake_ = {};
  entry_ = {};
  timer_.stop();
  net::ReadEnd::unlink();
  net::TurnEnd::unlink();
  if (!abortive) transport_->shutdown();
  transport_->close(abortive);
  base::ListHook<Connection>::unlink();
  owner_.on_connection_closed(client_);
  loop_.retire(*this);
}

void Connection::dispose() {
  const std::unique_ptr<Connection> self(this);
}

// ---- timers: one, moved only for a nearer deadline ------------------------------------------------------------------

Connection::Wait Connection::present_wait() {
  if (state_ == State::kHandshake) return Wait::kHandshake;
  if (state_ == State::kLingering) return Wait::kLinger;
  if (state_ == State::kClosed) return Wait::kNone;
  if (!codec_->output().empty()) return Wait::kWrite;
  if (is_unconfirmed()) return Wait::kConfirm;
  // Who has ended its direction of a tunnel waits for the other one, however long that is silent.
  if (input_ended_ && codec_->phase() != codec::CodecPhase::kTunnel) return Wait::kHalfClosed;
  // Bytes that may yet be a preface: no codec has them.
  if (awaits_preface_ && !input_.empty()) return Wait::kHead;
  switch (codec_->phase()) {
    case codec::CodecPhase::kIdle: return Wait::kIdle;
    case codec::CodecPhase::kHead: return Wait::kHead;
    case codec::CodecPhase::kBody: return Wait::kBody;
    case codec::CodecPhase::kResponse:
    case codec::CodecPhase::kTunnel:
    case codec::CodecPhase::kClosing: return Wait::kNone;
  }
  return Wait::kNone;
}

std::optional<base::Duration> Connection::limit_of(Wait wait) const {
  switch (wait) {
    case Wait::kNone: return std::nullopt;
    case Wait::kHandshake: return limits_.handshake_timeout;
    // Who opens a connection does so to ask something: its first head is under way.
    case Wait::kIdle: return is_fresh_ ? std::min(limits_.idle_timeout, limits_.header_timeout) : limits_.idle_timeout;
    case Wait::kHead: return limits_.header_timeout;
    case Wait::kBody:
    case Wait::kWrite: return limits_.body_timeout;
    case Wait::kHalfClosed: return kHalfClosedGrace;
    case Wait::kConfirm: return kConfirmPoll;
    case Wait::kLinger: return kLingerTime;
  }
  return std::nullopt;
}

bool Connection::is_for_input(Wait wait) {
  return wait == Wait::kHandshake || wait == Wait::kIdle || wait == Wait::kHead || wait == Wait::kBody ||
         wait == Wait::kLinger;
}

void Connection::count_wait(const Moved& moved) {
  const Wait wait = present_wait();
  // Who sends is not for that reading, nor the other way round.
  const std::size_t moved_bytes = is_for_input(wait) ? moved.read : moved.written;
  const bool is_new = wait != wait_;
  // Frames that come in pieces are no requests either: whoever sends them goes on being idle.
  if (wait == Wait::kIdle && !idle_since_) idle_since_ = loop_.now();
  // A head is given its time as a whole, and what comes without a request does not count; everything else may take long
  // as long as bytes move.
  const bool progressed = moved_bytes > 0 && wait != Wait::kHead && wait != Wait::kLinger && wait != Wait::kIdle;
  if (is_new || progressed) wait_since_ = wait == Wait::kIdle ? *idle_since_ : loop_.now();
  if (is_new) turn_rate(wait);
  rate_bytes_ += moved_bytes;
  wait_ = wait;
  arm_timer();
}

// An answer waits for its client and for more of itself by turns. What it waited for the client counts together: else a
// slow reader would begin anew with every piece that it took.
void Connection::turn_rate(Wait next) {
  const base::MonoTime now = loop_.now();
  if (wait_ == Wait::kWrite && next == Wait::kNone) {
    rate_counted_ += now - rate_since_;
    return;
  }
  if (wait_ != Wait::kNone || next != Wait::kWrite) {
    rate_counted_ = base::Duration(0);
    rate_bytes_ = 0;
  }
  rate_since_ = now;
}

void Connection::arm_timer() {
  base::MonoTime deadline = base::MonoTime::max();
  if (const auto limit = limit_of(wait_)) deadline = wait_since_ + *limit;
  if (limits_.min_rate.has_value() && (wait_ == Wait::kBody || wait_ == Wait::kWrite)) {
    deadline = std::min(deadline, std::max(rate_since_ + kRateGrace - rate_counted_, loop_.now() + kRateInterval));
  }
  if (codec_ != nullptr) deadline = std::min(deadline, codec_->next_deadline().value_or(deadline));
  if (deadline == base::MonoTime::max()) return;
  if (!timer_.is_running() || timer_.deadline() > deadline) timer_.start(deadline);
}

bool Connection::is_too_slow() const {
  if (!limits_.min_rate || (wait_ != Wait::kBody && wait_ != Wait::kWrite)) return false;
  const base::Duration elapsed = rate_counted_ + (timer_now_ - rate_since_);
  if (elapsed < kRateGrace) return false;
  const double seconds = std::chrono::duration<double>(elapsed).count();
  return static_cast<double>(rate_bytes_) < static_cast<double>(*limits_.min_rate) * seconds;
}

void Connection::on_timer(int) {
  if (state_ == State::kClosed) return;
  timer_now_ = loop_.now();
  if (codec_ != nullptr) codec_->on_time(timer_now_);
  if (state_ == State::kClosed) return;
  // The handler may have stopped reading since.
  if (present_wait() != wait_) count_wait({});
  const auto limit = limit_of(wait_);
  if (limit && (timer_now_ >= wait_since_ + *limit || is_too_slow())) {
    expire();
  } else {
    arm_timer();
  }
}

void Connection::expire() {
  switch (wait_) {
    case Wait::kNone: return;
    case Wait::kHandshake:
      owner_.on_handshake_failed(client_, http::Reason::kTlsTimeout, "no handshake within client.handshake_timeout");
      close(false);
      return;
    case Wait::kLinger: close(false); return;
    case Wait::kIdle: codec_->begin_drain(); break;
    case Wait::kHead: codec_->abort(http::Reason::kHeaderTimeout); break;
    case Wait::kBody: codec_->abort(is_too_slow() ? http::Reason::kRateTooLow : http::Reason::kBodyTimeout); break;
    case Wait::kWrite:
      codec_->abort(is_too_slow() ? http::Reason::kRateTooLow : http::Reason::kClientReadTimeout);
      break;
    case Wait::kHalfClosed: codec_->abort(http::Reason::kClientClosed); break;
    case Wait::kConfirm: wait_since_ = timer_now_; return confirm();
  }
  if (state_ != State::kOpen) return;
  wait_ = Wait::kNone;
  loop_.at_turn_end(*this);
}

}  // namespace viaduct::daemon
