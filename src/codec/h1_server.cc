// SPDX-License-Identifier: Apache-2.0
#include "codec/h1_server.h"

#include <utility>

#include "base/check.h"
#include "codec/h1_head_reader.h"
#include "codec/state_edges.h"
#include "http/status.h"

namespace viaduct::codec {

using http::BodyKind;
using http::Reason;
using http::Version;

namespace {

constexpr std::string_view kContinueResponse = "HTTP/1.1 100 Continue\r\n\r\n";

// The request is late or slow, but the client still waits for an answer.
bool is_answerable(Reason reason) {
  return reason == Reason::kHeaderTimeout || reason == Reason::kBodyTimeout || reason == Reason::kRateTooLow;
}

}  // namespace

H1Server::H1Server(const H1Limits& limits, base::ChunkPool& chunks, ServerCodecHandler& owner)
    : limits_(limits), owner_(owner), output_(chunks), parser_(H1Parser::Kind::kRequest, limits) {}

void H1Server::transition(State next) {
  using enum State;
  static constexpr StateEdges<State> kEdges = {
      {kIdle, {kHead, kClosing}},
      {kHead, {kExchange, kRefused, kClosing}},
      {kExchange, {kRefused, kBroken, kTunnel, kFlushing, kClosing}},
      {kRefused, {kBroken, kFlushing, kClosing}},
      {kBroken, {kClosing}},
      {kTunnel, {kCutting, kClosing}},
      {kCutting, {kClosing}},
      {kFlushing, {kIdle, kDiscarding, kClosing}},
      {kDiscarding, {kIdle, kClosing}},
  };
  CHECK(kEdges.allow(state_, next));
  state_ = next;
}

// ---- what the owner calls -------------------------------------------------------------------------------------------

// Each round either takes bytes or changes the state; after an event the state alone says what is next.
void H1Server::on_input(base::Buffer& input) {
  CHECK(input_ == nullptr);
  input_ = &input;
  resume_asked_ = false;
  if (state_ == State::kBroken) fail(Reason::kInternalError);
  while (!input.empty() && wants_input()) {
    switch (state_) {
      case State::kIdle: {
        if (parser_.find_message(input)) begin_request();
        break;
      }
      case State::kHead: read_head(input); break;
      case State::kExchange: read_body(input); break;
      case State::kTunnel: read_tunnel(input); break;
      case State::kFlushing:
      case State::kDiscarding: discard(input); break;
      case State::kRefused:
      case State::kBroken:
      case State::kCutting:
      case State::kClosing: break;
    }
  }
  input_ = nullptr;
  if (drain_ == Drain::kNow && input.empty() && state_ == State::kIdle) close(CodecEnding::kClose);
  if (input_ended_ && input.empty() && wants_input()) take_input_end();
}

void H1Server::on_input_end(bool /*clean*/) {
  input_ended_ = true;
  // Where on_input is still to come, bytes may wait for it.
  if (!resume_asked_ && wants_input()) take_input_end();
}

// No byte will follow those that were read, and more are needed.
void H1Server::take_input_end() {
  switch (state_) {
    case State::kIdle:
    case State::kDiscarding: close(CodecEnding::kClose); break;
    case State::kHead: give_up_head(Reason::kClientClosed); break;
    case State::kExchange: fail(Reason::kClientClosed); break;
    case State::kTunnel: end_tunnel_input(); break;
    case State::kFlushing: persists_ = client_persists_ = false; break;
    case State::kRefused:
    case State::kBroken:
    case State::kCutting:
    case State::kClosing: break;
  }
}

void H1Server::on_output_drained() {
  if (state_ == State::kFlushing && output_.empty()) {
    finish_stream();
  } else if (state_ == State::kTunnel && writer_.is_complete()) {
    settle_tunnel();
  } else if (state_ == State::kCutting && output_.empty()) {
    close(CodecEnding::kAbort);
  } else if (is_full_ && output_.size() <= kOutputBytesLow) {
    is_full_ = false;
    if (handler_ != nullptr && writer_.is_open()) handler_->on_writable();
  }
}

bool H1Server::wants_input() const {
  switch (state_) {
    case State::kIdle:
    case State::kHead:
    case State::kDiscarding: return true;
    case State::kExchange:
    case State::kTunnel: return reading_ && !parser_.is_done();
    case State::kFlushing: return persists_ && !parser_.is_done();
    case State::kRefused:
    case State::kBroken:
    case State::kCutting:
    case State::kClosing: break;
  }
  return false;
}

CodecPhase H1Server::phase() const {
  switch (state_) {
    case State::kIdle: return CodecPhase::kIdle;
    case State::kHead: return CodecPhase::kHead;
    case State::kExchange: return wants_input() && !is_patient_ ? CodecPhase::kBody : CodecPhase::kResponse;
    case State::kRefused:
    case State::kBroken:
    case State::kFlushing: return CodecPhase::kResponse;
    case State::kTunnel: return CodecPhase::kTunnel;
    case State::kDiscarding: return CodecPhase::kBody;
    case State::kCutting:
    case State::kClosing: break;
  }
  return CodecPhase::kClosing;
}

void H1Server::begin_drain() {
  drain_ = Drain::kNow;
  // Where on_input is still to come, a request may wait for it; that one is answered yet.
  if (state_ == State::kIdle && !resume_asked_) close(CodecEnding::kClose);
}

void H1Server::begin_patient_drain() {
  if (drain_ == Drain::kNone) drain_ = Drain::kPatient;
}

void H1Server::abort(Reason reason) {
  switch (state_) {
    case State::kIdle:
    case State::kDiscarding: close(CodecEnding::kClose); break;
    case State::kHead: give_up_head(reason); break;
    case State::kExchange: {
      is_answerable(reason) && !writer_.has_begun() ? refuse(reason) : fail(reason);
      break;
    }
    case State::kRefused:
    case State::kBroken:
    case State::kTunnel:
    case State::kFlushing: fail(reason); break;
    case State::kCutting: close(CodecEnding::kAbort); break;
    case State::kClosing: {
      // Its last bytes are not taken either.
      ending_ = CodecEnding::kAbort;
      output_.clear();
      owner_.on_codec_output();
      break;
    }
  }
}

// ---- requests -------------------------------------------------------------------------------------------------------

void H1Server::begin_request() {
  transition(State::kHead);
  ++requests_;
  writer_.reset();
  version_ = Version::kHttp11;
  is_head_request_ = client_persists_ = persists_ = reading_ = is_wanted_ = is_patient_ = is_full_ = false;
  continue_ = Continue::kNotExpected;
  handler_ = &owner_.on_stream(*this);
  base::Arena& arena = handler_->arena();
  head_ = arena.make<http::RequestHead>(arena);
  parser_.begin(arena);
}

void H1Server::read_head(base::Buffer& input) {
  switch (parser_.parse_head(input, head_->fields)) {
    case H1Progress::kMore: break;
    case H1Progress::kDone: accept_head(!input.empty()); break;
    case H1Progress::kRefused: {
      note_request_line();
      refuse(refusal_of(parser_, *head_));
      break;
    }
  }
}

void H1Server::note_request_line() {
  copy_request_line(parser_, *head_);
  version_ = head_->version;
  is_head_request_ = head_->method == http::Method::kHead;
}

// It will not be completed: what has come of it is all that the log will know.
void H1Server::give_up_head(Reason reason) {
  parser_.give_up_head(head_->fields);
  note_request_line();
  if (is_answerable(reason)) return refuse(reason);
  handler_->on_refused(*head_, Reason::kClientClosed);
  fail(reason);
}

void H1Server::accept_head(bool has_more_input) {
  note_request_line();
  const Reason reason = read_request_head(*head_);
  if (reason != Reason::kNone) return refuse(reason);
  client_persists_ = is_persistent(version_, head_->fields);
  persists_ = client_persists_ && (limits_.max_requests == 0 || requests_ < limits_.max_requests);
  switch (head_->body.kind) {
    case BodyKind::kNone:
    case BodyKind::kSized: parser_.begin_body_sized(head_->body.bytes); break;
    case BodyKind::kStream: parser_.begin_body_chunked(); break;
  }
  // A client that has begun to send its body waits for nothing (RFC 9110 §10.1.1).
  if (head_->expects_continue && !has_more_input) continue_ = Continue::kDue;
  transition(State::kExchange);
  handler_->on_head(*head_, parser_.is_done());
}

void H1Server::read_body(base::Buffer& input) {
  base::Buffer body(output_.pool());
  const H1Progress progress = parser_.parse_body(input, body);
  http::Fields* trailers = progress == H1Progress::kDone ? parser_.trailers() : nullptr;
  const bool end = progress == H1Progress::kDone && trailers == nullptr;
  if (!body.empty() || end) handler_->on_body(body, end);
  if (state_ != State::kExchange) return;
  if (trailers != nullptr) handler_->on_trailers(*trailers);
  if (progress == H1Progress::kRefused) writer_.has_begun() ? fail(parser_.reason()) : refuse(parser_.reason());
}

void H1Server::read_tunnel(base::Buffer& input) {
  base::Buffer bytes(output_.pool());
  parser_.parse_body(input, bytes);
  handler_->on_body(bytes, false);
}

void H1Server::end_tunnel_input() {
  parser_.finish();
  base::Buffer nothing(output_.pool());
  handler_->on_body(nothing, true);
  if (state_ == State::kTunnel && writer_.is_complete()) settle_tunnel();
}

// The arena of the exchange, which the parser has read into until now, goes with its handler.
void H1Server::begin_discarding() {
  transition(State::kDiscarding);
  const bool is_chunked = !parser_.body_bytes_left().has_value();
  if (!is_chunked) return;
  discarded_trailers_ = std::make_unique<base::Arena>(output_.pool());
  parser_.move_to(*discarded_trailers_);
}

// The rest of a body that nobody wants, so that the request behind it can be read. How much may come was weighed when
// the answer was begun; the owner bounds how slowly.
void H1Server::discard(base::Buffer& input) {
  base::Buffer body(output_.pool());
  const H1Progress progress = parser_.parse_body(input, body);
  const bool is_refused = progress == H1Progress::kRefused;
  if (is_refused) persists_ = false;
  if (state_ == State::kFlushing) return;
  if (progress == H1Progress::kDone) {
    transition(State::kIdle);
    discarded_trailers_.reset();
  } else if (is_refused) {
    close(CodecEnding::kLinger);
  }
}

// The request cannot go on; its handler answers. Nothing more is read from this connection.
void H1Server::refuse(Reason reason) {
  persists_ = false;
  continue_ = Continue::kNotExpected;
  transition(State::kRefused);
  handler_->on_refused(*head_, reason);
}

// The stream ends without an answer, or in the middle of one.
void H1Server::fail(Reason reason) {
  http::StreamHandler* handler = std::exchange(handler_, nullptr);
  close(writer_.has_begun() ? CodecEnding::kAbort : CodecEnding::kClose);
  handler->on_reset(reason);
}

void H1Server::close(CodecEnding ending) {
  transition(State::kClosing);
  ending_ = ending;
  if (ending == CodecEnding::kAbort) output_.clear();
  owner_.on_codec_output();
}

void H1Server::resume() {
  if (input_ != nullptr || resume_asked_) return;
  resume_asked_ = true;
  owner_.on_codec_resume();
}

// ---- responses ------------------------------------------------------------------------------------------------------

void H1Server::send_informational(const http::ResponseHead& head) {
  CHECK(http::is_informational(head.status) && head.status != 101);
  const bool is_open = state_ == State::kExchange && !writer_.has_begun();
  if (!is_open || version_ == Version::kHttp10) return;
  if (head.status == 100) continue_ = Continue::kSent;
  write_response_head(head, H1Framing::kNone, H1Connection::kNothing, output_);
  owner_.on_codec_output();
}

void H1Server::send_head(const http::ResponseHead& head, bool end) {
  CHECK((state_ == State::kExchange || state_ == State::kRefused) && !writer_.has_begun());
  if (head.status == 101) {
    CHECK(!end);
    return begin_tunnel(head);
  }
  const H1Framing framing = framing_of(head);
  H1Connection connection = H1Connection::kClose;
  if (decide_persistence(framing, head)) {
    connection = version_ == Version::kHttp10 ? H1Connection::kKeepAlive : H1Connection::kNothing;
  }
  write_response_head(head, framing, connection, output_);
  const std::uint64_t bytes = head.body.kind == BodyKind::kSized ? head.body.bytes : 0;
  after_write(writer_.begin(framing, bytes, end, output_));
}

H1Framing H1Server::framing_of(const http::ResponseHead& head) const {
  if (head.status == 304) return H1Framing::kHeadOnly;
  if (http::forbids_body(head.status)) return H1Framing::kNone;
  if (is_head_request_) return H1Framing::kHeadOnly;
  // A response without body has to say so: nothing stated would mean until the connection closes.
  if (head.body.kind != BodyKind::kStream) return H1Framing::kSized;
  return version_ == Version::kHttp10 ? H1Framing::kUntilClose : H1Framing::kChunked;
}

// Whether the rest of the request's body is better not sent at all, so that the answer has to say that the connection
// ends. Else all of it is read or dropped, and the request behind it gets its answer.
bool H1Server::is_rest_unwanted(const http::ResponseHead& head) {
  if (!is_wanted_ && input_ != nullptr && state_ == State::kExchange) {
    base::Buffer dropped(output_.pool());
    if (!parser_.is_done() && parser_.parse_body(*input_, dropped) == H1Progress::kRefused) return true;
  }
  if (parser_.is_done()) return false;
  // Said by those who know that the client will not complete it.
  if (!is_persistent(version_, head.fields) && head.fields.count(http::FieldName::kConnection) > 0) return true;
  // How long a chunked one is nobody knows.
  const bool is_short = parser_.body_bytes_left().value_or(kDiscardBytesMax + 1) <= kDiscardBytesMax;
  // A server that echoes answers while it reads; one that redirects or refuses has seen enough.
  return !is_short && (!is_wanted_ || head.status >= 300);
}

bool H1Server::decide_persistence(H1Framing framing, const http::ResponseHead& head) {
  // A client whose expectation is not met may or may not send its body: what follows could not be told apart.
  const bool is_clear = continue_ != Continue::kDue && framing != H1Framing::kUntilClose;
  persists_ = persists_ && is_clear && drain_ == Drain::kNone && state_ != State::kRefused;
  if (persists_ && !parser_.is_done()) persists_ = !is_rest_unwanted(head);
  continue_ = Continue::kNotExpected;
  return persists_;
}

void H1Server::send_body(base::Buffer& body, bool end) {
  const bool is_open = state_ == State::kExchange || state_ == State::kRefused || state_ == State::kTunnel;
  if (!is_open) return body.clear();
  after_write(writer_.write(body, end, output_));
}

void H1Server::send_trailers(const http::Fields& trailers) {
  if (state_ != State::kExchange && state_ != State::kRefused) return;
  after_write(writer_.write_trailers(trailers, output_));
}

void H1Server::after_write(bool whole) {
  if (!whole) {
    // Not said to the handler in here, which is in the middle of sending.
    transition(State::kBroken);
    return resume();
  }
  if (output_.size() >= kOutputBytesMax) is_full_ = true;
  owner_.on_codec_output();
  if (!writer_.is_complete() || state_ == State::kTunnel) return;
  transition(State::kFlushing);
  if (wants_input()) resume();
}

// The response has left. What the handler did not read of the request is dropped from now on.
void H1Server::finish_stream() {
  http::StreamHandler* handler = std::exchange(handler_, nullptr);
  reading_ = false;
  if (!persists_) {
    close(proper_ending());
  } else {
    parser_.is_done() ? transition(State::kIdle) : begin_discarding();
    resume();
  }
  handler->on_stream_end();
}

// The bytes of the connection are the other protocol's from here on, those that have come already as well.
void H1Server::begin_tunnel(const http::ResponseHead& head) {
  CHECK(state_ == State::kExchange && !head_->protocol.empty());
  transition(State::kTunnel);
  reading_ = false;
  parser_.begin_body_until_close();
  write_response_head(head, H1Framing::kNone, H1Connection::kUpgrade, output_);
  after_write(writer_.begin(H1Framing::kUntilClose, 0, false, output_));
}

// Our direction of the tunnel is complete: its end is told to the client once the bytes have left.
void H1Server::settle_tunnel() {
  if (!output_.empty()) return;
  if (!parser_.is_done()) {
    const bool is_new = std::exchange(ending_, CodecEnding::kHalfClose) != CodecEnding::kHalfClose;
    if (is_new) owner_.on_codec_output();
    return;
  }
  http::StreamHandler* handler = std::exchange(handler_, nullptr);
  close(CodecEnding::kClose);
  handler->on_stream_end();
}

// A client that may still be sending must be able to read the answer first.
CodecEnding H1Server::proper_ending() const {
  const bool is_silent = input_ended_ || (parser_.is_done() && !client_persists_);
  return is_silent ? CodecEnding::kClose : CodecEnding::kLinger;
}

void H1Server::reset() {
  if (handler_ == nullptr) return;
  handler_ = nullptr;
  if (state_ == State::kTunnel && !output_.empty()) return transition(State::kCutting);
  close(writer_.has_begun() ? CodecEnding::kAbort : proper_ending());
}

void H1Server::set_reading(bool reading) {
  if (state_ != State::kExchange && state_ != State::kTunnel) return;
  reading_ = reading;
  if (!reading) return;
  is_wanted_ = true;
  if (continue_ == Continue::kDue) {
    continue_ = Continue::kSent;
    output_.append(kContinueResponse);
    owner_.on_codec_output();
  }
  if (!parser_.is_done()) resume();
}

std::size_t H1Server::writable_bytes() const {
  return is_full_ || output_.size() >= kOutputBytesMax ? 0 : kOutputBytesMax - output_.size();
}

}  // namespace viaduct::codec
