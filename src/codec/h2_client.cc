// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "codec/h2_error.h"
#include "codec/state_edges.h"

namespace viaduct::codec {

using http::Reason;

namespace {

// What a server may have under way: on one stream, which is what waits here for a slow client, and on all together.
constexpr std::uint32_t kStreamWindow = 128 * 1024;
constexpr std::int32_t kConnectionWindow = 4 * 1024 * 1024;

// Frames, bodies apart, that may wait for a server that does not read; requests that are given up leave some.
constexpr std::size_t kQueuedFramesMax = 1000;

constexpr std::array<nghttp2_settings_entry, 2> kSettings{
    {{.settings_id = NGHTTP2_SETTINGS_ENABLE_PUSH, .value = 0},
     {.settings_id = NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, .value = kStreamWindow}}};

// What was wrong with a header block; `other` where it is none of its fields.
std::string_view fault_of(const H2HeadReader& reader, std::string_view other) {
  return reader.reason() != Reason::kNone ? http::reason_name(reader.reason()) : other;
}

}  // namespace

H2Client::H2Client(const H2Limits& limits, H2Library& library, base::ChunkPool& chunks, ClientCodecHandler& owner,
                   bool is_tls)
    : limits_(limits),
      owner_(owner),
      chunks_(chunks),
      memory_(library.memory()),
      is_tls_(is_tls),
      session_(library, chunks, *this,
               {.is_server = false, .entries = kSettings, .connection_window = kConnectionWindow}),
      guard_(kConnectionWindow) {}

H2Client::~H2Client() {
  while (!streams_.empty()) memory_.destroy(&streams_.front());
}

void H2Client::transition(State next) {
  using enum State;
  static constexpr StateEdges<State> kEdges = {
      {kOpen, {kGoodbye, kEnded, kClosed}},
      {kGoodbye, {kEnded, kClosed}},
      {kEnded, {kClosed}},
  };
  CHECK(kEdges.allow(state_, next));
  state_ = next;
}

// ---- what the owner calls -------------------------------------------------------------------------------------------

bool H2Client::reusable() const {
  if (state_ != State::kOpen || is_broken_ || pulse_.is_lost()) return false;
  if (session_.queued_frames() > kQueuedFramesMax) return false;
  const std::uint32_t granted = session_.remote_setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return requests_ < std::min(kRequestsMax, granted) && session_.may_request();
}

http::ClientStream& H2Client::begin(http::ResponseHandler& handler, const WaitLimits& limits) {
  CHECK(reusable());
  H2ClientStream& stream = *memory_.make<H2ClientStream>(*this, handler, limits);
  streams_.push_back(stream);
  ++requests_;
  return stream;
}

void H2Client::on_input(base::Buffer& input) {
  resume_asked_ = false;
  if (is_ended()) {
    input.clear();
  } else if (!input.empty()) {
    pulse_.note_heard(now_);
    session_.receive(input);
    owner_.on_codec_output();
  }
  deliver();
}

void H2Client::on_input_end(bool /*clean*/) {
  if (!is_ended()) end_all(Reason::kUpstreamClosed, Reason::kUpstreamTruncated);
}

void H2Client::on_time(base::MonoTime now) {
  now_ = now;
  guard_.set_time(now);
  pulse_.update(now);
  if (now < deadline_) return;
  deadline_ = pulse_.deadline();
  streams_.for_each([](H2ClientStream& stream) { stream.expire(); });
  deliver();
}

std::optional<base::MonoTime> H2Client::next_deadline() const {
  return deadline_ == base::MonoTime::max() ? std::nullopt : std::optional(deadline_);
}

void H2Client::note_silence(base::Duration limit) {
  if (state_ == State::kOpen && pulse_.heard_at() + limit <= now_) transition(State::kGoodbye);
}

void H2Client::watch_pulse(base::MonoTime since) {
  if (pulse_.ask(since, now_)) {
    session_.submit_ping();
    owner_.on_codec_output();
  }
  deadline_ = std::min({deadline_, pulse_.asks_at(since), pulse_.deadline()});
}

void H2Client::on_output_drained() {
  deliver();
  // There was more than one write takes.
  if (session_.has_output()) owner_.on_codec_output();
}

CodecPhase H2Client::phase() const {
  if (state_ == State::kClosed) return CodecPhase::kClosing;
  return requests_ == 0 ? CodecPhase::kIdle : CodecPhase::kResponse;
}

CodecEnding H2Client::ending() const {
  if (state_ != State::kClosed) return CodecEnding::kOpen;
  return ending_ == CodecEnding::kAbort || !session_.has_output() ? ending_ : CodecEnding::kOpen;
}

void H2Client::abort(Reason reason) {
  ending_ = CodecEnding::kAbort;
  session_.output().clear();
  if (state_ != State::kClosed) end_all(reason, reason);
}

// ---- what nghttp2 reads ---------------------------------------------------------------------------------------------

bool H2Client::on_frame_begin(const H2FrameInfo& frame) {
  // RFC 9113 §3.4. What else comes is most often an answer of HTTP/1.1.
  const bool is_settings = frame.type == NGHTTP2_SETTINGS && (frame.flags & NGHTTP2_FLAG_ACK) == 0;
  if (!std::exchange(is_greeted_, true) && !is_settings) fail("h2_settings_missing", NGHTTP2_PROTOCOL_ERROR);
  const Reason reason = guard_.count(frame, is_stray(frame));
  if (reason != Reason::kNone) {
    const bool is_data = reason == Reason::kH2FlowControlError;
    fail(http::reason_name(reason), is_data ? NGHTTP2_FLOW_CONTROL_ERROR : NGHTTP2_ENHANCE_YOUR_CALM);
  }
  return !is_broken_;
}

bool H2Client::is_stray(const H2FrameInfo& frame) const {
  const bool is_headers = frame.type == NGHTTP2_HEADERS;
  if (!is_headers && frame.type != NGHTTP2_DATA) return false;
  const auto* stream = static_cast<H2ClientStream*>(session_.find(frame.stream_id));
  return stream == nullptr || stream->handler_ == nullptr || (is_headers && stream->reason_ != Reason::kNone);
}

void H2Client::reset_stream(std::int32_t stream_id, std::uint32_t code) {
  guard_.note_our_reset(session_.window_left(stream_id));
  session_.submit_reset(stream_id, code);
  owner_.on_codec_output();
}

void H2Client::on_block_begin(H2StreamBase* stream, std::int32_t, bool) {
  block_ = static_cast<H2ClientStream*>(stream);
  if (block_ == nullptr || block_->handler_ == nullptr || block_->reason_ != Reason::kNone) {
    block_ = nullptr;
    return;
  }
  http::Fields& fields = block_->begin_block();
  const bool is_trailers = block_->trailers_ == &fields;
  reader_.begin(is_trailers ? H2HeadReader::Kind::kTrailers : H2HeadReader::Kind::kResponse, limits_, fields);
}

bool H2Client::on_field(std::string_view name, std::string_view value) {
  if (block_ == nullptr) return true;
  reader_.add(name, value);
  // A head far beyond the limit is not read to its end.
  if (reader_.decoded_bytes() <= 4 * limits_.max_head_size + 64 * limits_.max_fields) return true;
  fail(http::reason_name(Reason::kH2HeaderFlood), NGHTTP2_ENHANCE_YOUR_CALM);
  return false;
}

void H2Client::on_block_end(bool end) {
  H2ClientStream* stream = std::exchange(block_, nullptr);
  pulse_.note_answer();
  if (stream == nullptr) return;
  stream->moved_bytes_ += reader_.decoded_bytes();
  touch(*stream);
  if (stream->trailers_ == nullptr) {
    const bool is_good = reader_.finish_response(*stream->head_, stream->method_, end) == Reason::kNone;
    return stream->end_response_head(is_good ? std::string_view() : fault_of(reader_, "invalid_status"), end);
  }
  // RFC 9113 §8.1: behind trailers there is nothing.
  const bool is_good = end && reader_.finish_trailers() == Reason::kNone;
  is_good ? stream->take_end() : stream->refuse(fault_of(reader_, "trailers_without_end"));
}

void H2Client::forget_block(const H2ClientStream& stream) {
  if (block_ == &stream) block_ = nullptr;
}

void H2Client::on_data(H2StreamBase& stream, const base::Buffer& input, std::size_t offset, std::size_t count) {
  guard_.note_data();
  pulse_.note_answer();
  static_cast<H2ClientStream&>(stream).take_data(input, offset, count);
}

void H2Client::on_end_stream(H2StreamBase& stream) {
  static_cast<H2ClientStream&>(stream).take_end();
}

void H2Client::on_stream_closed(H2StreamBase& stream, std::uint32_t code) {
  auto& closed = static_cast<H2ClientStream&>(stream);
  forget_block(closed);
  closed.take_close(code);
}

void H2Client::on_goaway(std::int32_t, std::uint32_t) {
  if (state_ == State::kOpen) transition(State::kGoodbye);
}

// Of nghttp2's resets, too. Who sends more than a window allows is likely to go on, and what was too much counts.
void H2Client::on_reset_sent(std::int32_t, std::uint32_t code) {
  if (code == NGHTTP2_FLOW_CONTROL_ERROR && state_ == State::kOpen) transition(State::kGoodbye);
}

void H2Client::on_body_sent(H2StreamBase& stream, std::size_t count) {
  guard_.note_data_sent();
  guard_.earn_window_updates(count);
  auto& sending = static_cast<H2ClientStream&>(stream);
  sending.moved_bytes_ += count;
  touch(sending);
}

void H2Client::on_broken(std::uint32_t code) {
  if (fault_.empty()) fault_ = http::reason_name(reason_of_h2_error(code));
  is_broken_ = true;
}

void H2Client::fail(std::string_view fault, std::uint32_t code) {
  if (fault_.empty()) fault_ = fault;
  is_broken_ = true;
  session_.terminate(code);
  owner_.on_codec_output();
}

// ---- what handlers are told -----------------------------------------------------------------------------------------

void H2Client::touch(H2ClientStream& stream) {
  if (!stream.H2ClientStream::TouchedHook::is_linked()) touched_.push_back(stream);
}

void H2Client::deliver() {
  CHECK(!is_telling_);
  is_telling_ = true;
  while (!touched_.empty()) {
    H2ClientStream& stream = touched_.front();
    stream.H2ClientStream::TouchedHook::unlink();
    if (stream.handler_ != nullptr) stream.deliver();
    if (stream.is_closed_ && stream.handler_ == nullptr) memory_.destroy(&stream);
  }
  is_telling_ = false;
  settle();
}

void H2Client::end_all(Reason reason, Reason reason_answered) {
  if (state_ != State::kEnded) transition(State::kEnded);
  streams_.for_each([=, this](H2ClientStream& stream) {
    if (stream.handler_ == nullptr || stream.is_answer_whole()) return;
    stream.fail(stream.has_answer() ? reason_answered : reason, fault_);
  });
  if (requests_ == 0) transition(State::kClosed);
  owner_.on_codec_output();
}

void H2Client::settle() {
  if (state_ == State::kClosed) return;
  if (is_broken_ && state_ != State::kEnded) {
    return end_all(Reason::kUpstreamInvalidResponse, Reason::kUpstreamInvalidResponse);
  }
  const bool is_last = state_ != State::kOpen || pulse_.is_lost() || !session_.wants_input();
  if (requests_ > 0 || !is_last) return;
  transition(State::kClosed);
  owner_.on_codec_output();
}

void H2Client::resume() {
  if (is_telling_ || resume_asked_ || state_ == State::kClosed) return;
  resume_asked_ = true;
  owner_.on_codec_resume();
}

}  // namespace viaduct::codec
