// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_server.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "codec/h2_error.h"
#include "codec/h2_priority.h"
#include "codec/state_edges.h"

namespace viaduct::codec {

using http::BodyKind;
using http::Reason;

namespace {

// Frames that may wait for a client that does not read: of each stream what answers it, and more than it can provoke
// before a flood is one.
constexpr std::size_t kQueuedFramesMax = 2000;

// Decoded bytes of a header block, in multiples of what would be accepted, at which its sender is stopped.
constexpr std::size_t kHeaderFloodFactor = 4;
constexpr std::size_t kEntryBytes = 32;  // RFC 7541 §4.1

std::size_t header_list_bytes(const H2Limits& limits) {
  return limits.max_head_size + limits.max_target_size + limits.max_fields * kEntryBytes;
}

std::array<nghttp2_settings_entry, 5> settings_of(const H2Limits& limits) {
  return {{{.settings_id = NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, .value = kH2StreamsMax},
           {.settings_id = NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, .value = kH2StreamWindow},
           {.settings_id = NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
            .value = static_cast<std::uint32_t>(header_list_bytes(limits))},
           {.settings_id = NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, .value = 1},
           {.settings_id = NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, .value = 1}}};
}

}  // namespace

H2Server::H2Server(const H2Limits& limits, H2Library& library, base::ChunkPool& chunks, ServerCodecHandler& owner)
    : limits_(limits),
      owner_(owner),
      chunks_(chunks),
      library_(library),
      memory_(library.memory()),
      session_(library, chunks, *this,
               {.is_server = true, .entries = settings_of(limits), .connection_window = kH2ConnectionWindow}) {}

H2Server::~H2Server() {
  while (!streams_.empty()) {
    H2ServerStream& stream = streams_.front();
    session_.set_stream(stream.id(), nullptr);
    memory_.destroy(&stream);
  }
}

void H2Server::transition(State next) {
  using enum State;
  static constexpr StateEdges<State> kEdges = {
      {kOpen, {kNotified, kDraining, kGoodbye, kOver}},
      {kNotified, {kDraining, kGoodbye, kOver}},
      {kDraining, {kGoodbye, kOver}},
      {kGoodbye, {kOver}},
  };
  CHECK(kEdges.allow(state_, next));
  state_ = next;
}

// ---- what the owner calls -------------------------------------------------------------------------------------------

void H2Server::on_input(base::Buffer& input) {
  resume_asked_ = false;
  has_begun_ = has_begun_ || !input.empty();
  if (state_ == State::kOver) {
    input.clear();
  } else if (!input.empty()) {
    session_.receive(input);
    owner_.on_codec_output();
  }
  deliver();
}

void H2Server::on_input_end(bool /*clean*/) {
  input_ended_ = true;
  // Nobody ends one direction of HTTP/2 to wait in the other: a stream has an end of its own for that (RFC 9113 §5.1).
  end_all(Reason::kClientClosed);
  deliver();
}

void H2Server::on_time(base::MonoTime now) {
  now_ = now;
  guard_.set_time(now);
  if (now >= deadline_) expire_streams();
}

std::optional<base::MonoTime> H2Server::next_deadline() const {
  return deadline_ == base::MonoTime::max() ? std::nullopt : std::optional(deadline_);
}

void H2Server::note_deadline(base::MonoTime deadline) {
  deadline_ = std::min(deadline_, deadline);
}

void H2Server::expire_streams() {
  deadline_ = base::MonoTime::max();
  streams_.for_each([](H2ServerStream& stream) { stream.expire(); });
  deliver();
}

void H2Server::fill_output() {
  session_.fill(kH2OutputBytesMax);
  // nghttp2 sends pings first: this one is to come behind the notice, so that its answer tells that the notice is
  // known.
  if (!is_ping_due_ || session_.queued_frames() > 0) return;
  is_ping_due_ = false;
  session_.submit_ping();
  session_.fill(kH2OutputBytesMax);
}

void H2Server::on_output_drained() {
  deliver();
  // There was more than one write takes.
  if (session_.has_output()) owner_.on_codec_output();
}

bool H2Server::wants_input() const {
  return state_ != State::kOver && !input_ended_;
}

CodecPhase H2Server::phase() const {
  if (state_ == State::kOver) return CodecPhase::kClosing;
  // A frame that does not become whole holds up the connection like half a head. A body has its own time.
  const H2FrameInfo& frame = session_.cut().frame();
  const bool is_headers = frame.type == NGHTTP2_HEADERS || frame.type == NGHTTP2_CONTINUATION;
  const bool is_block = is_headers && (frame.flags & NGHTTP2_FLAG_END_HEADERS) == 0;
  const bool is_body = frame.type == NGHTTP2_DATA && !streams_.empty();
  const bool is_cut = has_begun_ && session_.cut().is_within() && !is_body;
  if (is_block || is_cut) return CodecPhase::kHead;
  return streams_.empty() ? CodecPhase::kIdle : CodecPhase::kResponse;
}

CodecEnding H2Server::ending() const {
  if (ending_ == CodecEnding::kAbort) return ending_;
  return state_ == State::kOver && !session_.has_output() ? ending_ : CodecEnding::kOpen;
}

void H2Server::begin_drain() {
  if (state_ != State::kOpen && state_ != State::kNotified) return;
  if (streams_.empty()) {
    say_goodbye();
  } else {
    const bool is_known = state_ == State::kNotified;
    transition(State::kDraining);
    if (!is_known) give_notice();
  }
  owner_.on_codec_output();
  settle();
}

void H2Server::begin_patient_drain() {
  if (state_ != State::kOpen) return;
  transition(State::kNotified);
  give_notice();
  owner_.on_codec_output();
}

// RFC 9113 §6.8: streams that the client has begun before it knew are still taken; the ping's answer says that it does.
void H2Server::give_notice() {
  session_.submit_shutdown_notice();
  is_ping_due_ = true;
}

void H2Server::say_goodbye() {
  transition(State::kGoodbye);
  session_.submit_goaway(NGHTTP2_NO_ERROR);
  guard_.allow_discard(kH2ConnectionWindow);  // of requests that the client begins before it knows
  owner_.on_codec_output();
}

void H2Server::abort(Reason reason) {
  if (state_ == State::kOver) {
    // Its last frames are not taken either.
    if (ending_ == CodecEnding::kAbort) return;
    ending_ = CodecEnding::kAbort;
    session_.output().clear();
    owner_.on_codec_output();
    return;
  }
  if (reason == Reason::kHeaderTimeout) {
    fail(reason, NGHTTP2_ENHANCE_YOUR_CALM);
    return deliver();
  }
  // The transport is broken, or the client takes nothing from it.
  ending_ = CodecEnding::kAbort;
  end_all(reason);
  transition(State::kOver);
  session_.output().clear();
  owner_.on_codec_output();
}

// ---- what nghttp2 reads ---------------------------------------------------------------------------------------------

bool H2Server::on_frame_begin(const H2FrameInfo& frame) {
  const bool is_message = frame.type == NGHTTP2_HEADERS || frame.type == NGHTTP2_DATA;
  const auto* stream = is_message ? static_cast<H2ServerStream*>(session_.find(frame.stream_id)) : nullptr;
  Reason reason = guard_.count(frame, is_message && is_stray(frame, stream));
  if (session_.queued_frames() > kQueuedFramesMax) reason = Reason::kH2ResetFlood;
  if (reason != Reason::kNone) {
    const bool is_data = reason == Reason::kH2FlowControlError;
    fail(reason, is_data ? NGHTTP2_FLOW_CONTROL_ERROR : NGHTTP2_ENHANCE_YOUR_CALM);
  }
  note_windows(frame);
  if (is_goodbye(frame)) is_leaving_ = true;
  if (frame.type == NGHTTP2_PRIORITY_UPDATE) knows_priorities_ = true;
  return !is_broken_ && (stream != nullptr || is_in_order(frame));
}

bool H2Server::is_stray(const H2FrameInfo& frame, const H2ServerStream* stream) const {
  const bool is_headers = frame.type == NGHTTP2_HEADERS;
  if (stream != nullptr) {
    const bool is_refused = is_headers && stream->reason_ != Reason::kNone;
    return stream->handler_ == nullptr || stream->is_reset_ || is_refused;
  }
  if (frame.stream_id % 2 == 0) return false;
  return state_ == State::kGoodbye || ids_.find(frame.stream_id) != H2StreamIds::Past::kIdle;
}

void H2Server::reset_stream(std::int32_t stream_id, std::uint32_t code) {
  guard_.note_our_reset(session_.window_left(stream_id));
  session_.submit_reset(stream_id, code);
  owner_.on_codec_output();
}

void H2Server::note_windows(const H2FrameInfo& frame) {
  if (frame.type == NGHTTP2_SETTINGS) {
    streams_.for_each([this](H2ServerStream& stream) { touch(stream); });
  } else if (frame.type == NGHTTP2_WINDOW_UPDATE && frame.stream_id == 0) {
    touch_stopped();
  } else if (frame.type == NGHTTP2_WINDOW_UPDATE) {
    if (auto* stream = static_cast<H2ServerStream*>(session_.find(frame.stream_id))) touch(*stream);
  }
}

// Of streams that are there no more. RFC 9113 §5.1: behind its end, or the client's reset, a stream takes no more;
// §5.1.1: streams are begun in order.
bool H2Server::is_in_order(const H2FrameInfo& frame) {
  // nghttp2 passes over PRIORITY (RFC 9113 §6.3) where it takes no trees.
  if (frame.type == NGHTTP2_PRIORITY && frame.stream_id == 0) {
    fail(Reason::kH2ProtocolError, NGHTTP2_PROTOCOL_ERROR);
    return false;
  }
  const bool is_headers = frame.type == NGHTTP2_HEADERS;
  if (!is_headers && frame.type != NGHTTP2_DATA) return true;
  if (frame.stream_id % 2 == 0) return true;
  switch (ids_.find(frame.stream_id)) {
    case H2StreamIds::Past::kIdle:
    case H2StreamIds::Past::kReset: return true;
    case H2StreamIds::Past::kSkipped:
      fail(Reason::kH2ProtocolError, is_headers ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_STREAM_CLOSED);
      return false;
    case H2StreamIds::Past::kBegun: fail(Reason::kH2ProtocolError, NGHTTP2_STREAM_CLOSED); return false;
  }
  return true;
}

void H2Server::on_reset_sent(std::int32_t stream_id, std::uint32_t code) {
  if (stream_id % 2 != 0) ids_.reset(stream_id);
  // Codes of which none is a fault of the client.
  if (code == NGHTTP2_NO_ERROR || code == NGHTTP2_INTERNAL_ERROR || code == NGHTTP2_CANCEL) return;
  if (code == NGHTTP2_REFUSED_STREAM && state_ == State::kGoodbye) return;
  const Reason flood = guard_.count_reset();
  if (flood != Reason::kNone && !is_broken_) fail(flood, NGHTTP2_ENHANCE_YOUR_CALM);
}

void H2Server::on_block_begin(H2StreamBase* stream, std::int32_t stream_id, bool is_new) {
  trailers_ = nullptr;
  if (is_new) return begin_stream(stream_id);
  block_ = static_cast<H2ServerStream*>(stream);
  if (block_ == nullptr) return;
  // What has been refused is read no further: blocks without END_STREAM could follow each other without end.
  if (block_->handler_ == nullptr || block_->reason_ != Reason::kNone) {
    block_ = nullptr;
    return;
  }
  base::Arena& arena = block_->handler_->arena();
  trailers_ = arena.make<http::Fields>(arena);
  reader_.begin(H2HeadReader::Kind::kTrailers, limits_, *trailers_);
}

void H2Server::begin_stream(std::int32_t stream_id) {
  // The client reads in GOAWAY that it may send this request again elsewhere, so nobody begins with it here.
  if (state_ == State::kGoodbye) {
    block_ = nullptr;
    ids_.begin(stream_id);
    ids_.reset(stream_id);
    return reset_stream(stream_id, NGHTTP2_REFUSED_STREAM);
  }
  H2ServerStream& stream = *memory_.make<H2ServerStream>(*this, stream_id);
  session_.set_stream(stream_id, &stream);
  streams_.push_back(stream);
  ids_.begin(stream_id);
  stream.handler_ = &owner_.on_stream(stream);
  base::Arena& arena = stream.handler_->arena();
  stream.head_ = arena.make<http::RequestHead>(arena);
  reader_.begin(H2HeadReader::Kind::kRequest, limits_, stream.head_->fields);
  block_ = &stream;
  ++requests_;
}

bool H2Server::on_field(std::string_view name, std::string_view value) {
  if (block_ == nullptr) return true;
  reader_.add(name, value);
  if (reader_.decoded_bytes() <= kHeaderFloodFactor * header_list_bytes(limits_)) return true;
  fail(Reason::kH2HeaderFlood, NGHTTP2_ENHANCE_YOUR_CALM);
  return false;
}

void H2Server::on_block_end(bool end) {
  H2ServerStream* stream = std::exchange(block_, nullptr);
  if (stream == nullptr) return;
  trailers_ == nullptr ? end_head(*stream, end) : end_trailers(*stream, end);
}

void H2Server::end_head(H2ServerStream& stream, bool end) {
  http::RequestHead& head = *stream.head_;
  const Reason reason = reader_.finish_request(head, end);
  stream.request_ended_ = end;
  stream.transition(H2ServerStream::State::kReady);
  touch(stream);
  if (reason != Reason::kNone) {
    return stream.refuse(reason, reader_.is_malformed());
  }
  stream.is_connect_ = !head.protocol.empty();
  if (head.body.kind == BodyKind::kSized) stream.left_ = head.body.bytes;
  prioritize(stream, head);
}

// Responses of clients that know nothing of RFC 9218 share the connection, as they did by RFC 7540: one that is long
// would keep the others waiting.
void H2Server::prioritize(H2ServerStream& stream, const http::RequestHead& head) {
  const http::Field* field = head.fields.find(http::FieldName::kPriority);
  knows_priorities_ =
      knows_priorities_ || field != nullptr || session_.remote_setting(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES) == 1;
  if (field == nullptr && knows_priorities_) return;
  const H2Priority priority = field != nullptr ? read_priority(field->value) : H2Priority{.incremental = true};
  session_.set_priority(stream.id(), priority.urgency, priority.incremental);
}

void H2Server::end_trailers(H2ServerStream& stream, bool end) {
  http::Fields* trailers = std::exchange(trailers_, nullptr);
  const Reason reason = reader_.finish_trailers();
  // RFC 9113 §8.1: behind trailers there is nothing.
  if (!end || reason != Reason::kNone) {
    const bool is_malformed = !end || reader_.is_malformed();
    return stream.refuse(reason != Reason::kNone ? reason : Reason::kMalformedHeader, is_malformed);
  }
  stream.trailers_ = trailers;
  stream.take_end();
}

void H2Server::forget_block(const H2ServerStream& stream) {
  if (block_ == &stream) block_ = nullptr;
}

void H2Server::on_data(H2StreamBase& stream, const base::Buffer& input, std::size_t offset, std::size_t count) {
  guard_.note_data();
  static_cast<H2ServerStream&>(stream).take_data(input, offset, count);
}

void H2Server::on_end_stream(H2StreamBase& stream) {
  static_cast<H2ServerStream&>(stream).take_end();
}

void H2Server::on_stream_closed(H2StreamBase& stream, std::uint32_t code) {
  auto& closed = static_cast<H2ServerStream&>(stream);
  closed.is_closed_ = true;
  closed.close_code_ = code;
  forget_block(closed);
  touch(closed);
}

void H2Server::on_body_sent(H2StreamBase& stream, std::size_t count) {
  guard_.note_data_sent();
  guard_.earn_window_updates(count);
  sent_.note(count, now_);
  auto& sending = static_cast<H2ServerStream&>(stream);
  sending.count_waiting();
  sending.sent_bytes_ += count;
  sending.wait_.note_sent(count);
  touch(sending);
}

void H2Server::count_waiting(std::size_t before, std::size_t now) {
  const bool was_full = waiting_bytes_ >= kH2WaitingBytesMax;
  waiting_bytes_ += now - before;
  if (was_full && waiting_bytes_ < kH2WaitingBytesMax) touch_stopped();
}

void H2Server::touch_stopped() {
  streams_.for_each([this](H2ServerStream& stream) {
    if (stream.is_stopped_) touch(stream);
  });
}

void H2Server::on_end_sent(H2StreamBase& stream) {
  auto& ending = static_cast<H2ServerStream&>(stream);
  ending.end_sent_ = true;
  touch(ending);
}

void H2Server::on_ping_answered() {
  if (state_ == State::kDraining || state_ == State::kNotified) say_goodbye();
}

void H2Server::on_broken(std::uint32_t code) {
  if (failure_ == Reason::kNone) failure_ = reason_of_h2_error(code);
  is_broken_ = true;
}

void H2Server::fail(Reason reason, std::uint32_t code) {
  if (failure_ == Reason::kNone) failure_ = reason;
  is_broken_ = true;
  session_.terminate(code);
  owner_.on_codec_output();
}

// ---- what handlers are told -----------------------------------------------------------------------------------------

void H2Server::touch(H2ServerStream& stream) {
  if (!stream.H2ServerStream::TouchedHook::is_linked()) touched_.push_back(stream);
}

// A stream that is told something may touch itself and others; each time it moves on, so that this ends.
void H2Server::deliver() {
  CHECK(!is_telling_);
  is_telling_ = true;
  while (!touched_.empty()) {
    H2ServerStream& stream = touched_.front();
    stream.H2ServerStream::TouchedHook::unlink();
    stream.deliver();
    if (stream.is_closed_ && stream.handler_ == nullptr) memory_.destroy(&stream);
  }
  settle();
  is_telling_ = false;
}

void H2Server::end_all(Reason reason) {
  streams_.for_each([reason](H2ServerStream& stream) {
    if (stream.handler_ != nullptr) stream.fail(reason);
  });
}

// What follows from the streams for the connection.
void H2Server::settle() {
  if (state_ == State::kOver) return;
  if (is_broken_) {
    end_all(failure_);
    transition(State::kOver);
    owner_.on_codec_output();
    return;
  }
  const bool is_exhausted = limits_.max_requests != 0 && requests_ >= limits_.max_requests;
  if (is_exhausted && state_ != State::kGoodbye) say_goodbye();
  if (!streams_.empty()) return;
  if (state_ == State::kDraining) say_goodbye();
  // The last stream has ended; or the client has gone, or has said goodbye and is not in the middle of a frame.
  const bool is_left = is_leaving_ && !session_.cut().is_within();
  if (state_ == State::kGoodbye || input_ended_ || is_left || !session_.wants_input()) {
    transition(State::kOver);
    if (input_ended_) ending_ = CodecEnding::kClose;
    owner_.on_codec_output();
  }
}

void H2Server::resume() {
  if (is_telling_ || resume_asked_ || state_ == State::kOver) return;
  resume_asked_ = true;
  owner_.on_codec_resume();
}

}  // namespace viaduct::codec
