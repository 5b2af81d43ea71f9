// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_client_stream.h"

#include <utility>

#include "base/check.h"
#include "codec/h2_client.h"
#include "codec/h2_head_writer.h"
#include "codec/state_edges.h"
#include "http/status.h"

namespace viaduct::codec {

using http::BodyKind;
using http::Reason;

H2ClientStream::H2ClientStream(H2Client& client, http::ResponseHandler& handler, const WaitLimits& limits)
    : H2StreamBase(0),
      client_(client),
      handler_(&handler),
      limits_(limits),
      outgoing_(client.chunks_),
      received_(client.chunks_) {}

void H2ClientStream::transition(State next) {
  using enum State;
  static constexpr StateEdges<State> kEdges = {
      {kIdle, {kWaiting, kOver}},
      {kWaiting, {kAnswered, kOver}},
      {kAnswered, {kOver}},
  };
  CHECK(kEdges.allow(state_, next));
  state_ = next;
}

// ---- the request ----------------------------------------------------------------------------------------------------

void H2ClientStream::send_head(const http::RequestHead& head, bool end) {
  if (state_ != State::kIdle) return;
  transition(State::kWaiting);
  method_ = head.method;
  request_sent_ = true;
  if (!end) {
    const bool is_sized = head.body.kind == BodyKind::kSized;
    outgoing_.begin(is_sized ? std::optional(head.body.bytes) : std::nullopt);
  }
  const H2FieldList fields = request_fields(head, client_.is_tls_ ? "https" : "http");
  const std::int32_t number = client_.session_.submit_request(fields.entries(), end ? nullptr : &outgoing_, this);
  if (number < 0) {
    is_closed_ = true;
    spoil(Reason::kUpstreamRefusedStream);
    return client_.resume();
  }
  set_id(number);
  client_.touch(*this);  // the wait begins when the owner has said what time it is
  client_.owner_.on_codec_output();
}

void H2ClientStream::send_body(base::Buffer& body, bool end) {
  if (state_ == State::kOver || is_closed_) return body.clear();
  after_write(outgoing_.write(body, end));
}

void H2ClientStream::send_trailers(const http::Fields& trailers) {
  if (state_ == State::kOver || is_closed_) return;
  after_write(outgoing_.write_trailers(trailers));
}

void H2ClientStream::after_write(bool whole) {
  if (!whole) {
    // Not said to the handler in here, which is in the middle of sending.
    spoil(Reason::kInternalError);
    return client_.resume();
  }
  if (outgoing_.is_deferred() && outgoing_.is_waiting()) client_.session_.resume(id());
  client_.touch(*this);
  client_.owner_.on_codec_output();
}

void H2ClientStream::reset() {
  if (handler_ == nullptr) return;
  handler_ = nullptr;
  const bool is_sent = request_sent_ && !is_closed_;
  if (awaits_head()) client_.pulse_.note_given_up(wait_.since());
  transition(State::kOver);
  client_.forget_block(*this);
  received_.clear();
  outgoing_.abandon();
  if (is_sent) {
    client_.reset_stream(id(), NGHTTP2_CANCEL);
  } else {
    is_closed_ = true;
    client_.touch(*this);
    client_.resume();
  }
  --client_.requests_;
  client_.owner_.on_codec_output();
  client_.owner_.on_codec_stream_end();
}

void H2ClientStream::set_reading(bool reading) {
  if (state_ == State::kOver) return;
  reading_ = reading;
  client_.touch(*this);
  if (reading) client_.resume();
}

void H2ClientStream::set_read_limit(std::optional<base::Duration> limit) {
  limits_.read = limit;
  if (state_ == State::kOver) return;
  client_.touch(*this);
  client_.owner_.on_codec_output();
}

// ---- what nghttp2 has read ------------------------------------------------------------------------------------------

http::Fields& H2ClientStream::begin_block() {
  base::Arena& arena = handler_->arena();
  if (state_ == State::kAnswered || is_head_ready_) {
    trailers_ = arena.make<http::Fields>(arena);
    return *trailers_;
  }
  head_ = arena.make<http::ResponseHead>(arena);
  return head_->fields;
}

void H2ClientStream::end_response_head(std::string_view fault, bool end) {
  if (!fault.empty()) return refuse(fault);
  if (http::is_informational(head_->status)) {
    if (!interim_.spend(client_.now_)) return refuse("too_many_interim_answers");
    // 100 answers an expectation that is never sent from here.
    if (head_->status != 100) handler_->on_informational(*head_);
    return;
  }
  if (head_->body.kind == BodyKind::kSized) left_ = head_->body.bytes;
  // RFC 9110 §9.3.2, §15: these have no body, whatever comes.
  if (head_->body.kind == BodyKind::kNone) left_ = 0;
  is_head_ready_ = true;
  client_.touch(*this);
  if (end) take_end();
}

void H2ClientStream::take_data(const base::Buffer& input, std::size_t offset, std::size_t count) {
  moved_bytes_ += count;
  client_.touch(*this);
  if (state_ == State::kOver || reason_ != Reason::kNone) return;
  const bool has_head = is_head_ready_ || state_ == State::kAnswered;
  if (!has_head) return refuse("body_before_head");
  if (left_ && count > *left_) return refuse("body_too_long");
  if (left_) *left_ -= count;
  received_.share_run(input, offset, count);
}

void H2ClientStream::take_end() {
  client_.touch(*this);
  // An end behind a fault makes nothing whole.
  if (reason_ != Reason::kNone) return;
  if (left_.value_or(0) > 0) return refuse("body_too_short");
  response_ended_ = true;
}

void H2ClientStream::take_close(std::uint32_t code) {
  is_closed_ = true;
  client_.touch(*this);
  if (response_ended_ || reason_ != Reason::kNone) return;
  // RFC 9113 §8.7: nothing was done with it. nghttp2 says the same of streams that a GOAWAY leaves out.
  if (code == NGHTTP2_REFUSED_STREAM && !has_answer()) return spoil(Reason::kUpstreamRefusedStream);
  // Whatever the code, the server may have begun with it.
  spoil(code == NGHTTP2_NO_ERROR || has_answer() ? Reason::kUpstreamTruncated : Reason::kUpstreamStreamReset);
}

void H2ClientStream::spoil(Reason reason) {
  if (state_ == State::kOver || reason_ != Reason::kNone) return;
  reason_ = reason;
  client_.touch(*this);
}

void H2ClientStream::refuse(std::string_view detail) {
  if (reason_ == Reason::kNone) detail_ = detail;
  spoil(Reason::kUpstreamInvalidResponse);
}

// ---- what the handler is told ---------------------------------------------------------------------------------------

void H2ClientStream::deliver() {
  if (is_head_ready_ && state_ == State::kWaiting) {
    is_head_ready_ = false;
    transition(State::kAnswered);
    const bool end = response_ended_ && received_.empty() && trailers_ == nullptr;
    handler_->on_response_head(*head_, end);
    if (end && state_ == State::kAnswered) return finish();
  }
  if (state_ == State::kAnswered) deliver_body();
  if (handler_ == nullptr) return;
  if (reason_ != Reason::kNone) return fail(reason_, detail_);
  if (outgoing_.take_room_again()) handler_->on_request_writable();
  if (handler_ != nullptr) note_wait();
}

void H2ClientStream::deliver_body() {
  while (state_ == State::kAnswered && reading_ && (response_ended_ || !received_.empty())) {
    if (response_ended_ && received_.empty() && trailers_ != nullptr) {
      handler_->on_response_trailers(*std::exchange(trailers_, nullptr));
      if (state_ == State::kAnswered) finish();
      return;
    }
    base::Buffer body(received_.pool());
    body.take_all(received_);
    if (!is_closed_ && !response_ended_) {
      client_.session_.consume(id(), body.size());
      client_.owner_.on_codec_output();
    }
    const bool end = response_ended_ && trailers_ == nullptr;
    handler_->on_response_body(body, end);
    if (end && state_ == State::kAnswered) return finish();
  }
}

// The response is whole. A request that is not need not be.
void H2ClientStream::finish() {
  http::ResponseHandler* handler = std::exchange(handler_, nullptr);
  transition(State::kOver);
  client_.forget_block(*this);
  if (!is_closed_ && !is_request_complete()) {
    client_.reset_stream(id(), NGHTTP2_NO_ERROR);
  }
  outgoing_.abandon();
  client_.guard_.earn_reset();
  --client_.requests_;
  client_.owner_.on_codec_stream_end();
  handler->on_response_end();
}

void H2ClientStream::fail(Reason reason, std::string_view detail) {
  http::ResponseHandler* handler = std::exchange(handler_, nullptr);
  transition(State::kOver);
  client_.forget_block(*this);
  received_.clear();
  outgoing_.abandon();
  if (request_sent_ && !is_closed_) {
    const bool is_theirs = reason == Reason::kUpstreamInvalidResponse;
    client_.reset_stream(id(), is_theirs ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_CANCEL);
  } else {
    is_closed_ = true;
  }
  client_.touch(*this);
  --client_.requests_;
  client_.owner_.on_codec_stream_end();
  handler->on_response_reset(reason, has_answer(), detail);
}

// ---- time -----------------------------------------------------------------------------------------------------------

H2Wait::Kind H2ClientStream::present_wait() const {
  if (state_ == State::kOver || state_ == State::kIdle || is_closed_ || response_ended_) return H2Wait::Kind::kNone;
  if (outgoing_.is_waiting()) return H2Wait::Kind::kSend;
  const bool is_due = state_ == State::kAnswered || is_request_complete();
  return is_due && reading_ ? H2Wait::Kind::kReceive : H2Wait::Kind::kNone;
}

std::optional<base::Duration> H2ClientStream::limit() const {
  return wait_.kind() == H2Wait::Kind::kSend ? limits_.send : limits_.read;
}

void H2ClientStream::note_wait() {
  wait_.update(present_wait(), {.bytes = std::exchange(moved_bytes_, 0), .at = client_.now_}, client_.now_);
  client_.deadline_ = std::min(client_.deadline_, wait_.deadline(limit(), std::nullopt, client_.now_));
  if (awaits_head()) client_.watch_pulse(wait_.since());
}

void H2ClientStream::expire() {
  note_wait();
  if (handler_ == nullptr || !wait_.is_over(limit(), client_.now_)) return;
  client_.note_silence(*limit());
  if (wait_.kind() == H2Wait::Kind::kSend) return spoil(Reason::kUpstreamSendTimeout);
  spoil(state_ == State::kAnswered ? Reason::kUpstreamReadTimeout : Reason::kUpstreamHeaderTimeout);
}

}  // namespace viaduct::codec
