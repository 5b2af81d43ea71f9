// SPDX-License-Identifier: Apache-2.0
#include "upstream/health_probe.h"

#include <array>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/format.h"
#include "config/units.h"
#include "http/date.h"

namespace viaduct::upstream {

using http::Reason;

namespace {

constexpr std::string_view kUserAgent = "viaduct-health-check";

// A decoded path as the target of a request (RFC 3986 §3.3).
std::string encode_path(std::string_view path) {
  std::string target;
  for (const char byte : path) {
    const bool is_plain = base::is_digit(byte) || (base::to_lower(byte) >= 'a' && base::to_lower(byte) <= 'z') ||
                          std::string_view("/-._~!$&'()*+,;=:@").contains(byte);
    target += is_plain ? std::string(1, byte) : base::format("%{:02X}", static_cast<unsigned char>(byte));
  }
  return target;
}

ProbeResult failure(Reason reason, std::string detail) {
  return {.is_good = false,
          .is_void = reason == Reason::kUpstreamConnectExhausted,
          .reason = http::reason_name(reason),
          .detail = std::move(detail)};
}

}  // namespace

HealthProbe::HealthProbe(Server& server, const config::Health& config, ProbeHandler& handler, http::Method method)
    : server_(server),
      config_(config),
      handler_(handler),
      method_(method),
      target_(encode_path(config.path)),
      arena_(server.resources().loop.chunks()),
      timer_(server.resources().loop.timers(), *this) {}

HealthProbe::~HealthProbe() {
  cancel_connect();
  if (stream_ != nullptr) stream_->reset();
}

void HealthProbe::transition(State next) {
  // A result may come in every state but kResting.
  CHECK(next == State::kResting ? state_ != State::kResting : static_cast<int>(next) == static_cast<int>(state_) + 1);
  state_ = next;
}

void HealthProbe::begin() {
  transition(State::kConnecting);
  const Resources& resources = server_.resources();
  timer_.start_after(config_.timeout);
  const bool is_reserved = server_.reserve();
  CHECK(is_reserved);  // nobody else connects to it
  ConnectHandler& handler = *this;
  // Frees itself. Its own limit would be ours.
  std::make_unique<Connector>(resources.loop, resources.resolver, server_, handler).release()->start(std::nullopt);
}

void HealthProbe::on_connected(ClientConnection& connection, const ConnectTimes&) {
  if (!config_.path.empty()) return ask(connection);
  connection.close();
  finish({.is_good = true, .reason = {}, .detail = "connected"});
}

void HealthProbe::on_connect_failed(Reason reason, const base::Error& error, bool) {
  finish(failure(reason, error.message));
}

// No other request can have taken its room: the server grants none.
void HealthProbe::on_connection_full() {
  finish(failure(Reason::kUpstreamRefusedStream, "the server takes no request on a new connection"));
}

void HealthProbe::ask(ClientConnection& connection) {
  transition(State::kAsking);
  arena_.clear();
  body_bytes_ = 0;
  http::RequestHead head(arena_);
  head.method = method_;
  head.method_text = http::method_name(head.method);
  head.target = target_;
  head.fields.add(http::FieldName::kHost, config_.host.empty() ? server_.authority() : config_.host);
  head.fields.add(http::FieldName::kUserAgent, kUserAgent);
  head.fields.add(http::FieldName::kAccept, "*/*");
  stream_ = &connection.begin(*this, {});
  stream_->send_head(head, true);
}

ProbeResult HealthProbe::judge(const http::ResponseHead& head) const {
  ProbeResult result;
  result.status = head.status;
  result.detail = base::format("status {}", head.status);
  const base::WallTime now = server_.resources().loop.wall_now();
  const auto now_seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
  if (const auto date = http::parse_date(head.fields.value(http::FieldName::kDate), now_seconds.count())) {
    result.clock_offset = std::chrono::seconds(*date) - now_seconds;
  }
  result.is_good = head.status >= config_.expect_from && head.status <= config_.expect_to;
  if (result.is_good) return result;
  result.reason = "unexpected_status";
  result.detail += base::format(", expected {}",
                                config::format_status_range({.from = config_.expect_from, .to = config_.expect_to}));
  return result;
}

void HealthProbe::on_response_head(http::ResponseHead& head, bool) {
  transition(State::kReading);
  result_ = judge(head);
}

void HealthProbe::on_response_body(base::Buffer& body, bool end) {
  body_bytes_ += body.size();
  body.clear();
  if (end || body_bytes_ <= kBodyBytesMax) return;
  std::exchange(stream_, nullptr)->reset();
  finish(result_);
}

void HealthProbe::on_response_reset(Reason reason, bool, std::string_view detail) {
  stream_ = nullptr;
  const std::string_view sentence = http::reason_sentence(reason);
  finish(failure(reason, detail.empty() ? std::string(sentence) : base::format("{} ({})", sentence, detail)));
}

void HealthProbe::on_response_end() {
  stream_ = nullptr;
  finish(result_);
}

void HealthProbe::on_timer(int) {
  static constexpr std::array kMissing = {"connection", "answer", "whole answer"};
  static constexpr std::array kReasons = {Reason::kUpstreamConnectTimeout, Reason::kUpstreamHeaderTimeout,
                                          Reason::kUpstreamReadTimeout};
  const std::size_t step = static_cast<std::size_t>(state_) - static_cast<std::size_t>(State::kConnecting);
  cancel_connect();
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->reset();
  finish(failure(kReasons.at(step), base::format("no {} within {} (health.timeout)", kMissing.at(step),
                                                 config::format_duration(config_.timeout))));
}

void HealthProbe::finish(const ProbeResult& result) {
  timer_.stop();
  transition(State::kResting);
  handler_.on_probe_done(result);
}

}  // namespace viaduct::upstream
