// SPDX-License-Identifier: Apache-2.0
// Finds a connection for one request: a server that is available and was not tried yet, on it a connection that is kept
// or shared, else a new one; a place in the waiting room where every server has as many as it may have; and, where the
// upstream has `hold`, patience until a server can be reached. Nothing of the request is sent here. Member of a
// ProxyRun.
//
//   kIdle ─► kConnecting ─► kIdle (found, or failed)
//     ├────► kWaiting ───────▲│
//     └────► kHolding ◄───────┘     (kHolding, kWaiting ─► kConnecting)
#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "http/reason.h"
#include "net/loop.h"
#include "upstream/connector.h"
#include "upstream/upstream.h"
#include "upstream/waiting_room.h"

namespace viaduct::upstream {

// A server could not be reached.
struct ServerFailure {
  http::Reason reason;
  const base::Error& error;
  bool is_repeated;  // the request is held and this is not the first time
  bool is_told;      // another request, which waited for the same connection, has told it
};

class SearchHandler {
 public:
  // A connection to `server` with room for a request, which must begin at once. `times` are zero where it is `reused`.
  virtual void on_found(Server& server, ClientConnection& connection, const ConnectTimes& times, bool reused) = 0;
  // The search goes on, or on_search_failed follows.
  virtual void on_server_failed(Server& server, const ServerFailure& failure) = 0;
  // Terminal: there is no connection for this request.
  virtual void on_search_failed(http::Reason reason) = 0;

 protected:
  ~SearchHandler() = default;
};

class ConnectionSearch final : private ConnectHandler, private Waiter, private net::TimerHandler {
 public:
  // Pauses between two attempts of a held request: doubled each time up to the longest.
  static constexpr base::Duration kHoldPause = std::chrono::milliseconds(50);
  static constexpr base::Duration kHoldPauseMax = std::chrono::milliseconds(400);

  struct Limits {
    std::optional<base::Duration> connect;  // for a connection, and for a place among those of a server
    std::optional<std::uint32_t> attempts;  // servers that may be tried; absent: all of them
  };

  // All of them must outlive the search.
  ConnectionSearch(net::Loop& loop, Upstream& upstream, SearchHandler& handler);
  ~ConnectionSearch() { cancel(); }

  // Begins. What is chosen `by` must live until the search is over. The event may come before this returns.
  void start(const Limits& limits, const PickBy& by);
  // The server that was found has not begun with the request: a new connection to it, or to another server; `reason` is
  // what it failed for.
  void start_fresh(Server& server);
  void start_next(http::Reason reason);
  // The server ended for `reason`: any server, as if none could be reached, within the upstream's `hold`.
  void start_held(http::Reason reason);
  // Gives up; no event follows.
  void cancel();
  // Of the attempt that the last event was about: why its server was chosen, and when.
  Choice choice() const { return choice_; }
  base::MonoTime chosen_at() const { return chosen_at_; }

 private:
  enum class State : std::uint8_t { kIdle, kConnecting, kWaiting, kHolding };

  void on_connected(ClientConnection& connection, const ConnectTimes& times) override;
  void on_connect_failed(http::Reason reason, const base::Error& error, bool is_told) override;
  void on_connection_full() override;
  bool on_turn_to_connect() override;
  void on_timer(int timer_id) override;

  // Takes or makes a connection to the next server that has room; false: every server has as many as it may have. One
  // for a request that a kept connection has failed is made.
  bool advance();
  // False: no connection is kept or shared.
  bool take_from(Server& server);
  // False: the server has as many as it may have, none of them idle where a fresh one is wanted.
  bool connect_to(Server& server);
  void note_choice(Choice choice);
  void wait();
  // Tries again later, or fails where the time for that has passed.
  void hold();
  void fail(http::Reason reason);

  net::Loop& loop_;
  Upstream& upstream_;
  SearchHandler& handler_;
  State state_ = State::kIdle;
  Limits limits_;
  PickBy by_;
  Upstream::ServerSet tried_;
  Server* server_ = nullptr;  // that is being connected to
  bool wants_fresh_ = false;  // no connection that was kept
  Choice choice_ = Choice::kNone;
  base::MonoTime chosen_at_{};
  http::Reason last_failure_ = http::Reason::kNone;
  std::optional<base::MonoTime> hold_until_{};  // once the request is held
  bool is_held_by_operator_ = false;
  base::Duration hold_pause_ = kHoldPause;
  net::Timer timer_;
};

}  // namespace viaduct::upstream
