// SPDX-License-Identifier: Apache-2.0
#include "cli/sample_exchange.h"

#include <array>
#include <memory>
#include <utility>

#include "http/date.h"
#include "http/reason.h"

namespace viaduct::cli {

SampleExchange::SampleExchange(net::Loop& loop, std::string upstream, http::ServerStream& stream)
    : loop_(loop), stream_(stream), arena_(loop.chunks()), delay_timer_(loop.timers(), *this) {
  request_.upstream = std::move(upstream);
}

void SampleExchange::on_head(http::RequestHead& head, bool end) {
  request_.method = head.method_text;
  request_.target = head.target;
  for (const http::Field& field : head.fields) request_.fields.emplace_back(field.name, field.value);
  if (head.body.bytes > kBodyBytesMax) return refuse(http::Reason::kBodyTooLarge);
  end ? finish_request() : stream_.set_reading(true);
}

void SampleExchange::on_refused(http::RequestHead& head, http::Reason reason) {
  request_.method = head.method_text;
  if (!is_answered_) refuse(reason);
}

void SampleExchange::on_body(base::Buffer& body, bool end) {
  if (!is_answered_) {
    request_.body_bytes += body.size();
    body.for_each([this](std::string_view bytes) { body_hash_.update(bytes); });
  }
  body.clear();
  if (is_answered_) return;
  if (request_.body_bytes > kBodyBytesMax) return refuse(http::Reason::kBodyTooLarge);
  if (end) finish_request();
}

void SampleExchange::on_trailers(http::Fields&) {
  if (!is_answered_) finish_request();
}

void SampleExchange::finish_request() {
  is_answered_ = true;
  request_.body_sha256 = body_hash_.finish();
  answer_ = answer_sample(request_);
  if (answer_.delay == base::Duration::zero()) return send();
  delay_timer_.start_after(answer_.delay);
}

void SampleExchange::refuse(http::Reason reason) {
  is_answered_ = true;
  answer_ = {.status = http::reason_status(reason),
             .content_type = "text/plain; charset=utf-8",
             .body = std::string(http::reason_sentence(reason)) + "\n",
             .delay = {}};
  send();
}

void SampleExchange::on_timer(int) {
  send();
}

void SampleExchange::send() {
  http::ResponseHead head(arena_);
  head.status = answer_.status;
  head.body = {.kind = http::BodyKind::kSized, .bytes = answer_.body.size()};
  std::array<char, http::kDateLength> date;
  head.fields.add("Date", http::write_date(loop_.wall_now(), date));
  head.fields.add("Content-Type", answer_.content_type);
  head.fields.add("X-Sample-Upstream", request_.upstream);
  const bool has_hash = request_.body_bytes > 0 && !request_.body_sha256.empty();
  if (has_hash) head.fields.add("X-Sample-Body-SHA256", request_.body_sha256);
  const bool has_body = !answer_.body.empty() && request_.method != "HEAD";
  stream_.send_head(head, !has_body);
  if (!has_body) return;
  base::Buffer body(loop_.chunks());
  body.append(answer_.body);
  stream_.send_body(body, true);
}

void SampleExchange::on_reset(http::Reason) {
  retire();
}

void SampleExchange::on_stream_end() {
  retire();
}

void SampleExchange::retire() {
  is_answered_ = true;
  delay_timer_.stop();
  loop_.retire(*this);
}

void SampleExchange::dispose() {
  const std::unique_ptr<SampleExchange> self(this);
}

}  // namespace viaduct::cli
