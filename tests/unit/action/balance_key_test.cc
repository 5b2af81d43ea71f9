// SPDX-License-Identifier: Apache-2.0
#include "action/balance_key.h"

#include <gtest/gtest.h>

#include "support/exchange_scene.h"
#include "support/recording_action.h"

namespace viaduct::action {
namespace {

using config::BalanceKind;

class BalanceKeyTest : public testing::Test {
 protected:
  BalanceKeyTest() { script_.status = 0; }
  // What is chosen by for a request from `address`, with X-User and X-Empty.
  upstream::PickBy choose(std::string_view target = "/a/b?c=d", std::string_view address = "203.0.113.7") {
    scene_.client.peer = base::SocketAddress(*base::IpAddress::parse(address), 1);
    if (script_.begun == 0) scene_.add_route().action = std::make_unique<support::RecordingAction>(script_);
    scene_.call({.target = target, .fields = {{"x-user", "anna"}, {"X-User", "berta"}, {"X-Empty", ""}}});
    return choose_by(*script_.exchange, upstream_);
  }
  std::string key() { return std::string(choose().key); }

  config::Upstream upstream_;
  support::ActionScript script_;
  support::ExchangeScene scene_;
};

TEST_F(BalanceKeyTest, IsEmptyForPoliciesThatHashNothing) {
  for (const BalanceKind kind : {BalanceKind::kRoundRobin, BalanceKind::kLeastRequests}) {
    upstream_.balance.kind = kind;
    EXPECT_EQ(key(), "");
  }
}

TEST_F(BalanceKeyTest, IsTheAddressOfTheClient) {
  upstream_.balance.kind = BalanceKind::kHashClientIp;
  EXPECT_EQ(choose().key, std::string_view("\xcb\x00\x71\x07", 4));
  EXPECT_EQ(choose("/", "2001:db8::1").key.size(), 16u);
}

TEST_F(BalanceKeyTest, IsEmptyForAClientWithoutAnAddress) {
  upstream_.balance.kind = BalanceKind::kHashClientIp;
  EXPECT_EQ(choose("/", "0.0.0.0").key, "");
}

TEST_F(BalanceKeyTest, IsThePathWithoutTheQuery) {
  upstream_.balance.kind = BalanceKind::kHashPath;
  EXPECT_EQ(choose().key, "/a/b");
  EXPECT_EQ(choose("/x%20y").key, "/x%20y");
}

TEST_F(BalanceKeyTest, IsTheFirstFieldOfThatName) {
  upstream_.balance = {.kind = BalanceKind::kHashHeader, .header = "X-USER"};
  EXPECT_EQ(key(), "anna");
  upstream_.balance.header = "Host";
  EXPECT_EQ(key(), "host.test");
  upstream_.balance.header = "X-Empty";
  EXPECT_EQ(key(), "");
  upstream_.balance.header = "X-None";
  EXPECT_EQ(key(), "");
}

TEST_F(BalanceKeyTest, FollowsTheRouteBeforeTheUpstream) {
  scene_.add_route().action = std::make_unique<support::RecordingAction>(script_);
  scene_.site().routes.back().balance = config::Balance{.kind = BalanceKind::kHashPath, .header = {}};
  upstream_.balance.kind = BalanceKind::kHashClientIp;
  scene_.call({.target = "/p"});
  const upstream::PickBy by = choose_by(*script_.exchange, upstream_);
  EXPECT_EQ(by.balance->kind, BalanceKind::kHashPath);
  EXPECT_EQ(by.key, "/p");
}

}  // namespace
}  // namespace viaduct::action
