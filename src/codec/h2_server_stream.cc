// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_server_stream.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "codec/h2_head_writer.h"
#include "codec/h2_server.h"
#include "codec/state_edges.h"
#include "http/status.h"

namespace viaduct::codec {

using http::BodyKind;
using http::Reason;

namespace {

// A body of more than this is worth a wider window.
constexpr std::uint64_t kLongBodyBytes = 32 * 1024;
// What an extended CONNECT gets whose answer is a success of another kind.
constexpr int kConnectRefused = 502;

}  // namespace

H2ServerStream::H2ServerStream(H2Server& server, std::int32_t id)
    : H2StreamBase(id), server_(server), received_(server.chunks_), outgoing_(server.chunks_) {}

H2ServerStream::~H2ServerStream() {
  outgoing_.abandon();
  count_waiting();
}

void H2ServerStream::transition(State next) {
  using enum State;
  static constexpr StateEdges<State> kEdges = {
      {kHead, {kReady, kOver}},
      {kReady, {kExchange, kRefused, kOver}},
      {kExchange, {kRefused, kOver}},
      {kRefused, {kOver}},
  };
  CHECK(kEdges.allow(state_, next));
  state_ = next;
}

// ---- what nghttp2 has read ------------------------------------------------------------------------------------------

void H2ServerStream::take_data(const base::Buffer& input, std::size_t offset, std::size_t count) {
  if (!is_patient_) server_.uploaded_.note(count, server_.now_);
  server_.touch(*this);
  if (state_ == State::kOver || reason_ != Reason::kNone) return;
  if (left_ && count > *left_) return refuse(Reason::kInvalidContentLength, true);
  if (left_) *left_ -= count;
  received_.share_run(input, offset, count);
}

void H2ServerStream::take_end() {
  request_ended_ = true;
  server_.touch(*this);
  if (left_.value_or(0) > 0) refuse(Reason::kInvalidContentLength, true);
}

void H2ServerStream::refuse(Reason reason, bool is_malformed) {
  if (state_ == State::kOver || reason_ != Reason::kNone) return;
  reason_ = reason;
  is_malformed_ = is_malformed;
  server_.touch(*this);
}

// ---- what the handler is told ---------------------------------------------------------------------------------------

void H2ServerStream::deliver() {
  if (state_ == State::kReady) deliver_head();
  if (is_wrong_ && handler_ != nullptr) fail(Reason::kInternalError);
  if (state_ == State::kExchange && reason_ != Reason::kNone) deliver_refusal();
  if (state_ == State::kExchange) deliver_body();
  if (is_open() && take_room_again()) handler_->on_writable();
  if (is_open() && is_answered()) finish_answer();
  deliver_end();
  note_wait();
}

void H2ServerStream::deliver_head() {
  // Taken back before anybody began with it.
  if (is_closed_ && reason_ == Reason::kNone) reason_ = Reason::kClientClosed;
  if (reason_ != Reason::kNone) {
    transition(State::kRefused);
    handler_->on_refused(*head_, reason_);
    return;
  }
  transition(State::kExchange);
  const bool is_tunnel_wish = !head_->protocol.empty();
  const bool end = is_tunnel_wish || (request_ended_ && received_.empty() && trailers_ == nullptr);
  end_delivered_ = end && !is_tunnel_wish;
  if (head_->expects_continue && !request_ended_ && received_.empty()) continue_ = Continue::kDue;
  handler_->on_head(*head_, end);
}

// The answer may be given yet where it has not begun.
void H2ServerStream::deliver_refusal() {
  received_.clear();
  if (answer_ != Answer::kNone) return fail(reason_);
  transition(State::kRefused);
  handler_->on_refused(*head_, reason_);
}

void H2ServerStream::deliver_body() {
  while (wants_body() && !end_delivered_ && (request_ended_ || !received_.empty())) {
    if (request_ended_ && received_.empty() && trailers_ != nullptr) {
      end_delivered_ = true;
      return handler_->on_trailers(*std::exchange(trailers_, nullptr));
    }
    base::Buffer body(received_.pool());
    body.take_all(received_);
    const std::size_t count = body.size();
    const bool was_long = delivered_bytes_ > kLongBodyBytes;
    delivered_bytes_ += count;
    if (!is_closed_ && !request_ended_) {
      server_.session_.consume(id(), count);
      if (!was_long && delivered_bytes_ > kLongBodyBytes) server_.session_.set_window(id(), kH2StreamWindowLong);
      server_.owner_.on_codec_output();
    }
    end_delivered_ = request_ended_ && trailers_ == nullptr;
    handler_->on_body(body, end_delivered_);
  }
}

void H2ServerStream::deliver_end() {
  if (!is_closed_ || handler_ == nullptr) return;
  if (!is_answered()) return fail(reason_ != Reason::kNone ? reason_ : Reason::kClientClosed);
  http::StreamHandler* handler = std::exchange(handler_, nullptr);
  transition(State::kOver);
  if (reason_ == Reason::kNone && close_code_ == NGHTTP2_NO_ERROR) server_.guard_.earn_reset();
  handler->on_stream_end();
}

void H2ServerStream::fail(Reason reason) {
  http::StreamHandler* handler = std::exchange(handler_, nullptr);
  const bool is_head = state_ == State::kHead || state_ == State::kReady;
  transition(State::kOver);
  server_.forget_block(*this);
  received_.clear();
  outgoing_.abandon();
  count_waiting();
  if (!is_closed_) {
    const bool is_ours = reason == Reason::kInternalError;
    server_.reset_stream(id(), is_malformed_ ? NGHTTP2_PROTOCOL_ERROR
                               : is_ours     ? NGHTTP2_INTERNAL_ERROR
                                             : NGHTTP2_CANCEL);
  }
  if (is_head) {
    head_->version = http::Version::kHttp2;
    handler->on_refused(*head_, Reason::kClientClosed);
  }
  handler->on_reset(reason);
}

// ---- time -----------------------------------------------------------------------------------------------------------

H2Wait::Kind H2ServerStream::present_wait() const {
  if (state_ == State::kOver || is_closed_) return H2Wait::Kind::kNone;
  const bool is_stopped = is_stopped_ && outgoing_.is_open();
  if (outgoing_.is_waiting() || is_stopped)
    return server_.session_.has_window(id()) ? H2Wait::Kind::kTurn : H2Wait::Kind::kSend;
  const bool is_due = wants_body() && !request_ended_ && !is_patient_;
  return is_due ? H2Wait::Kind::kReceive : H2Wait::Kind::kNone;
}

// A client that takes or sends the bodies of other streams first is neither silent nor slow.
H2Progress H2ServerStream::take_moved() {
  const H2Progress& sent = server_.sent_;
  const H2Progress& uploaded = server_.uploaded_;
  H2Progress moved{.bytes = std::exchange(sent_bytes_, 0), .at = server_.now_};
  if (wait_.kind() == H2Wait::Kind::kTurn) moved = {.bytes = sent.bytes - seen_sent_, .at = sent.at};
  if (wait_.kind() == H2Wait::Kind::kReceive) moved = {.bytes = uploaded.bytes - seen_uploaded_, .at = uploaded.at};
  seen_sent_ = sent.bytes;
  seen_uploaded_ = uploaded.bytes;
  return moved;
}

void H2ServerStream::note_wait() {
  const H2Progress moved = take_moved();  // of the wait until now
  wait_.update(present_wait(), moved, server_.now_);
  const H2Limits& limits = server_.limits_;
  server_.note_deadline(wait_.deadline(limits.body_timeout, limits.min_rate, server_.now_));
}

void H2ServerStream::expire() {
  note_wait();
  const H2Limits& limits = server_.limits_;
  const bool is_over = wait_.is_over(limits.body_timeout, server_.now_);
  const bool is_slow = wait_.is_too_slow(limits.min_rate, server_.now_);
  if (!is_over && !is_slow) return;
  if (wait_.kind() == H2Wait::Kind::kReceive) {
    refuse(is_slow ? Reason::kRateTooLow : Reason::kBodyTimeout, false);
  } else {
    fail(is_slow ? Reason::kRateTooLow : Reason::kClientReadTimeout);
  }
}

// ---- responses ------------------------------------------------------------------------------------------------------

void H2ServerStream::send_informational(const http::ResponseHead& head) {
  CHECK(http::is_informational(head.status) && head.status != 101);
  if (!is_open() || answer_ != Answer::kNone) return;
  if (head.status == 100) continue_ = Continue::kSent;
  server_.session_.submit_informational(id(), response_fields(head).entries());
  server_.owner_.on_codec_output();
}

void H2ServerStream::send_head(const http::ResponseHead& head, bool end) {
  CHECK(answer_ == Answer::kNone && (state_ == State::kExchange || state_ == State::kRefused));
  is_tunnel_ = head.status == 101;
  CHECK(!is_tunnel_ || (!head_->protocol.empty() && !end));
  answer_ = end ? Answer::kComplete : Answer::kBegun;
  continue_ = Continue::kNotExpected;
  if (is_tunnel_) {
    reading_ = false;
    is_patient_ = true;  // who tunnels counts silence
  }
  end_sent_ = is_closed_ || is_malformed_;  // there is nobody to send it to
  if (is_closed_) return;
  // RFC 9113 §8.1.1: a stream error. An answer would end the stream before it.
  if (is_malformed_) return finish_answer();
  if (is_connect_ && head.status >= 200 && head.status < 300) return refuse_connect();
  const H2FieldList fields = response_fields(head);
  if (!end) {
    const bool is_sized = head.body.kind == BodyKind::kSized;
    outgoing_.begin(is_sized ? std::optional(head.body.bytes) : std::nullopt);
  }
  server_.session_.submit_response(id(), fields.entries(), end ? nullptr : &outgoing_);
  server_.owner_.on_codec_output();
}

// RFC 9110 §9.3.6: any 2xx would open the tunnel, and what follows is no tunnel: whoever answers knows no WebSocket.
void H2ServerStream::refuse_connect() {
  http::ResponseHead head(handler_->arena());
  head.status = kConnectRefused;
  server_.session_.submit_response(id(), response_fields(head).entries(), nullptr);
  server_.owner_.on_codec_output();
}

void H2ServerStream::send_body(base::Buffer& body, bool end) {
  if (!is_open()) {
    body.clear();
    if (end) complete_unsent();
    return;
  }
  after_write(outgoing_.write(body, end), end);
}

void H2ServerStream::send_trailers(const http::Fields& trailers) {
  if (!is_open()) return complete_unsent();
  after_write(outgoing_.write_trailers(trailers), true);
}

void H2ServerStream::complete_unsent() {
  answer_ = Answer::kComplete;
  end_sent_ = true;
}

void H2ServerStream::after_write(bool whole, bool end) {
  count_waiting();
  if (!whole) {
    // Not said to the handler in here, which is in the middle of sending.
    is_wrong_ = true;
    server_.touch(*this);
    return server_.resume();
  }
  if (end) answer_ = Answer::kComplete;
  note_room();  // who has used it up waits, and need not ask for that
  if (outgoing_.is_deferred() && outgoing_.is_waiting()) server_.session_.resume(id());
  server_.touch(*this);  // the wait begins when the owner has said what time it is
  server_.owner_.on_codec_output();
}

void H2ServerStream::finish_answer() {
  const bool is_wanted = request_ended_ || is_tunnel_;
  if (is_reset_ || (is_wanted && !is_malformed_)) return;
  is_reset_ = true;
  server_.reset_stream(id(), is_malformed_ ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_NO_ERROR);
}

void H2ServerStream::reset() {
  if (handler_ == nullptr) return;
  handler_ = nullptr;
  transition(State::kOver);
  server_.forget_block(*this);
  received_.clear();
  outgoing_.abandon();
  count_waiting();
  server_.touch(*this);
  if (is_closed_) return server_.resume();
  server_.reset_stream(id(), is_tunnel_ ? NGHTTP2_CANCEL : NGHTTP2_INTERNAL_ERROR);
}

void H2ServerStream::set_reading(bool reading) {
  if (state_ != State::kExchange) return;
  reading_ = reading;
  if (reading && continue_ == Continue::kDue) {
    continue_ = Continue::kSent;
    http::ResponseHead head(handler_->arena());
    head.status = 100;
    server_.session_.submit_informational(id(), response_fields(head).entries());
    server_.owner_.on_codec_output();
  }
  server_.touch(*this);
  if (reading) server_.resume();
}

void H2ServerStream::set_patient(bool patient) {
  is_patient_ = patient;
  server_.touch(*this);
}

// ---- room -----------------------------------------------------------------------------------------------------------

std::size_t H2ServerStream::waiting_max() const {
  // Nothing is kept; or there is no answer yet, and who is to send one would not be told to go on.
  if (is_closed_ || !outgoing_.is_open()) return H2Outgoing::kWaitingBytesMax;
  if (!server_.is_crowded()) return H2Outgoing::kWaitingBytesMax;
  // Each stream that can move may, so that none starves behind those that stand still.
  const bool is_full = server_.waiting_bytes_ >= kH2WaitingBytesMax;
  if (is_full || outgoing_.waiting_bytes() > 0) return 0;
  return std::min(server_.session_.sendable_bytes(id()), kH2PieceBytesMax);
}

std::size_t H2ServerStream::writable_bytes() const {
  return note_room();
}

std::size_t H2ServerStream::note_room() const {
  const std::size_t waiting = outgoing_.waiting_bytes();
  const std::size_t waiting_max = this->waiting_max();
  const std::size_t room = waiting_max > waiting ? waiting_max - waiting : 0;
  is_stopped_ = is_stopped_ || room == 0;
  return is_stopped_ ? 0 : room;
}

// Not for every byte.
bool H2ServerStream::take_room_again() {
  if (!is_stopped_ || !outgoing_.is_open()) return false;
  const std::size_t waiting = outgoing_.waiting_bytes();
  const std::size_t waiting_max = this->waiting_max();
  if (waiting >= waiting_max || waiting > H2Outgoing::kWaitingBytesLow) return false;
  is_stopped_ = false;
  return true;
}

void H2ServerStream::count_waiting() {
  const std::size_t waiting = outgoing_.waiting_bytes();
  server_.count_waiting(std::exchange(counted_bytes_, waiting), waiting);
}

}  // namespace viaduct::codec
