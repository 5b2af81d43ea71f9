// SPDX-License-Identifier: Apache-2.0
// One worker: a thread with its own event loop, listening sockets, connections, upstream pools, free lists and log
// buffer. Shares nothing with the others but immutable snapshots and a few atomics. The supervisor makes it, gives it
// sockets and snapshots, and ends it; all of that arrives as tasks in the worker's own thread.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/free_list.h"
#include "daemon/connection.h"
#include "daemon/connection_limits.h"
#include "exchange/exchange.h"
#include "exchange/services.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "observe/access_log.h"
#include "observe/counters.h"
#include "observe/route_stats.h"
#include "os/file_cache.h"
#include "upstream/registry.h"

namespace viaduct::daemon {

// One listening socket of one worker, with what its connections need to know.
struct WorkerListener {
  os::Fd fd;
  base::SocketAddress local;  // as bound
  bool is_tls = false;
  bool http2 = true;  // offered by ALPN
  bool h2c = false;
  bool redirect_to_https = false;
  std::uint16_t https_port = 443;
};

class Worker final : private net::AcceptHandler,
                     private ConnectionOwner,
                     private exchange::ExchangeOwner,
                     private net::TimerHandler {
 public:
  // Objects of ended exchanges whose memory is kept.
  static constexpr std::size_t kIdleExchangesMax = 256;
  static constexpr base::Duration kLogFlushInterval = std::chrono::milliseconds(200);

  struct Setup {
    int number = 0;
    std::string name{};  // of its thread; empty: "worker-" and the number
    const base::Clock& clock;
    ConnectionLimits& limits;
    upstream::StateTable& upstream_states;
    net::SharedConditions& name_conditions;
    observe::AccessLogOptions access_log;
    base::LogSink* access_sink = nullptr;  // null: no access log; outlives the worker
    exchange::SnapshotRef snapshot;
    std::vector<WorkerListener> listeners;
  };

  explicit Worker(Setup setup);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Starts the thread. Fails when the snapshot's upstreams cannot be made.
  base::Result<void> start();
  // The following are for other threads; they return at once.
  void publish(exchange::SnapshotRef snapshot);
  // Stops accepting; idle connections close now, busy ones after their exchange; ends the thread when neither they nor
  // callbacks that run on are left, or when `deadline` has passed.
  void drain(base::Duration deadline);
  void flush_log();
  // Waits for the thread.
  void join();
  bool is_running() const { return running_.load(std::memory_order_acquire); }
  // What it has counted so far; any thread may read.
  const observe::Counters& counters() const { return counters_; }
  const observe::RouteStats& route_stats() const { return route_stats_; }

 private:
  void run();
  void adopt(exchange::SnapshotRef snapshot);
  void begin_drain(base::Duration deadline);
  void stop_if_drained();
  // Ends all that is left: connections, and what runs on without one.
  void cut_all();

  // net::AcceptHandler
  void on_accept(os::Fd fd, const base::SocketAddress& peer, int listener_id) override;
  // ConnectionOwner
  exchange::Exchange& make_exchange(const exchange::ClientInfo& client, http::ServerStream& stream) override;
  void on_connection_closed(const exchange::ClientInfo& client) override;
  void on_connection_refused(const exchange::ClientInfo& client, http::Reason reason) override;
  void on_handshake(const net::TlsInfo& tls) override;
  void on_handshake_failed(const exchange::ClientInfo& client, http::Reason reason, std::string_view error) override;
  bool is_draining() const override { return services_.is_draining; }
  // exchange::ExchangeOwner
  void free_exchange(exchange::Exchange& exchange) override;
  void on_run_on(exchange::Exchange& exchange) override { running_on_.push_back(exchange); }
  // net::TimerHandler
  void on_timer(int timer_id) override;

  int number_;
  std::string name_;
  ConnectionLimits& limits_;
  codec::H2Library h2_library_;  // outlives the connections that the loop frees last
  net::Loop loop_;
  net::Resolver resolver_;
  base::Random random_;
  os::FileCache files_;
  observe::AccessLog access_log_;
  observe::Counters counters_;
  observe::RouteStats route_stats_;
  upstream::Registry upstreams_;
  exchange::Services services_;
  base::FreeList<exchange::Exchange> exchanges_;
  std::vector<WorkerListener> listener_setups_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  base::IntrusiveList<Connection, Connection> connections_;
  std::size_t connection_count_ = 0;
  base::IntrusiveList<exchange::Exchange, exchange::Exchange> running_on_;  // without a client
  net::Timer log_timer_;
  net::Timer drain_timer_;
  std::atomic<bool> running_ = false;
  std::thread thread_;
};

// What a config says about names.
net::ResolverOptions resolver_options(const config::Resolver& config);

}  // namespace viaduct::daemon
