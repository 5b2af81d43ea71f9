// SPDX-License-Identifier: Apache-2.0
#include "action/proxy_answer.h"

#include <chrono>

#include "base/check.h"
#include "base/format.h"
#include "base/log.h"

namespace viaduct::action {

ProxyAnswer::ProxyAnswer(exchange::Exchange& exchange)
    : exchange_(exchange),
      state_(exchange.route().callback == config::CallbackProvider::kNone ? State::kPassing : State::kHolding),
      held_(exchange.loop().chunks()) {}

void ProxyAnswer::transition(State next) {
  CHECK(next > state_);  // forward only
  state_ = next;
}

// What is not the answer yet would tell a client that waits for a whole one nothing.
void ProxyAnswer::send_informational(const http::ResponseHead& head) {
  if (state_ == State::kPassing) exchange_.send_informational(head);
}

void ProxyAnswer::send_head(http::ResponseHead& head, bool end) {
  status_ = head.status;
  is_complete_ = end;
  if (state_ == State::kLate) return;
  head_ = &head;
  const bool is_held = state_ == State::kHolding && !end && head.status != 101;
  if (!is_held) release(end);
}

void ProxyAnswer::send_body(base::Buffer& body, bool end) {
  is_complete_ = end;
  switch (state_) {
    case State::kHolding:
      held_.take_all(body);
      if (end || held_.size() > kHeldBytesMax) release(end);
      return;
    case State::kPassing: exchange_.send_body(body, end); return;
    case State::kLate: body.clear(); return;
  }
}

void ProxyAnswer::send_trailers(const http::Fields& trailers) {
  is_complete_ = true;
  if (state_ == State::kHolding) release(false);  // all that is held: nothing more comes
  if (state_ == State::kPassing) exchange_.send_trailers(trailers);
}

void ProxyAnswer::release(bool end) {
  if (state_ == State::kHolding) transition(State::kPassing);
  if (is_complete_) state_length();
  const bool ends_with_head = end && held_.empty();
  exchange_.send_head(*head_, ends_with_head);
  if (!held_.empty()) exchange_.send_body(held_, end);
}

// A client of HTTP/1.0 knows no chunks: without a length it could not tell a cut answer from a whole one.
void ProxyAnswer::state_length() {
  const bool is_unknown = head_->body.kind == http::BodyKind::kStream;
  if (!is_unknown || exchange_.request().version != http::Version::kHttp10) return;
  head_->body = {.kind = http::BodyKind::kSized, .bytes = held_.size()};
  head_->fields.remove(http::FieldName::kTrailer);
}

void ProxyAnswer::become_late() {
  transition(State::kLate);
  held_.clear();
  late_since_ = exchange_.loop().now();
}

void ProxyAnswer::log_late(std::string_view upstream, std::string_view server, http::Reason reason) const {
  const base::Duration since = is_late() ? exchange_.loop().now() - late_since_ : base::Duration(0);
  const auto late = std::chrono::duration_cast<std::chrono::milliseconds>(since);
  const auto route = base::quoted(exchange_.route().name);
  const std::string status = status_ == 0 ? std::string() : base::format(" status={}", status_);
  if (reason == http::Reason::kNone) {
    LOG_ERROR_ALWAYS("late request_id={} route={}{} late_ms={} upstream={} server={}", exchange_.request_id(), route,
                     status, late.count(), upstream, server);
  } else {
    // A status with a reason: that of an answer that did not come whole.
    LOG_ERROR_ALWAYS("late request_id={} route={}{} reason={} late_ms={} upstream={} server={}", exchange_.request_id(),
                     route, status, http::reason_name(reason), late.count(), upstream, server);
  }
}

}  // namespace viaduct::action
