// SPDX-License-Identifier: Apache-2.0
#include "daemon/worker.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/format.h"
#include "base/log.h"
#include "net/tcp_transport.h"
#include "os/process.h"
#include "tls/tls_transport.h"

namespace viaduct::daemon {
namespace {

enum TimerId { kLogTimer, kDrainTimer };

}  // namespace

net::ResolverOptions resolver_options(const config::Resolver& config) {
  return {.dns = {.servers = config.servers, .timeout = config.timeout},
          .ttl = {.min = config.min_ttl, .max = config.max_ttl}};
}

Worker::Worker(Setup setup)
    : number_(setup.number),
      name_(setup.name.empty() ? base::format("worker-{}", number_) : std::move(setup.name)),
      limits_(setup.limits),
      loop_(setup.clock),
      resolver_(loop_, resolver_options(setup.snapshot->config->resolver), &setup.name_conditions),
      files_(loop_.chunks()),
      passwords_(loop_),
      access_log_(setup.access_log, setup.access_sink),
      upstreams_({.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = setup.upstream_states}),
      services_{.loop = loop_,
                .access_log = access_log_,
                .counters = counters_,
                .route_stats = route_stats_,
                .random = random_,
                .files = files_,
                .passwords = passwords_,
                .owner = *this},
      first_snapshot_(std::move(setup.snapshot)),
      exchanges_(kIdleExchangesMax),
      listener_setups_(std::move(setup.listeners)),
      greetings_(loop_, limits_, counters_, *this),
      log_timer_(loop_.timers(), *this, kLogTimer),
      drain_timer_(loop_.timers(), *this, kDrainTimer) {}

Worker::~Worker() {
  CHECK(!thread_.joinable());
  cut_all();
  loop_.run_once(false);
  limits_.report_memory(memory_bytes_, 0);
}

void Worker::cut_all() {
  greetings_.cancel_all();
  for (const auto& listening : listeners_) listening->cut();
  for (const auto& listening : ended_listeners_) listening->cut();
  // Closing a connection may have made more of these.
  while (!running_on_.empty()) running_on_.front().stop_run_on();
}

base::Result<void> Worker::start() {
  TRY(upstreams_.adopt(first_snapshot_->config->upstreams));
  serve(std::move(first_snapshot_));
  change_listeners(std::exchange(listener_setups_, {}));
  adopted_.store(snapshot().version, std::memory_order_release);
  log_timer_.start_after(kLogFlushInterval);
  stamp_turn();
  running_.store(true, std::memory_order_release);
  thread_ = std::thread([this] { run(); });
  return {};
}

void Worker::run() {
  os::name_thread(name_);
  loop_.run();
  access_log_.flush();
  running_.store(false, std::memory_order_release);
}

void Worker::stamp_turn() {
  last_turn_.store(loop_.now().time_since_epoch().count(), std::memory_order_relaxed);
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

// ---- orders from other threads --------------------------------------------------------------------------------------

void Worker::publish(Publication publication) {
  class Adopt final : public net::Task {
   public:
    Adopt(Worker& worker, Publication published) : worker_(worker), published_(std::move(published)) {}
    void run() override { worker_.adopt(std::move(published_)); }

   private:
    Worker& worker_;
    Publication published_;
  };
  loop_.post(std::make_unique<Adopt>(*this, std::move(publication)));
}

void Worker::drain(DrainMode mode, base::Duration deadline) {
  class Drain final : public net::Task {
   public:
    Drain(Worker& worker, DrainMode how, base::Duration limit) : worker_(worker), mode_(how), limit_(limit) {}
    void run() override { worker_.begin_drain(mode_, limit_); }

   private:
    Worker& worker_;
    DrainMode mode_;
    base::Duration limit_;
  };
  loop_.post(std::make_unique<Drain>(*this, mode, deadline));
}

void Worker::flush_log() {
  class Flush final : public net::Task {
   public:
    explicit Flush(Worker& worker) : worker_(worker) {}
    void run() override { worker_.access_log_.flush(); }

   private:
    Worker& worker_;
  };
  loop_.post(std::make_unique<Flush>(*this));
}

void Worker::adopt(Publication publication) {
  // What these sockets have accepted is served by what was said there until now.
  if (publication.listeners) end_listeners(*publication.listeners, publication.drain);
  const std::uint64_t version = publication.snapshot->version;
  adopt_snapshot(std::move(publication.snapshot));
  if (publication.listeners && drain_ == DrainMode::kNone) change_listeners(std::move(*publication.listeners));
  if (publication.access_log) access_log_.change(publication.access_log->options, publication.access_log->sink);
  adopted_.store(version, std::memory_order_release);
}

void Worker::end_listeners(const std::vector<WorkerListener>& wanted, base::Duration deadline) {
  const auto is_wanted = [&wanted](const std::unique_ptr<Listening>& listening) {
    return std::ranges::find(wanted, listening->number(), &WorkerListener::number) != wanted.end();
  };
  const auto ended = std::ranges::stable_partition(listeners_, is_wanted);
  for (auto& listening : ended) {
    listening->drain(DrainMode::kPatient, deadline);
    ended_listeners_.push_back(std::move(listening));
  }
  listeners_.erase(ended.begin(), ended.end());
}

void Worker::change_listeners(std::vector<WorkerListener> wanted) {
  ListeningOwner& owner = *this;
  for (WorkerListener& setup : wanted) {
    const auto found = std::ranges::find(listeners_, setup.number, &Listening::number);
    if (found != listeners_.end()) {
      (*found)->change(setup);
    } else {
      listeners_.push_back(std::make_unique<Listening>(loop_, owner, std::move(setup)));
    }
  }
}

void Worker::adopt_snapshot(exchange::SnapshotRef snapshot) {
  resolver_.configure(resolver_options(snapshot->config->resolver));
  if (auto adopted = upstreams_.adopt(snapshot->config->upstreams); !adopted) {
    LOG_ERROR("snapshot_refused worker={} error={}", number_, base::quoted(adopted.error().message));
    return;
  }
  serve(std::move(snapshot));
}

void Worker::serve(exchange::SnapshotRef snapshot) {
  services_.serving = std::make_shared<exchange::Serving>(
      exchange::Serving{.snapshot = std::move(snapshot), .upstreams = upstreams_.select()});
}

void Worker::begin_drain(DrainMode mode, base::Duration deadline) {
  drain_ = std::max(drain_, mode);
  if (mode == DrainMode::kNow) greetings_.cancel_all();
  for (const auto& listening : listeners_) listening->drain(mode, deadline);
  for (const auto& listening : ended_listeners_) listening->drain(mode, deadline);
  adopted_.store(kDrained, std::memory_order_release);
  drain_timer_.start_after(deadline);
  stop_if_drained();
}

void Worker::stop_if_drained() {
  if (drain_ != DrainMode::kNone && connection_count_ == 0 && running_on_.empty() && greetings_.is_empty()) {
    loop_.stop();
  }
}

void Worker::on_timer(int timer_id) {
  if (timer_id == kLogTimer) {
    stamp_turn();
    if (access_log_.pending()) access_log_.flush();
    watch_memory();
    upstreams_.sweep();
    std::erase_if(ended_listeners_, [this](const auto& listening) {
      return !listening->has_connections() && !greetings_.has(listening->number());
    });
    files_.sweep(loop_.now());
    const std::uint64_t freed = exchanges_.take_freed_bytes() + loop_.chunks().trim();
    freed_bytes_.fetch_add(freed, std::memory_order_relaxed);
    log_timer_.start_after(kLogFlushInterval);
    return;
  }
  cut_all();
  stop_if_drained();
}

// ---- connections and exchanges --------------------------------------------------------------------------------------

void Worker::watch_memory() {
  const std::uint64_t bytes = loop_.chunks().chunks_in_use() * sizeof(base::Chunk);
  const std::uint64_t total = limits_.report_memory(std::exchange(memory_bytes_, bytes), bytes);
  const auto& limit = snapshot().config->process.memory;
  const bool is_short = limit && total > *limit;
  h2_library_.set_memory_short(is_short);
  if (!is_short) {
    memory_short_.reset();
    return;
  }
  if (!memory_short_) memory_short_ = loop_.now();
  if (loop_.now() < memory_silent_until_) return;
  memory_silent_until_ = loop_.now() + kMemoryLogPause;
  LOG_WARNING("memory_limit worker={} bytes={} limit={} new_connections=wait", number_, total, *limit);
}

bool Worker::may_accept() {
  watch_memory();
  return !memory_short_ || loop_.now() - *memory_short_ >= kMemoryPatience;
}

void Worker::refuse(http::Reason reason, const base::SocketAddress& peer) {
  counters_.count(reason, 0);
  LOG_WARNING("connection_refused reason={} client_ip={}", http::reason_name(reason), peer.ip().to_string());
}

void Worker::on_accept(Listening& listening, os::Fd fd, const base::SocketAddress& peer) {
  if (memory_short_) return refuse(http::Reason::kMemoryLimit, peer);
  if (listening.options().proxy_protocol) {
    greetings_.take(std::move(fd), {.sender = peer, .listener = listening.number()}, snapshot().config->client);
  } else {
    open_connection(listening, std::move(fd), {.peer = peer, .local = listening.local()});
  }
}

void Worker::on_patience_over(Listening& listening) {
  greetings_.cancel(listening.number());
  stop_if_drained();
}

Listening* Worker::find_listening(std::uint32_t number) {
  for (auto* list : {&listeners_, &ended_listeners_}) {
    const auto found = std::ranges::find_if(*list, [number](const auto& one) { return one->number() == number; });
    if (found != list->end()) return found->get();
  }
  return nullptr;
}

void Worker::on_client_known(Listening& listening, os::Fd fd, const ConnectionEnds& ends) {
  open_connection(listening, std::move(fd), ends);
}

void Worker::open_connection(Listening& listening, os::Fd fd, const ConnectionEnds& ends) {
  const ListenerOptions& listener = listening.options();
  const exchange::Snapshot& snapshot = this->snapshot();
  if (listener.is_tls && snapshot.certificates == nullptr) {
    // It came between a reload that took TLS out of the config and the end of its socket.
    LOG_WARNING("connection_refused reason=no_certificates address={}", listening.local().to_string());
    return;
  }
  const config::Client& client = snapshot.config->client;
  std::optional<ConnectionLimits::Handshake> handshake;
  if (listener.is_tls) {
    handshake = limits_.begin_handshake(client);
    if (!handshake) return refuse(http::Reason::kHandshakeLimit, ends.peer);
  }
  auto entry = limits_.enter(ends.peer.ip(), client);
  if (!entry && listener.makes_room && listening.make_room()) entry = limits_.enter(ends.peer.ip(), client);
  if (!entry) return refuse(http::Reason::kConnectionLimit, ends.peer);
  std::unique_ptr<net::Transport> transport;
  if (listener.is_tls) {
    const tls::Alpn alpn = listener.http2 ? tls::Alpn::kHttp2AndHttp1 : tls::Alpn::kHttp1;
    auto session = snapshot.certificates->new_session(alpn);
    transport = std::make_unique<tls::TlsTransport>(loop_, std::move(fd), std::move(session));
  } else {
    transport = std::make_unique<net::TcpTransport>(loop_, std::move(fd));
  }
  const exchange::ClientInfo info{.peer = ends.peer,
                                  .local = ends.local,
                                  .tls = nullptr,
                                  .redirect_to_https = listener.redirect_to_https,
                                  .https_port = listener.https_port};
  ConnectionOwner& owner = *this;
  const ConnectionProtocols protocols{.h2 = h2_library_, .h2c = listener.h2c && !listener.is_tls};
  auto connection = std::make_unique<Connection>(protocols, loop_, owner, info, client);
  Connection& opened = *connection.release();  // frees itself through Loop::retire
  ++connection_count_;
  counters_.count_connection();
  listening.add(opened);
  opened.open(std::move(transport), std::move(handshake).value_or(ConnectionLimits::Handshake()), std::move(*entry));
}

exchange::Exchange& Worker::make_exchange(const exchange::ClientInfo& client, http::ServerStream& stream) {
  return *exchanges_.make(services_, client, stream);
}

void Worker::on_connection_closed(const exchange::ClientInfo&) {
  --connection_count_;
  stop_if_drained();
}

void Worker::on_connection_refused(const exchange::ClientInfo& client, http::Reason reason) {
  counters_.count(reason, 0);
  LOG_WARNING("connection_ended reason={} client_ip={}", http::reason_name(reason), client.peer.ip().to_string());
}

void Worker::on_handshake(const net::TlsInfo& tls) {
  counters_.count_handshake(tls.version, tls.resumed);
}

void Worker::on_handshake_failed(const exchange::ClientInfo& client, http::Reason reason, std::string_view error) {
  counters_.count(reason, 0);
  LOG_INFO("tls_handshake_failed reason={} client_ip={} error={}", http::reason_name(reason),
           client.peer.ip().to_string(), base::quoted(error));
}

void Worker::free_exchange(exchange::Exchange& exchange) {
  exchanges_.free(&exchange);
  stop_if_drained();
}

}  // namespace viaduct::daemon
