// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection_search.h"

#include <algorithm>
#include <utility>

namespace viaduct::upstream {

using http::Reason;

ConnectionSearch::ConnectionSearch(net::Loop& loop, Upstream& upstream, SearchHandler& handler)
    : loop_(loop), upstream_(upstream), handler_(handler), timer_(loop.timers(), *this) {}

void ConnectionSearch::start(const Limits& limits, const PickBy& by) {
  limits_ = limits;
  by_ = by;
  // Who has come before waits before.
  if (!upstream_.waiting_room().empty() || !advance()) wait();
}

void ConnectionSearch::start_fresh(Server& server) {
  note_choice(Choice::kSameAgain);
  wants_fresh_ = true;
  if (connect_to(server)) return;
  // The connection that failed may not be counted out yet: the server is tried again when its turn has come.
  tried_.reset(upstream_.index_of(server));
  wait();
}

void ConnectionSearch::start_next(Reason reason) {
  last_failure_ = reason;
  if (limits_.attempts && tried_.count() >= *limits_.attempts) return hold();
  if (!advance()) wait();
}

void ConnectionSearch::start_held(Reason reason) {
  last_failure_ = reason;
  hold();
}

void ConnectionSearch::cancel() {
  state_ = State::kIdle;
  timer_.stop();
  cancel_connect();
  upstream_.waiting_room().leave(*this);
}

// ---- a server and a connection --------------------------------------------------------------------------------------

bool ConnectionSearch::advance() {
  if (upstream_.is_held(loop_.now())) {
    hold();
    return true;
  }
  Upstream::ServerSet passed_over = tried_;
  bool is_one_full = false;
  while (Server* server = upstream_.pick(passed_over, by_)) {
    note_choice(upstream_.choice());
    const bool is_found =
        wants_fresh_ ? connect_to(*server) || take_from(*server) : take_from(*server) || connect_to(*server);
    if (is_found) return true;
    passed_over.set(upstream_.index_of(*server));
    is_one_full = true;
  }
  if (is_one_full) return false;
  hold();
  return true;
}

void ConnectionSearch::note_choice(Choice choice) {
  choice_ = choice;
  chosen_at_ = loop_.now();
}

bool ConnectionSearch::take_from(Server& server) {
  ClientConnection* kept = server.take();
  if (kept == nullptr) return false;
  tried_.set(upstream_.index_of(server));
  state_ = State::kIdle;
  wants_fresh_ = false;
  timer_.stop();
  handler_.on_found(server, *kept, {}, true);
  return true;
}

bool ConnectionSearch::connect_to(Server& server) {
  bool is_begun = upstream_.connect(server, *this, limits_.connect);
  if (!is_begun && wants_fresh_ && server.close_idle()) is_begun = upstream_.connect(server, *this, limits_.connect);
  if (!is_begun) return false;
  tried_.set(upstream_.index_of(server));
  state_ = State::kConnecting;
  server_ = &server;
  timer_.stop();
  return true;
}

void ConnectionSearch::on_connected(ClientConnection& connection, const ConnectTimes& times) {
  state_ = State::kIdle;
  wants_fresh_ = false;
  handler_.on_found(*server_, connection, times, false);
}

void ConnectionSearch::on_connect_failed(Reason reason, const base::Error& error, bool is_told) {
  state_ = State::kIdle;
  handler_.on_server_failed(
      *server_, {.reason = reason, .error = error, .is_repeated = hold_until_.has_value(), .is_told = is_told});
  start_next(reason);
}

// Others have taken all the room that the new connection had.
void ConnectionSearch::on_connection_full() {
  tried_.reset(upstream_.index_of(*server_));
  if (!advance()) wait();
}

// ---- waiting --------------------------------------------------------------------------------------------------------

void ConnectionSearch::wait() {
  if (!upstream_.waiting_room().enter(*this)) {
    if (upstream_.reclaim() && advance()) return;
    return fail(Reason::kUpstreamQueueFull);
  }
  state_ = State::kWaiting;
  if (limits_.connect) timer_.start_after(*limits_.connect);
}

bool ConnectionSearch::on_turn_to_connect() {
  return advance();
}

void ConnectionSearch::hold() {
  const base::MonoTime now = loop_.now();
  // It may be held while this request waits; whoever holds it has a time for that. Behind it the time of the config
  // begins.
  const bool was_held_by_operator = std::exchange(is_held_by_operator_, upstream_.is_held(now));
  if (is_held_by_operator_) {
    hold_until_ = upstream_.held_until();
  } else if (!hold_until_ || was_held_by_operator) {
    hold_until_ = now + upstream_.config().hold;
  }
  if (now >= *hold_until_) {
    const bool has_held = hold_pause_ != kHoldPause;
    return fail(has_held || last_failure_ == Reason::kNone ? Reason::kUpstreamUnavailable : last_failure_);
  }
  state_ = State::kHolding;
  timer_.start(std::min(now + hold_pause_, *hold_until_));
  hold_pause_ = std::min(hold_pause_ * 2, kHoldPauseMax);
}

void ConnectionSearch::on_timer(int) {
  if (state_ == State::kWaiting) {
    upstream_.waiting_room().leave(*this);
    if (upstream_.reclaim() && advance()) return;
    return fail(Reason::kUpstreamQueueTimeout);
  }
  if (state_ != State::kHolding) return;
  tried_.reset();
  if (!advance()) wait();
}

void ConnectionSearch::fail(Reason reason) {
  cancel();
  handler_.on_search_failed(reason);
}

}  // namespace viaduct::upstream
