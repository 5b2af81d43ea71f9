// SPDX-License-Identifier: Apache-2.0
#include "codec/h1_parser.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/check.h"
#include "codec/h1_bytes.h"
#include "codec/state_edges.h"
#include "http/field_name.h"
#include "http/method.h"
#include "http/syntax.h"

namespace viaduct::codec {

using http::FieldName;
using http::Fields;
using http::Reason;

namespace {

// Fields that describe the message's framing or where it goes: in trailers they come too late to be true (RFC 9110
// §6.5.1).
constexpr std::array kForbiddenTrailers = {FieldName::kContentLength, FieldName::kTransferEncoding, FieldName::kHost};

// A target that every parser takes for a path with, perhaps, a query: no authority, no byte above ASCII.
bool is_plain_path(std::string_view target) {
  return target.starts_with('/') && std::ranges::none_of(target, [](char byte) { return (byte & 0x80) != 0; });
}

// A number that fits into 64 bits whoever reads it, right up to the end of its line: llhttp takes spaces behind it, but
// no tab. REQUIRES: `text` lies in a line that ends with CR LF.
bool is_plain_number(std::string_view text) {
  constexpr std::size_t kDigitsMax = 18;
  const bool is_number = !text.empty() && text.size() <= kDigitsMax && std::ranges::all_of(text, base::is_digit);
  return is_number && text.data()[text.size()] == '\r';
}

// Makes `span` reach to the end of a piece that llhttp reports; pieces of one text lie behind each other.
void extend(std::string_view& span, const char* at, std::size_t length) {
  if (span.data() == nullptr) {
    span = {at, length};
  } else {
    span = {span.data(), static_cast<std::size_t>(at + length - span.data())};
  }
}

std::string_view between(std::string_view text, std::size_t begin, std::size_t end) {
  return end > begin ? text.substr(begin, end - begin) : std::string_view();
}

}  // namespace

// All of them get spans of text_ (or of body bytes) and cannot fail.
struct H1Parser::Callbacks {
  static H1Parser& parser(llhttp_t* llhttp) { return *static_cast<H1Parser*>(llhttp->data); }

  static int on_method(llhttp_t* llhttp, const char* at, std::size_t length) {
    extend(parser(llhttp).seen_method_, at, length);
    return 0;
  }
  static int on_target(llhttp_t* llhttp, const char* at, std::size_t length) {
    extend(parser(llhttp).seen_target_, at, length);
    return 0;
  }
  static int on_name(llhttp_t* llhttp, const char* at, std::size_t length) {
    extend(parser(llhttp).seen_name_, at, length);
    return 0;
  }
  static int on_value(llhttp_t* llhttp, const char* at, std::size_t length) {
    extend(parser(llhttp).seen_value_, at, length);
    return 0;
  }
  static int on_field(llhttp_t* llhttp) {
    H1Parser& self = parser(llhttp);
    self.note_seen_field();
    return 0;
  }
  static int on_headers_complete(llhttp_t* llhttp) {
    parser(llhttp).event_ = Event::kHeadersComplete;
    return HPE_PAUSED;
  }
  static int on_body(llhttp_t* llhttp, const char* /*at*/, std::size_t length) {
    parser(llhttp).body_bytes_ += length;
    return 0;
  }
  static int on_message_complete(llhttp_t* llhttp) {
    parser(llhttp).event_ = Event::kMessageComplete;
    return HPE_PAUSED;
  }

