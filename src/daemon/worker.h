// SPDX-License-Identifier: Apache-2.0
// One worker: a thread with its own event loop, listening sockets, connections, upstream pools, free lists and log
// buffer. Shares nothing with the others but immutable snapshots and a few atomics. The supervisor makes it, gives it
// sockets and snapshots, and ends it; all of that arrives as tasks in the worker's own thread.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/free_list.h"
#include "daemon/connection.h"
#include "daemon/connection_limits.h"
#include "daemon/greetings.h"
#include "daemon/listening.h"
#include "exchange/exchange.h"
#include "exchange/services.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "observe/access_log.h"
#include "observe/counters.h"
#include "observe/route_stats.h"
#include "os/file_cache.h"
#include "upstream/registry.h"

namespace viaduct::daemon {

// What a reload gives to a worker; it takes all of it over at once.
struct Publication {
  exchange::SnapshotRef snapshot;
  // All listeners that there shall be; absent: as before. Those that are missing end, within `drain`.
  std::optional<std::vector<WorkerListener>> listeners{};
  base::Duration drain{};
  // Absent: as before. The sink that is in use until then must live until adopted() says that it is not any more.
  struct Log {
    observe::AccessLogOptions options;
    base::LogSink* sink = nullptr;
  };
  std::optional<Log> access_log{};
};

class Worker final : private ListeningOwner,
                     private GreetingsOwner,
                     private ConnectionOwner,
                     private exchange::ExchangeOwner,
                     private net::TimerHandler {
 public:
  // Objects of ended exchanges whose memory is kept.
  static constexpr std::size_t kIdleExchangesMax = 256;
  static constexpr base::Duration kLogFlushInterval = std::chrono::milliseconds(200);
  // How long new connections wait while process.memory is used up, before they are closed; and how often that is told.
  static constexpr base::Duration kMemoryPatience = std::chrono::seconds(2);
  static constexpr base::Duration kMemoryLogPause = std::chrono::seconds(10);

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
  void publish(Publication publication);
  // Stops accepting; connections end by `mode`; ends the thread when neither they nor callbacks that run on are left,
  // or when `deadline` has passed. kNow may follow kPatient.
  void drain(DrainMode mode, base::Duration deadline);
  void flush_log();
  // Waits for the thread.
  void join();
  bool is_running() const { return running_.load(std::memory_order_acquire); }
  // What it has counted so far; any thread may read.
  const observe::Counters& counters() const { return counters_; }
  const observe::RouteStats& route_stats() const { return route_stats_; }
  // Bytes of memory that a load which has passed had needed and that went back to the heap, all in all; any thread.
  std::uint64_t freed_bytes() const { return freed_bytes_.load(std::memory_order_relaxed); }
  // When it stamped its last turn, about every kLogFlushInterval; any thread.
  base::MonoTime last_turn() const {
    return base::MonoTime(base::Duration(last_turn_.load(std::memory_order_relaxed)));
  }
  // The version of the newest snapshot that was given to it and is in use, or was refused; kDrained once it accepts no
  // more.
  static constexpr std::uint64_t kDrained = ~std::uint64_t{0};
  std::uint64_t adopted() const { return adopted_.load(std::memory_order_acquire); }

 private:
  void run();
  void stamp_turn();
  void adopt(Publication publication);
  void adopt_snapshot(exchange::SnapshotRef snapshot);
  // Exchanges begin with `snapshot` from now on. REQUIRES: upstreams_ has adopted it.
  void serve(exchange::SnapshotRef snapshot);
  const exchange::Snapshot& snapshot() const { return *services_.serving->snapshot; }
  // Ends listeners that `wanted` does not have.
  void end_listeners(const std::vector<WorkerListener>& wanted, base::Duration deadline);
  void change_listeners(std::vector<WorkerListener> wanted);
  void begin_drain(DrainMode mode, base::Duration deadline);
  void stop_if_drained();
  // Ends all that is left: connections, and what runs on without one.
  void cut_all();
  // Says how much payload there is, and since when it is too much.
  void watch_memory();
  void refuse(http::Reason reason, const base::SocketAddress& peer);

  // ListeningOwner
  void on_accept(Listening& listening, os::Fd fd, const base::SocketAddress& peer) override;
  bool may_accept() override;
  void on_patience_over(Listening& listening) override;
  // GreetingsOwner
  Listening* find_listening(std::uint32_t number) override;
  void on_client_known(Listening& listening, os::Fd fd, const ConnectionEnds& ends) override;
  void on_greeting_over() override { stop_if_drained(); }
  void open_connection(Listening& listening, os::Fd fd, const ConnectionEnds& ends);
  // ConnectionOwner
  exchange::Exchange& make_exchange(const exchange::ClientInfo& client, http::ServerStream& stream) override;
  void on_connection_closed(const exchange::ClientInfo& client) override;
  void on_connection_refused(const exchange::ClientInfo& client, http::Reason reason) override;
  void on_handshake(const net::TlsInfo& tls) override;
  void on_handshake_failed(const exchange::ClientInfo& client, http::Reason reason, std::string_view error) override;
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
  exchange::PasswordChecker passwords_;
  observe::AccessLog access_log_;
  observe::Counters counters_;
  observe::RouteStats route_stats_;
  upstream::Registry upstreams_;
  exchange::Services services_;
  exchange::SnapshotRef first_snapshot_;  // until start()
  base::FreeList<exchange::Exchange> exchanges_;
  std::vector<WorkerListener> listener_setups_;  // until start()
  std::vector<std::unique_ptr<Listening>> listeners_;
  std::vector<std::unique_ptr<Listening>> ended_listeners_;  // until their last connection has ended
  std::size_t connection_count_ = 0;
  DrainMode drain_ = DrainMode::kNone;
  Greetings greetings_;
  std::uint64_t memory_bytes_ = 0;              // of payload, as last reported
  std::optional<base::MonoTime> memory_short_;  // since when there is too much in the process
  base::MonoTime memory_silent_until_;          // nothing is logged about it
  base::IntrusiveList<exchange::Exchange, exchange::Exchange> running_on_;  // without a client
  net::Timer log_timer_;
  net::Timer drain_timer_;
  std::atomic<bool> running_ = false;
  std::atomic<std::uint64_t> adopted_ = 0;
  std::atomic<base::Duration::rep> last_turn_ = 0;
  std::atomic<std::uint64_t> freed_bytes_ = 0;
  std::thread thread_;
};

// What a config says about names.
net::ResolverOptions resolver_options(const config::Resolver& config);

}  // namespace viaduct::daemon
