// SPDX-License-Identifier: Apache-2.0
#include "daemon/supervisor.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "base/check.h"
#include "base/format.h"
#include "base/log.h"
#include "config/load.h"
#include "daemon/listen.h"
#include "daemon/orders.h"
#include "daemon/status_page.h"
#include "os/socket.h"

namespace viaduct::daemon {
namespace {

enum TimerId { kCertificateTimer, kTicketTimer, kReapTimer, kWindowTimer };

base::LogOptions error_log_options(const config::ErrorLog& log) {
  static_assert(static_cast<int>(config::LogLevel::kError) == static_cast<int>(base::LogLevel::kError));
  return {.file = log.file, .level = static_cast<base::LogLevel>(log.level)};
}

}  // namespace

Supervisor::Supervisor(Setup setup)
    : clock_(setup.clock),
      ticket_keys_(setup.ticket_keys),
      config_file_(std::move(setup.config_file)),
      config_(std::move(setup.config)),
      built_(std::move(setup.built)),
      loop_(setup.clock),
      signal_watch_(loop_),
      certificate_timer_(loop_.timers(), *this, kCertificateTimer),
      ticket_timer_(loop_.timers(), *this, kTicketTimer),
      reap_timer_(loop_.timers(), *this, kReapTimer),
      window_timer_(loop_.timers(), *this, kWindowTimer),
      resolver_(loop_, resolver_options(config_.resolver), &name_conditions_),
      health_monitor_({.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = upstream_states_}),
      overview_({.clock = clock_, .states = upstream_states_, .limits = limits_, .version = std::move(setup.version)}),
      window_(overview_, clock_.mono_now()) {
  CHECK(built_.snapshot != nullptr);
  exchange::number_routes(*built_.snapshot, route_numbers_);
  overview_.note_snapshot(built_.snapshot, false);
}

Supervisor::~Supervisor() {
  monitor_.reset();
  for (const auto& worker : workers_) worker->drain(base::Duration(0));
  for (const auto& worker : workers_) worker->join();
}

// ---- start ----------------------------------------------------------------------------------------------------------

base::Result<void> Supervisor::start() {
  os::ignore_write_signals();
  TRY(os::open_standard_streams());
  // Blocked before there are other threads, so that all of them inherit it and only our descriptor hears signals.
  constexpr std::array kSignals = {SIGHUP, SIGTERM, SIGINT, SIGUSR1};
  auto signals = os::SignalReader::open(kSignals);
  if (!signals) return std::unexpected(std::move(signals).error());
  signals_.emplace(std::move(*signals));
  signal_watch_.open(signals_->descriptor(), *this);
  signal_watch_.set_reading(true);
  if (auto limit = os::raise_descriptor_limit(); !limit) return std::unexpected(std::move(limit).error());
  TRY(open_logs());
  auto opened = open_listeners(config_.listeners, worker_count());
  if (!opened) return std::unexpected(std::move(opened).error());
  if (!config_.admin.socket.empty()) {
    auto admin = Admin::listen(loop_, *this, config_.admin.socket);
    if (!admin) return std::unexpected(std::move(admin).error());
    admin_ = std::move(*admin);
  }
  addresses_ = std::move(opened->addresses);
  is_tls_ = std::move(opened->is_tls);
  TRY(start_workers(std::move(opened->by_worker)));
  TRY(start_monitor());
  health_monitor_.adopt(config_.upstreams);
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    LOG_INFO("listening address={} tls={}", addresses_[i].to_string(), is_tls_[i]);
  }
  LOG_INFO("ready workers={} snapshot={}", workers_.size(), built_.snapshot->version);
  certificate_timer_.start_after(kCertificatePoll);
  ticket_timer_.start_after(tls::TicketKeys::kRotateEvery);
  window_timer_.start_after(RouteWindow::kStep);
  state_ = State::kServing;
  os::release_free_memory();
  return {};
}

