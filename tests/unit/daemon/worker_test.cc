// SPDX-License-Identifier: Apache-2.0
#include "daemon/worker.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/format.h"
#include "base/log.h"
#include "daemon/build.h"
#include "daemon/listen.h"
#include "daemon/listener_table.h"
#include "support/blocking_client.h"
#include "support/config_load.h"
#include "support/temporary_directory.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;
using support::BlockingClient;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n";

// A config that answers everything with `body`, or asks the upstream where it is empty.
std::unique_ptr<config::Config> config_for(std::string_view body, const base::SocketAddress& upstream = {}) {
  const std::string route = body.empty() ? "upstream: app" : base::format("respond: {{ body: {} }}", body);
  auto config = support::config_of(support::with_routes("      - { match: { prefix: / }, " + route + " }\n"));
  config->upstreams[0].servers[0].port = upstream.port();
  config->listeners[0].addresses = {{*base::IpAddress::parse("127.0.0.1"), 0}};
  return config;
}

class WorkerTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(base::log_open({.file = directory_ / "error.log"}).has_value());
    auto sink = base::LogSink::open(directory_ / "access.log");
    ASSERT_TRUE(sink.has_value());
    access_sink_ = std::move(*sink);
  }
  void TearDown() override {
    for (const auto& worker : workers_) worker->drain(DrainMode::kNow, 0s);
    for (const auto& worker : workers_) worker->join();
    workers_.clear();
    ASSERT_TRUE(base::log_open({}).has_value());
  }

  exchange::SnapshotRef snapshot_of(const config::Config& config) {
    const BuildResult built = build_snapshot(config, ++version_, ticket_keys_, clock_.wall_now());
    EXPECT_NE(built.snapshot, nullptr);
    return built.snapshot;
  }
  // Starts workers for `config`; the address is address_.
  void start(const config::Config& config, std::size_t count = 1) {
    ListenerTable table(count);
    auto opened = table.prepare(config.listeners);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    address_ = opened->rows[0].local;
    config::AccessLog log;
    log.format = config::AccessFormat::kTemplate;
    log.line_template = "${status} ${reason}";
    for (std::size_t i = 0; i < count; ++i) {
      workers_.push_back(std::make_unique<Worker>(Worker::Setup{.number = static_cast<int>(i),
                                                                .clock = clock_,
                                                                .limits = limits_,
                                                                .upstream_states = upstream_states_,
                                                                .name_conditions = name_conditions_,
                                                                .access_log = access_log_options(log),
                                                                .access_sink = access_sink_.get(),
                                                                .snapshot = snapshot_of(config),
                                                                .listeners = std::move(opened->by_worker[i])}));
      const auto started = workers_.back()->start();
      ASSERT_TRUE(started.has_value()) << started.error().message;
    }
  }
  Worker& worker() { return *workers_[0]; }
  std::string access_log() { return support::file_bytes(directory_ / "access.log"); }
  // True when the worker's thread ends; waits for it.
  bool ends() {
    worker().join();
    return !worker().is_running();
  }

  support::TemporaryDirectory directory_;
  base::SystemClock clock_;
  tls::TicketKeys ticket_keys_;
  ConnectionLimits limits_;
  upstream::StateTable upstream_states_;
  net::SharedConditions name_conditions_;
  std::unique_ptr<base::LogSink> access_sink_;
  std::uint64_t version_ = 0;
  std::vector<std::unique_ptr<Worker>> workers_;
  base::SocketAddress address_;
};

TEST_F(WorkerTest, ServesUntilItIsDrained) {
  start(*config_for("hello"));
  EXPECT_TRUE(worker().is_running());
  BlockingClient client(address_);
  ASSERT_TRUE(client.send(kGet));
  EXPECT_TRUE(client.read_until("hello").ends_with("\r\n\r\nhello"));
  EXPECT_EQ(limits_.connections(), 1u);
  worker().drain(DrainMode::kNow, 30s);
  EXPECT_EQ(client.read_all(), "");  // it was idle
  EXPECT_TRUE(ends());
  EXPECT_EQ(limits_.connections(), 0u);
  EXPECT_FALSE(BlockingClient(address_).is_connected());
  EXPECT_EQ(access_log(), "200 -\n");
}

