// SPDX-License-Identifier: Apache-2.0
#include "codec/h1_chunk_check.h"

#include <algorithm>
#include <limits>

#include "base/bytes.h"
#include "base/check.h"
#include "codec/h1_bytes.h"
#include "codec/state_edges.h"

namespace viaduct::codec {

namespace {

constexpr std::uint64_t kSizeMax = std::numeric_limits<std::int64_t>::max();

}  // namespace

void H1ChunkCheck::transition(State next) {
  using enum State;
  static constexpr StateEdges<State> kEdges = {
      {kSize, {kExtension, kSizeLf, kRefused}}, {kExtension, {kSizeLf, kRefused}},
      {kSizeLf, {kData, kTrailers, kRefused}},  {kData, {kDataCr, kRefused}},
      {kDataCr, {kDataLf, kRefused}},           {kDataLf, {kSize, kRefused}},
  };
  CHECK(kEdges.allow(state_, next));
  state_ = next;
}

void H1ChunkCheck::begin() {
  state_ = State::kSize;
  digits_ = 0;
  extension_bytes_ = 0;
  left_ = 0;
}

H1ChunkCheck::Outcome H1ChunkCheck::check(std::string_view run) {
  DCHECK(!run.empty() && state_ != State::kTrailers);
  std::size_t count = 0;
  while (count < run.size() && take_framing(run[count])) ++count;
  if (count > 0) return {.piece = Piece::kFraming, .size = count};
  if (state_ == State::kData) return take_data(run);
  if (state_ == State::kExtension) return take_extension(run);
  return {.piece = Piece::kRefused, .size = 0};
}

bool H1ChunkCheck::take_framing(char byte) {
  switch (state_) {
    case State::kSize: return take_size_byte(byte);
    case State::kExtension: return byte == '\r' && expect(true, State::kSizeLf);
    case State::kSizeLf: return expect(byte == '\n', left_ == 0 ? State::kTrailers : State::kData);
    case State::kDataCr: return expect(byte == '\r', State::kDataLf);
    case State::kDataLf: return expect(byte == '\n', State::kSize);
    case State::kData:
    case State::kTrailers:
    case State::kRefused: break;
  }
  return false;
}

bool H1ChunkCheck::take_size_byte(char byte) {
  const int value = base::hex_value(byte);
  if (value < 0) {
    if (byte == ';' && digits_ > 0) transition(State::kExtension);
    return byte != ';' && expect(byte == '\r' && digits_ > 0, State::kSizeLf);
  }
  // Before the last digit the size is below 2^60, so that the shift cannot overflow.
  if (digits_ == kSizeDigitsMax) return expect(false, State::kRefused);
  left_ = left_ << 4 | static_cast<std::uint64_t>(value);
  ++digits_;
  return left_ <= kSizeMax || expect(false, State::kRefused);
}

bool H1ChunkCheck::expect(bool fits, State next) {
  transition(fits ? next : State::kRefused);
  return fits;
}

H1ChunkCheck::Outcome H1ChunkCheck::take_data(std::string_view run) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, run.size()));
  left_ -= count;
  if (left_ == 0) {
    digits_ = 0;
    extension_bytes_ = 0;
    transition(State::kDataCr);
  }
  return {.piece = Piece::kData, .size = count};
}

H1ChunkCheck::Outcome H1ChunkCheck::take_extension(std::string_view run) {
  const std::size_t count = span_of(kExtensionByte, run.substr(0, kExtensionBytesMax + 1 - extension_bytes_));
  extension_bytes_ += count;
  if (count > 0 && extension_bytes_ <= kExtensionBytesMax) return {.piece = Piece::kExtension, .size = count};
  transition(State::kRefused);
  return {.piece = Piece::kRefused, .size = 0};
}

}  // namespace viaduct::codec
