// SPDX-License-Identifier: Apache-2.0
#include "codec/h1_head_check.h"

#include "base/bytes.h"
#include "base/check.h"
#include "codec/h1_bytes.h"
#include "codec/state_edges.h"

namespace viaduct::codec {

using http::Reason;

namespace {

constexpr std::string_view kVersionPrefix = "HTTP/";
constexpr std::size_t kVersionBytes = 8;  // "HTTP/1.1"
constexpr std::size_t kStatusBytes = 3;

}  // namespace

void H1HeadCheck::transition(State next) {
  using enum State;
  static constexpr StateEdges<State> kEdges = {
      {kMethod, {kTarget, kRefused}},
      {kTarget, {kVersion, kRefused}},
      {kVersion, {kStatus, kStartLf, kRefused}},
      {kStatus, {kPhrase, kStartLf, kRefused}},
      {kPhrase, {kStartLf, kRefused}},
      {kStartLf, {kLineStart, kRefused}},
      {kLineStart, {kName, kEndLf, kRefused}},
      {kName, {kValue, kRefused}},
      {kValue, {kLineLf, kRefused}},
      {kLineLf, {kLineStart, kRefused}},
      {kEndLf, {kDone, kRefused}},
  };
  CHECK(kEdges.allow(state_, next));
  state_ = next;
}

void H1HeadCheck::begin(Kind kind) {
  kind_ = kind;
  switch (kind) {
    case Kind::kRequest: state_ = State::kMethod; break;
    case Kind::kResponse: state_ = State::kVersion; break;
    case Kind::kTrailers: state_ = State::kLineStart; break;
  }
  reason_ = Reason::kNone;
  major_version_ = 0;
  minor_version_ = 0;
  status_ = 0;
  digits_ = 0;
  offset_ = 0;
  section_bytes_ = 0;
  fields_ = 0;
  marks_ = {};
}

H1HeadCheck::Outcome H1HeadCheck::check(std::string_view run) {
  DCHECK(state_ != State::kDone && state_ != State::kRefused);
  std::size_t consumed = 0;
  while (consumed < run.size() && state_ != State::kDone && state_ != State::kRefused) {
    const std::size_t count = step(run.substr(consumed));
    consumed += count;
    offset_ += count;
  }
  if (state_ == State::kRefused) return {.progress = H1Progress::kRefused, .consumed = consumed};
  return {.progress = state_ == State::kDone ? H1Progress::kDone : H1Progress::kMore, .consumed = consumed};
}

std::size_t H1HeadCheck::step(std::string_view run) {
  switch (state_) {
    case State::kMethod: return step_method(run);
    case State::kTarget: return step_target(run);
    case State::kVersion: return step_version(run);
    case State::kStatus: return step_status(run);
    case State::kPhrase: return step_phrase(run);
    case State::kStartLf: return step_start_line_feed(run.front());
    case State::kLineStart:
    case State::kName:
    case State::kValue:
    case State::kLineLf:
    case State::kEndLf: return step_section(run);
    case State::kDone:
    case State::kRefused: break;
  }
  return 0;
}

std::size_t H1HeadCheck::refuse(Reason reason) {
  reason_ = reason;
  transition(State::kRefused);
  return 0;
}

std::size_t H1HeadCheck::step_method(std::string_view run) {
  const std::size_t count = span_of(kTokenByte, run.substr(0, kMethodBytesMax + 1 - offset_));
  if (offset_ + count > kMethodBytesMax) return refuse(Reason::kMalformedRequestLine);
  if (count == run.size()) return count;
  if (run[count] != ' ' || offset_ + count == 0) return refuse(Reason::kMalformedRequestLine);
  marks_.method_end = offset_ + count;
  marks_.target_begin = marks_.method_end + 1;
  transition(State::kTarget);
  return count + 1;
}

std::size_t H1HeadCheck::step_target(std::string_view run) {
  const std::size_t length = offset_ - marks_.target_begin;
  const std::size_t count = span_of(kTargetByte, run.substr(0, limits_.max_target_size + 1 - length));
  if (length + count > limits_.max_target_size) return refuse(Reason::kTargetTooLong);
  if (count == run.size()) return count;
  if (length + count == 0) return refuse(Reason::kMalformedRequestLine);
  if (run[count] != ' ' && run[count] != '\r') return refuse(Reason::kMalformedRequestLine);
  marks_.target_end = offset_ + count;
  // A line of method and target alone is HTTP/0.9.
  if (run[count] == '\r') return refuse(Reason::kUnsupportedVersion);
  transition(State::kVersion);
  return count + 1;
}

std::size_t H1HeadCheck::step_version(std::string_view run) {
  // Nearly always it comes in one piece.
  if (digits_ == 0 && run.size() >= kVersionBytes && run.starts_with("HTTP/1.") && base::is_digit(run[7])) {
    major_version_ = 1;
    minor_version_ = run[7] - '0';
    digits_ = kVersionBytes;
    return kVersionBytes;
  }
  const char byte = run.front();
  if (digits_ == kVersionBytes) return step_version_end(byte);
  const bool fits = digits_ < kVersionPrefix.size() ? byte == kVersionPrefix[digits_]
                    : digits_ == 6                  ? byte == '.'
                                                    : base::is_digit(byte);
  if (!fits) return refuse(start_line_reason());
  if (digits_ == 5) major_version_ = byte - '0';
  if (digits_ == 7) minor_version_ = byte - '0';
  ++digits_;
  return 1;
}

std::size_t H1HeadCheck::step_version_end(char byte) {
  const bool is_request = kind_ == Kind::kRequest;
  if (byte != (is_request ? '\r' : ' ')) return refuse(start_line_reason());
  if (major_version_ != 1 || minor_version_ > 1) return refuse(Reason::kUnsupportedVersion);
  digits_ = 0;
  transition(is_request ? State::kStartLf : State::kStatus);
  return 1;
}

std::size_t H1HeadCheck::step_status(std::string_view run) {
  const char byte = run.front();
  if (digits_ < kStatusBytes) {
    if (!base::is_digit(byte) || (digits_ == 0 && byte == '0')) return refuse(start_line_reason());
    status_ = status_ * 10 + (byte - '0');
    ++digits_;
    return 1;
  }
  // The space behind the code is left out by some servers where no phrase follows; nothing else depends on it.
  marks_.phrase_begin = marks_.phrase_end = offset_ + 1;
  if (byte == '\r') {
    transition(State::kStartLf);
  } else if (byte == ' ') {
    transition(State::kPhrase);
  } else {
    return refuse(start_line_reason());
  }
  return 1;
}

std::size_t H1HeadCheck::step_phrase(std::string_view run) {
  const std::size_t length = offset_ - marks_.phrase_begin;
  const std::size_t count = span_of(kValueByte, run.substr(0, kPhraseBytesMax + 1 - length));
  if (length + count > kPhraseBytesMax) return refuse(Reason::kHeadersTooLarge);
  if (count == run.size()) return count;
  if (run[count] != '\r') return refuse(start_line_reason());
  marks_.phrase_end = offset_ + count;
  transition(State::kStartLf);
  return count + 1;
}

// Field lines, none of which may pass the limit of the whole section.
std::size_t H1HeadCheck::step_section(std::string_view run) {
  const std::string_view granted = run.substr(0, limits_.max_head_size - section_bytes_);
  if (granted.empty()) return refuse(Reason::kHeadersTooLarge);
  std::size_t count = 0;
  switch (state_) {
    case State::kLineStart: count = step_line_start(granted); break;
    case State::kName: count = step_name(granted); break;
    case State::kValue: count = step_value(granted); break;
    case State::kLineLf:
    case State::kEndLf: count = step_line_feed(granted.front()); break;
    case State::kMethod:
    case State::kTarget:
    case State::kVersion:
    case State::kStatus:
    case State::kPhrase:
    case State::kStartLf:
    case State::kDone:
    case State::kRefused: break;
  }
  section_bytes_ += count;
  return count;
}

// The lines that are whole, as far as nothing is wrong with them; who finds what is wrong are the states.
std::size_t H1HeadCheck::take_lines(std::string_view run) {
  std::size_t taken = 0;
  while (fields_ < limits_.max_fields) {
    const std::string_view rest = run.substr(taken);
    const std::size_t colon = span_of(kTokenByte, rest);
    if (colon == 0 || colon == rest.size() || rest[colon] != ':') break;
    const std::size_t end = colon + 1 + span_of(kValueByte, rest.substr(colon + 1));
    if (!rest.substr(end).starts_with("\r\n")) break;
    taken += end + 2;
    ++fields_;
  }
  if (taken > 0) marks_.lines_end = offset_ + taken;
  return taken;
}

std::size_t H1HeadCheck::step_line_start(std::string_view run) {
  if (const std::size_t taken = take_lines(run); taken > 0) return taken;
  const char byte = run.front();
  if (byte == '\r') {
    transition(State::kEndLf);
    return 1;
  }
  // A space or tab here would fold the line into the one before (obs-fold); it is no token and refused as such.
  if (!is_all(kTokenByte, {&byte, 1})) return refuse(Reason::kMalformedHeader);
  if (fields_ == limits_.max_fields) return refuse(Reason::kTooManyFields);
  ++fields_;
  transition(State::kName);
  return 1;
}

std::size_t H1HeadCheck::step_name(std::string_view run) {
  const std::size_t count = span_of(kTokenByte, run);
  if (count == run.size()) return count;
  if (run[count] != ':') return refuse(Reason::kMalformedHeader);
  transition(State::kValue);
  return count + 1;
}

std::size_t H1HeadCheck::step_value(std::string_view run) {
  const std::size_t count = span_of(kValueByte, run);
  if (count == run.size()) return count;
  if (run[count] != '\r') return refuse(Reason::kMalformedHeader);
  transition(State::kLineLf);
  return count + 1;
}

std::size_t H1HeadCheck::step_line_feed(char byte) {
  if (byte != '\n') return refuse(Reason::kMalformedHeader);
  if (state_ == State::kEndLf) {
    transition(State::kDone);
  } else {
    marks_.lines_end = offset_ + 1;
    transition(State::kLineStart);
  }
  return 1;
}

std::size_t H1HeadCheck::step_start_line_feed(char byte) {
  if (byte != '\n') return refuse(start_line_reason());
  marks_.lines_begin = marks_.lines_end = offset_ + 1;
  transition(State::kLineStart);
  return 1;
}

Reason H1HeadCheck::start_line_reason() const {
  return kind_ == Kind::kRequest ? Reason::kMalformedRequestLine : Reason::kUpstreamInvalidResponse;
}

}  // namespace viaduct::codec
