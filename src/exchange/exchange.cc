// SPDX-License-Identifier: Apache-2.0
#include "exchange/exchange.h"

#include <algorithm>
#include <limits>
#include <ranges>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "exchange/client_address.h"
#include "exchange/https_location.h"
#include "exchange/local_reply.h"
#include "http/date.h"
#include "http/hop_by_hop.h"
#include "http/status.h"

namespace viaduct::exchange {
namespace {

constexpr std::size_t kRequestIdLengthMax = 128;

bool is_request_id(std::string_view text) {
  const auto allowed = [](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '.' || byte == '_' || byte == '-';
  };
  return !text.empty() && text.size() <= kRequestIdLengthMax && std::ranges::all_of(text, allowed);
}

// The first of the site's hosts that is a name; empty where it has none but patterns.
std::string_view host_name_of(const config::Site& site) {
  const auto name = std::ranges::find_if(site.hosts, [](std::string_view host) { return !host.starts_with('*'); });
  return name == site.hosts.end() ? std::string_view{} : std::string_view(*name);
}

}  // namespace

Exchange::Exchange(Services& services, const ClientInfo& client, http::ServerStream& stream)
    : services_(services),
      client_(client),
      stream_(&stream),
      serving_(services.serving),
      arena_(services.loop.chunks()),
      client_ip_(client.peer.ip()),
      body_limit_(std::numeric_limits<std::uint64_t>::max()),
      started_(services.loop.now()) {
  record_.client_ip = client_ip_;
  record_.client_port = client_.peer.port();
  if (client_.tls == nullptr) return;
  record_.tls_version = client_.tls->version;
  record_.tls_cipher = client_.tls->cipher;
}

void Exchange::transition(State next) {
  // Forward only, nothing follows the end, and a tunnel begins instead of an answer.
  CHECK(next > state_ && (next != State::kTunnel || state_ == State::kRunning));
  state_ = next;
}

// ---- the request comes in -------------------------------------------------------------------------------------------

void Exchange::on_head(http::RequestHead& head, bool end) {
  request_ = &head;
  describe_request(head);
  transition(State::kRunning);
  decide(head);
  if (redirect_to_https()) return;
  if (decision_.route == nullptr) {
    // What the route would say of its answers holds for this one: a browser shows it to the page then.
    if (decision_.reason == http::Reason::kMethodNotAllowed) plan_ = &snapshot().plans[decision_.refusing_index];
    fail(decision_.reason);
    return;
  }
  if (!meets_client_auth()) {
    fail(http::Reason::kClientCertificateMissing);
    return;
  }
  ends_with_head_ = end;
  run_route();
}

bool Exchange::meets_client_auth() const {
  const config::Site& site = *decision_.site;
  if (site.client_ca.empty() || site.client_auth == config::ClientAuth::kOptional) return true;
  return shows_certificate();
}

bool Exchange::shows_certificate() const {
  if (client_.tls == nullptr || client_.tls->client_ca.empty()) return false;
  // The name in the handshake, by which the client was asked for one, may have been another site's, and the site may
  // have come to believe others since.
  return client_.tls->client_ca == authorities_of(snapshot(), decision_);
}

void Exchange::on_refused(http::RequestHead& head, http::Reason reason) {
  if (state_ == State::kHead) {
    request_ = &head;
    describe_request(head);
    transition(State::kRunning);
  }
  if (reason == http::Reason::kClientClosed) return;  // nobody is there to be answered; on_reset follows
  fail(reason);
}

void Exchange::describe_request(const http::RequestHead& head) {
  choose_request_id(head);
  const std::size_t question = head.target.find('?');
  record_.method = head.method_text;
  record_.host = head.authority;
  received_target_ = head.target;
  record_.path = head.target.substr(0, question);
  record_.query = question == std::string_view::npos ? std::string_view{} : head.target.substr(question + 1);
  record_.version = http::version_text(head.version);
  record_.user_agent = head.fields.value(http::FieldName::kUserAgent);
  record_.referer = head.fields.value(http::FieldName::kReferer);
}

void Exchange::choose_request_id(const http::RequestHead& head) {
  const std::string_view given = head.fields.value(http::FieldName::kXRequestId);
  if (head.fields.count(http::FieldName::kXRequestId) == 1 && is_request_id(given)) {
    record_.request_id = given;
  } else {
    record_.request_id = arena_.copy(services_.random.request_id().view());
  }
}

void Exchange::decide(http::RequestHead& head) {
  decision_ = snapshot().router->decide(route::RequestView::of(head), arena_);
  if (decision_.site == nullptr) return;
  record_.site = site_name(*decision_.site);
  // A client of HTTP/1.0 may name no host: it means the site that it was given. Servers must not get their own name
  // instead, which for some of them is a sign of a local call.
  if (head.authority.empty()) head.authority = host_name_of(*decision_.site);
  is_peer_trusted_ = decision_.site->trusted_proxies.contains(client_.peer.ip());
  client_ip_ = find_client_ip(client_.peer.ip(), decision_.site->trusted_proxies, head.fields);
  record_.client_ip = client_ip_;
  if (decision_.route != nullptr) record_.route = decision_.route->name;
}

bool Exchange::redirect_to_https() {
  if (!client_.redirect_to_https || client_.tls != nullptr) return false;
  // A refusal is not worth a second connection.
  const bool is_served = decision_.route != nullptr || decision_.reason == http::Reason::kNoRoute ||
                         decision_.reason == http::Reason::kMethodNotAllowed;
  if (!is_served || route::spares_https_redirect(decision_)) return false;
  if (request_->authority.empty()) {
    fail(http::Reason::kMissingHost);
    return true;
  }
  const std::string_view location = https_location(request_->authority, request_->target, client_.https_port, arena_);
  const ReplyField field{.id = http::FieldName::kLocation, .value = location};
  respond({.status = 308, .content_type = {}, .body = {}, .fields = std::span(&field, 1)});
  return true;
}

void Exchange::run_route() {
  plan_ = &snapshot().plans[decision_.route_index];
  const auto& limit = decision_.route->body_limit;
  if (limit) body_limit_ = *limit;
  if (request_->body.kind == http::BodyKind::kSized && request_->body.bytes > body_limit_) {
    fail(http::Reason::kBodyTooLarge);
    return;
  }
  http::remove_hop_by_hop_request(request_->fields);
  if (!may_tunnel()) {
    // An answer to the extended CONNECT of HTTP/2 would open the tunnel; where HTTP/1.1 asks, a GET like any other
    // remains.
    if (request_->version == http::Version::kHttp2 && !request_->protocol.empty()) {
      fail(http::Reason::kUnsupportedMethod);
      return;
    }
    request_->protocol = {};
  }
  run_filters();
}

bool Exchange::may_tunnel() const {
  return decision_.route->websocket && std::holds_alternative<config::ProxyAction>(decision_.route->action);
}

void Exchange::run_filters() {
  while (next_filter_ < plan_->filters.size()) {
    if (plan_->filters[next_filter_++]->on_request(*this) != FilterVerdict::kContinue) return;
  }
  run_ = plan_->action->begin(*this);
  run_->start(ends_with_head_);
}

void Exchange::resume() {
  CHECK(state_ == State::kRunning && run_ != nullptr);
  waited_ = std::move(run_);  // which may be the one that is calling
  run_filters();
}

void Exchange::read_request(bool reading) {
  if (stream_ != nullptr) stream_->set_reading(reading);
}

void Exchange::await_request_patiently() {
  if (stream_ != nullptr) stream_->set_patient(true);
}

void Exchange::on_body(base::Buffer& body, bool end) {
  record_.bytes_in += body.size();
  if (body.size() > body_limit_) {
    body.clear();
    fail(http::Reason::kBodyTooLarge);
    return;
  }
  body_limit_ -= body.size();
  if (takes_request()) {
    run_->on_request_body(body, end);
  } else {
    body.clear();
  }
}

void Exchange::on_trailers(http::Fields& trailers) {
  if (takes_request()) run_->on_request_trailers(trailers);
}

// ---- the answer goes out --------------------------------------------------------------------------------------------

void Exchange::send_informational(const http::ResponseHead& head) {
  if (state_ == State::kRunning) stream_->send_informational(head);
}

void Exchange::send_head(http::ResponseHead& head, bool end) {
  if (plan_ != nullptr) {
    for (const auto& filter : plan_->filters | std::views::reverse) filter->on_response(*this, head);
  }
  if (client_.tls != nullptr && decision_.site != nullptr && decision_.site->hsts) {
    head.fields.set(http::FieldName::kStrictTransportSecurity, decision_.site->hsts->text);
  }
  head.fields.set(http::FieldName::kXRequestId, record_.request_id);
  record_.status = head.status;
  if (head.status == 101) {
    transition(State::kTunnel);
    body_limit_ = std::numeric_limits<std::uint64_t>::max();
  } else {
    transition(end ? State::kAnswered : State::kAnswering);
  }
  stream_->send_head(head, end);
}

void Exchange::send_body(base::Buffer& body, bool end) {
  record_.bytes_out += body.size();
  if (end && state_ != State::kTunnel) transition(State::kAnswered);
  stream_->send_body(body, end);
}

void Exchange::send_trailers(const http::Fields& trailers) {
  transition(State::kAnswered);
  stream_->send_trailers(trailers);
}

std::size_t Exchange::writable_bytes() const {
  return stream_ == nullptr ? 0 : stream_->writable_bytes();
}

void Exchange::on_writable() {
  const bool is_sending = state_ == State::kAnswering || state_ == State::kTunnel;
  if (run_ != nullptr && is_sending) run_->on_client_writable();
}

void Exchange::fail(http::Reason reason) {
  if (is_over() || state_ == State::kAnswered) return;
  end_with(reason);
  end_run();
  if (state_ == State::kAnswering || state_ == State::kTunnel) {
    std::exchange(stream_, nullptr)->reset();
    finish();
    return;
  }
  answer_locally(reason);
}

void Exchange::note(http::Reason reason) {
  record_.reason = reason;
  is_noted_ = true;
}

// Whatever a filter has noted before.
void Exchange::end_with(http::Reason reason) {
  record_.reason = reason;
  is_noted_ = false;
}

void Exchange::answer_locally(http::Reason reason) {
  const config::CallbackProvider provider =
      decision_.route != nullptr ? decision_.route->callback : config::CallbackProvider::kNone;
  const Refusal refusal{.reason = reason, .request = *request_, .request_id = record_.request_id, .provider = provider};
  const LocalReply local = make_local_reply(refusal, *snapshot().config, arena_);
  if (local.is_silent) {
    record_.status = local.status;
    std::exchange(stream_, nullptr)->reset();
    finish();
    return;
  }
  std::array<ReplyField, 3> fields{ReplyField{.id = http::FieldName::kCacheControl, .value = "no-store"}};
  std::size_t count = 1;
  if (!decision_.allow.empty() && local.status == 405) {
    fields[count++] = {.id = http::FieldName::kAllow, .value = decision_.allow};
  }
  if (!challenge_.empty() && local.status == 401) {
    fields[count++] = {.id = http::FieldName::kWwwAuthenticate, .value = challenge_};
  }
  if (!content_range_.empty() && local.status == 416) {
    fields[count++] = {.id = http::FieldName::kContentRange, .value = content_range_};
  }
  if (local.status == 503 || local.status == 429) {
    fields[count++] = {.id = http::FieldName::kRetryAfter, .value = retry_after_};
  }
  respond({.status = local.status,
           .content_type = local.content_type,
           .body = local.body,
           .fields = std::span(fields).first(count)},
          reason);
}

http::ResponseHead& Exchange::new_head(int status) {
  auto& head = *arena_.make<http::ResponseHead>(arena_);
  head.status = status;
  head.reason_phrase = http::status_text(status);
  char date[http::kDateLength];
  head.fields.add(http::FieldName::kDate, http::write_date(services_.loop.wall_now(), date));
  return head;
}

void Exchange::respond(const Reply& reply, http::Reason reason) {
  if (reason != http::Reason::kNone) end_with(reason);
  end_run();
  http::ResponseHead& head = new_head(reply.status);
  if (!reply.content_type.empty()) head.fields.add(http::FieldName::kContentType, reply.content_type);
  for (const ReplyField& field : reply.fields) head.fields.add(field.id, field.value);
  // The rest of such a request will hardly come: HTTP/1 ends the connection behind the answer.
  const bool is_late = reason == http::Reason::kBodyTimeout || reason == http::Reason::kRateTooLow;
  if (is_late) head.fields.add(http::FieldName::kConnection, "close");
  const bool is_head = request_->method == http::Method::kHead;
  const bool has_body = !is_head && !http::forbids_body(reply.status);
  if (!http::forbids_body(reply.status)) {
    head.body = {.kind = http::BodyKind::kSized, .bytes = reply.body.size()};
  }
  const bool end = !has_body || reply.body.empty();
  send_head(head, end);
  if (end) return;
  base::Buffer body(services_.loop.chunks());
  body.append(reply.body);
  send_body(body, true);
}

// ---- the end --------------------------------------------------------------------------------------------------------

void Exchange::on_reset(http::Reason reason) {
  stream_ = nullptr;
  if (record_.reason == http::Reason::kNone || is_noted_) end_with(reason);
  // The client saw no final answer: the log shows it under nginx's number for that.
  const bool is_lost = state_ == State::kAnswered && reason == http::Reason::kClientClosed;
  if (record_.status == 0 || is_lost) record_.status = http::reason_status(http::Reason::kClientClosed);
  if (is_lost && run_ != nullptr) run_->on_answer_lost();
  end_run();
  finish();
}

void Exchange::on_stream_end() {
  stream_ = nullptr;
  end_run();
  finish();
}

void Exchange::end_run() {
  // The run stays in memory until the exchange is freed: it may be the one that is calling.
  if (run_ != nullptr) run_->on_exchange_over();
}

void Exchange::finish() {
  // Every line has one, also where nothing of a head was understood.
  if (record_.request_id.empty()) record_.request_id = arena_.copy(services_.random.request_id().view());
  record_.total = services_.loop.now() - started_;
  record_.time = services_.loop.wall_now();
  const http::Reason counted = is_noted_ ? http::Reason::kNone : record_.reason;
  const std::uint32_t route = number_of(snapshot(), decision_);
  services_.counters.count(counted, record_.status);
  services_.route_stats.count(route, record_.status, record_.total, record_.reason);
  if (serving_ != services_.serving) {
    services_.counters.note_outlived(counted);
    services_.route_stats.note_outlived(route, record_.status, record_.reason);
  }
  services_.access_log.write(record_);
  if (run_ == nullptr || !run_->runs_on()) return leave();
  transition(State::kRunningOn);
  services_.owner.on_run_on(*this);
}

void Exchange::leave() {
  transition(State::kOver);
  base::ListHook<Exchange>::unlink();
  services_.loop.retire(*this);
}

void Exchange::end_run_on() {
  // Where our own answer is still on its way to the client, the exchange ends with it.
  if (state_ == State::kRunningOn) leave();
}

void Exchange::stop_run_on() {
  CHECK(state_ == State::kRunningOn);
  run_->on_worker_stop();
}

void Exchange::dispose() {
  run_.reset();
  waited_.reset();
  services_.owner.free_exchange(*this);
}

}  // namespace viaduct::exchange