  static constexpr llhttp_settings_t make_settings() {
    llhttp_settings_t settings{};
    settings.on_method = on_method;
    settings.on_url = on_target;
    settings.on_header_field = on_name;
    settings.on_header_value = on_value;
    settings.on_header_value_complete = on_field;
    settings.on_headers_complete = on_headers_complete;
    settings.on_body = on_body;
    settings.on_message_complete = on_message_complete;
    return settings;
  }
  static const llhttp_settings_t kSettings;
};

constinit const llhttp_settings_t H1Parser::Callbacks::kSettings = make_settings();

H1Parser::H1Parser(Kind kind, const H1Limits& limits) : kind_(kind), check_(limits) {}

void H1Parser::transition(State next) {
  using enum State;
  static constexpr StateEdges<State> kEdges = {
      {kIdle, {kHead}},       {kHead, {kHeadDone, kRefused}},    {kHeadDone, {kSized, kChunked, kUntilClose}},
      {kSized, {kDone}},      {kChunked, {kTrailers, kRefused}}, {kTrailers, {kDone, kRefused}},
      {kUntilClose, {kDone}}, {kDone, {kHead, kUntilClose}},
  };
  CHECK(kEdges.allow(state_, next));
  state_ = next;
}

H1Progress H1Parser::refuse(Reason reason) {
  reason_ = reason;
  transition(State::kRefused);
  return H1Progress::kRefused;
}

bool H1Parser::find_message(base::Buffer& input) {
  while (!input.empty() && empty_lines_ <= kEmptyLinesMax) {
    const char byte = input.front().front();
    if (byte != (carriage_return_ ? '\n' : '\r')) return true;
    if (carriage_return_) ++empty_lines_;
    carriage_return_ = !carriage_return_;
    input.drop(1);
  }
  return !input.empty();
}

void H1Parser::begin(base::Arena& arena) {
  transition(State::kHead);
  arena_ = &arena;
  text_.begin(arena);
  head_ = {};
  marks_ = {};
  trailers_ = nullptr;
  reason_ = Reason::kNone;
  check_.begin(kind_ == Kind::kRequest ? H1HeadCheck::Kind::kRequest : H1HeadCheck::Kind::kResponse);
}

H1Progress H1Parser::parse_head(base::Buffer& input, Fields& fields) {
  DCHECK(state_ == State::kHead);
  // Half an empty line, or too many: find_message() stopped at it.
  if (carriage_return_ || empty_lines_ > kEmptyLinesMax) return refuse(Reason::kMalformedRequestLine);
  H1Progress progress = H1Progress::kMore;
  while (progress == H1Progress::kMore && !input.empty()) {
    const std::string_view run = input.front();
    const H1HeadCheck::Outcome outcome = check_.check(run);
    progress = outcome.progress;
    text_.append(run.substr(0, outcome.consumed));
    input.drop(outcome.consumed);
  }
  switch (progress) {
    case H1Progress::kMore: return progress;
    case H1Progress::kDone: return finish_head(fields);
    case H1Progress::kRefused: {
      give_up_head(fields);
      return refuse(check_.reason());
    }
  }
  return progress;
}

void H1Parser::give_up_head(Fields& fields) {
  keep_start_line();
  split_lines(fields);
}

// The check and the text may be used again for trailers; the start line stays known.
void H1Parser::keep_start_line() {
  head_ = text_.view();
  marks_ = check_.marks();
  status_ = check_.status();
  const bool is_1_0 = marks_.lines_begin > 0 && check_.minor_version() == 0;
  version_ = is_1_0 ? http::Version::kHttp10 : http::Version::kHttp11;
}

H1Progress H1Parser::finish_head(Fields& fields) {
  keep_start_line();
  empty_lines_ = 0;
  split_lines(fields);
  const bool is_at_stake = wants_second_opinion(fields);
  DCHECK(is_at_stake || ask_llhttp(fields));
  if (is_at_stake && !ask_llhttp(fields)) return refuse(llhttp_reason());
  transition(State::kHeadDone);
  return H1Progress::kDone;
}

bool H1Parser::wants_second_opinion(const Fields& fields) const {
  if (kind_ == Kind::kRequest) {
    const http::Method method = http::parse_method(this->method());
    const bool is_usual = method != http::Method::kOther && method != http::Method::kConnect;
    if (!is_usual || !is_plain_path(target())) return true;
  }
  bool has_length = false;
  for (const http::Field& field : fields) {
    if (field.id == FieldName::kTransferEncoding || field.id == FieldName::kUpgrade) return true;
    if (field.id != FieldName::kContentLength) continue;
    if (has_length || !is_plain_number(field.value)) return true;
    has_length = true;
  }
  return false;
}

bool H1Parser::ask_llhttp(const Fields& fields) {
  compare_with(fields);
  event_ = Event::kNone;
  seen_method_ = seen_target_ = {};
  llhttp_init(&llhttp_, kind_ == Kind::kRequest ? HTTP_REQUEST : HTTP_RESPONSE, &Callbacks::kSettings);
  llhttp_.data = this;
  llhttp_execute(&llhttp_, head_.data(), head_.size());
  if (llhttp_get_errno(&llhttp_) != HPE_PAUSED || event_ != Event::kHeadersComplete) return false;
  if (llhttp_get_error_pos(&llhttp_) != head_.data() + head_.size() || !saw_all_fields()) return false;
  return kind_ == Kind::kResponse || (seen_method_ == method() && seen_target_ == target());
}

void H1Parser::compare_with(const Fields& fields) {
  fields_ = &fields;
  seen_fields_ = 0;
  differs_ = false;
  seen_name_ = seen_value_ = {};
}

void H1Parser::note_seen_field() {
  const auto lines = fields_->lines();
  const bool is_same = seen_fields_ < lines.size() && lines[seen_fields_].name == seen_name_ &&
                       lines[seen_fields_].value == http::trim_whitespace(seen_value_);
  if (!is_same) differs_ = true;
  ++seen_fields_;
  seen_name_ = seen_value_ = {};
}

// What is left for llhttp to object to, once the check has passed: methods it does not know, targets that are no URL,
// and the values of the framing fields.
Reason H1Parser::llhttp_reason() const {
  const llhttp_errno_t error = llhttp_get_errno(&llhttp_);
  if (error == HPE_INVALID_METHOD || error == HPE_INVALID_CONSTANT) return Reason::kUnsupportedMethod;
  if (error == HPE_INVALID_URL) return Reason::kMalformedRequestLine;
  if (error == HPE_INVALID_VERSION) return Reason::kUnsupportedVersion;
  if (error == HPE_INVALID_CONTENT_LENGTH) return Reason::kInvalidContentLength;
  if (error == HPE_UNEXPECTED_CONTENT_LENGTH) return Reason::kConflictingFraming;
  if (error == HPE_INVALID_TRANSFER_ENCODING) return Reason::kInvalidTransferEncoding;
  return Reason::kMalformedHeader;
}

void H1Parser::split_lines(Fields& fields) const {
  split_lines(between(head_, marks_.lines_begin, marks_.lines_end), fields);
}

// Splits field lines that passed the check: each has a colon behind its name and ends with CRLF.
void H1Parser::split_lines(std::string_view lines, Fields& fields) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\r'));
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    fields.add_view(
        {.name = name, .value = http::trim_whitespace(line.substr(colon + 1)), .id = http::find_field_name(name)});
    lines.remove_prefix(line.size() + 2);
  }
}