TEST_F(WorkerTest, EndsAtOnceWhenNobodyIsThere) {
  start(*config_for("hello"));
  worker().drain(DrainMode::kNow, 30s);
  EXPECT_TRUE(ends());
}

TEST_F(WorkerTest, FinishesTheExchangeUnderWayWhileItDrains) {
  support::BlockingServer upstream;
  start(*config_for("", upstream.address()));
  {
    BlockingClient client(address_);
    client.send(kGet);
    BlockingClient server = upstream.accept();
    EXPECT_TRUE(server.read_until("\r\n\r\n").starts_with("GET / HTTP/1.1\r\n"));
    worker().drain(DrainMode::kNow, 30s);
    EXPECT_TRUE(worker().is_running());
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
    const std::string answer = client.read_all();
    EXPECT_TRUE(answer.ends_with("Connection: close\r\n\r\nlate")) << answer;
  }
  EXPECT_TRUE(ends());
}

TEST_F(WorkerTest, CutsWhatIsLeftAtTheDeadline) {
  support::BlockingServer upstream;
  start(*config_for("", upstream.address()));
  BlockingClient client(address_);
  client.send(kGet);
  BlockingClient server = upstream.accept();
  server.read_until("\r\n\r\n");
  worker().drain(DrainMode::kNow, 50ms);
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(ends());
  EXPECT_EQ(access_log(), "499 server_draining\n");
}

// A callback whose client is gone is nobody's connection, but an exchange under way all the same.
TEST_F(WorkerTest, WaitsForACallbackThatRunsOnAndEndsItAtTheDeadline) {
  for (const bool is_answered : {true, false}) {
    support::BlockingServer upstream;
    auto config = config_for("", upstream.address());
    config->sites[0].routes[0].callback = config::CallbackProvider::kGeneric;
    start(*config);
    const std::size_t lines_before = access_log().size();
    BlockingClient client(address_);
    client.send(kGet);
    BlockingClient server = upstream.accept();
    server.read_until("\r\n\r\n");
    client.cut();
    while (access_log().size() == lines_before) std::this_thread::yield();
    EXPECT_TRUE(access_log().ends_with("499 client_closed\n"));
    EXPECT_EQ(limits_.connections(), 0u);
    worker().drain(DrainMode::kNow, is_answered ? 30s : 50ms);
    if (is_answered) server.send("HTTP/1.1 204 No Content\r\n\r\n");
    EXPECT_TRUE(ends());
    const std::string log = support::file_bytes(directory_ / "error.log");
    EXPECT_NE(log.find(is_answered ? " status=204 late_ms=" : " reason=server_draining late_ms="), std::string::npos)
        << log;
    workers_.clear();
  }
}

TEST_F(WorkerTest, AnswersFromTheNewestSnapshotOnConnectionsThatExist) {
  start(*config_for("first"));
  BlockingClient client(address_);
  client.send(kGet);
  EXPECT_TRUE(client.read_until("first").ends_with("first"));
  worker().publish({.snapshot = snapshot_of(*config_for("second"))});
  // The order is taken in a later turn of the worker's loop.
  std::string answer;
  for (int i = 0; i < 1000 && !answer.ends_with("second"); ++i) {
    client.send(kGet);
    answer = client.read_until("\r\n\r\n");
    if (answer.ends_with("\r\n\r\n")) answer += client.read_until("t");
    if (answer.ends_with("secon")) answer += client.read_until("d");
  }
  EXPECT_TRUE(answer.ends_with("second")) << answer;
}

TEST_F(WorkerTest, EndsAnExchangeWithTheSnapshotItBeganWith) {
  support::BlockingServer upstream;
  start(*config_for("", upstream.address()));
  BlockingClient client(address_);
  client.send(kGet);
  BlockingClient server = upstream.accept();
  server.read_until("\r\n\r\n");
  worker().publish({.snapshot = snapshot_of(*config_for("second"))});
  while (support::get(address_).find("second") == std::string::npos) {
  }
  server.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold");
  EXPECT_TRUE(client.read_until("old").ends_with("\r\n\r\nold"));
}

