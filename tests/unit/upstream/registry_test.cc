// SPDX-License-Identifier: Apache-2.0
#include "upstream/registry.h"

#include <gtest/gtest.h>

#include <functional>

#include "support/connect_outcome.h"
#include "support/scripted_server.h"
#include "support/temporary_directory.h"
#include "support/tls_ends.h"
#include "support/wait_until.h"

namespace viaduct::upstream {
namespace {

using namespace std::chrono_literals;

class RegistryTest : public testing::Test {
 protected:
  config::Upstream named(const std::string& name) {
    config::Upstream upstream = support::make_upstream({listener_.config()});
    upstream.name = name;
    return upstream;
  }
  void adopt(const std::vector<config::Upstream>& configs) {
    const auto adopted = registry_.adopt(configs);
    ASSERT_TRUE(adopted.has_value()) << adopted.error().message;
  }
  // Makes a connection that rests in the pool of the upstream's only server.
  void warm(Upstream& upstream) {
    support::ConnectOutcome outcome;
    Server& server = *upstream.pick({}, {});
    ASSERT_TRUE(upstream.connect(server, outcome, std::nullopt));
    support::wait_until(loop_, [&] { return outcome.events > 0; });
    ASSERT_NE(outcome.connection, nullptr);
    server.give_back(*outcome.connection);
  }
  static std::uint32_t connections(Upstream& upstream) { return upstream.pick({}, {})->connections(); }

