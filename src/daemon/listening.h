// SPDX-License-Identifier: Apache-2.0
// One listener as one worker holds it: its sockets, the options that its connections get, and these connections. Owned
// by the worker and in its thread. A reload may change the options, and may end it: what waits in the kernel's queue is
// accepted first, since a queue is lost with its socket.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/intrusive_list.h"
#include "daemon/connection.h"
#include "net/listener.h"
#include "net/loop.h"

namespace viaduct::daemon {

// What a config says of a listener beside its address.
struct ListenerOptions {
  bool is_tls = false;
  bool http2 = true;  // offered by ALPN
  bool h2c = false;
  bool proxy_protocol = false;
  bool redirect_to_https = false;
  std::uint16_t https_port = 443;
  base::CidrSet proxy_from = {};  // whose connections are taken with proxy_protocol
  // For monitors: whoever comes beyond client.max_connections takes the place of the connection that has been silent
  // for the longest time.
  bool makes_room = false;

  bool operator==(const ListenerOptions&) const = default;
};

// A listener as the main thread gives it to a worker.
struct WorkerListener {
  std::uint32_t number = 0;       // names it, in all workers and over reloads
  std::vector<os::Fd> sockets{};  // as a rule one; none where the worker has them already
  base::SocketAddress local{};    // as bound
  ListenerOptions options{};
};

class Listening;

// Who takes accepted connections: the worker.
class ListeningOwner {
 public:
  virtual void on_accept(Listening& listening, os::Fd fd, const base::SocketAddress& peer) = 0;
  // As net::AcceptHandler::may_accept().
  virtual bool may_accept() { return true; }
  // The patience of its drain is over: whoever has not asked for anything yet is to end.
  virtual void on_patience_over(Listening& listening) = 0;

 protected:
  ~ListeningOwner() = default;
};

class Listening final : private net::AcceptHandler, private net::TimerHandler {
 public:
  // How much of the end of a patient drain is kept for exchanges that have begun, at most half of it: connections that
  // are idle by then are closed.
  static constexpr base::Duration kFinishTime = std::chrono::seconds(5);

  // `loop` and `owner` must outlive it. Accepts at once.
  Listening(net::Loop& loop, ListeningOwner& owner, WorkerListener setup);
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

  std::uint32_t number() const { return number_; }
  const base::SocketAddress& local() const { return local_; }
  const ListenerOptions& options() const { return options_; }

  // Takes over the options of `setup`, also for exchanges to come on connections that are open.
  void change(const WorkerListener& setup);
  // Adds a connection; while it drains, one that is asked to end.
  void add(Connection& connection);
  // Ends the connection that waits for its client for the longest time; false where each waits for us.
  bool make_room();
  // Closes the sockets behind what waits in their queues, and lets the connections end by `mode`; those that are there
  // when `deadline` has passed are cut. kPatient becomes kNow before that, by kFinishTime; kNow may follow it earlier.
  void drain(DrainMode mode, base::Duration deadline);
  // Ends all connections now, with a warning where there are any.
  void cut();
  bool has_connections() const { return !connections_.empty(); }

 private:
  void on_accept(os::Fd fd, const base::SocketAddress& peer, int listener_id) override;
  bool may_accept() override { return owner_.may_accept(); }
  void on_timer(int timer_id) override;

  net::Loop& loop_;
  ListeningOwner& owner_;
  std::uint32_t number_;
  base::SocketAddress local_;
  ListenerOptions options_;
  std::vector<std::unique_ptr<net::Listener>> sockets_;
  base::IntrusiveList<Connection, Connection> connections_;
  DrainMode drain_ = DrainMode::kNone;
  base::MonoTime drain_end_;  // while it drains
  net::Timer drain_timer_;
};

}  // namespace viaduct::daemon