TEST_F(WorkerTest, RefusesConnectionsBeyondTheLimit) {
  auto config = config_for("hello");
  config->client.max_connections = 1;
  start(*config);
  {
    BlockingClient first(address_);
    first.send(kGet);
    EXPECT_TRUE(first.read_until("hello").ends_with("hello"));
    BlockingClient second(address_);
    EXPECT_EQ(second.read_all(), "");
    first.send(kGet);
    EXPECT_TRUE(first.read_until("hello").ends_with("hello"));
  }
  while (limits_.connections() > 0) std::this_thread::yield();
  EXPECT_TRUE(support::get(address_).ends_with("hello"));
}

TEST_F(WorkerTest, SharesAPortWithOtherWorkers) {
  start(*config_for("hello"), 2);
  std::vector<std::thread> clients;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      for (int request = 0; request < 25; ++request) answered += support::get(address_).ends_with("hello") ? 1 : 0;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(answered, 100);
}

TEST_F(WorkerTest, WritesItsLinesWithoutBeingAskedAndWhenItIs) {
  start(*config_for("hello"));
  EXPECT_TRUE(support::get(address_).ends_with("hello"));
  const auto give_up = std::chrono::steady_clock::now() + 10s;
  while (access_log().empty() && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  EXPECT_EQ(access_log(), "200 -\n");
  worker().flush_log();
}

TEST_F(WorkerTest, DoesNotStartWithAnUpstreamThatCannotBeMade) {
  auto config = config_for("hello");
  const exchange::SnapshotRef snapshot = snapshot_of(*config);
  auto broken = std::make_shared<exchange::Snapshot>();
  config->upstreams[0].servers[0].tls = true;
  config->upstreams[0].tls.ca = "/nonexistent/ca.pem";
  broken->config = std::make_unique<const config::Config>(*config);
  Worker worker({.number = 0,
                 .clock = clock_,
                 .limits = limits_,
                 .upstream_states = upstream_states_,
                 .name_conditions = name_conditions_,
                 .access_log = access_log_options({}),
                 .access_sink = nullptr,
                 .snapshot = broken,
                 .listeners = {}});
  const auto started = worker.start();
  ASSERT_FALSE(started.has_value());
  EXPECT_NE(started.error().message.find("ca.pem"), std::string::npos) << started.error().message;
  EXPECT_FALSE(worker.is_running());
  worker.join();
}

TEST_F(WorkerTest, KeepsItsSnapshotWhenANewOneCannotBeTaken) {
  start(*config_for("first"));
  auto config = config_for("second");
  config->upstreams[0].servers[0].tls = true;
  config->upstreams[0].tls.ca = "/nonexistent/ca.pem";
  auto broken = std::make_shared<exchange::Snapshot>();
  broken->config = std::make_unique<const config::Config>(*config);
  worker().publish({.snapshot = broken});
  worker().publish({.snapshot = snapshot_of(*config_for("third"))});
  std::string answer;
  while (!answer.ends_with("third")) {
    answer = support::get(address_);
    ASSERT_TRUE(answer.ends_with("first") || answer.ends_with("third")) << answer;
  }
}

// ---- listeners that change ------------------------------------------------------------------------------------------

TEST_F(WorkerTest, TakesListenersThatAreNewAndEndsThoseThatAreGone) {
  const auto config = config_for("hello");
  start(*config);
  const base::SocketAddress old_address = address_;
  BlockingClient idle(old_address);
  idle.send(kGet);
  EXPECT_TRUE(idle.read_until("hello").ends_with("hello"));
  ListenerTable table(1);
  auto opened = table.prepare(config->listeners);
  ASSERT_TRUE(opened.has_value());
  opened->by_worker[0][0].number = 7;
  const base::SocketAddress new_address = opened->rows[0].local;
  worker().publish(
      {.snapshot = snapshot_of(*config), .listeners = std::move(opened->by_worker[0]), .drain = 30s, .access_log = {}});
  EXPECT_TRUE(support::get(new_address).ends_with("hello"));
  while (BlockingClient(old_address).is_connected()) {
  }
  // It was idle, and its client may have been about to ask.
  idle.send(kGet);
  const std::string last = idle.read_all();
  EXPECT_NE(last.find("Connection: close\r\n"), std::string::npos) << last;
  EXPECT_TRUE(last.ends_with("hello"));
  EXPECT_EQ(worker().adopted(), 2u);
  EXPECT_TRUE(support::get(new_address).ends_with("hello"));
}

TEST_F(WorkerTest, CutsWhatIsLeftOfAnEndedListenerAtItsDeadline) {
  support::BlockingServer upstream;
  const auto config = config_for("", upstream.address());
  start(*config);
  BlockingClient client(address_);
  client.send(kGet);
  BlockingClient server = upstream.accept();
  server.read_until("\r\n\r\n");
  worker().publish(
      {.snapshot = snapshot_of(*config), .listeners = std::vector<WorkerListener>(), .drain = 50ms, .access_log = {}});
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(worker().is_running());
}

TEST_F(WorkerTest, CutsWhoStillAnnouncesAClientAtTheEndOfAListener) {
  const auto config = config_for("hello");
  config->listeners[0].proxy_protocol = true;
  config->listeners[0].proxy_from = base::CidrSet::private_networks();
  config->client.handshake_timeout = 60s;
  start(*config);
  BlockingClient balancer(address_);
  balancer.send("PROXY ");
  while (limits_.connections() == 0) std::this_thread::yield();  // a sender that is refused is not counted
  worker().publish(
      {.snapshot = snapshot_of(*config), .listeners = std::vector<WorkerListener>(), .drain = 50ms, .access_log = {}});
  EXPECT_EQ(balancer.read_all(), "");
  EXPECT_TRUE(worker().is_running());
}

TEST_F(WorkerTest, DrainsPatientlyWhereItIsReplaced) {
  start(*config_for("hello"));
  BlockingClient idle(address_);
  idle.send(kGet);
  EXPECT_TRUE(idle.read_until("hello").ends_with("hello"));
  worker().drain(DrainMode::kPatient, 30s);
  while (BlockingClient(address_).is_connected()) {
  }
  EXPECT_TRUE(worker().is_running());
  idle.send(kGet);
  EXPECT_TRUE(idle.read_all().ends_with("Connection: close\r\n\r\nhello"));
  EXPECT_TRUE(ends());
}

TEST_F(WorkerTest, ClosesWhatStaysIdleAtTheEndOfAPatientDrain) {
  start(*config_for("hello"));
  BlockingClient idle(address_);
  idle.send(kGet);
  EXPECT_TRUE(idle.read_until("hello").ends_with("hello"));
  worker().drain(DrainMode::kPatient, 50ms);
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_TRUE(ends());
}

TEST_F(WorkerTest, ChangesItsAccessLog) {
  const auto config = config_for("hello");
  start(*config);
  EXPECT_TRUE(support::get(address_).ends_with("hello"));
  auto sink = base::LogSink::open(directory_ / "other.log");
  ASSERT_TRUE(sink.has_value());
  config::AccessLog log;
  log.format = config::AccessFormat::kTemplate;
  log.line_template = "other ${status}";
  worker().publish({.snapshot = snapshot_of(*config),
                    .listeners = {},
                    .drain = {},
                    .access_log = Publication::Log{.options = access_log_options(log), .sink = sink->get()}});
  while (worker().adopted() < 2) std::this_thread::yield();
  EXPECT_EQ(access_log(), "200 -\n");
  EXPECT_TRUE(support::get(address_).ends_with("hello"));
  worker().drain(DrainMode::kNow, 30s);
  EXPECT_TRUE(ends());
  EXPECT_EQ(support::file_bytes(directory_ / "other.log"), "other 200\n");
  EXPECT_EQ(access_log(), "200 -\n");
  workers_.clear();
}

TEST_F(WorkerTest, RefusesTlsConnectionsForWhichThereIsNoCertificateAnyMore) {
  const auto config = config_for("hello");
  start(*config);
  auto listeners = std::vector<WorkerListener>(1);
  listeners[0].number = 1;
  listeners[0].options.is_tls = true;
  worker().publish(
      {.snapshot = snapshot_of(*config), .listeners = std::move(listeners), .drain = {}, .access_log = {}});
  while (worker().adopted() < 2) std::this_thread::yield();
  BlockingClient client(address_);
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(limits_.connections(), 0u);
  EXPECT_TRUE(worker().is_running());
}

}  // namespace
}  // namespace viaduct::daemon
