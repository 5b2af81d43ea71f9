// SPDX-License-Identifier: Apache-2.0
#include "daemon/supervisor.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "base/format.h"
#include "base/log.h"
#include "daemon/identity.h"
#include "daemon/listen.h"
#include "daemon/orders.h"
#include "daemon/status_page.h"
#include "os/seccomp.h"
#include "os/service_manager.h"

namespace viaduct::daemon {
namespace {

enum TimerId { kCertificateTimer, kTicketTimer, kReapTimer, kWindowTimer, kWatchdogTimer, kAnswerTimer };

}  // namespace

Supervisor::Supervisor(Setup setup)
    : clock_(setup.clock),
      ticket_keys_(setup.ticket_keys),
      loop_(setup.clock),
      signal_watch_(loop_),
      certificate_timer_(loop_.timers(), *this, kCertificateTimer),
      ticket_timer_(loop_.timers(), *this, kTicketTimer),
      reap_timer_(loop_.timers(), *this, kReapTimer),
      window_timer_(loop_.timers(), *this, kWindowTimer),
      watchdog_timer_(loop_.timers(), *this, kWatchdogTimer),
      answer_timer_(loop_.timers(), *this, kAnswerTimer),
      watchdog_interval_(os::watchdog_interval()),
      reports_(loop_),
      resolver_(loop_, resolver_options(setup.config.resolver), &name_conditions_),
      health_monitor_({.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = upstream_states_}),
      overview_({.clock = clock_, .states = upstream_states_, .limits = limits_, .version = std::move(setup.version)}),
      window_(overview_, clock_.mono_now()),
      command_(std::move(setup.command)),
      upgrade_patience_(setup.upgrade_patience),
      handover_(std::move(setup.handover)),
      live_({.clock = setup.clock,
             .ticket_keys = setup.ticket_keys,
             .config_file = std::move(setup.config_file),
             .config = std::move(setup.config),
             .built = std::move(setup.built),
             .sources = std::move(setup.sources)},
            workers_, *this),
      config_commands_({.clock = clock_, .loop = loop_, .live = live_, .overview = overview_}) {
  overview_.note_snapshot(live_.snapshot(), false);
}

Supervisor::~Supervisor() {
  monitor_.reset();
  for (const auto& worker : workers_) worker->drain(DrainMode::kNow, base::Duration(0));
  for (const auto& worker : workers_) worker->join();
  workers_.clear();
}

// ---- start ----------------------------------------------------------------------------------------------------------

base::Result<void> Supervisor::start() {
  auto started = open_and_serve();
  if (started) live_.keep_listeners();
  if (handover_ == nullptr) return started;
  started ? take_over() : handover_->report_failure(started.error().message);
  handover_.reset();
  return started;
}

base::Result<void> Supervisor::open_and_serve() {
  os::ignore_write_signals();
  // Blocked before there are other threads, so that all of them inherit it and only our descriptor hears signals.
  constexpr std::array kSignals = {SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGUSR2};
  auto signals = os::SignalReader::open(kSignals);
  if (!signals) return std::unexpected(std::move(signals).error());
  signals_.emplace(std::move(*signals));
  signal_watch_.open(signals_->descriptor(), *this);
  signal_watch_.set_reading(true);
  if (auto limit = os::raise_descriptor_limit(); !limit) return std::unexpected(std::move(limit).error());
  TRY(live_.open_logs());
  std::vector<InheritedListener> inherited = take_inherited();
  auto listeners = live_.open_listeners(inherited);
  if (!listeners) return std::unexpected(std::move(listeners).error());
  TRY(open_admin(inherited));
  close_unused(inherited);
  auto health = open_health();
  if (!health) return std::unexpected(std::move(health).error());
  addresses_ = live_.listeners().addresses();
  TRY(become_user(live_.config()));
  take_orders();
  TRY(start_workers(std::move(*listeners)));
  TRY(start_monitor(std::move(*health)));
  health_monitor_.adopt(live_.config().upstreams);
  for (const BoundListener& row : live_.listeners().rows()) {
    LOG_INFO("listening address={} tls={}", row.local.to_string(), row.options.is_tls);
  }
  LOG_INFO("ready workers={} snapshot={}", workers_.size(), live_.snapshot()->version);
  certificate_timer_.start_after(kCertificatePoll);
  ticket_timer_.start_after(tls::TicketKeys::kRotateEvery);
  window_timer_.start_after(RouteWindow::kStep);
  look_at_workers();
  state_ = State::kServing;
  os::release_free_memory();
  if (!live_.config().process.core_dumps) os::forbid_core_dumps();
  is_confined_ = live_.config().process.seccomp;
  if (is_confined_) TRY(os::confine_system_calls());
  config_commands_.keep_started();
  reports_.serve(state_text(), live_.listeners().rows());
  for (const auto& [path, file] : std::exchange(dropped_files_, {})) os::remove_socket_file(path, file);
  return {};
}

std::vector<InheritedListener> Supervisor::take_inherited() {
  if (handover_ == nullptr) return reports_.take_sockets();
  reports_.follow(handover_->listeners, std::move(handover_->told));
  return std::move(handover_->listeners);
}

void Supervisor::close_unused(std::vector<InheritedListener>& inherited) {
  for (const InheritedListener& unused : inherited) {
    if (unused.is_stored) {
      LOG_INFO("stored_socket_closed address={} reason=\"no listener has it\"", unused.local.to_string());
    } else {
      LOG_WARNING("inherited_socket_unused address={}", unused.local.to_string());
    }
    if (unused.file) dropped_files_.emplace_back(unused.local.path(), *unused.file);
  }
  inherited.clear();
}

void Supervisor::take_orders() {
  if (handover_ == nullptr) return;
  for (const std::string& order : handover_->orders) {
    const std::string answer =
        carry_out_order(order, live_.config(), upstream_states_, clock_.mono_now()).value_or("error: unknown");
    if (!is_admin_success(answer))
      LOG_WARNING("order_dropped order={} answer={}", base::quoted(order), base::quoted(answer));
  }
}

base::Result<void> Supervisor::open_admin(std::vector<InheritedListener>& inherited) {
  const std::string& path = live_.config().admin.socket;
  if (path.empty()) return {};
  if (handover_ != nullptr && handover_->admin_path == path) {
    admin_ = Admin::adopt(loop_, *this, path, std::move(handover_->admin_socket));
    return {};
  }
  const auto given = std::ranges::find(inherited, base::SocketAddress::unix_path(path), &InheritedListener::local);
  if (given != inherited.end()) {
    admin_ = Admin::adopt(loop_, *this, path, std::move(given->sockets.front()));
    inherited.erase(given);
    return {};
  }
  auto admin = Admin::listen(loop_, *this, path);
  if (!admin) return std::unexpected(std::move(admin).error());
  admin_ = std::move(*admin);
  return {};
}

void Supervisor::take_over() {
  const bool is_moved = admin_ == nullptr || admin_->path() != handover_->admin_path;
  if (admin_ != nullptr && (is_moved || handover_->admin_owns_file)) admin_->own_file();
  if (is_moved && handover_->admin_owns_file && !handover_->admin_path.empty()) ::unlink(handover_->admin_path.c_str());
  handover_->report_ready();
}

base::Result<void> Supervisor::start_workers(std::vector<std::vector<WorkerListener>> by_worker) {
  for (std::size_t i = 0; i < by_worker.size(); ++i) {
    workers_.push_back(
        std::make_unique<Worker>(Worker::Setup{.number = static_cast<int>(i),
                                               .clock = clock_,
                                               .limits = limits_,
                                               .upstream_states = upstream_states_,
                                               .name_conditions = name_conditions_,
                                               .access_log = access_log_options(live_.config().access_log),
                                               .access_sink = live_.access_sink(),
                                               .snapshot = live_.snapshot(),
                                               .listeners = std::move(by_worker[i])}));
    TRY(workers_.back()->start());
  }
  return {};
}

base::Result<os::Fd> Supervisor::open_health() {
  const std::optional<base::SocketAddress>& health = live_.config().admin.health;
  if (!health) return os::Fd();
  const bool is_given = handover_ != nullptr && handover_->health &&
                        (handover_->health->wanted == *health || handover_->health->local == *health);
  if (is_given) return std::move(handover_->health->sockets.front());
  return Monitor::listen(*health);
}

base::Result<void> Supervisor::start_monitor(os::Fd socket) {
  watch_workers();
  if (!socket) return {};
  auto monitor = Monitor::start(clock_, overview_, std::move(socket));
  if (!monitor) return std::unexpected(std::move(monitor).error());
  monitor_ = std::move(*monitor);
  LOG_INFO("health_listening address={}", monitor_->address().to_string());
  return {};
}

void Supervisor::watch_workers() {
  std::vector<WorkerCounts> watched;
  watched.reserve(workers_.size());
  for (const auto& worker : workers_) watched.push_back({worker->counters(), worker->route_stats()});
  overview_.watch(std::move(watched), live_.access_sink());
}

// ---- while it runs --------------------------------------------------------------------------------------------------

void Supervisor::run() {
  if (state_ != State::kStarting && state_ != State::kStopped) loop_.run();
  for (const auto& worker : workers_) worker->join();
  monitor_.reset();
  overview_.watch({}, live_.access_sink());
  workers_.clear();
  admin_.reset();
  if (live_.access_sink() != nullptr) live_.access_sink()->drain(base::LogSink::kDrainAtEnd);
  LOG_INFO("stopped");
  base::log_flush();
}

void Supervisor::on_fd_readable() {
  for (int signal = signals_->take(); signal != 0; signal = signals_->take()) {
    switch (signal) {
      case SIGHUP: reload_by_signal(); break;
      case SIGUSR1:
        live_.reopen_logs();
        reopening_waits_ = is_upgrading();
        break;
      case SIGUSR2:
        if (const auto refused = upgrade(0)) LOG_ERROR("upgrade_refused answer={}", base::quoted(*refused));
        break;
      default: state_ == State::kDraining ? end_now() : stop(); break;
    }
  }
}

void Supervisor::on_timer(int timer_id) {
  switch (timer_id) {
    case kCertificateTimer:
      live_.sweep();
      live_.renew_certificates();
      certificate_timer_.start_after(kCertificatePoll);
      return;
    case kWindowTimer:
      window_.step(loop_.now());
      window_timer_.start_after(RouteWindow::kStep);
      return;
    case kWatchdogTimer: look_at_workers(); return;
    case kAnswerTimer: give_answers(); return;
    case kTicketTimer:
      ticket_keys_.rotate();
      ticket_timer_.start_after(tls::TicketKeys::kRotateEvery);
      return;
    default:
      if (std::ranges::none_of(workers_, &Worker::is_running)) {
        give_answers();
        state_ = State::kStopped;
        loop_.stop();
      } else {
        reap_timer_.start_after(kReapInterval);
      }
  }
}

std::optional<std::string> Supervisor::on_admin_command(std::string_view command, std::uint64_t session) {
  if (command == "stop") {
    stop();
    return "ok";
  }
  if (command == "rollback list") return config_commands_.list();
  if (ConfigCommands::is_one(command)) return change_config(command, session);
  if (command == "upgrade") return upgrade(session);
  if (command == "status") return "ok\n" + status_text();
  if (is_upgrading()) return "error: an upgrade is under way";
  if (auto answer = carry_out_order(command, live_.config(), upstream_states_, loop_.now())) return answer;
  return base::format(
      "error: unknown command {}; known are: reload, rollback, status, stop, upgrade, drain, undrain, hold, release, "
      "log-level",
      command);
}

std::optional<std::string> Supervisor::change_config(std::string_view command, std::uint64_t session) {
  if (state_ != State::kServing) return "error: shutting down";
  if (is_upgrading()) return "error: an upgrade is under way";
  os::notify_reloading();
  auto answer = config_commands_.carry_out(command);
  os::notify_ready(state_text());
  if (!answer) return "error: " + answer.error().message;
  answer_later(session, std::move(*answer), live_.snapshot()->version);
  return std::nullopt;
}

void Supervisor::reload_by_signal() {
  if (is_upgrading()) {
    reload_waits_ = true;
    LOG_INFO("reload_waits reason=\"an upgrade is under way\"");
  } else if (state_ != State::kServing) {
    LOG_ERROR("reload_refused error=\"shutting down\"");
  } else {
    change_config("reload", 0);
  }
}

void Supervisor::answer_later(std::uint64_t session, std::string text, std::uint64_t version) {
  if (session == 0) return;
  pending_.push_back(
      {.session = session, .text = std::move(text), .version = version, .deadline = loop_.now() + kAnswerPatience});
  answer_timer_.start_after(kAnswerInterval);
}

void Supervisor::give_answers() {
  std::erase_if(pending_, [this](const Pending& one) {
    const auto has_adopted = [&one](const auto& worker) { return worker->adopted() >= one.version; };
    if (loop_.now() < one.deadline && !std::ranges::all_of(workers_, has_adopted)) return false;
    if (admin_ != nullptr) admin_->answer(one.session, one.text);
    return true;
  });
  if (!pending_.empty()) answer_timer_.start_after(kAnswerInterval);
}

std::string Supervisor::status_text() {
  std::vector<StatusListener> listeners;
  for (const BoundListener& row : live_.listeners().rows()) listeners.push_back({row.local, row.options.is_tls});
  return status_page(overview_, window_, listeners, loop_.now());
}

void Supervisor::on_snapshot(exchange::Snapshot& snapshot) {
  exchange::number_routes(snapshot, route_numbers_);
}

void Supervisor::on_refusal(const std::string& why) {
  overview_.note_refusal(why);
}

void Supervisor::on_config(const config::Config& config) {
  addresses_ = live_.listeners().addresses();
  watch_workers();  // the log may be another
  overview_.note_snapshot(live_.snapshot(), true);
  resolver_.configure(resolver_options(config.resolver));
  health_monitor_.adopt(config.upstreams);
  reports_.serve(state_text(), live_.listeners().rows());
}

// ---- upgrade --------------------------------------------------------------------------------------------------------

std::optional<std::string> Supervisor::upgrade(std::uint64_t session) {
  if (state_ != State::kServing) return "error: shutting down";
  if (command_.empty()) return "error: this instance does not know the program that it is";
  if (::getpid() == 1) {
    return "error: this is the first process of its container, which ends with it; start a container of the new image";
  }
  if (is_upgrading()) return "error: an upgrade is under way";
  if (is_confined_) {
    return "error: process.seccomp lets this process start no program; restart it instead, or leave process.seccomp "
           "out";
  }
  UpgradeHandler& handler = *this;
  upgrade_ = std::make_unique<Upgrade>(loop_, handler);
  const HandoverOffer offer{.listeners = live_.listeners().rows(),
                            .admin_path = admin_ != nullptr ? admin_->path() : "",
                            .admin_socket = admin_ != nullptr ? admin_->descriptor() : -1,
                            .admin_owns_file = admin_ == nullptr || admin_->owns_file(),
                            .health = monitor_ != nullptr ? live_.started_health() : std::nullopt,
                            .health_socket = monitor_ != nullptr ? monitor_->descriptor() : -1,
                            .orders = orders_in_force(live_.config(), upstream_states_, loop_.now()),
                            .ticket_keys = ticket_keys_};
  upgrade_session_ = session;
  if (auto started = upgrade_->start(command_, offer, upgrade_patience_); !started) {
    LOG_ERROR("upgrade_failed error={}", base::quoted(started.error().message));
    return "error: " + started.error().message;
  }
  config_commands_.hold_guard();
  return std::nullopt;
}

void Supervisor::on_upgrade_ready(pid_t pid) {
  config_commands_.end_guard("upgrade");
  os::notify_successor(pid);
  upgrade_->let_speak();
  LOG_INFO("upgraded pid={} connections={}", pid, limits_.connections());
  state_ = State::kReplaced;
  // These are the new process's from now on.
  certificate_timer_.stop();
  ticket_timer_.stop();
  monitor_.reset();
  overview_.note_draining();
  drain_workers(DrainMode::kPatient);
  answer_later(upgrade_session_,
               base::format("ok\nprocess {} serves; this one, {}, ends within {} s", pid, ::getpid(), drain_seconds()),
               Worker::kDrained);
  if (admin_ != nullptr) admin_->hand_over();
  // It may have read the config, or opened its logs, before the signal came.
  if (std::exchange(reload_waits_, false)) {
    if (::kill(pid, SIGHUP) == 0) {
      LOG_INFO("reload_passed_on pid={}", pid);
    } else {
      LOG_ERROR("reload_refused error=\"process {} cannot be told\"", pid);
    }
  }
  if (std::exchange(reopening_waits_, false)) {
    if (::kill(pid, SIGUSR1) == 0) {
      LOG_INFO("reopening_passed_on pid={}", pid);
    } else {
      LOG_ERROR("log_reopen_failed error=\"process {} cannot be told\"", pid);
    }
  }
}

void Supervisor::on_upgrade_failed(const std::string& why) {
  std::string line = why;
  std::ranges::replace(line, '\n', ' ');
  LOG_ERROR("upgrade_failed error={}", base::quoted(line));
  if (admin_ != nullptr) admin_->answer(upgrade_session_, "error: the upgrade failed, and nothing has changed: " + why);
  config_commands_.let_guard_go_on();
  reopening_waits_ = false;
  if (std::exchange(reload_waits_, false)) change_config("reload", 0);
}

// ---- the end --------------------------------------------------------------------------------------------------------

void Supervisor::stop() {
  if (state_ != State::kServing && state_ != State::kReplaced) return;
  if (is_upgrading()) {
    upgrade_.reset();
    reload_waits_ = false;
    on_upgrade_failed("this process was told to stop");
  }
  // Where systemd keeps the sockets for the process to come, who connects meanwhile finds them by their files.
  if (state_ == State::kServing && !os::has_service_manager()) live_.listeners().remove_files();
  state_ = State::kDraining;
  config_commands_.end_guard("stop");
  overview_.note_draining();
  LOG_INFO("stopping connections={} drain_ms={}", limits_.connections(), drain_seconds() * 1000);
  os::notify_stopping(base::format("ending {} connections", limits_.connections()));
  drain_workers(DrainMode::kNow);
}

void Supervisor::look_at_workers() {
  std::vector<base::MonoTime> last_turns;
  last_turns.reserve(workers_.size());
  // One that has ended hangs no more.
  for (const auto& worker : workers_) last_turns.push_back(worker->is_running() ? worker->last_turn() : loop_.now());
  if (watchdog_.look(loop_.now(), last_turns) && watchdog_interval_) os::feed_watchdog();
  overview_.note_look(loop_.now(), watchdog_.hangs());
  release_memory();
  const base::Duration interval = watchdog_interval_.value_or(Watchdog::kInterval * 3) / 3;
  watchdog_timer_.start_after(std::min(interval, base::Duration(Watchdog::kInterval)));
}

void Supervisor::release_memory() {
  std::uint64_t freed = 0;
  for (const auto& worker : workers_) freed += worker->freed_bytes();
  const bool is_quiet = freed == std::exchange(freed_bytes_, freed);
  const base::MonoTime now = loop_.now();
  if (freed - released_bytes_ < kReleasedBytesMin || now < release_due_) return;
  // Workers let go of it in steps: it is waited for the last one, but not for ever.
  if (!release_since_) release_since_ = now;
  if (!is_quiet && now - *release_since_ < kReleasePause) return;
  release_since_.reset();
  released_bytes_ = freed;
  release_due_ = now + kReleasePause;
  os::release_free_memory();
}

std::string Supervisor::state_text() const {
  return base::format("serving with {} workers at {} addresses, snapshot {}", workers_.size(), addresses_.size(),
                      live_.snapshot()->version);
}

double Supervisor::drain_seconds() const {
  return std::chrono::duration<double>(live_.config().process.drain).count();
}

void Supervisor::drain_workers(DrainMode mode) {
  for (const auto& worker : workers_) worker->drain(mode, live_.config().process.drain);
  reap_timer_.start_after(kReapInterval);
}

void Supervisor::end_now() {
  LOG_WARNING("stopping_now connections={}", limits_.connections());
  for (const auto& worker : workers_) worker->drain(DrainMode::kNow, base::Duration(0));
}

}  // namespace viaduct::daemon
