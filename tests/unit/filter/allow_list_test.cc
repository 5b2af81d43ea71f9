// SPDX-License-Identifier: Apache-2.0
#include "filter/allow_list.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "support/exchange_scene.h"
#include "support/recording_action.h"

namespace viaduct::filter {
namespace {

class AllowListTest : public testing::Test {
 protected:
  void build(config::AllowMode mode, std::initializer_list<std::string_view> ranges) {
    config::Allow allow;
    allow.mode = mode;
    for (const std::string_view range : ranges) allow.addresses.add(*base::Cidr::parse(range));
    exchange::RoutePlan& plan = scene_.add_route();
    plan.filters.push_back(std::make_unique<AllowList>(allow));
    plan.action = std::make_unique<support::RecordingAction>(script_);
  }
  int status_from(std::string_view address) {
    scene_.client.peer = base::SocketAddress(*base::IpAddress::parse(address), 40000);
    return scene_.call({}).response.status;
  }

  support::ActionScript script_;
  support::ExchangeScene scene_;
};

TEST_F(AllowListTest, RefusesWhoIsNotListed) {
  build(config::AllowMode::kEnforce, {"101.226.103.0/25", "192.0.2.7", "2001:db8::/64"});
  struct Row {
    std::string_view address;
    int status;
  };
  for (const Row& row : {Row{"101.226.103.0", 200}, Row{"101.226.103.127", 200}, Row{"101.226.103.128", 403},
                         Row{"101.226.102.255", 403}, Row{"192.0.2.7", 200}, Row{"192.0.2.8", 403},
                         Row{"2001:db8::ffff", 200}, Row{"2001:db8:0:1::", 403}, Row{"::ffff:192.0.2.7", 200}}) {
    EXPECT_EQ(status_from(row.address), row.status) << row.address;
  }
  EXPECT_EQ(script_.begun, 5);
}

TEST_F(AllowListTest, SaysWhyInTheLog) {
  build(config::AllowMode::kEnforce, {"10.0.0.0/8"});
  EXPECT_EQ(status_from("192.0.2.7"), 403);
  scene_.turn();
  EXPECT_EQ(scene_.log(), "403 address_not_allowed");
}

TEST_F(AllowListTest, AllowsNobodyWhenNobodyIsListed) {
  build(config::AllowMode::kEnforce, {});
  EXPECT_EQ(status_from("192.0.2.7"), 403);
}

TEST_F(AllowListTest, ReportsAndLetsPassWhereItOnlyReports) {
  const support::TemporaryDirectory directory;
  ASSERT_TRUE(base::log_open({.file = directory / "error.log"}).has_value());
  build(config::AllowMode::kReport, {"10.0.0.0/8"});
  EXPECT_EQ(status_from("192.0.2.7"), 200);
  EXPECT_EQ(status_from("10.1.2.3"), 200);
  base::log_flush();
  const std::string log = support::file_bytes(directory / "error.log");
  EXPECT_NE(log.find("address_not_listed route=all client_ip=192.0.2.7 request_id="), std::string::npos) << log;
  EXPECT_EQ(log.find("10.1.2.3"), std::string::npos) << log;
  ASSERT_TRUE(base::log_open({}).has_value());
}

// The address is the one behind proxies that are trusted; nobody else can choose it.
TEST_F(AllowListTest, LooksAtTheClientBehindTrustedProxies) {
  build(config::AllowMode::kEnforce, {"198.51.100.1"});
  scene_.site().trusted_proxies.add(*base::Cidr::parse("10.0.0.0/8"));
  const auto status = [this](std::string_view peer) {
    scene_.client.peer = base::SocketAddress(*base::IpAddress::parse(peer), 1);
    return scene_.call({.fields = {{"X-Forwarded-For", "198.51.100.1"}, {"X-Real-IP", "198.51.100.1"}}})
        .response.status;
  };
  EXPECT_EQ(status("10.0.0.1"), 200);
  EXPECT_EQ(status("192.0.2.7"), 403);
}

}  // namespace
}  // namespace viaduct::filter
