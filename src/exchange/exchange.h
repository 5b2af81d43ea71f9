// SPDX-License-Identifier: Apache-2.0
// The spine: one request with its response, from the head that a codec delivers to the line in the access log. It asks
// the router, runs the filters, starts the action, passes bodies on, answers what Viaduct itself refuses, and ends.
// Made by a worker for each stream, from its free list; lives in that worker's thread; ends with the snapshot it began
// with. Knows no HTTP version.
//
//   kHead ──on_head──► kRunning ──send_head──► kAnswering ──last byte──► kAnswered ──on_stream_end──► kOver
//     │ on_refused ───────┼── fail, respond ────────▲                                                  ▲ ▲
//     │                   └── send_head(101) ──► kTunnel ──both directions have ended: on_stream_end───┤ │
//     └────────────────────────────────── on_reset, or a cut answer ───────────────────────────────────┘ │
//                  instead of kOver, where the run goes on (docs/adr/0013): kRunningOn ──end_run_on()────┘
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/arena.h"
#include "base/intrusive_list.h"
#include "base/ip.h"
#include "exchange/action.h"
#include "exchange/filter.h"
#include "exchange/services.h"
#include "http/stream.h"
#include "net/loop.h"
#include "observe/access_record.h"
#include "route/router.h"

namespace viaduct::exchange {

// What a connection tells its exchanges about the client. Outlives their streams.
struct ClientInfo {
  base::SocketAddress peer;
  base::SocketAddress local;
  const net::TlsInfo* tls = nullptr;  // null: plain
  bool redirect_to_https = false;     // the listener's option
  std::uint16_t https_port = 443;     // where redirect_to_https leads
};

// A field for respond().
struct ReplyField {
  http::FieldName id;
  std::string_view value;
};

// An answer that Viaduct itself gives. The texts are copied.
struct Reply {
  int status = 200;
  std::string_view content_type;  // empty: no Content-Type
  std::string_view body;
  std::span<const ReplyField> fields;
};

class Exchange final : public http::StreamHandler, public net::Retirable, public base::ListHook<Exchange> {
 public:
  // `services` must outlive the exchange; `stream` and `client` live until the stream's terminal event.
  Exchange(Services& services, const ClientInfo& client, http::ServerStream& stream);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // ---- for filters and actions: what is known
  http::RequestHead& request() { return *request_; }
  // REQUIRES: the client's stream is there.
  const ClientInfo& client() const { return client_; }
  // The client's address, seen through trusted proxies.
  const base::IpAddress& client_ip() const { return client_ip_; }
  bool is_peer_trusted() const { return is_peer_trusted_; }
  // "https" or "http", as the client spoke to us.
  std::string_view scheme() const { return client_.tls != nullptr ? "https" : "http"; }
  std::string_view request_id() const { return record_.request_id; }
  // The target as it came; request().target is what a rewrite has made of it.
  std::string_view received_target() const { return received_target_; }
  const route::Decision& decision() const { return decision_; }
  const Snapshot& snapshot() const { return *serving_->snapshot; }
  // By its place in the snapshot's config.
  upstream::Upstream& upstream(std::size_t index) const { return serving_->upstreams.at(index); }
  // Whether the client has shown a certificate that the site of the request believes.
  bool shows_certificate() const;
  // REQUIRES: a route was chosen.
  const config::Route& route() const { return *decision_.route; }
  observe::AccessRecord& record() { return record_; }
  Services& services() { return services_; }
  net::Loop& loop() { return services_.loop; }
  bool is_answering() const { return state_ != State::kHead && state_ != State::kRunning; }

  // ---- for actions: the request's body
  // True: the body is wanted now (this also answers Expect: 100-continue). False: no more for the moment.
  void read_request(bool reading);
  // The rest of the body may come as slowly as it likes: the action counts how long both sides are silent.
  void await_request_patiently();

