// SPDX-License-Identifier: Apache-2.0
#include "codec/h1_body_writer.h"

#include <array>
#include <charconv>
#include <string_view>

#include "base/check.h"
#include "codec/state_edges.h"

namespace viaduct::codec {

namespace {

constexpr std::string_view kLastChunk = "0\r\n\r\n";

// Moves `body` behind `out`. Small runs are copied instead: each would hold a whole chunk of memory for as long as the
// other side does not read, and take an entry of writev(2) for itself. At most 16 bytes are held for one that is due.
void pass(base::Buffer& body, base::Buffer& out) {
  while (!body.empty()) {
    const std::string_view run = body.front();
    if (run.size() > H1BodyWriter::kCopyBytesMax) {
      out.take(body, run.size());
    } else {
      out.append(run);
      body.drop(run.size());
    }
  }
}

}  // namespace

void H1BodyWriter::transition(State next) {
  using enum State;
  static constexpr StateEdges<State> kEdges = {
      {kIdle, {kCounting, kChunking, kPassing, kDropping}},
      {kCounting, {kComplete, kBroken}},
      {kChunking, {kComplete}},
      {kPassing, {kComplete}},
      {kDropping, {kComplete}},
  };
  CHECK(kEdges.allow(state_, next));
  state_ = next;
}

void H1BodyWriter::reset() {
  state_ = State::kIdle;
  left_ = 0;
}

bool H1BodyWriter::begin(H1Framing framing, std::uint64_t bytes, bool end, base::Buffer& out) {
  left_ = 0;
  switch (framing) {
    case H1Framing::kNone:
    case H1Framing::kHeadOnly: transition(State::kDropping); break;
    case H1Framing::kSized: {
      left_ = bytes;
      transition(State::kCounting);
      break;
    }
    case H1Framing::kChunked: transition(State::kChunking); break;
    case H1Framing::kUntilClose: transition(State::kPassing); break;
  }
  base::Buffer nothing(out.pool());
  return !end || write(nothing, true, out);
}

bool H1BodyWriter::write(base::Buffer& body, bool end, base::Buffer& out) {
  switch (state_) {
    case State::kCounting: {
      if (!write_counted(body, out)) return false;
      break;
    }
    case State::kChunking: write_chunk(body, end, out); break;
    case State::kPassing: pass(body, out); break;
    case State::kDropping: body.clear(); break;
    case State::kIdle:
    case State::kComplete:
    case State::kBroken: {
      body.clear();
      return false;
    }
  }
  return !end || finish();
}

bool H1BodyWriter::write_trailers(const http::Fields& trailers, base::Buffer& out) {
  if (!is_open()) return false;
  if (state_ == State::kChunking) {
    out.append(kLastChunk.substr(0, 3));
    write_trailer_section(trailers, out);
  }
  return finish();
}

bool H1BodyWriter::write_counted(base::Buffer& body, base::Buffer& out) {
  const bool fits = body.size() <= left_;
  if (!fits) {
    body.clear();
    transition(State::kBroken);
    return false;
  }
  left_ -= body.size();
  pass(body, out);
  return true;
}

void H1BodyWriter::write_chunk(base::Buffer& body, bool end, base::Buffer& out) {
  if (!body.empty()) {
    std::array<char, 18> line;  // 16 digits and CRLF
    char* digits_end = std::to_chars(line.begin(), line.end(), body.size(), 16).ptr;
    *digits_end++ = '\r';
    *digits_end++ = '\n';
    out.append({line.data(), static_cast<std::size_t>(digits_end - line.data())});
    pass(body, out);
    out.append("\r\n");
  }
  if (end) out.append(kLastChunk);
}

bool H1BodyWriter::finish() {
  const bool whole = left_ == 0;
  transition(whole ? State::kComplete : State::kBroken);
  return whole;
}

}  // namespace viaduct::codec
