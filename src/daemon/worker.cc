// SPDX-License-Identifier: Apache-2.0
#include "daemon/worker.h"

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
      access_log_(setup.access_log, setup.access_sink),
      upstreams_({.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = setup.upstream_states}),
      services_{.loop = loop_,
                .access_log = access_log_,
                .counters = counters_,
                .route_stats = route_stats_,
                .random = random_,
                .files = files_,
                .owner = *this,
                .snapshot = std::move(setup.snapshot)},
      exchanges_(kIdleExchangesMax),
      listener_setups_(std::move(setup.listeners)),
      log_timer_(loop_.timers(), *this, kLogTimer),
      drain_timer_(loop_.timers(), *this, kDrainTimer) {}

Worker::~Worker() {
  CHECK(!thread_.joinable());
  cut_all();
  loop_.run_once(false);
}

void Worker::cut_all() {
  while (!connections_.empty()) connections_.front().close_now();
  // Closing a connection may have made more of these.
  while (!running_on_.empty()) running_on_.front().stop_run_on();
}

base::Result<void> Worker::start() {
  TRY(upstreams_.adopt(services_.snapshot->config->upstreams));
  services_.upstreams = upstreams_.current();
  net::AcceptHandler& acceptor = *this;
  for (std::size_t i = 0; i < listener_setups_.size(); ++i) {
    os::Fd fd = std::move(listener_setups_[i].fd);
    listeners_.push_back(std::make_unique<net::Listener>(loop_, std::move(fd), acceptor, static_cast<int>(i)));
  }
  log_timer_.start_after(kLogFlushInterval);
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

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

// ---- orders from other threads --------------------------------------------------------------------------------------

void Worker::publish(exchange::SnapshotRef snapshot) {
  class Adopt final : public net::Task {
   public:
    Adopt(Worker& worker, exchange::SnapshotRef published) : worker_(worker), published_(std::move(published)) {}
    void run() override { worker_.adopt(std::move(published_)); }

   private:
    Worker& worker_;
    exchange::SnapshotRef published_;
  };
  loop_.post(std::make_unique<Adopt>(*this, std::move(snapshot)));
}

void Worker::drain(base::Duration deadline) {
  class Drain final : public net::Task {
   public:
    Drain(Worker& worker, base::Duration limit) : worker_(worker), limit_(limit) {}
    void run() override { worker_.begin_drain(limit_); }

   private:
    Worker& worker_;
    base::Duration limit_;
  };
  loop_.post(std::make_unique<Drain>(*this, deadline));
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

void Worker::adopt(exchange::SnapshotRef snapshot) {
  resolver_.configure(resolver_options(snapshot->config->resolver));
  if (auto adopted = upstreams_.adopt(snapshot->config->upstreams); !adopted) {
    LOG_ERROR("snapshot_refused worker={} error={}", number_, base::quoted(adopted.error().message));
    return;
  }
  services_.snapshot = std::move(snapshot);
  services_.upstreams = upstreams_.current();
}

void Worker::begin_drain(base::Duration deadline) {
  const bool again = std::exchange(services_.is_draining, true);
  for (const auto& listener : listeners_) listener->close();
  if (!again) connections_.for_each([](Connection& connection) { connection.begin_drain(); });
  drain_timer_.start_after(deadline);
  stop_if_drained();
}

void Worker::stop_if_drained() {
  if (services_.is_draining && connection_count_ == 0 && running_on_.empty()) loop_.stop();
}

void Worker::on_timer(int timer_id) {
  if (timer_id == kLogTimer) {
    if (access_log_.pending()) access_log_.flush();
    upstreams_.sweep();
    files_.sweep(loop_.now());
    loop_.chunks().trim();
    log_timer_.start_after(kLogFlushInterval);
    return;
  }
  if (connection_count_ > 0) LOG_WARNING("drain_deadline worker={} connections_cut={}", number_, connection_count_);
  cut_all();
  stop_if_drained();
}

// ---- connections and exchanges --------------------------------------------------------------------------------------

void Worker::on_accept(os::Fd fd, const base::SocketAddress& peer, int listener_id) {
  const WorkerListener& listener = listener_setups_[static_cast<std::size_t>(listener_id)];
  const exchange::Snapshot& snapshot = *services_.snapshot;
  if (listener.is_tls && snapshot.certificates == nullptr) {
    // A reload took TLS out of the config; the socket stays until the daemon is started anew.
    LOG_WARNING("connection_refused reason=no_certificates address={}", listener.local.to_string());
    return;
  }
  const config::Client& client = snapshot.config->client;
  if (!limits_.enter(peer.ip(), client)) {
    counters_.count(http::Reason::kConnectionLimit, 0);
    LOG_WARNING("connection_refused reason=connection_limit client_ip={}", peer.ip().to_string());
    return;
  }
  std::unique_ptr<net::Transport> transport;
  if (listener.is_tls) {
    const tls::Alpn alpn = listener.http2 ? tls::Alpn::kHttp2AndHttp1 : tls::Alpn::kHttp1;
    auto session = snapshot.certificates->new_session(alpn);
    transport = std::make_unique<tls::TlsTransport>(loop_, std::move(fd), std::move(session));
  } else {
    transport = std::make_unique<net::TcpTransport>(loop_, std::move(fd));
  }
  const exchange::ClientInfo info{.peer = peer,
                                  .local = listener.local,
                                  .tls = nullptr,
                                  .redirect_to_https = listener.redirect_to_https,
                                  .https_port = listener.https_port};
  ConnectionOwner& owner = *this;
  const ConnectionProtocols protocols{.h2 = h2_library_, .h2c = listener.h2c && !listener.is_tls};
  auto connection = std::make_unique<Connection>(protocols, loop_, owner, info, client);
  Connection& opened = *connection.release();  // frees itself through Loop::retire
  connections_.push_back(opened);
  ++connection_count_;
  counters_.count_connection();
  opened.open(std::move(transport));
}

exchange::Exchange& Worker::make_exchange(const exchange::ClientInfo& client, http::ServerStream& stream) {
  return *exchanges_.make(services_, client, stream);
}

void Worker::on_connection_closed(const exchange::ClientInfo& client) {
  --connection_count_;
  limits_.leave(client.peer.ip());
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
