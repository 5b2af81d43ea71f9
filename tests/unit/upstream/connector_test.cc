// SPDX-License-Identifier: Apache-2.0
#include "upstream/connector.h"

#include <gtest/gtest.h>

#include <optional>

#include "support/cert_sites.h"
#include "support/connect_outcome.h"
#include "support/no_descriptors.h"
#include "support/scripted_dns.h"
#include "support/scripted_server.h"
#include "support/tls_ends.h"
#include "support/wait_until.h"
#include "upstream/server.h"

namespace viaduct::upstream {
namespace {

using namespace std::chrono_literals;
using http::Reason;

class ConnectorTest : public testing::Test {
 protected:
  // Makes the server that the connector is to reach.
  Server& serve(const config::Server& server, const tls::ClientContext* context = nullptr) {
    config_ = support::make_upstream({server});
    server_.emplace(resources_, config_, 0, context);
    return *server_;
  }
  Connector& start(std::optional<base::Duration> timeout = std::nullopt) {
    EXPECT_TRUE(server_->reserve());
    Connector& connector = *std::make_unique<Connector>(loop_, resolver_, *server_, outcome_).release();
    connector.start(timeout);
    return connector;
  }
  bool until_event() {
    return support::wait_until(loop_, [this] { return outcome_.events > 0; });
  }

