// SPDX-License-Identifier: Apache-2.0
// The main thread of a running daemon: opens the listening sockets, starts the workers, hears signals and the admin
// socket, reloads the config, watches certificate files, rotates ticket keys, checks the servers of upstreams, keeps
// what status and metrics show, lets a newer program take this process's place, and ends everything in order.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/admin.h"
#include "daemon/build.h"
#include "daemon/config_commands.h"
#include "daemon/connection_limits.h"
#include "daemon/handover.h"
#include "daemon/live_config.h"
#include "daemon/monitor.h"
#include "daemon/overview.h"
#include "daemon/route_window.h"
#include "daemon/service_reports.h"
#include "daemon/upgrade.h"
#include "daemon/watchdog.h"
#include "daemon/worker.h"
#include "net/loop.h"
#include "os/process.h"
#include "os/socket.h"
#include "upstream/health_monitor.h"

namespace viaduct::daemon {

class Supervisor final : private net::FdHandler,
                         private net::TimerHandler,
                         private AdminHandler,
                         private UpgradeHandler,
                         private ConfigFollower {
 public:
  // A renewed certificate is in use after this time at the latest (and the time that loading takes).
  static constexpr base::Duration kCertificatePoll = std::chrono::seconds(10);
  static constexpr base::Duration kReapInterval = std::chrono::milliseconds(20);
  // What the workers must have let go of for the heap to be asked to give it back, and how often that is done at most.
  static constexpr std::uint64_t kReleasedBytesMin = std::uint64_t{4} * 1024 * 1024;
  static constexpr base::Duration kReleasePause = std::chrono::seconds(10);
  // How long the answer to a reload or an upgrade waits for workers to take their orders, and how often it looks.
  static constexpr base::Duration kAnswerPatience = std::chrono::seconds(2);
  static constexpr base::Duration kAnswerInterval = std::chrono::milliseconds(4);

  struct Setup {
    const base::Clock& clock;
    tls::TicketKeys& ticket_keys;
    std::string config_file;  // read again on HUP; empty: a reload is refused
    config::Config config;
    BuildResult built;          // REQUIRES: built.snapshot
    config::Sources sources{};  // that `config` was read from, to be kept when it serves
    std::string version = "";   // of the program, for status and metrics
    // What upgrade starts: the program's path and its arguments; empty: an upgrade is refused.
    std::vector<std::string> command{};
    base::Duration upgrade_patience = Upgrade::kPatience;
    // Of the process whose place this one takes; null: nobody's.
    std::unique_ptr<Handover> handover{};
  };

  explicit Supervisor(Setup setup);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Opens sockets and logs and starts the workers; when it returns without error, connections are accepted. An error
  // names what could not be opened and everything that was is closed again.
  base::Result<void> start();
  // Serves until told to stop by a signal, the admin socket or stop(); returns when the last worker has ended.
  void run();
  // Ends gracefully. From the main thread; also before run().
  void stop();

  // Where the listeners are bound, in the order of the config; filled by start(), changed by reloads.
  const std::vector<base::SocketAddress>& addresses() const { return addresses_; }
  net::Loop& loop() { return loop_; }

 private:
  // kServing ─► kReplaced ─► kDraining ─► kStopped; a stop goes from kServing to kDraining.
  enum class State : std::uint8_t {
    kStarting,
    kServing,
    kReplaced,  // another process serves; what this one has is served to its end, in time
    kDraining,  // idle connections end at once
    kStopped,
  };

  void on_fd_readable() override;  // a signal waits
  base::Result<void> open_and_serve();
  void on_fd_writable() override {}
  void on_timer(int timer_id) override;
  std::optional<std::string> on_admin_command(std::string_view command, std::uint64_t session) override;
  // ConfigFollower
  void on_snapshot(exchange::Snapshot& snapshot) override;
  void on_config(const config::Config& config) override;
  void on_refusal(const std::string& why) override;
  void on_upgrade_ready(pid_t pid) override;
  void on_upgrade_failed(const std::string& why) override;

  base::Result<void> start_workers(std::vector<std::vector<WorkerListener>> by_worker);
  // An answer that is given once all workers do what it says.
  struct Pending {
    std::uint64_t session;
    std::string text;
    std::uint64_t version;  // Worker::adopted()
    base::MonoTime deadline;
  };

  // Carries out `command`, which publishes a config; `session` gets the answer when it is in effect, 0: nobody. Returns
  // what stands in the way.
  std::optional<std::string> change_config(std::string_view command, std::uint64_t session);
  bool is_upgrading() const { return upgrade_ != nullptr && upgrade_->is_waiting(); }
  // Where an upgrade is under way, its end decides who reads the file.
  void reload_by_signal();
  // Puts the orders that were given to the process before into force.
  void take_orders();
  // Gives the answers whose time has come.
  void answer_later(std::uint64_t session, std::string text, std::uint64_t version);
  void give_answers();
  // The socket of the health listener; none where there is no such listener.
  base::Result<os::Fd> open_health();
  base::Result<void> start_monitor(os::Fd socket);
  // Shows the workers and their log to those who ask.
  void watch_workers();
  std::string status_text();
  // `session` gets the answer when it is known; 0: nobody.
  std::optional<std::string> upgrade(std::uint64_t session);
  // Takes its socket from `inherited` where systemd has given it.
  base::Result<void> open_admin(std::vector<InheritedListener>& inherited);
  // Tells the process whose place this one takes that it may go.
  void take_over();
  // Names the sockets that no listener took, and lets go of them.
  void close_unused(std::vector<InheritedListener>& inherited);
  double drain_seconds() const;
  // What the process was given to listen on when it was started.
  std::vector<InheritedListener> take_inherited();
  void look_at_workers();
  // Gives memory back that a load which has passed had needed.
  void release_memory();
  // One line for systemd.
  std::string state_text() const;
  // Tells the workers to end, and waits for that.
  void drain_workers(DrainMode mode);
  void end_now();

  const base::Clock& clock_;
  tls::TicketKeys& ticket_keys_;
  codec::H2Library h2_library_;  // of the health checks
  net::Loop loop_;
  State state_ = State::kStarting;
  std::optional<os::SignalReader> signals_;
  net::FdWatch signal_watch_;
  net::Timer certificate_timer_;
  net::Timer ticket_timer_;
  net::Timer reap_timer_;
  net::Timer window_timer_;
  net::Timer watchdog_timer_;
  net::Timer answer_timer_;
  std::vector<Pending> pending_;  // of sessions, which are Admin::kSessionsMax at most
  Watchdog watchdog_;
  std::uint64_t released_bytes_ = 0;                 // that the workers had let go of when memory was given back
  std::uint64_t freed_bytes_ = 0;                    // that they had let go of at the last look
  std::optional<base::MonoTime> release_since_;      // since when that is worth it
  base::MonoTime release_due_;                       // not before
  std::optional<base::Duration> watchdog_interval_;  // systemd's; absent: it does not watch
  ServiceReports reports_;
  ConnectionLimits limits_;
  upstream::StateTable upstream_states_;
  net::SharedConditions name_conditions_;
  net::Resolver resolver_;  // of the health checks
  upstream::HealthMonitor health_monitor_;
  observe::RouteNumbers route_numbers_;
  Overview overview_;
  RouteWindow window_;
  std::unique_ptr<Admin> admin_;
  std::vector<std::string> command_;
  base::Duration upgrade_patience_;
  std::unique_ptr<Handover> handover_;  // until start() is done
  std::unique_ptr<Upgrade> upgrade_;    // the last attempt
  std::uint64_t upgrade_session_ = 0;
  bool reload_waits_ = false;     // for the end of the upgrade
  bool reopening_waits_ = false;  // for the same: the new process may have the old log files
  bool is_confined_ = false;      // and can start no program
  // Of Unix sockets that nobody listens on once this process serves.
  std::vector<std::pair<std::string, os::SocketFile>> dropped_files_;
  std::vector<base::SocketAddress> addresses_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Monitor> monitor_;  // looks at the workers
  LiveConfig live_;                   // its log is the workers' until they are gone
  ConfigCommands config_commands_;
};

}  // namespace viaduct::daemon
