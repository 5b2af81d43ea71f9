// SPDX-License-Identifier: Apache-2.0
#include "codec/h1_client.h"

#include <utility>

#include "base/check.h"
#include "codec/h1_head_reader.h"
#include "codec/state_edges.h"
#include "http/status.h"

namespace viaduct::codec {

using http::BodyKind;
using http::Reason;

H1Client::H1Client(const H1Limits& limits, base::ChunkPool& chunks, ClientCodecHandler& owner)
    : owner_(owner), output_(chunks), parser_(H1Parser::Kind::kResponse, limits) {}

void H1Client::transition(State next) {
  using enum State;
  static constexpr StateEdges<State> kEdges = {
      {kIdle, {kWaiting, kClosed}},
      {kWaiting, {kIdle, kBody, kTunnel, kBroken, kClosed}},
      {kBody, {kIdle, kSending, kBroken, kClosed}},
      {kSending, {kIdle, kBroken, kClosed}},
      {kTunnel, {kClosed}},
      {kBroken, {kClosed}},
  };
  CHECK(kEdges.allow(state_, next));
  state_ = next;
}

// ---- what the owner calls -------------------------------------------------------------------------------------------

http::ClientStream& H1Client::begin(http::ResponseHandler& handler, const WaitLimits& limits) {
  CHECK(reusable());
  transition(State::kWaiting);
  handler_ = &handler;
  limits_ = limits;
  asked_ = Asked::kAnswer;
  head_ = nullptr;
  writer_.reset();
  answered_ = persists_ = is_full_ = has_left_ = false;
  reading_ = true;
  queued_ = 0;
  interim_ = {};
  return *this;
}

// Each round either takes bytes or changes the state; after an event the state alone says what is next.
void H1Client::on_input(base::Buffer& input) {
  CHECK(!in_input_);
  in_input_ = true;
  resume_asked_ = false;
  if (state_ == State::kBroken) fail(Reason::kInternalError);
  while (!input.empty() && wants_input()) {
    switch (state_) {
      case State::kIdle: close(); break;
      case State::kWaiting: read_head(input); break;
      case State::kBody: read_body(input); break;
      case State::kSending: finish_response(true); break;
      case State::kTunnel: read_tunnel(input); break;
      case State::kBroken:
      case State::kClosed: break;
    }
  }
  in_input_ = false;
  if (input_end_ != InputEnd::kNone && input.empty() && wants_input()) take_input_end();
}

void H1Client::on_input_end(bool clean) {
  input_end_ = clean ? InputEnd::kClean : InputEnd::kCut;
  // Where on_input is still to come, bytes may wait for it.
  if (!resume_asked_ && wants_input()) take_input_end();
}

// No byte will follow those that were read.
void H1Client::take_input_end() {
  switch (state_) {
    case State::kIdle: close(); break;
    case State::kWaiting: fail(Reason::kUpstreamClosed); break;
    case State::kBody:
    case State::kTunnel: end_response_body(); break;
    case State::kSending: finish_response(true); break;
    case State::kBroken:
    case State::kClosed: break;
  }
}

// A body without a length ends here, and so does a tunnel's direction, but only if nobody cut the connection (RFC 9112
// §8).
void H1Client::end_response_body() {
  if (input_end_ != InputEnd::kClean || !parser_.finish()) return fail(Reason::kUpstreamTruncated);
  base::Buffer nothing(output_.pool());
  handler_->on_response_body(nothing, true);
  if (state_ == State::kBody) finish_response(false);
  if (state_ == State::kTunnel && writer_.is_complete()) settle_tunnel();
}

void H1Client::on_output_drained() {
  if (output_.size() < queued_) has_left_ = true;
  if (state_ == State::kSending && writer_.is_complete() && output_.empty()) {
    finish_stream();
  } else if (state_ == State::kTunnel && writer_.is_complete()) {
    settle_tunnel();
  } else if (is_full_ && output_.size() <= kOutputBytesLow) {
    is_full_ = false;
    if (is_open() && writer_.is_open()) handler_->on_request_writable();
  }
}

bool H1Client::wants_input() const {
  switch (state_) {
    case State::kIdle:
    case State::kWaiting:
    case State::kSending: return true;
    case State::kBody: return reading_;
    case State::kTunnel: return reading_ && !parser_.is_done();
    case State::kBroken:
    case State::kClosed: break;
  }
  return false;
}

CodecPhase H1Client::phase() const {
  switch (state_) {
    case State::kIdle: return CodecPhase::kIdle;
    case State::kWaiting: return writer_.is_complete() ? CodecPhase::kHead : CodecPhase::kResponse;
    case State::kBody: return reading_ ? CodecPhase::kBody : CodecPhase::kResponse;
    case State::kSending:
    case State::kBroken: return CodecPhase::kResponse;
    case State::kTunnel: return CodecPhase::kTunnel;
    case State::kClosed: break;
  }
  return CodecPhase::kClosing;
}

void H1Client::abort(Reason reason) {
  switch (state_) {
    case State::kIdle: close(); break;
    case State::kWaiting:
    case State::kBody:
    case State::kTunnel:
    case State::kBroken: fail(reason); break;
    // The answer is whole, whatever becomes of the connection.
    case State::kSending: finish_response(true); break;
    case State::kClosed: {
      if (output_.empty()) break;
      ending_ = CodecEnding::kAbort;
      output_.clear();
      break;
    }
  }
}

// ---- responses ------------------------------------------------------------------------------------------------------

void H1Client::read_head(base::Buffer& input) {
  // An answer before the question: what some servers say when they close an idle connection. The request has not left,
  // so that it may be sent elsewhere.
  if (!has_left_) return fail(Reason::kUpstreamClosed);
  answered_ = true;
  if (head_ == nullptr) {
    base::Arena& arena = handler_->arena();
    head_ = arena.make<http::ResponseHead>(arena);
    parser_.begin(arena);
  }
  switch (parser_.parse_head(input, head_->fields)) {
    case H1Progress::kMore: break;
    case H1Progress::kDone: accept_head(!input.empty()); break;
    case H1Progress::kRefused: refuse_parsed(); break;
  }
}

void H1Client::accept_head(bool has_surplus) {
  http::ResponseHead& head = *std::exchange(head_, nullptr);
  const auto framing = read_response_head(parser_, method_, head);
  if (!framing) return refuse("invalid_framing");
  if (http::is_informational(head.status)) return accept_informational(head);
  persists_ = is_persistent(parser_.version(), head.fields) && !framing->until_close;
  begin_body(*framing);
  transition(State::kBody);
  const bool end = parser_.is_done();
  handler_->on_response_head(head, end);
  if (end && state_ == State::kBody) finish_response(has_surplus);
}

// RFC 9110 §15.2. 100 answers an expectation that is never sent from here.
void H1Client::accept_informational(http::ResponseHead& head) {
  if (head.status == 101) return begin_tunnel(head);
  parser_.begin_body_sized(0);
  if (!interim_.spend(now_)) return refuse("too_many_interim_answers");
  if (head.status != 100) handler_->on_informational(head);
}

// RFC 6455 §4.1. Where nothing was asked, or something else is agreed to, nobody knows what the bytes behind mean.
void H1Client::begin_tunnel(http::ResponseHead& head) {
  const bool is_agreed = asked_ != Asked::kAnswer && parser_.version() == http::Version::kHttp11 &&
                         agrees_to_websocket(head.fields) && takes_accept(head.fields);
  if (!is_agreed) return refuse(asked_ == Asked::kAnswer ? "unasked_upgrade" : "invalid_upgrade");
  transition(State::kTunnel);
  parser_.begin_body_until_close();
  writer_.reset();
  CHECK(writer_.begin(H1Framing::kUntilClose, 0, false, output_));
  handler_->on_response_head(head, false);
}

// Whether the server has read our key. What it says about it is not the client's business then.
bool H1Client::takes_accept(http::Fields& fields) const {
  if (asked_ != Asked::kWebsocketByUs) return true;
  const http::Field* accept = fields.find(kWebsocketAcceptField);
  const bool is_right = accept != nullptr && accept->value == websocket_accept(key_.view()).view();
  return fields.remove(kWebsocketAcceptField) == 1 && is_right;
}

void H1Client::begin_body(const http::ResponseFraming& framing) {
  if (framing.is_chunked) {
    parser_.begin_body_chunked();
  } else if (framing.until_close) {
    parser_.begin_body_until_close();
  } else {
    parser_.begin_body_sized(framing.size.bytes);
  }
}

void H1Client::read_body(base::Buffer& input) {
  base::Buffer body(output_.pool());
  const H1Progress progress = parser_.parse_body(input, body);
  http::Fields* trailers = progress == H1Progress::kDone ? parser_.trailers() : nullptr;
  const bool end = progress == H1Progress::kDone && trailers == nullptr;
  if (!body.empty() || end) handler_->on_response_body(body, end);
  if (state_ != State::kBody) return;
  if (trailers != nullptr) handler_->on_response_trailers(*trailers);
  if (state_ != State::kBody) return;
  if (progress == H1Progress::kRefused) return refuse_parsed();
  if (progress == H1Progress::kDone) finish_response(!input.empty());
}

void H1Client::read_tunnel(base::Buffer& input) {
  base::Buffer bytes(output_.pool());
  parser_.parse_body(input, bytes);
  handler_->on_response_body(bytes, false);
}

// Our direction of the tunnel is complete: its end is told to the server once the bytes have left.
void H1Client::settle_tunnel() {
  if (!output_.empty()) return;
  if (parser_.is_done()) return finish_stream();
  const bool is_new = std::exchange(ending_, CodecEnding::kHalfClose) != CodecEnding::kHalfClose;
  if (is_new) owner_.on_codec_output();
}

// The response is whole. The request may not be: on a connection that can be kept its end is awaited.
void H1Client::finish_response(bool has_surplus) {
  if (has_surplus || input_end_ != InputEnd::kNone) persists_ = false;
  const bool is_sent = writer_.is_complete() && output_.empty();
  if (!persists_ || is_sent) return finish_stream();
  transition(State::kSending);
}

void H1Client::finish_stream() {
  http::ResponseHandler* handler = std::exchange(handler_, nullptr);
  persists_ ? transition(State::kIdle) : close();
  owner_.on_codec_stream_end();
  handler->on_response_end();
}

void H1Client::refuse_parsed() {
  // The only fault that has no name of its own is one of the first line.
  const Reason reason = parser_.reason();
  refuse(reason == Reason::kUpstreamInvalidResponse ? "malformed_status_line" : http::reason_name(reason));
}

void H1Client::fail(Reason reason, std::string_view detail) {
  http::ResponseHandler* handler = std::exchange(handler_, nullptr);
  const bool answered = answered_;
  close();
  owner_.on_codec_stream_end();
  handler->on_response_reset(reason, answered, detail);
}

// A request that is not whole must not look as if it were.
void H1Client::close() {
  const bool is_whole = !writer_.has_begun() || (writer_.is_complete() && output_.empty());
  output_.clear();
  end(is_whole ? CodecEnding::kClose : CodecEnding::kAbort);
}

void H1Client::end(CodecEnding ending) {
  transition(State::kClosed);
  ending_ = ending;
  owner_.on_codec_output();
}

void H1Client::resume() {
  if (in_input_ || resume_asked_) return;
  resume_asked_ = true;
  owner_.on_codec_resume();
}

// ---- requests -------------------------------------------------------------------------------------------------------

void H1Client::send_head(const http::RequestHead& head, bool end) {
  if (!is_open()) return;
  CHECK(!writer_.has_begun());
  method_ = head.method;
  H1Framing framing = H1Framing::kNone;
  if (head.body.kind == BodyKind::kSized) framing = H1Framing::kSized;
  if (head.body.kind == BodyKind::kStream) framing = H1Framing::kChunked;
  std::string_view key;
  if (!head.protocol.empty()) {
    CHECK(end);
    asked_ = Asked::kWebsocket;
    if (head.fields.find(kWebsocketKeyField) == nullptr) {
      asked_ = Asked::kWebsocketByUs;
      key_ = make_websocket_key();
      key = key_.view();
    }
  }
  if (!write_request_head(head, framing, key, output_)) return after_write(false);
  after_write(writer_.begin(framing, head.body.bytes, end, output_));
}

void H1Client::send_body(base::Buffer& body, bool end) {
  if (!is_open() || writer_.is_complete()) return body.clear();
  after_write(writer_.write(body, end, output_));
}

void H1Client::send_trailers(const http::Fields& trailers) {
  if (!is_open() || writer_.is_complete()) return;
  after_write(writer_.write_trailers(trailers, output_));
}

void H1Client::after_write(bool whole) {
  if (!whole) {
    // Not said to the handler in here, which is in the middle of sending.
    transition(State::kBroken);
    return resume();
  }
  queued_ = output_.size();
  if (queued_ >= kOutputBytesMax) is_full_ = true;
  owner_.on_codec_output();
}

void H1Client::reset() {
  if (handler_ == nullptr) return;
  handler_ = nullptr;
  const bool is_untouched = state_ == State::kWaiting && !writer_.has_begun();
  if (is_untouched) {
    transition(State::kIdle);
  } else if (state_ == State::kTunnel && parser_.is_done() && writer_.is_complete()) {
    // Both directions have ended: what is left of ours only has to leave.
    end(CodecEnding::kClose);
  } else {
    close();
  }
  owner_.on_codec_stream_end();
}

void H1Client::set_reading(bool reading) {
  if (!is_open()) return;
  reading_ = reading;
  if (reading && (state_ == State::kBody || state_ == State::kTunnel)) resume();
}

void H1Client::set_read_limit(std::optional<base::Duration> limit) {
  if (!is_open()) return;
  limits_.read = limit;
  owner_.on_codec_output();
}

std::size_t H1Client::writable_bytes() const {
  return is_full_ || output_.size() >= kOutputBytesMax ? 0 : kOutputBytesMax - output_.size();
}

}  // namespace viaduct::codec
