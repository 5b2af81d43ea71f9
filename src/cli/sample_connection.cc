// SPDX-License-Identifier: Apache-2.0
#include "cli/sample_connection.h"

#include <utility>

#include "cli/sample_exchange.h"

namespace viaduct::cli {

SampleConnection::SampleConnection(net::Loop& loop, const std::string& upstream, os::Fd fd)
    : loop_(loop),
      upstream_(upstream),
      transport_(loop, std::move(fd)),
      codec_(limits_, loop.chunks(), *this),
      input_(loop.chunks()),
      silence_timer_(loop.timers(), *this) {}

void SampleConnection::open() {
  silence_timer_.start_after(kSilenceMax);
  transport_.start(*this);
}

// ---- bytes in -------------------------------------------------------------------------------------------------------

void SampleConnection::on_transport_readable() {
  if (state_ == State::kLingering) return linger_read();
  if (state_ != State::kOpen || input_ended_) return;
  const net::IoResult result = transport_.read(input_);
  if (result.bytes > 0) silence_timer_.start_after(kSilenceMax);
  if (result.bytes > 0 && codec_.wants_input()) codec_.on_input(input_);
  if (result.status == net::IoStatus::kEnd || result.status == net::IoStatus::kTruncated) {
    input_ended_ = true;
    codec_.on_input_end(result.status == net::IoStatus::kEnd);
  } else if (result.status == net::IoStatus::kFailed) {
    input_ended_ = true;
    codec_.abort(http::Reason::kClientClosed);
  }
  settle();
}

http::StreamHandler& SampleConnection::on_stream(http::ServerStream& stream) {
  auto exchange = std::make_unique<SampleExchange>(loop_, upstream_, stream);
  return *exchange.release();  // frees itself through Loop::retire
}

void SampleConnection::on_codec_resume() {
  resume_input_ = true;
  loop_.at_turn_end(*this);
}

// ---- bytes out ------------------------------------------------------------------------------------------------------

void SampleConnection::on_codec_output() {
  loop_.at_turn_end(*this);
}

void SampleConnection::on_transport_writable() {
  write_blocked_ = false;
  flush();
}

void SampleConnection::on_turn_end() {
  if (state_ != State::kOpen) return;
  if (std::exchange(resume_input_, false)) codec_.on_input(input_);
  flush();
}

void SampleConnection::flush() {
  if (state_ != State::kOpen) return;
  base::Buffer& output = codec_.output();
  if (output.empty()) {
    codec_.on_output_drained();
  } else if (!write_blocked_) {
    const net::IoResult result = transport_.write(output);
    write_blocked_ = result.status == net::IoStatus::kAgain;
    if (result.status == net::IoStatus::kFailed) {
      output.clear();
      codec_.abort(http::Reason::kClientClosed);
      return close();
    }
    silence_timer_.start_after(kSilenceMax);
    codec_.on_output_drained();
  }
  settle();
}

// ---- the transport follows the codec --------------------------------------------------------------------------------

void SampleConnection::settle() {
  if (state_ != State::kOpen) return;
  const bool is_flushed = codec_.output().empty();
  switch (codec_.ending()) {
    case codec::CodecEnding::kOpen: transport_.set_reading(!input_ended_ && codec_.wants_input()); return;
    case codec::CodecEnding::kHalfClose:
      if (is_flushed) transport_.shutdown();
      transport_.set_reading(!input_ended_ && codec_.wants_input());
      return;
    case codec::CodecEnding::kAbort: close(); return;
    case codec::CodecEnding::kClose:
      if (is_flushed) close();
      return;
    case codec::CodecEnding::kLinger:
      if (is_flushed) linger();
      return;
  }
}

// Closing at once would reset the connection under a request that is still being sent, and its answer would be lost.
void SampleConnection::linger() {
  if (input_ended_) return close();
  state_ = State::kLingering;
  input_.clear();
  transport_.shutdown();
  transport_.set_reading(true);
  silence_timer_.start_after(kLingerTime);
}

void SampleConnection::linger_read() {
  const net::IoResult result = transport_.read(input_);
  input_.clear();
  if (result.status != net::IoStatus::kOk && result.status != net::IoStatus::kAgain) close();
}

void SampleConnection::on_timer(int) {
  const bool may_be_silent = state_ == State::kOpen && codec_.phase() == codec::CodecPhase::kTunnel;
  may_be_silent ? silence_timer_.start_after(kSilenceMax) : close_now();
}

void SampleConnection::on_transport_failed(const net::TransportError&) {
  close_now();
}

void SampleConnection::close_now() {
  if (state_ == State::kOpen) codec_.abort(http::Reason::kClientClosed);
  close();
}

void SampleConnection::close() {
  if (state_ == State::kClosed) return;
  const bool is_cut = codec_.ending() == codec::CodecEnding::kAbort;
  state_ = State::kClosed;
  silence_timer_.stop();
  net::TurnEnd::unlink();
  transport_.close(is_cut);
  base::ListHook<SampleConnection>::unlink();
  loop_.retire(*this);
}

void SampleConnection::dispose() {
  const std::unique_ptr<SampleConnection> self(this);
}

}  // namespace viaduct::cli