base::Result<void> Supervisor::open_logs() {
  TRY(base::log_open(error_log_options(config_.error_log)));
  if (config_.access_log.file.empty()) return {};
  auto sink = base::LogSink::open(config_.access_log.file);
  if (!sink) return std::unexpected(std::move(sink).error());
  access_sink_ = std::move(*sink);
  return {};
}

std::size_t Supervisor::worker_count() const {
  return config_.process.workers.value_or(os::usable_cores());
}

base::Result<void> Supervisor::start_workers(std::vector<std::vector<WorkerListener>> by_worker) {
  for (std::size_t i = 0; i < by_worker.size(); ++i) {
    workers_.push_back(std::make_unique<Worker>(Worker::Setup{.number = static_cast<int>(i),
                                                              .clock = clock_,
                                                              .limits = limits_,
                                                              .upstream_states = upstream_states_,
                                                              .name_conditions = name_conditions_,
                                                              .access_log = access_log_options(config_.access_log),
                                                              .access_sink = access_sink_.get(),
                                                              .snapshot = built_.snapshot,
                                                              .listeners = std::move(by_worker[i])}));
    TRY(workers_.back()->start());
  }
  return {};
}

base::Result<void> Supervisor::start_monitor() {
  std::vector<WorkerCounts> watched;
  for (const auto& worker : workers_) watched.push_back({worker->counters(), worker->route_stats()});
  overview_.watch(std::move(watched), access_sink_.get());
  if (!config_.admin.health) return {};
  auto monitor = Monitor::start(clock_, overview_, *config_.admin.health);
  if (!monitor) return std::unexpected(std::move(monitor).error());
  monitor_ = std::move(*monitor);
  LOG_INFO("health_listening address={}", monitor_->address().to_string());
  return {};
}

// ---- while it runs --------------------------------------------------------------------------------------------------

void Supervisor::run() {
  if (state_ == State::kServing || state_ == State::kDraining) loop_.run();
  for (const auto& worker : workers_) worker->join();
  monitor_.reset();
  overview_.watch({}, access_sink_.get());
  workers_.clear();
  admin_.reset();
  if (access_sink_ != nullptr) access_sink_->drain(base::LogSink::kDrainAtEnd);
  LOG_INFO("stopped");
  base::log_flush();
}

void Supervisor::on_fd_readable() {
  for (int signal = signals_->take(); signal != 0; signal = signals_->take()) {
    switch (signal) {
      case SIGHUP: reload(); break;
      case SIGUSR1: reopen_logs(); break;
      default: state_ == State::kDraining ? end_now() : stop(); break;
    }
  }
}

void Supervisor::on_timer(int timer_id) {
  switch (timer_id) {
    case kCertificateTimer:
      // By now the workers have let go of the snapshot before the last one.
      if (std::exchange(has_published_, false)) os::release_free_memory();
      if (built_.certificate_stamps.changed()) renew_certificates();
      certificate_timer_.start_after(kCertificatePoll);
      return;
    case kWindowTimer:
      window_.step(loop_.now());
      window_timer_.start_after(RouteWindow::kStep);
      return;
    case kTicketTimer:
      ticket_keys_.rotate();
      ticket_timer_.start_after(tls::TicketKeys::kRotateEvery);
      return;
    default:
      if (std::ranges::none_of(workers_, &Worker::is_running)) {
        state_ = State::kStopped;
        loop_.stop();
      } else {
        reap_timer_.start_after(kReapInterval);
      }
  }
}

std::optional<std::string> Supervisor::on_admin_command(std::string_view command, std::uint64_t /*session*/) {
  if (command == "stop") {
    stop();
    return "ok";
  }
  if (command == "reload") return reload();
  if (command == "status") {
    std::vector<StatusListener> listeners;
    for (std::size_t i = 0; i < addresses_.size(); ++i) listeners.push_back({addresses_[i], is_tls_[i]});
    return "ok\n" + status_page(overview_, window_, listeners, loop_.now());
  }
  if (auto answer = carry_out_order(command, config_, upstream_states_, loop_.now())) return answer;
  return base::format(
      "error: unknown command {}; known are: reload, status, stop, drain, undrain, hold, release, log-level", command);
}

