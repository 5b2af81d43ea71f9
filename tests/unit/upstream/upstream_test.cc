// SPDX-License-Identifier: Apache-2.0
#include "upstream/upstream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <vector>

#include "support/connect_outcome.h"
#include "support/scripted_server.h"
#include "support/temporary_directory.h"
#include "support/wait_until.h"

namespace viaduct::upstream {
namespace {

config::Server server_at(std::uint16_t port, bool backup = false) {
  config::Server server;
  server.host = "127.0.0.1";
  server.port = port;
  server.url = "http://127.0.0.1:" + std::to_string(port);
  server.backup = backup;
  return server;
}

class UpstreamTest : public testing::Test {
 protected:
  std::unique_ptr<Upstream> make(const config::Upstream& config) {
    auto made = Upstream::make(resources_, config);
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return std::move(*made);
  }
  // Picks until none is left, as letters; 'a' is the first server.
  static std::string pick_all(Upstream& upstream) {
    Upstream::ServerSet tried;
    std::string text;
    while (Server* server = upstream.pick(tried, {})) {
      const std::size_t index = upstream.index_of(*server);
      EXPECT_FALSE(tried[index]) << text;
      tried.set(index);
      text += static_cast<char>('a' + index);
    }
    return text;
  }

  support::ManualClock clock_;
  codec::H2Library h2_library_;
  net::Loop loop_{clock_};
  net::Resolver resolver_{loop_};
  StateTable states_;
  Resources resources_{.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = states_};
};

TEST_F(UpstreamTest, GoesRoundItsServers) {
  const auto upstream = make(support::make_upstream({server_at(1), server_at(2), server_at(3)}));
  std::string text;
  for (int i = 0; i < 6; ++i) text += static_cast<char>('a' + upstream->index_of(*upstream->pick({}, {})));
  EXPECT_EQ(text, "abcabc");
}

TEST_F(UpstreamTest, ChoosesByItsOwnPolicyOrByThatOfTheRoute) {
  config::Upstream config = support::make_upstream({server_at(1), server_at(2), server_at(3)});
  config.balance.kind = config::BalanceKind::kHashPath;
  const auto upstream = make(config);
  const auto picks = [&upstream](const PickBy& by) {
    std::string text;
    for (int i = 0; i < 3; ++i) text += static_cast<char>('a' + upstream->index_of(*upstream->pick({}, by)));
    return text;
  };
  const std::string same = picks({.key = "/path"});
  EXPECT_EQ(same, std::string(3, same[0]));
  EXPECT_EQ(picks({}), "abc");  // there is no key
  const config::Balance balance{.kind = config::BalanceKind::kRoundRobin, .header = {}};
  EXPECT_EQ(picks({.balance = &balance, .key = "/path"}), "abc");
  const config::Balance by_address{.kind = config::BalanceKind::kHashClientIp, .header = {}};
  EXPECT_EQ(picks({.balance = &by_address, .key = "/path"}), same);
}

TEST_F(UpstreamTest, AsksAnotherServerForAKeyWhoseServerWasTried) {
  config::Upstream config = support::make_upstream({server_at(1), server_at(2), server_at(3)});
  config.balance.kind = config::BalanceKind::kHashClientIp;
  const auto upstream = make(config);
  Upstream::ServerSet tried;
  std::string first;
  for (int round = 0; round < 2; ++round) {
    std::string order;
    for (tried.reset(); Server* server = upstream->pick(tried, {.key = "203.0.113.7"});) {
      tried.set(upstream->index_of(*server));
      order += static_cast<char>('a' + upstream->index_of(*server));
    }
    EXPECT_EQ(order.size(), 3u);
    if (round == 0) first = order;
    EXPECT_EQ(order, first);
  }
}

TEST_F(UpstreamTest, GivesAServerThatCameBackASmallShareThatGrows) {
  config::Upstream config = support::make_upstream({server_at(1), server_at(2)});
  config.servers[0].weight = 4;
  config.slow_start = std::chrono::seconds(20);
  const auto upstream = make(config);
  const auto share = [&upstream] {
    int picked = 0;
    for (int i = 0; i < 1000; ++i) picked += upstream->index_of(*upstream->pick({}, {})) == 0 ? 1 : 0;
    return picked;
  };
  EXPECT_EQ(share(), 800);
  upstream->server(0).state().recovered_at = clock_.mono_now().time_since_epoch().count();
  EXPECT_NEAR(share(), 1000 * 40 / 140, 2);
  support::pass_time(loop_, clock_, std::chrono::seconds(10));
  EXPECT_NEAR(share(), 1000 * 220 / 320, 2);
  support::pass_time(loop_, clock_, std::chrono::seconds(10));
  EXPECT_NEAR(share(), 800, 2);
}

TEST_F(UpstreamTest, GivesEveryServerToARequestOnceAndBackupsLast) {
  const auto upstream =
      make(support::make_upstream({server_at(1, true), server_at(2), server_at(3, true), server_at(4)}));
  for (int i = 0; i < 5; ++i) {
    std::string text = pick_all(*upstream);
    ASSERT_EQ(text.size(), 4u) << text;
    std::sort(text.begin(), text.begin() + 2);
    std::sort(text.begin() + 2, text.end());
    EXPECT_EQ(text, "bdac");
  }
}

TEST_F(UpstreamTest, SaysWhyItChoseAServer) {
  const auto why = [](Upstream& upstream, const Upstream::ServerSet& tried, const PickBy& by = {}) {
    EXPECT_NE(upstream.pick(tried, by), nullptr);
    return choice_name(upstream.choice());
  };
  const auto one = make(support::make_upstream({server_at(1)}));
  EXPECT_EQ(why(*one, {}), "only_server");
  const auto three = make(support::make_upstream({server_at(1), server_at(2), server_at(3, true)}));
  EXPECT_EQ(why(*three, {}), "round_robin");
  EXPECT_EQ(why(*three, 0b001), "last_left");
  EXPECT_EQ(why(*three, 0b011), "backup");
  const config::Balance hash{.kind = config::BalanceKind::kHashPath, .header = {}};
  EXPECT_EQ(why(*three, {}, {.balance = &hash, .key = "/path"}), "hash");
  EXPECT_EQ(why(*three, {}, {.balance = &hash}), "round_robin");  // there is no key
  const config::Balance least{.kind = config::BalanceKind::kLeastRequests, .header = {}};
  EXPECT_EQ(why(*three, {}, {.balance = &least}), "least_requests");
}

TEST_F(UpstreamTest, TakesBackupsWhereThereIsNothingElse) {
  const auto upstream = make(support::make_upstream({server_at(1, true)}));
  EXPECT_EQ(pick_all(*upstream), "a");
}

TEST_F(UpstreamTest, HoldsAsManyServersAsTheConfigAllows) {
  std::vector<config::Server> servers;
  for (std::size_t i = 0; i < Upstream::kServersMax; ++i)
    servers.push_back(server_at(static_cast<std::uint16_t>(i + 1)));
  const auto upstream = make(support::make_upstream(servers));
  EXPECT_EQ(pick_all(*upstream).size(), Upstream::kServersMax);
}

TEST_F(UpstreamTest, KeepsItsOwnCopyOfTheConfig) {
  auto config = std::make_unique<config::Upstream>(support::make_upstream({server_at(1)}));
  const auto upstream = make(*config);
  config.reset();
  EXPECT_EQ(upstream->config().name, "app");
  EXPECT_EQ(upstream->pick({}, {})->name(), "127.0.0.1:1");
}

TEST_F(UpstreamTest, NamesTheFileThatItCannotRead) {
  const support::TemporaryDirectory directory;
  config::Upstream config = support::make_upstream({server_at(1)});
  config.tls.ca = directory / "none.pem";
  make(config);  // no server speaks TLS: nobody reads it
  config.servers[0].tls = true;
  const auto made = Upstream::make(resources_, config);
  ASSERT_FALSE(made.has_value());
  EXPECT_TRUE(made.error().message.starts_with("upstream app: ")) << made.error().message;
  EXPECT_NE(made.error().message.find("none.pem"), std::string::npos) << made.error().message;
}

TEST_F(UpstreamTest, SpeaksTlsWithTheServersThatDo) {
  config::Upstream config = support::make_upstream({server_at(1), server_at(2)});
  config.servers[1].tls = true;
  const auto upstream = make(config);
  EXPECT_FALSE(upstream->pick({}, {})->is_tls());
  EXPECT_TRUE(upstream->pick({}, {})->is_tls());
}

TEST_F(UpstreamTest, ConnectsToTheServerThatWasPicked) {
  support::ScriptedServer listener(loop_);
  const auto upstream = make(support::make_upstream({listener.config()}));
  support::ConnectOutcome outcome;
  ASSERT_TRUE(upstream->connect(*upstream->pick({}, {}), outcome, std::chrono::seconds(2)));
  EXPECT_EQ(outcome.events, 0);
  support::wait_until(loop_, [&] { return outcome.events > 0; });
  ASSERT_NE(outcome.connection, nullptr);
  outcome.connection->server().give_back(*outcome.connection);
  upstream->retire_pools();
  EXPECT_EQ(upstream->pick({}, {})->connections(), 0u);
}

// ---- several who wait for one connection ----------------------------------------------------------------------------

class UpstreamJoinTest : public UpstreamTest {
 protected:
  // Begins connections with these limits at once; how many the server gets.
  std::size_t connect(bool http2, const std::vector<std::optional<base::Duration>>& limits) {
    support::ScriptedServer listener(loop_);
    config::Upstream config = support::make_upstream({listener.config()});
    config.http2 = http2;
    const auto upstream = make(config);
    Server& server = *upstream->pick({}, {});
    std::deque<support::ConnectOutcome> outcomes(limits.size());
    for (std::size_t i = 0; i < limits.size(); ++i) EXPECT_TRUE(upstream->connect(server, outcomes[i], limits[i]));
    support::wait_until(
        loop_, [&] { return std::ranges::all_of(outcomes, [](const auto& outcome) { return outcome.events == 1; }); });
    support::settle(loop_);
    for (const support::ConnectOutcome& outcome : outcomes) EXPECT_NE(outcome.connection, nullptr);
    EXPECT_EQ(server.joinable(), nullptr);
    return server.connections();
  }
};

TEST_F(UpstreamJoinTest, LetsRequestsOverHttp2WaitTogether) {
  EXPECT_EQ(connect(true, {std::chrono::seconds(2), std::chrono::seconds(2), std::chrono::seconds(2)}), 1u);
  EXPECT_EQ(connect(true, {std::nullopt, std::nullopt}), 1u);
}

TEST_F(UpstreamJoinTest, GivesRequestsOverHttp1EachAConnection) {
  EXPECT_EQ(connect(false, {std::chrono::seconds(2), std::chrono::seconds(2)}), 2u);
}

// Or one would have to give up before the other.
TEST_F(UpstreamJoinTest, LetsThoseWaitTogetherWhoWaitAsLong) {
  const auto two = std::chrono::seconds(2);
  const auto three = std::chrono::seconds(3);
  EXPECT_EQ(connect(true, {two, three}), 2u);
  EXPECT_EQ(connect(true, {two, std::nullopt}), 2u);
  EXPECT_EQ(connect(true, {two, three, three, three}), 2u);
}

TEST_F(UpstreamJoinTest, HoldsHowManyWaitForOneConnection) {
  EXPECT_EQ(connect(true, std::vector<std::optional<base::Duration>>(Connector::kWaitersMax)), 1u);
  EXPECT_EQ(connect(true, std::vector<std::optional<base::Duration>>(Connector::kWaitersMax + 1)), 2u);
}

TEST_F(UpstreamTest, CountsTheRequestsThatUseIt) {
  const auto upstream = make(support::make_upstream({server_at(1)}));
  EXPECT_FALSE(upstream->is_in_use());
  upstream->enter();
  upstream->enter();
  upstream->leave();
  EXPECT_TRUE(upstream->is_in_use());
  upstream->leave();
  EXPECT_FALSE(upstream->is_in_use());
}

}  // namespace
}  // namespace viaduct::upstream