  // ---- for filters and actions: the answer
  void send_informational(const http::ResponseHead& head);
  // Runs the response filters over `head` and sends it. With 101 the exchange becomes a tunnel (http/stream.h): bytes
  // pass both ways, uncounted by body_limit, and fail() cuts it until both directions have ended.
  void send_head(http::ResponseHead& head, bool end);
  void send_body(base::Buffer& body, bool end);
  void send_trailers(const http::Fields& trailers);
  // How many body bytes may be sent now; 0: wait for on_client_writable.
  std::size_t writable_bytes() const;
  // A response head of ours in the arena: status, its phrase and Date (RFC 9110 §6.6.1).
  http::ResponseHead& new_head(int status);
  // What the Allow field of a 405 says; `methods` must live as long as the exchange.
  void set_allow(std::string_view methods) { decision_.allow = methods; }
  // What the WWW-Authenticate field of a 401 of ours says; `challenge` must live as long as the exchange.
  void set_challenge(std::string_view challenge) { challenge_ = challenge; }
  // What the Retry-After field of a 429 or 503 says, 1 otherwise; `seconds` must live as long as the exchange.
  void set_retry_after(std::string_view seconds) { retry_after_ = seconds; }
  // What the Content-Range field of a 416 of ours says; `range` must live as long as the exchange.
  void set_content_range(std::string_view range) { content_range_ = range; }
  // Ends the exchange with our own answer for `reason`, or, where an answer has begun, cuts it so that the client sees
  // that it is not whole. The action's run is over when this returns.
  void fail(http::Reason reason);
  // Ends the exchange with an answer of ours that is no failure (or, with `reason`, one that has its own form).
  void respond(const Reply& reply, http::Reason reason = http::Reason::kNone);

  // What the log is to say of a request that is served all the same, unless it ends for another reason. No refusal.
  void note(http::Reason reason);

  // ---- for filters that cannot tell at once
  // Holds the request until resume(); `run` gets no bytes, and learns by on_exchange_over() that nobody waits any more.
  void wait(base::ArenaPtr<ActionRun> run) { run_ = std::move(run); }
  // The request goes on behind the filter that waited. REQUIRES: it waits, and was not told that the exchange is over.
  void resume();

  // For actions: the run that went on behind its exchange is over. Nothing may follow.
  void end_run_on();

  // ---- for the owner
  // True when its log line is written: it is freed at the end of this turn, or of the one in which its run ends.
  bool is_over() const { return state_ >= State::kRunningOn; }
  // Ends a run that goes on. REQUIRES: it was told by on_run_on and not freed.
  void stop_run_on();

  // http::StreamHandler
  base::Arena& arena() override { return arena_; }
  void on_head(http::RequestHead& head, bool end) override;
  void on_refused(http::RequestHead& head, http::Reason reason) override;
  void on_body(base::Buffer& body, bool end) override;
  void on_trailers(http::Fields& trailers) override;
  void on_writable() override;
  void on_reset(http::Reason reason) override;
  void on_stream_end() override;

  // net::Retirable
  void dispose() override;

 private:
  enum class State : std::uint8_t { kHead, kRunning, kAnswering, kAnswered, kTunnel, kRunningOn, kOver };

  void transition(State next);
  // Whether what comes from the client is still for the action.
  bool takes_request() const { return run_ != nullptr && (state_ <= State::kAnswering || state_ == State::kTunnel); }
  // Fills what the access log wants from the head.
  void describe_request(const http::RequestHead& head);
  void choose_request_id(const http::RequestHead& head);
  void decide(http::RequestHead& head);
  bool redirect_to_https();
  // Whether the client has shown the certificate that the site wants, where it wants one.
  bool meets_client_auth() const;
  // Another protocol may follow on this route.
  bool may_tunnel() const;
  void run_route();
  void run_filters();
  void end_run();
  void end_with(http::Reason reason);
  void answer_locally(http::Reason reason);
  // Writes the line, counts, and leaves for the free list, unless the run goes on. Nothing may follow.
  void finish();
  void leave();

  Services& services_;
  const ClientInfo& client_;
  http::ServerStream* stream_;  // null once it is over
  ServingRef serving_;
  State state_ = State::kHead;
  std::string_view retry_after_ = "1";
  std::string_view challenge_;
  std::string_view content_range_;
  std::uint16_t next_filter_ = 0;  // of plan_
  bool ends_with_head_ = false;    // the request has no body
  bool is_peer_trusted_ = false;
  bool is_noted_ = false;  // the reason in record_ is no end
  base::Arena arena_;
  http::RequestHead* request_ = nullptr;
  std::string_view received_target_;
  const RoutePlan* plan_ = nullptr;  // of the chosen route, or of the one that wanted another method
  route::Decision decision_;
  base::IpAddress client_ip_;
  observe::AccessRecord record_;
  std::uint64_t body_limit_;  // bytes of request body that may still come
  base::MonoTime started_;
  base::ArenaPtr<ActionRun> waited_;  // a filter's, that has waited
  base::ArenaPtr<ActionRun> run_;
};

}  // namespace viaduct::exchange