std::string Supervisor::reload() {
  if (config_file_.empty()) return "error: this instance was not started from a config file";
  if (state_ != State::kServing) return "error: shutting down";
  config::LoadResult loaded = config::load_file(config_file_);
  BuildResult built;
  if (loaded.config != nullptr) {
    built = build_snapshot(*loaded.config, next_version_, ticket_keys_, clock_.wall_now());
    std::ranges::move(built.problems, std::back_inserter(loaded.problems));
  }
  if (built.snapshot == nullptr) {
    const std::string text = config::render_problems(loaded.problems, loaded.sources);
    const std::string first_line = text.substr(0, text.find('\n'));
    LOG_ERROR("reload_refused problems={} first={}", loaded.problems.size(), base::quoted(first_line));
    overview_.note_refusal(first_line);
    return "error: " + first_line;
  }
  if (!is_same_listening(config_.listeners, loaded.config->listeners)) {
    LOG_WARNING("reload_partial listeners=\"changes of listeners take effect when the daemon is started anew\"");
  }
  config_ = std::move(*loaded.config);
  publish(std::move(built));
  LOG_INFO("reloaded snapshot={}", built_.snapshot->version);
  return "ok";
}

void Supervisor::publish(BuildResult built) {
  ++next_version_;
  has_published_ = true;
  built_ = std::move(built);
  exchange::number_routes(*built_.snapshot, route_numbers_);
  for (const auto& worker : workers_) worker->publish(built_.snapshot);
  overview_.note_snapshot(built_.snapshot, true);
  resolver_.configure(resolver_options(config_.resolver));
  health_monitor_.adopt(config_.upstreams);
}

void Supervisor::renew_certificates() {
  // From the config in memory: an edit of the file that nobody has asked for must not come along.
  BuildResult built = build_snapshot(config_, next_version_, ticket_keys_, clock_.wall_now());
  if (built.snapshot == nullptr) {
    for (const config::Problem& problem : built.problems) {
      LOG_ERROR("certificate_refused error={}", base::quoted(problem.message));
    }
    overview_.note_refusal(built.problems.front().message);
    built_.certificate_stamps = std::move(built.certificate_stamps);
    return;
  }
  publish(std::move(built));
  LOG_INFO("certificates_renewed snapshot={}", built_.snapshot->version);
}

void Supervisor::reopen_logs() {
  for (const auto& worker : workers_) worker->flush_log();
  if (auto reopened = base::log_reopen(); !reopened) {
    LOG_ERROR("log_reopen_failed error={}", base::quoted(reopened.error().message));
  }
  if (access_sink_ == nullptr) return;
  if (auto reopened = access_sink_->reopen(); !reopened) {
    LOG_ERROR("log_reopen_failed error={}", base::quoted(reopened.error().message));
  }
  LOG_INFO("logs_reopened");
}

// ---- the end --------------------------------------------------------------------------------------------------------

void Supervisor::stop() {
  if (state_ != State::kServing) return;
  state_ = State::kDraining;
  overview_.note_draining();
  LOG_INFO("stopping connections={} drain_ms={}", limits_.connections(),
           std::chrono::duration_cast<std::chrono::milliseconds>(config_.process.drain).count());
  for (const auto& worker : workers_) worker->drain(config_.process.drain);
  reap_timer_.start_after(kReapInterval);
}

void Supervisor::end_now() {
  LOG_WARNING("stopping_now connections={}", limits_.connections());
  for (const auto& worker : workers_) worker->drain(base::Duration(0));
}

}  // namespace viaduct::daemon