  support::ManualClock clock_;
  codec::H2Library h2_library_;
  net::Loop loop_{clock_};
  net::Resolver resolver_{loop_};
  support::ScriptedServer listener_{loop_};
  StateTable states_;
  Registry registry_{{.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = states_}};
};

TEST_F(RegistryTest, ListsTheUpstreamsInTheOrderOfTheConfig) {
  EXPECT_TRUE(registry_.current().empty());
  adopt({named("a"), named("b")});
  ASSERT_EQ(registry_.current().size(), 2u);
  EXPECT_EQ(registry_.current()[0]->config().name, "a");
  EXPECT_EQ(registry_.current()[1]->config().name, "b");
}

TEST_F(RegistryTest, KeepsWarmConnectionsOfWhatDidNotChange) {
  adopt({named("a"), named("b")});
  Upstream* b = registry_.current()[1];
  warm(*b);
  adopt({named("b"), named("c")});
  EXPECT_EQ(registry_.current()[0], b);
  EXPECT_EQ(connections(*b), 1u);
  EXPECT_NE(b->pick({}, {})->take_idle(), nullptr);
}

TEST_F(RegistryTest, EndsWhatNobodyNamesWhenItsLastRequestHasEnded) {
  adopt({named("a")});
  Upstream& old = *registry_.current()[0];
  warm(old);
  support::wait_until(loop_, [this] { return listener_.connections.size() == 1; });
  old.enter();
  adopt({});
  EXPECT_TRUE(registry_.current().empty());
  support::wait_until(loop_, [this] { return listener_.last().is_ended; });  // idle connections go at once
  registry_.sweep();
  EXPECT_EQ(old.config().name, "a");  // still there
  old.leave();
  registry_.sweep();
  adopt({named("a")});
  EXPECT_EQ(connections(*registry_.current()[0]), 0u);
}

// Somebody edits the config, reloads, and takes the edit back.
TEST_F(RegistryTest, KeepsWhatIsSelectedWhateverTheNewestSnapshotNames) {
  adopt({named("a"), named("b")});
  Upstream* a = registry_.current()[0];
  Upstream* b = registry_.current()[1];
  auto selected = std::make_unique<Selection>(registry_.select());
  adopt({named("b")});
  registry_.sweep();
  EXPECT_EQ(&selected->at(0), a);
  EXPECT_EQ(&selected->at(1), b);
  EXPECT_TRUE(a->is_in_use());
  selected.reset();
  EXPECT_FALSE(b->is_in_use());
  registry_.sweep();
  EXPECT_EQ(registry_.current().size(), 1u);
}

TEST_F(RegistryTest, KeepsConnectionsOfAnUpstreamThatComesBack) {
  adopt({named("a")});
  Upstream& upstream = *registry_.current()[0];
  upstream.enter();
  adopt({});
  adopt({named("a")});
  ASSERT_EQ(registry_.current()[0], &upstream);
  warm(upstream);
  EXPECT_EQ(connections(upstream), 1u);
  upstream.leave();
}

TEST_F(RegistryTest, ChangesNothingOnAnError) {
  adopt({named("a")});
  Upstream* a = registry_.current()[0];
  warm(*a);
  config::Upstream broken = named("broken");
  broken.servers[0].tls = true;
  broken.tls.ca = "/nonexistent/ca.pem";
  EXPECT_FALSE(registry_.adopt({named("b"), broken}).has_value());
  ASSERT_EQ(registry_.current().size(), 1u);
  EXPECT_EQ(registry_.current()[0], a);
  EXPECT_EQ(connections(*a), 1u);
}

// An authority or a client certificate that was renewed under its name.
TEST_F(RegistryTest, ReadsTlsFilesAnewWhenTheyHaveChanged) {
  const support::TemporaryDirectory directory;
  config::Upstream tls = named("tls");
  tls.servers[0].tls = true;
  tls.tls.ca = directory.write("ca.pem", support::make_authority("one").cert);
  adopt({tls});
  Upstream* before = registry_.current()[0];
  before->enter();
  adopt({tls});
  EXPECT_EQ(registry_.current()[0], before);
  directory.write("ca.pem", support::make_authority("another one").cert);
  adopt({tls});
  EXPECT_NE(registry_.current()[0], before);
  before->leave();
}

// A snapshot may come for another reason: a certificate of a site was renewed.
TEST_F(RegistryTest, GoesOnWithWhatItReadWhereTlsFilesAreBroken) {
  const support::TemporaryDirectory directory;
  config::Upstream tls = named("tls");
  tls.servers[0].tls = true;
  tls.tls.ca = directory.write("ca.pem", support::make_authority("one").cert);
  adopt({tls});
  Upstream* before = registry_.current()[0];
  directory.write("ca.pem", "broken");
  adopt({named("a"), tls});
  EXPECT_EQ(registry_.current()[1], before);
  config::Upstream other = tls;
  other.hold = 1s;
  EXPECT_FALSE(registry_.adopt({other}).has_value()) << "nothing was read for that one";
  directory.write("ca.pem", support::make_authority("another one").cert);
  adopt({tls});
  EXPECT_NE(registry_.current()[0], before);
}

// ---- what makes two upstreams alike ---------------------------------------------------------------------------------

config::Upstream rich_upstream() {
  config::Upstream upstream = support::make_upstream({config::Server{}, config::Server{}});
  upstream.servers[0].url = "http://10.0.0.6:8000";
  upstream.servers[0].host = "10.0.0.6";
  upstream.servers[0].port = 8000;
  return upstream;
}

TEST(Fingerprint, IsTheSameForTheSameConfigWhereverItStands) {
  config::Upstream other = rich_upstream();
  other.place = {.file = "b.yaml", .line = 7, .column = 3};
  other.servers[0].place = {.file = "b.yaml", .line = 8, .column = 3};
  EXPECT_EQ(fingerprint_of(rich_upstream()), fingerprint_of(other));
}

TEST(Fingerprint, DiffersInWhateverAnUpstreamDependsOn) {
  using Change = std::function<void(config::Upstream&)>;
  const std::vector<Change> changes = {
      [](auto& u) { u.name = "other"; },
      [](auto& u) { u.servers.pop_back(); },
      [](auto& u) { u.servers.emplace_back(); },
      [](auto& u) { u.servers[0].host = "10.0.0.7"; },
      [](auto& u) { u.servers[0].port = 8001; },
      [](auto& u) { u.servers[0].tls = true; },
      [](auto& u) { u.servers[0].is_unix = true; },
      [](auto& u) { u.allow_addresses.add(*base::Cidr::parse("127.0.0.0/8")); },
      [](auto& u) { u.servers[0].weight = 2; },
      [](auto& u) { u.servers[0].backup = true; },
      [](auto& u) { std::swap(u.servers[0], u.servers[1]); },
      [](auto& u) { u.balance.kind = config::BalanceKind::kHashHeader; },
      [](auto& u) { u.balance.header = "X"; },
      [](auto& u) { u.host_mode = config::HostMode::kUpstream; },
      [](auto& u) { u.host = "literal.test"; },
      [](auto& u) { u.tls.verify = false; },
      [](auto& u) { u.tls.sni = "a.test"; },
      [](auto& u) { u.tls.verify_name = "a.test"; },
      [](auto& u) { u.tls.ca = "ca.pem"; },
      [](auto& u) { u.tls.cert = "cert.pem"; },
      [](auto& u) { u.tls.key = "key.pem"; },
      [](auto& u) { u.http2 = true; },
      [](auto& u) { u.keepalive.max_idle = 1; },
      [](auto& u) { u.keepalive.idle = 1s; },
      [](auto& u) { u.max_connections = 1; },
      [](auto& u) { u.max_waiting = 1; },
      [](auto& u) { u.hold = 1s; },
      [](auto& u) { u.slow_start = 1s; },
      [](auto& u) { u.eject.reset(); },
      [](auto& u) { u.eject->failures = 1; },
      [](auto& u) { u.eject->duration = 1s; },
  };
  const std::string plain = fingerprint_of(rich_upstream());
  for (std::size_t i = 0; i < changes.size(); ++i) {
    config::Upstream changed = rich_upstream();
    changes[i](changed);
    EXPECT_NE(fingerprint_of(changed), plain) << "change " << i;
  }
}

}  // namespace
}  // namespace viaduct::upstream