  support::ManualClock clock_;
  codec::H2Library h2_library_;
  net::Loop loop_{clock_};
  support::ScriptedDns dns_{loop_};
  net::Resolver resolver_{loop_, {.dns = {.servers = {dns_.address()}, .timeout = 30s}, .ttl = {}}};
  StateTable states_;
  Resources resources_{.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = states_};
  config::Upstream config_;
  std::optional<Server> server_;
  support::ConnectOutcome outcome_;
};

TEST_F(ConnectorTest, ConnectsLaterThanItIsAsked) {
  support::ScriptedServer listener(loop_);
  serve(listener.config());
  start();
  EXPECT_EQ(outcome_.events, 0);
  ASSERT_TRUE(until_event());
  ASSERT_NE(outcome_.connection, nullptr);
  EXPECT_TRUE(outcome_.connection->is_reusable());
  EXPECT_EQ(&outcome_.connection->server(), &*server_);
  EXPECT_EQ(server_->connections(), 1u);
  EXPECT_EQ(outcome_.times.tls, 0ns);
  support::settle(loop_);
  EXPECT_EQ(outcome_.events, 1);
}

TEST_F(ConnectorTest, ReachesUnixSockets) {
  const support::TemporaryDirectory directory;
  support::ScriptedServer listener(loop_, directory / "app.sock");
  serve(listener.config());
  start();
  ASSERT_TRUE(until_event());
  EXPECT_NE(outcome_.connection, nullptr);
}

TEST_F(ConnectorTest, NamesTheServerThatRefuses) {
  const support::RefusingPort port;
  serve(port.config());
  start(2s);
  EXPECT_EQ(outcome_.events, 0);
  ASSERT_TRUE(until_event());
  EXPECT_EQ(outcome_.reason, Reason::kUpstreamConnectRefused);
  EXPECT_EQ(outcome_.error.message,
            "server 127.0.0.1:" + std::to_string(port.port()) + ": connect: Connection refused");
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(ConnectorTest, TakesAUnixSocketThatIsNotThereForARefusal) {
  const support::TemporaryDirectory directory;
  config::Server server;
  server.is_unix = true;
  server.host = directory / "none.sock";
  serve(server);
  start();
  ASSERT_TRUE(until_event());
  EXPECT_EQ(outcome_.reason, Reason::kUpstreamConnectRefused);
  EXPECT_TRUE(outcome_.error.message.starts_with("server unix:" + server.host + ": ")) << outcome_.error.message;
}

TEST_F(ConnectorTest, TellsOtherFailuresFromRefusals) {
  config::Server server;
  server.host = "255.255.255.255";  // nobody has it: the kernel does not even try
  server.port = 9;
  serve(server);
  start();
  ASSERT_TRUE(until_event());
  EXPECT_EQ(outcome_.reason, Reason::kUpstreamConnectFailed);
}

TEST_F(ConnectorTest, SaysThatDescriptorsAreShortAndNotThatTheServerFails) {
  if (!support::NoDescriptors::kIsPossible) GTEST_SKIP();
  support::ScriptedServer listener(loop_);
  serve(listener.config());
  {
    const support::NoDescriptors none;
    start();
  }
  ASSERT_TRUE(until_event());
  EXPECT_EQ(outcome_.reason, Reason::kUpstreamConnectExhausted);
  EXPECT_EQ(outcome_.error.message, "server " + server_->name() + ": connect: Too many open files");
}

// ---- names ----------------------------------------------------------------------------------------------------------

// A server by its name, which may mean the loopback of the test.
config::Server named(const std::string& host, std::uint16_t port) {
  config::Server server;
  server.url = "http://" + host + ":" + std::to_string(port);
  server.host = host;
  server.port = port;
  server.allow_addresses.add(*base::Cidr::parse("127.0.0.0/8"));
  server.allow_addresses.add(*base::Cidr::parse("::1"));
  return server;
}

// A service: a host at each of these ports of 127.0.0.1, to be tried in this order.
config::Server service(support::ScriptedDns& dns, const std::vector<std::uint16_t>& ports) {
  dns.names["host.test"] = {"60 A 127.0.0.1"};
  std::vector<std::string>& records = dns.names["_api._tcp.app.test"];
  for (std::size_t i = 0; i < ports.size(); ++i) {
    records.push_back("60 SRV " + std::to_string(10 * i) + " 1 " + std::to_string(ports[i]) + " host.test");
  }
  config::Server server = named("app.test", 80);
  server.service = "_api._tcp.app.test";
  return server;
}

TEST_F(ConnectorTest, TriesTheAddressesOfANameInTurn) {
  // localhost is 127.0.0.1 and, on most machines, ::1; the server has the former alone.
  support::ScriptedServer listener(loop_);
  config::Server server = listener.config();
  server.host = "localhost";
  serve(server);
  start();
  ASSERT_TRUE(until_event());
  EXPECT_NE(outcome_.connection, nullptr) << outcome_.error.message;
  EXPECT_EQ(server_->name(), "localhost:" + std::to_string(server.port));
}

TEST_F(ConnectorTest, GoesToTheNextAddressAtOnceWhenOneRefuses) {
  support::ScriptedServer listener(loop_);
  dns_.names["app.test"] = {"60 A 127.0.0.1", "60 AAAA ::1"};
  serve(named("app.test", listener.config().port));
  start();
  ASSERT_TRUE(until_event());  // the clock stands still
  EXPECT_NE(outcome_.connection, nullptr) << outcome_.error.message;
}

TEST_F(ConnectorTest, DoesNotWaitForAnAddressThatIsSilent) {
  const support::SilentPort hole;
  support::ScriptedServer listener(loop_);
  serve(service(dns_, {hole.config().port, listener.config().port}));
  start(2s);
  support::wait_until(loop_, [this] { return dns_.questions() >= 5; });
  for (int i = 0; i < 5; ++i) support::settle(loop_);
  EXPECT_EQ(outcome_.events, 0);
  support::pass_time(loop_, clock_, net::DialRace::kNextAttemptDelay + 10ms);
  ASSERT_TRUE(until_event());
  EXPECT_NE(outcome_.connection, nullptr) << outcome_.error.message;
  EXPECT_EQ(server_->name(), "_api._tcp.app.test");
  EXPECT_EQ(server_->authority(), "app.test");
}

TEST_F(ConnectorTest, NamesTheAddressThatRefuses) {
  const support::RefusingPort port;
  dns_.names["app.test"] = {"60 A 127.0.0.1"};
  serve(named("app.test", port.port()));
  start();
  ASSERT_TRUE(until_event());
  EXPECT_EQ(outcome_.reason, Reason::kUpstreamConnectRefused);
  const std::string number = std::to_string(port.port());
  EXPECT_EQ(outcome_.error.message,
            "server app.test:" + number + ": 127.0.0.1:" + number + ": connect: Connection refused");
}

TEST_F(ConnectorTest, TellsThatANameDoesNotExist) {
  serve(named("no-such-name.test", 80));
  start();
  EXPECT_EQ(outcome_.events, 0);
  ASSERT_TRUE(until_event());
  EXPECT_EQ(outcome_.reason, Reason::kUpstreamNameUnresolved);
  EXPECT_TRUE(outcome_.error.message.starts_with("server no-such-name.test:80: ")) << outcome_.error.message;
}

TEST_F(ConnectorTest, TellsThatANameDidNotResolveInTime) {
  dns_.set("silent.test", support::DnsManner::kSilent);
  serve(named("silent.test", 80));
  start(2s);
  support::pass_time(loop_, clock_, 1990ms);
  EXPECT_EQ(outcome_.events, 0);
  support::pass_time(loop_, clock_, 20ms);
  ASSERT_EQ(outcome_.events, 1);
  EXPECT_EQ(outcome_.reason, Reason::kUpstreamNameUnresolved);
  EXPECT_TRUE(outcome_.error.message.ends_with("resolving timed out after 2000ms (timeouts.connect)"))
      << outcome_.error.message;
}

TEST_F(ConnectorTest, CallsNoAddressThatNoNameMayMean) {
  support::ScriptedServer listener(loop_);
  dns_.names["bad.test"] = {"60 A 127.0.0.1", "60 AAAA ::1"};
  config::Server server = named("bad.test", listener.config().port);
  server.allow_addresses = {};
  serve(server);
  start();
  ASSERT_TRUE(until_event());
  EXPECT_EQ(outcome_.reason, Reason::kUpstreamAddressForbidden);
  EXPECT_NE(outcome_.error.message.find("bad.test means"), std::string::npos) << outcome_.error.message;
  EXPECT_NE(outcome_.error.message.find("127.0.0.1 (loopback)"), std::string::npos) << outcome_.error.message;
  support::settle(loop_);
  EXPECT_TRUE(listener.connections.empty());
}

TEST_F(ConnectorTest, TakesHostsAndPortsOfAServiceFromDns) {
  support::ScriptedServer first(loop_);
  support::ScriptedServer second(loop_);
  serve(service(dns_, {first.config().port, second.config().port}));
  start();
  ASSERT_TRUE(until_event());
  support::wait_until(loop_, [&] { return !first.connections.empty(); });
  first.stop();
  outcome_.events = 0;
  start();
  ASSERT_TRUE(until_event());
  support::wait_until(loop_, [&] { return !second.connections.empty(); });
  EXPECT_EQ(dns_.questions("_api._tcp.app.test", support::RecordType::kSrv), 1);
}

// ---- the deadline ---------------------------------------------------------------------------------------------------

TEST_F(ConnectorTest, GivesUpAServerThatDoesNotAnswer) {
  const support::SilentPort port;
  serve(port.config());
  start(2s);
  support::pass_time(loop_, clock_, 1990ms);
  EXPECT_EQ(outcome_.events, 0);
  support::pass_time(loop_, clock_, 20ms);
  ASSERT_EQ(outcome_.events, 1);
  EXPECT_EQ(outcome_.reason, Reason::kUpstreamConnectTimeout);
  EXPECT_TRUE(outcome_.error.message.ends_with(": connect timed out after 2000ms (timeouts.connect)"))
      << outcome_.error.message;
}

TEST_F(ConnectorTest, WaitsForEverWithoutADeadline) {
  const support::SilentPort port;
  serve(port.config());
  start();
  support::pass_time(loop_, clock_, 10h);
  EXPECT_EQ(outcome_.events, 0);
  outcome_.cancel_connect();
}

TEST_F(ConnectorTest, IsSilentAfterItWasCancelled) {
  const support::SilentPort port;
  serve(port.config());
  start(2s);
  outcome_.cancel_connect();
  support::pass_time(loop_, clock_, 3s);
  EXPECT_EQ(outcome_.events, 0);
  support::ScriptedServer listener(loop_);
  serve(listener.config());
  start(2s);
  support::wait_until(loop_, [&] { return !listener.connections.empty() || outcome_.events > 0; });
  if (outcome_.events > 0) return;  // it was faster than we
  outcome_.cancel_connect();
  support::pass_time(loop_, clock_, 3s);
  EXPECT_EQ(outcome_.events, 0);
  EXPECT_EQ(server_->connections(), 0u);
}

// ---- TLS ------------------------------------------------------------------------------------------------------------

// A server with a certificate for `host`, called by 127.0.0.1.
class ConnectorTlsTest : public ConnectorTest {
 protected:
  // What the config says of the upstream's TLS; trusts the server's own certificate.
  void serve_tls(const std::string& host, const std::string& expected, bool verify = true) {
    const tls::PemPair pair = support::make_pair_for({host});
    sites_.add({host}, {pair}, true);
    store_.emplace(sites_.store());
    listener_.on_socket = [this](os::Fd fd) {
      ends_.push_back(std::make_unique<support::TlsEnd>(loop_, std::move(fd), store_->new_session(tls::Alpn::kHttp1)));
      ends_.back()->start();
    };
    tls_config_.verify = verify;
    tls_config_.sni = expected;
    tls_config_.ca = sites_.directory().write("ca.pem", pair.cert);
    auto context = tls::ClientContext::load(tls_config_);
    ASSERT_TRUE(context.has_value()) << context.error().message;
    context_.emplace(std::move(*context));
    config::Server server = listener_.config();
    server.tls = true;
    config_ = support::make_upstream({server});
    config_.tls = tls_config_;
    server_.emplace(resources_, config_, 0, &*context_);
  }

  support::CertSites sites_;
  std::optional<tls::CertStore> store_;
  support::ScriptedServer listener_{loop_};
  std::vector<std::unique_ptr<support::TlsEnd>> ends_;
  config::UpstreamTls tls_config_;
  std::optional<tls::ClientContext> context_;
};

TEST_F(ConnectorTlsTest, IsReadyBehindTheHandshake) {
  serve_tls("app.test", "app.test");
  start(2s);
  ASSERT_TRUE(until_event());
  EXPECT_NE(outcome_.connection, nullptr) << outcome_.error.message;
}

TEST_F(ConnectorTlsTest, RefusesACertificateForAnotherName) {
  serve_tls("app.test", "other.test");
  start(2s);
  ASSERT_TRUE(until_event());
  EXPECT_EQ(outcome_.reason, Reason::kUpstreamCertificateInvalid);
  EXPECT_NE(outcome_.error.message.find("other.test"), std::string::npos) << outcome_.error.message;
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(ConnectorTlsTest, TakesAnyCertificateOnlyWhereTheConfigSaysSo) {
  serve_tls("app.test", "other.test", false);
  start(2s);
  ASSERT_TRUE(until_event());
  EXPECT_NE(outcome_.connection, nullptr) << outcome_.error.message;
}

TEST_F(ConnectorTlsTest, TellsThatAServerDoesNotSpeakTls) {
  serve_tls("app.test", "app.test");
  listener_.on_socket = nullptr;
  listener_.on_bytes = [](support::ScriptedConnection& connection) {
    connection.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  };
  start(2s);
  ASSERT_TRUE(until_event());
  EXPECT_EQ(outcome_.reason, Reason::kUpstreamTlsFailed);
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(ConnectorTlsTest, ShakesHandsAtOneAddressOnly) {
  serve_tls("app.test", "other.test");
  int sockets = 0;
  listener_.on_socket = [&, accept = listener_.on_socket](os::Fd fd) {
    ++sockets;
    accept(std::move(fd));
  };
  const std::uint16_t port = listener_.config().port;
  config_.servers = {service(dns_, {port, port})};
  config_.servers[0].tls = true;
  server_.emplace(resources_, config_, 0, &*context_);
  start(2s);
  ASSERT_TRUE(until_event());
  EXPECT_EQ(outcome_.reason, Reason::kUpstreamCertificateInvalid);
  support::pass_time(loop_, clock_, 3s);
  EXPECT_EQ(sockets, 1);
}

TEST_F(ConnectorTlsTest, CountsTheHandshakeInTheDeadline) {
  serve_tls("app.test", "app.test");
  listener_.on_socket = nullptr;  // accepts and says nothing
  start(2s);
  support::wait_until(loop_, [this] { return !listener_.connections.empty() && !listener_.last().received.empty(); });
  support::pass_time(loop_, clock_, 1990ms);
  EXPECT_EQ(outcome_.events, 0);
  support::pass_time(loop_, clock_, 20ms);
  ASSERT_EQ(outcome_.events, 1);
  EXPECT_EQ(outcome_.reason, Reason::kUpstreamConnectTimeout);
  EXPECT_TRUE(outcome_.error.message.ends_with(": handshake timed out after 2000ms (timeouts.connect)"));
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(ConnectorTlsTest, ClosesTheSocketWhenItIsCancelledInTheHandshake) {
  serve_tls("app.test", "app.test");
  listener_.on_socket = nullptr;
  start(2s);
  support::wait_until(loop_, [this] { return !listener_.connections.empty() && !listener_.last().received.empty(); });
  outcome_.cancel_connect();
  EXPECT_EQ(server_->connections(), 0u);
  support::wait_until(loop_, [this] { return listener_.last().is_ended || listener_.last().is_reset; });
  EXPECT_EQ(outcome_.events, 0);
}

}  // namespace
}  // namespace viaduct::upstream