std::string_view H1Parser::method() const {
  return between(head_, 0, marks_.method_end);
}

std::string_view H1Parser::target() const {
  return between(head_, marks_.target_begin, marks_.target_end);
}

std::string_view H1Parser::reason_phrase() const {
  return between(head_, marks_.phrase_begin, marks_.phrase_end);
}

void H1Parser::begin_body_sized(std::uint64_t bytes) {
  transition(State::kSized);
  left_ = bytes;
  if (bytes == 0) transition(State::kDone);
}

void H1Parser::begin_body_chunked() {
  // A head with Transfer-Encoding has been shown to it.
  transition(State::kChunked);
  chunk_check_.begin();
  llhttp_resume(&llhttp_);
}

void H1Parser::begin_body_until_close() {
  transition(State::kUntilClose);
}

void H1Parser::move_to(base::Arena& arena) {
  arena_ = &arena;
  state_ == State::kTrailers ? text_.move_to(arena) : text_.begin(arena);
  head_ = {};
  trailers_ = nullptr;
}

H1Progress H1Parser::parse_body(base::Buffer& input, base::Buffer& body) {
  switch (state_) {
    case State::kSized: return parse_sized(input, body);
    case State::kChunked:
    case State::kTrailers: return parse_chunked(input, body);
    case State::kUntilClose: {
      body.take_all(input);
      return H1Progress::kMore;
    }
    case State::kDone: return H1Progress::kDone;
    case State::kIdle:
    case State::kHead:
    case State::kHeadDone:
    case State::kRefused: break;
  }
  return H1Progress::kRefused;
}

