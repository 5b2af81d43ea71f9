// SPDX-License-Identifier: Apache-2.0
#include "cli/sample_exchange.h"

#include <array>
#include <memory>
#include <utility>

#include "base/check.h"
#include "codec/websocket_handshake.h"
#include "http/date.h"
#include "http/reason.h"

namespace viaduct::cli {

SampleExchange::SampleExchange(net::Loop& loop, std::string upstream, http::ServerStream& stream)
    : loop_(loop), stream_(stream), arena_(loop.chunks()), delay_timer_(loop.timers(), *this) {
  request_.upstream = std::move(upstream);
}

void SampleExchange::transition(State next) {
  const bool is_edge = state_ == State::kRequest || (state_ != State::kAnswered && next == State::kAnswered);
  CHECK(is_edge && next != State::kRequest);
  state_ = next;
}

void SampleExchange::on_head(http::RequestHead& head, bool end) {
  request_.method = head.method_text;
  request_.target = head.target;
  for (const http::Field& field : head.fields) request_.fields.emplace_back(field.name, field.value);
  if (head.body.bytes > kBodyBytesMax) return refuse(http::Reason::kBodyTooLarge);
  const std::string_view path = head.target.substr(0, head.target.find('?'));
  const bool is_echo = head.protocol == codec::kWebsocketProtocol && path == kSampleEchoPath;
  if (is_echo) return begin_echo(head.fields.find(codec::kWebsocketKeyField)->value);
  end ? finish_request() : stream_.set_reading(true);
}

void SampleExchange::on_refused(http::RequestHead& head, http::Reason reason) {
  request_.method = head.method_text;
  if (state_ == State::kRequest && reason != http::Reason::kClientClosed) refuse(reason);
}

void SampleExchange::on_body(base::Buffer& body, bool end) {
  if (state_ == State::kEcho) return echo(body, end);
  if (state_ == State::kRequest) {
    request_.body_bytes += body.size();
    body.for_each([this](std::string_view bytes) { body_hash_.update(bytes); });
  }
  body.clear();
  if (state_ != State::kRequest) return;
  if (request_.body_bytes > kBodyBytesMax) return refuse(http::Reason::kBodyTooLarge);
  if (end) finish_request();
}

void SampleExchange::on_trailers(http::Fields&) {
  if (state_ == State::kRequest) finish_request();
}

void SampleExchange::finish_request() {
  if (const auto range = read_event_request(request_)) return begin_events(*range);
  transition(State::kAnswered);
  request_.body_sha256 = body_hash_.finish();
  answer_ = answer_sample(request_);
  if (answer_.delay == base::Duration::zero()) return send();
  delay_timer_.start_after(answer_.delay);
}

void SampleExchange::refuse(http::Reason reason) {
  transition(State::kAnswered);
  answer_ = {.status = http::reason_status(reason),
             .content_type = "text/plain; charset=utf-8",
             .body = std::string(http::reason_sentence(reason)) + "\n",
             .delay = {}};
  send();
}

void SampleExchange::on_timer(int) {
  state_ == State::kEvents ? send_event() : send();
}

http::ResponseHead& SampleExchange::new_head(int status) {
  auto& head = *arena_.make<http::ResponseHead>(arena_);
  head.status = status;
  std::array<char, http::kDateLength> date;
  head.fields.add("Date", http::write_date(loop_.wall_now(), date));
  head.fields.add("X-Sample-Upstream", request_.upstream);
  return head;
}

void SampleExchange::send() {
  http::ResponseHead& head = new_head(answer_.status);
  head.body = {.kind = http::BodyKind::kSized, .bytes = answer_.body.size()};
  head.fields.add("Content-Type", answer_.content_type);
  const bool has_hash = request_.body_bytes > 0 && !request_.body_sha256.empty();
  if (has_hash) head.fields.add("X-Sample-Body-SHA256", request_.body_sha256);
  const bool has_body = !answer_.body.empty() && request_.method != "HEAD";
  stream_.send_head(head, !has_body);
  if (!has_body) return;
  base::Buffer body(loop_.chunks());
  body.append(answer_.body);
  stream_.send_body(body, true);
}

// ---- events ---------------------------------------------------------------------------------------------------------

void SampleExchange::begin_events(const SampleEventRange& range) {
  transition(State::kEvents);
  events_ = range;
  http::ResponseHead& head = new_head(200);
  head.body.kind = http::BodyKind::kStream;
  head.fields.add("Content-Type", "text/event-stream");
  head.fields.add("Cache-Control", "no-store");
  stream_.send_head(head, false);
  send_event();
}

void SampleExchange::send_event() {
  const std::uint64_t number = events_.first++;
  base::Buffer body(loop_.chunks());
  body.append(sample_event(number));
  const bool is_last = events_.last == number;
  if (is_last) {
    transition(State::kAnswered);
  } else {
    delay_timer_.start_after(sample_event_delay(events_.first));
  }
  stream_.send_body(body, is_last);
}

// ---- WebSocket ------------------------------------------------------------------------------------------------------

void SampleExchange::begin_echo(std::string_view key) {
  transition(State::kEcho);
  http::ResponseHead& head = new_head(101);
  head.fields.add(codec::kWebsocketAcceptField, codec::websocket_accept(key).view());
  stream_.send_head(head, false);
  stream_.set_reading(true);
}

void SampleExchange::echo(base::Buffer& bytes, bool end) {
  base::Buffer answer(loop_.chunks());
  const bool goes_on = echo_.take(bytes, answer) && !end;
  if (!goes_on) transition(State::kAnswered);
  stream_.send_body(answer, !goes_on);
  // Behind our end we wait for theirs alone.
  stream_.set_reading(!goes_on || stream_.writable_bytes() > 0);
}

void SampleExchange::on_writable() {
  if (state_ == State::kEcho) stream_.set_reading(true);
}

// ---- the end --------------------------------------------------------------------------------------------------------

void SampleExchange::on_reset(http::Reason) {
  retire();
}

void SampleExchange::on_stream_end() {
  retire();
}

void SampleExchange::retire() {
  delay_timer_.stop();
  loop_.retire(*this);
}

void SampleExchange::dispose() {
  const std::unique_ptr<SampleExchange> self(this);
}

}  // namespace viaduct::cli
