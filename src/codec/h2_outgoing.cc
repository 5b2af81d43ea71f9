// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_outgoing.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "codec/h2_head_writer.h"
#include "codec/state_edges.h"

namespace viaduct::codec {

void H2Outgoing::transition(State next) {
  using enum State;
  static constexpr StateEdges<State> kEdges = {
      {kIdle, {kOpen}},
      {kOpen, {kEnding, kBroken}},
      {kEnding, {kComplete, kBroken}},
  };
  CHECK(kEdges.allow(state_, next));
  state_ = next;
}

void H2Outgoing::begin(std::optional<std::uint64_t> length) {
  transition(State::kOpen);
  left_ = length;
}

bool H2Outgoing::write(base::Buffer& body, bool end) {
  if (state_ != State::kOpen) {
    body.clear();
    return true;
  }
  if (left_) {
    if (body.size() > *left_) {
      transition(State::kBroken);
      body.clear();
      return false;
    }
    *left_ -= body.size();
  }
  waiting_.take_all(body);
  if (waiting_.size() >= kWaitingBytesMax) is_full_ = true;
  return !end || end_body();
}

bool H2Outgoing::write_trailers(const http::Fields& trailers) {
  if (state_ != State::kOpen) return true;
  if (!trailers.empty()) trailers_ = &trailers;
  return end_body();
}

bool H2Outgoing::end_body() {
  const bool is_whole = left_.value_or(0) == 0;
  transition(is_whole ? State::kEnding : State::kBroken);
  return is_whole;
}

bool H2Outgoing::take_room_again() {
  return state_ == State::kOpen && waiting_.size() <= kWaitingBytesLow && std::exchange(is_full_, false);
}

void H2Outgoing::abandon() {
  waiting_.clear();
  trailers_ = nullptr;
  if (state_ == State::kOpen || state_ == State::kEnding) transition(State::kBroken);
}

ssize_t H2Outgoing::offer(nghttp2_session* session, std::int32_t stream_id, std::size_t bytes_max,
                          std::uint32_t& flags) {
  const std::size_t count = std::min(bytes_max, waiting_.size());
  const bool is_last = state_ == State::kEnding && count == waiting_.size();
  if (count == 0 && !is_last) {
    is_deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  is_deferred_ = false;
  flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (!is_last) return static_cast<ssize_t>(count);
  flags |= NGHTTP2_DATA_FLAG_EOF;
  if (trailers_ != nullptr) {
    flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    submit_trailers(session, stream_id, *std::exchange(trailers_, nullptr));
  }
  transition(State::kComplete);
  return static_cast<ssize_t>(count);
}

void H2Outgoing::move_to(base::Buffer& output, std::size_t count) {
  output.take(waiting_, count);
}

}  // namespace viaduct::codec