H1Progress H1Parser::parse_sized(base::Buffer& input, base::Buffer& body) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
  body.take(input, count);
  left_ -= count;
  if (left_ > 0) return H1Progress::kMore;
  transition(State::kDone);
  return H1Progress::kDone;
}

H1Progress H1Parser::parse_chunked(base::Buffer& input, base::Buffer& body) {
  while (state_ == State::kChunked && !input.empty()) {
    if (!take_piece(input, body)) return refuse(Reason::kInvalidChunk);
    if (!chunk_check_.at_trailers()) continue;
    transition(State::kTrailers);
    text_.begin(*arena_);
    check_.begin(H1HeadCheck::Kind::kTrailers);
  }
  return state_ == State::kTrailers ? parse_trailers(input) : H1Progress::kMore;
}

bool H1Parser::take_piece(base::Buffer& input, base::Buffer& body) {
  const std::string_view run = input.front();
  const H1ChunkCheck::Outcome outcome = chunk_check_.check(run);
  bool agreed = false;
  switch (outcome.piece) {
    case H1ChunkCheck::Piece::kFraming: {
      agreed = feed(run.substr(0, outcome.size), 0, Event::kNone);
      input.drop(outcome.size);
      break;
    }
    // Not shown to llhttp, which reads only one extension a chunk.
    case H1ChunkCheck::Piece::kExtension: {
      agreed = true;
      input.drop(outcome.size);
      break;
    }
    case H1ChunkCheck::Piece::kData: {
      agreed = feed(run.substr(0, outcome.size), outcome.size, Event::kNone);
      if (agreed) body.take(input, outcome.size);
      break;
    }
    case H1ChunkCheck::Piece::kRefused: break;
  }
  return agreed;
}

H1Progress H1Parser::parse_trailers(base::Buffer& input) {
  H1Progress progress = H1Progress::kMore;
  while (progress == H1Progress::kMore && !input.empty()) {
    const std::string_view run = input.front();
    const H1HeadCheck::Outcome outcome = check_.check(run);
    progress = outcome.progress;
    text_.append(run.substr(0, outcome.consumed));
    input.drop(outcome.consumed);
  }
  if (progress == H1Progress::kRefused) return refuse(check_.reason());
  return progress == H1Progress::kDone ? finish_trailers() : progress;
}

H1Progress H1Parser::finish_trailers() {
  Fields* fields = arena_->make<Fields>(*arena_);
  const std::string_view text = text_.view();
  split_lines(text.substr(0, check_.marks().lines_end), *fields);
  compare_with(*fields);
  if (!feed(text, 0, Event::kMessageComplete) || !saw_all_fields()) {
    return refuse(Reason::kMalformedHeader);
  }
  const bool forbidden =
      std::ranges::any_of(kForbiddenTrailers, [fields](FieldName name) { return fields->find(name) != nullptr; });
  if (forbidden) return refuse(Reason::kMalformedHeader);
  if (!fields->empty()) trailers_ = fields;
  transition(State::kDone);
  return H1Progress::kDone;
}

// Shows llhttp the next bytes of a chunked body and compares what it makes of them.
bool H1Parser::feed(std::string_view bytes, std::size_t body_bytes, Event event) {
  body_bytes_ = 0;
  event_ = Event::kNone;
  const llhttp_errno_t result = llhttp_execute(&llhttp_, bytes.data(), bytes.size());
  return result == (event == Event::kNone ? HPE_OK : HPE_PAUSED) && event_ == event && body_bytes_ == body_bytes;
}

bool H1Parser::finish() {
  if (state_ == State::kUntilClose) transition(State::kDone);
  return is_done();
}

std::optional<std::uint64_t> H1Parser::body_bytes_left() const {
  if (is_done()) return 0;
  return state_ == State::kSized ? std::optional(left_) : std::nullopt;
}

}  // namespace viaduct::codec
