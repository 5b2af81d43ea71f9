// SPDX-License-Identifier: Apache-2.0
#include "action/proxy_run.h"

#include <algorithm>
#include <utility>

#include "action/balance_key.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/log.h"
#include "exchange/edited_trailers.h"
#include "http/hop_by_hop.h"
#include "http/syntax.h"

namespace viaduct::action {

using http::Reason;

namespace {

std::string_view media_type(const http::Fields& fields) {
  const std::string_view type = fields.value(http::FieldName::kContentType);
  return http::trim_whitespace(type.substr(0, type.find(';')));
}

// "application/grpc", also with "+proto" and the like behind it.
bool is_grpc(const http::Fields& fields) {
  constexpr std::string_view kGrpc = "application/grpc";
  const std::string_view type = media_type(fields);
  return base::equals_ignoring_case(type.substr(0, kGrpc.size()), kGrpc);
}

// Between two events or messages of such an answer there may be any time (HTML Standard, "Server-sent events").
bool is_quiet(const http::ResponseHead& head) {
  return base::equals_ignoring_case(media_type(head.fields), "text/event-stream") || is_grpc(head.fields);
}

}  // namespace

ProxyRun::ProxyRun(exchange::Exchange& exchange, upstream::Upstream& upstream)
    : exchange_(exchange),
      upstream_(upstream),
      timer_(exchange.loop().timers(), *this),
      answer_(exchange),
      body_(exchange.loop().chunks()),
      search_(exchange.loop(), upstream, *this),
      started_(exchange.loop().now()) {
  upstream_.enter();
}

ProxyRun::~ProxyRun() {
  upstream_.leave();
}

void ProxyRun::transition(State next) {
  const bool leaves_tunnel = state_ == State::kTunnel && next != State::kOver;
  CHECK(state_ != State::kOver && next != State::kCollecting && !leaves_tunnel);
  state_ = next;
}

// ---- the request ----------------------------------------------------------------------------------------------------

void ProxyRun::start(bool end) {
  exchange_.record().upstream = upstream_.config().name;
  upstream_.retry_budget().earn(exchange_.route().retry.budget_percent, started_);
  if (const auto& total = exchange_.route().timeouts.total) total_ends_ = started_ + *total;
  arm_timer();
  if (lacks_host()) return exchange_.fail(http::Reason::kMissingHost);
  prepare_head();
  request_ended_ = end;
  const http::BodySize& size = exchange_.request().body;
  const bool is_long = size.kind == http::BodyKind::kSized && size.bytes > kCollectedBytesMax;
  if (may_talk() && is_grpc(exchange_.request().fields)) begin_dialogue();
  if (end || is_long || may_talk()) {
    find_connection();
  } else {
    exchange_.read_request(true);
  }
}

// Over HTTP/2 the two sides of a stream may talk by turns: who waits for the end of the request waits for ever. A
// platform says all that it has to say at once.
bool ProxyRun::may_talk() const {
  return exchange_.request().body.kind == http::BodyKind::kStream && upstream_.config().http2 && !is_callback();
}

// A request of HTTP/1.0 may come without Host, on a site that has no name to lend it. The server's own, which the
// upstream's HTTP/1.1 would need then (RFC 9112 §3.2), is a sign of a local call to some programs.
bool ProxyRun::lacks_host() const {
  return upstream_.config().host_mode == config::HostMode::kClient && exchange_.request().authority.empty();
}

void ProxyRun::prepare_head() {
  http::RequestHead& request = exchange_.request();
  const config::Upstream& config = upstream_.config();
  // A client's own id keeps its spelling.
  const bool has_id = request.fields.value(http::FieldName::kXRequestId) == exchange_.request_id();
  if (!has_id) request.fields.set(http::FieldName::kXRequestId, exchange_.request_id());
  std::string_view host = request.authority;
  if (config.host_mode == config::HostMode::kLiteral) host = config.host;
  names_server_ = config.host_mode == config::HostMode::kUpstream;
  if (names_server_) return;  // set when the server is known
  if (request.fields.value(http::FieldName::kHost) != host) request.fields.set(http::FieldName::kHost, host);
}

void ProxyRun::on_request_body(base::Buffer& body, bool end) {
  request_ended_ = end;
  if (state_ == State::kOver) {
    body.clear();
    return;
  }
  moved_at_ = exchange_.loop().now();
  if (end && is_dialogue_ && state_ != State::kTunnel) end_dialogue();
  if (is_passing()) {
    if (!body.empty()) body_whole_ = false;
    stream_->send_body(body, end);
    if (!end && stream_ != nullptr && stream_->writable_bytes() == 0) exchange_.read_request(false);
    return;
  }
  body_.take_all(body);
  if (state_ == State::kCollecting && (end || body_.size() > kCollectedBytesMax)) {
    exchange_.read_request(false);
    find_connection();
  }
}

void ProxyRun::on_request_trailers(http::Fields& trailers) {
  request_ended_ = true;
  if (is_dialogue_ && state_ != State::kTunnel) end_dialogue();
  http::remove_hop_by_hop_trailers(trailers);
  exchange::remove_edited(trailers, exchange_.decision().route->headers.request);
  trailers_ = &trailers;
  if (is_passing()) {
    stream_->send_trailers(trailers);
  } else if (state_ == State::kCollecting) {
    find_connection();
  }
}

// ---- a server and a connection --------------------------------------------------------------------------------------

void ProxyRun::find_connection() {
  transition(State::kConnecting);
  const config::Route& route = exchange_.route();
  search_.start({.connect = route.timeouts.connect, .attempts = route.retry.attempts},
                choose_by(exchange_, upstream_.config()));
}

void ProxyRun::on_found(upstream::Server& server, upstream::ClientConnection& connection,
                        const upstream::ConnectTimes& times, bool reused) {
  server_ = &server;
  reused_ = reused;
  if (!reused) {
    exchange_.record().connect = times.connect;
    if (server.is_tls()) exchange_.record().tls = times.tls;
  }
  send_on(connection);
}

void ProxyRun::on_server_failed(upstream::Server& server, const upstream::ServerFailure& failure) {
  server_ = &server;
  reused_ = false;
  upstream_.note_attempt(server, exchange_.record().attempts++ > 0);
  exchange_.record().server = server.name();
  exchange_.record().chosen = upstream::choice_name(search_.choice());
  upstream_.note_failure(server, {.told = failure.is_told, .reason = failure.reason});
  // A request that is held may fail many times at the same server: once is enough to know.
  if (!failure.is_repeated) log_failure(failure.reason, &failure.error);
}

void ProxyRun::on_search_failed(Reason reason) {
  fail(reason);
}

void ProxyRun::send_on(upstream::ClientConnection& connection) {
  transition(State::kForwarding);
  sent_at_ = exchange_.loop().now();
  observe::AccessRecord& record = exchange_.record();
  upstream_.note_attempt(*server_, record.attempts++ > 0);
  record.server = server_->name();
  record.chosen = upstream::choice_name(search_.choice());
  if (!record.wait) record.wait = sent_at_ - started_;
  http::RequestHead& request = exchange_.request();
  if (names_server_) request.fields.set(http::FieldName::kHost, server_->authority());
  const config::Timeouts& timeouts = exchange_.route().timeouts;
  stream_ = &connection.begin(*this, {.send = timeouts.send, .read = timeouts.read});
  const bool end = request_ended_ && body_.empty() && trailers_ == nullptr;
  stream_->send_head(request, end);
  if (!end) send_collected();
  if (stream_ != nullptr && !answer_.has_room()) stream_->set_reading(false);
}

void ProxyRun::send_collected() {
  const bool end = request_ended_ && trailers_ == nullptr;
  if (!body_.empty() || end) {
    base::Buffer sent(exchange_.loop().chunks());
    // Only a body that is whole can be sent again, and there is a reason to only on a kept connection, on one that
    // others share and that the server may close to new requests at any time, where servers go and come, or where the
    // server may yet refuse the handshake.
    const config::Upstream& config = upstream_.config();
    const bool may_repeat = reused_ || server_->is_tls() || config.http2 || config.hold > base::Duration::zero();
    if (request_ended_ && may_repeat) {
      sent.share(body_);
    } else {
      sent.take_all(body_);
      body_whole_ = exchange_.request().body.kind == http::BodyKind::kNone;
    }
    stream_->send_body(sent, end);
  }
  if (stream_ == nullptr || end) return;
  if (trailers_ != nullptr) {
    stream_->send_trailers(*trailers_);
  } else if (stream_->writable_bytes() > 0) {
    exchange_.read_request(true);
  }
}

void ProxyRun::on_request_writable() {
  if (!request_ended_) exchange_.read_request(true);
}

// ---- the answer -----------------------------------------------------------------------------------------------------

void ProxyRun::on_informational(http::ResponseHead& head) {
  http::remove_hop_by_hop_response(head.fields);
  exchange::remove_edited(head.fields, exchange_.route().headers.response);
  answer_.send_informational(head);
}

void ProxyRun::note_answer_time() {
  exchange_.record().upstream_time = exchange_.loop().now() - sent_at_;
}

void ProxyRun::on_response_head(http::ResponseHead& head, bool end) {
  if (refuse_other_than_tunnel(head)) return;
  body_.clear();
  body_whole_ = false;
  exchange_.record().upstream_header = exchange_.loop().now() - sent_at_;
  if (exchange_.record().attempts > 1) log_recovery(head);
  http::remove_hop_by_hop_response(head.fields);
  if (end) note_answer_time();
  is_quiet_ = is_quiet(head) && !is_callback();
  if (!end && !request_ended_ && may_talk()) begin_dialogue();
  if (is_quiet_ || is_dialogue_) stream_->set_read_limit(read_limit());
  answer_.send_head(head, end);
  if (head.status == 101) begin_tunnel();
}

// RFC 9113 §8.5, RFC 8441 §5: to the extended CONNECT of HTTP/2 any 2xx says that the tunnel is open, and what follows
// this one is a page. The server is none the worse for it.
bool ProxyRun::refuse_other_than_tunnel(const http::ResponseHead& head) {
  const http::RequestHead& request = exchange_.request();
  const bool is_connect = request.version == http::Version::kHttp2 && !request.protocol.empty();
  if (!is_connect || head.status / 100 != 2) return false;
  std::exchange(stream_, nullptr)->reset();
  upstream_.note_success(*server_);
  fail(Reason::kWebsocketRefused);
  return true;
}

// How long the exchange takes is nobody's fault from here on; that nothing happens any more may be.
void ProxyRun::begin_tunnel() {
  upstream_.note_success(*server_);
  transition(State::kTunnel);
  request_ended_ = false;
  total_ends_ = base::MonoTime::max();
  begin_dialogue();
  exchange_.read_request(true);
}

void ProxyRun::begin_dialogue() {
  is_dialogue_ = true;
  moved_at_ = exchange_.loop().now();
  exchange_.await_request_patiently();
  arm_timer();
}

void ProxyRun::end_dialogue() {
  is_dialogue_ = false;
  if (stream_ != nullptr) stream_->set_read_limit(read_limit());
  arm_timer();
}

std::optional<base::Duration> ProxyRun::read_limit() const {
  if (is_dialogue_) return std::nullopt;
  return is_quiet_ ? exchange_.route().websocket_idle : exchange_.route().timeouts.read;
}

void ProxyRun::arm_timer() {
  const base::MonoTime silent_at = moved_at_ + exchange_.route().websocket_idle;
  const base::MonoTime deadline = is_dialogue_ ? std::min(total_ends_, silent_at) : total_ends_;
  deadline == base::MonoTime::max() ? timer_.stop() : timer_.start(deadline);
}

void ProxyRun::on_response_body(base::Buffer& body, bool end) {
  moved_at_ = exchange_.loop().now();
  if (end) note_answer_time();
  answer_.send_body(body, end);
  if (!end && stream_ != nullptr && !answer_.has_room()) stream_->set_reading(false);
}

void ProxyRun::on_response_trailers(http::Fields& trailers) {
  http::remove_hop_by_hop_trailers(trailers);
  exchange::remove_edited(trailers, exchange_.decision().route->headers.response);
  note_answer_time();
  answer_.send_trailers(trailers);
}

void ProxyRun::on_client_writable() {
  if (stream_ != nullptr) stream_->set_reading(true);
}

void ProxyRun::on_response_end() {
  stream_ = nullptr;
  upstream_.note_success(*server_);
  timer_.stop();
  if (state_ == State::kOver) return;
  if (answer_.is_late()) return end_late(Reason::kNone);
  transition(State::kOver);
}

// ---- failure --------------------------------------------------------------------------------------------------------

void ProxyRun::on_response_reset(Reason reason, bool answered, std::string_view detail) {
  stream_ = nullptr;
  note_answer_time();
  log_failure(reason, nullptr, detail);
  try_again_or_fail(reason, answered);
}

void ProxyRun::try_again_or_fail(Reason reason, bool answered) {
  const config::Route& route = exchange_.route();
  const upstream::FailedAttempt attempt{
      .reused = reused_,
      .answered = answered,
      .body_kept = body_whole_ && request_ended_,
      .idempotent = http::is_idempotent(exchange_.request().method),
      .callback = route.callback != config::CallbackProvider::kNone,
      .retried_fresh = retried_fresh_,
      .retried_held = retried_held_,
      .holds = upstream_.config().hold > base::Duration::zero(),
      .reason = reason,
  };
  upstream_.note_failure(*server_, attempt);
  const upstream::RetryVerdict verdict = upstream::decide_retry(attempt);
  // A handshake that was refused is no second sending, whenever it is told.
  const bool is_free = reason == Reason::kUpstreamTlsFailed;
  if (verdict == upstream::RetryVerdict::kGiveUp || (!is_free && !upstream_.retry_budget().spend())) {
    return fail(reason);
  }
  transition(State::kConnecting);
  switch (verdict) {
    case upstream::RetryVerdict::kGiveUp: break;
    case upstream::RetryVerdict::kNextServer: search_.start_next(reason); break;
    case upstream::RetryVerdict::kFreshConnection:
      retried_fresh_ = true;
      search_.start_fresh(*server_);
      break;
    case upstream::RetryVerdict::kHold:
      retried_held_ = true;
      search_.start_held(reason);
      break;
  }
}

// Where no server was ever called, the request waited for one until now.
void ProxyRun::note_vain_wait() {
  observe::AccessRecord& record = exchange_.record();
  if (!record.wait) record.wait = exchange_.loop().now() - started_;
}

void ProxyRun::fail(Reason reason) {
  if (answer_.is_late()) return end_late(reason);
  note_vain_wait();
  transition(State::kOver);
  exchange_.fail(reason);
}

void ProxyRun::log_failure(Reason reason, const base::Error* error, std::string_view detail) {
  if (answer_.is_late()) return;  // its one line says it
  const std::string_view message = error != nullptr ? std::string_view(error->message) : http::reason_sentence(reason);
  // There is no server yet while the body is collected.
  const std::string_view server = server_ != nullptr ? std::string_view(server_->name()) : std::string_view("none");
  const observe::AccessRecord& record = exchange_.record();
  // Nobody was chosen yet while the request was still coming.
  const base::MonoTime chosen_at = record.attempts == 0 ? exchange_.loop().now() : search_.chosen_at();
  LOG_WARNING(
      "upstream_failed reason={} upstream={} server={} attempt={} chosen={} reused={} attempt_ms={:.3f} "
      "request_ms={:.3f} request_id={} error={}{}{}",
      http::reason_name(reason), upstream_.config().name, server, record.attempts, record.chosen, reused_,
      base::to_milliseconds(exchange_.loop().now() - chosen_at),
      base::to_milliseconds(exchange_.loop().now() - started_), exchange_.request_id(), base::quoted(message),
      detail.empty() ? "" : " detail=", detail);
}

// How a request that had failed elsewhere came to its answer.
void ProxyRun::log_recovery(const http::ResponseHead& head) {
  const observe::AccessRecord& record = exchange_.record();
  LOG_INFO(
      "upstream_answered upstream={} server={} attempt={} chosen={} reused={} attempt_ms={:.3f} request_ms={:.3f} "
      "status={} request_id={}",
      upstream_.config().name, record.server, record.attempts, record.chosen, reused_,
      base::to_milliseconds(exchange_.loop().now() - search_.chosen_at()),
      base::to_milliseconds(exchange_.loop().now() - started_), head.status, exchange_.request_id());
}

// For more of the request, and for nothing else: that it does not come is not the server's fault.
bool ProxyRun::waits_for_client() const {
  if (request_ended_ || is_dialogue_ || exchange_.is_answering()) return false;
  const bool has_room = stream_ != nullptr && stream_->writable_bytes() > 0;
  return state_ == State::kCollecting || (state_ == State::kForwarding && has_room);
}

void ProxyRun::on_timer(int) {
  if (state_ == State::kOver) return;
  if (exchange_.loop().now() < total_ends_ && is_dialogue_) {
    // The timer is not moved at every byte: it looks when the last one came.
    if (exchange_.loop().now() < moved_at_ + exchange_.route().websocket_idle) return arm_timer();
    return exchange_.fail(Reason::kWebsocketIdle);
  }
  if (answer_.is_late()) return end_late(Reason::kUpstreamTotalTimeout);
  if (waits_for_client()) return exchange_.fail(Reason::kBodyTimeout);
  note_vain_wait();
  log_failure(Reason::kUpstreamTotalTimeout, nullptr);
  // Only where nothing but the server was waited for.
  if (stream_ != nullptr && request_ended_ && !exchange_.is_answering()) {
    upstream_.note_failure(*server_, {.reason = Reason::kUpstreamTotalTimeout});
  }
  exchange_.fail(Reason::kUpstreamTotalTimeout);
}

// ---- the client is gone, or has its answer from us ------------------------------------------------------------------

void ProxyRun::on_exchange_over() {
  if (answer_.is_late()) return;
  may_run_on() ? run_on() : give_up();
}

// What has not come whole is never sent as if it had.
bool ProxyRun::may_run_on() const {
  const bool is_under_way = state_ == State::kConnecting || state_ == State::kForwarding;
  return is_callback() && request_ended_ && is_under_way && !answer_.is_complete();
}

void ProxyRun::on_answer_lost() {
  if (is_callback() && answer_.is_complete()) answer_.log_late(upstream_.config().name, server_->name(), Reason::kNone);
}

void ProxyRun::run_on() {
  answer_.become_late();
  timer_.start_after(exchange_.route().timeouts.read.value_or(kLateTime));
  if (stream_ != nullptr) stream_->set_reading(true);
}

void ProxyRun::end_late(Reason reason) {
  const std::string_view server = server_ != nullptr ? std::string_view(server_->name()) : std::string_view("none");
  answer_.log_late(upstream_.config().name, server, reason);
  give_up();
  exchange_.end_run_on();
}

void ProxyRun::give_up() {
  if (state_ != State::kOver) transition(State::kOver);
  timer_.stop();
  search_.cancel();
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->reset();
  body_.clear();
}

}  // namespace viaduct::action
