// SPDX-License-Identifier: Apache-2.0
#include "filter/forwarded.h"

#include <gtest/gtest.h>

#include "support/exchange_scene.h"
#include "support/recording_action.h"

namespace viaduct::filter {
namespace {

using config::ForwardedMode;
using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

class ForwardedTest : public testing::Test {
 protected:
  void build(ForwardedMode mode) {
    exchange::RoutePlan& plan = scene_.add_route();
    plan.filters.push_back(std::make_unique<Forwarded>(mode));
    plan.action = std::make_unique<support::RecordingAction>(script_);
  }
  void trust(std::string_view range) { scene_.site().trusted_proxies.add(*base::Cidr::parse(range)); }
  // What the upstream would get, one text for all of ours.
  std::string forwarded(const Fields& fields) {
    scene_.call({.fields = fields});
    std::string text;
    for (const std::string_view name :
         {"X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "Forwarded"}) {
      text += (text.empty() ? "" : "; ") + script_.field(name);
    }
    return text;
  }

  support::ActionScript script_;
  support::ExchangeScene scene_;
};

constexpr std::string_view kDirect = "192.0.2.7; 192.0.2.7; http; host.test; 80; (none)";

TEST_F(ForwardedTest, TellsWhoAskedFromTheConnectionItself) {
  build(ForwardedMode::kReplace);
  EXPECT_EQ(forwarded({}), kDirect);
  net::TlsInfo tls;
  scene_.client.tls = &tls;
  scene_.client.local = base::SocketAddress(*base::IpAddress::parse("2001:db8::2"), 8443);
  scene_.client.peer = base::SocketAddress(*base::IpAddress::parse("2001:db8::1"), 5);
  scene_.call({.authority = "host.test:8443"});
  EXPECT_EQ(script_.field("X-Real-IP"), "2001:db8::1");
  EXPECT_EQ(script_.field("X-Forwarded-For"), "2001:db8::1");
  EXPECT_EQ(script_.field("X-Forwarded-Proto"), "https");
  EXPECT_EQ(script_.field("X-Forwarded-Host"), "host.test:8443");
  EXPECT_EQ(script_.field("X-Forwarded-Port"), "8443");
}

TEST_F(ForwardedTest, DropsWhatAClientSaysOfItself) {
  build(ForwardedMode::kReplace);
  EXPECT_EQ(forwarded({{"X-Real-IP", "1.1.1.1"},
                       {"x-forwarded-for", "1.1.1.1"},
                       {"X-Forwarded-For", "2.2.2.2"},
                       {"X-Forwarded-Proto", "https"},
                       {"X-FORWARDED-HOST", "evil.test"},
                       {"X-Forwarded-Port", "443"},
                       {"Forwarded", "for=1.1.1.1;proto=https"}}),
            kDirect);
}

// Servers that turn names into environment variables cannot tell these from ours (CGI, WSGI).
TEST_F(ForwardedTest, DropsImitationsWithUnderscores) {
  build(ForwardedMode::kReplace);
  const Fields imitations = {{"X_Real_IP", "1.1.1.1"},       {"X-Real_IP", "1.1.1.1"},
                             {"X_Forwarded_For", "1.1.1.1"}, {"x_forwarded-for", "1.1.1.1"},
                             {"X_FORWARDED_PROTO", "https"}, {"X-Forwarded_Host", "evil.test"},
                             {"X_Forwarded-Port", "443"}};
  EXPECT_EQ(forwarded(imitations), kDirect);
  for (const auto& [name, value] : imitations) EXPECT_EQ(script_.field(name), "(none)") << name;
}

TEST_F(ForwardedTest, KeepsOtherNamesWithUnderscores) {
  build(ForwardedMode::kReplace);
  scene_.call({.fields = {{"X_User_ID", "7"}, {"X_Forwarded", "1"}, {"Y_Forwarded_For_The_Long_Run", "2"}}});
  EXPECT_EQ(script_.field("X_User_ID"), "7");
  EXPECT_EQ(script_.field("X_Forwarded"), "1");
  EXPECT_EQ(script_.field("Y_Forwarded_For_The_Long_Run"), "2");
}

// Frameworks build addresses of pages from one, and take users from another.
const Fields kFamily = {{"X-Forwarded-Prefix", "/evil"}, {"x-forwarded-user", "root"}, {"X_FORWARDED-Ssl", "on"}};

TEST_F(ForwardedTest, DropsTheWholeFamily) {
  build(ForwardedMode::kReplace);
  EXPECT_EQ(forwarded(kFamily), kDirect);
  for (const auto& [name, value] : kFamily) EXPECT_EQ(script_.field(name), "(none)") << name;
}

TEST_F(ForwardedTest, KeepsTheFamilyOfThoseWhoAreBelieved) {
  build(ForwardedMode::kReplace);
  trust("192.0.2.0/24");
  forwarded(kFamily);
  for (const auto& [name, value] : kFamily) EXPECT_EQ(script_.field(name), value) << name;
}

TEST_F(ForwardedTest, KeepsTheFamilyWhereTheConfigSaysSo) {
  build(ForwardedMode::kAppend);
  forwarded(kFamily);
  for (const auto& [name, value] : kFamily) EXPECT_EQ(script_.field(name), value) << name;
}

TEST_F(ForwardedTest, BelievesATrustedProxyAndNamesTheClientBehindIt) {
  build(ForwardedMode::kReplace);
  trust("192.0.2.0/24");
  EXPECT_EQ(forwarded({{"X-Forwarded-For", "1.1.1.1, 198.51.100.1"},
                       {"X-Real-IP", "1.1.1.1"},
                       {"X-Forwarded-Proto", "https"},
                       {"X-Forwarded-Host", "public.test"},
                       {"X-Forwarded-Port", "443"},
                       {"Forwarded", "for=198.51.100.1"}}),
            "198.51.100.1; 1.1.1.1, 198.51.100.1, 192.0.2.7; https; public.test; 443; for=198.51.100.1");
}

TEST_F(ForwardedTest, FillsInWhatATrustedProxyLeavesOut) {
  build(ForwardedMode::kReplace);
  trust("192.0.2.0/24");
  EXPECT_EQ(forwarded({}), kDirect);
  EXPECT_EQ(forwarded({{"X-Forwarded-For", ""}, {"X-Forwarded-Proto", ""}}), kDirect);
}

// Where only one can be meant, the proxy has put its own line behind that of its client.
TEST_F(ForwardedTest, JoinsSeveralLinesIntoOne) {
  build(ForwardedMode::kReplace);
  trust("192.0.2.0/24");
  EXPECT_EQ(forwarded({{"X-Forwarded-For", "1.1.1.1"},
                       {"X-Forwarded-For", "198.51.100.1"},
                       {"X-Forwarded-Proto", "http"},
                       {"X-Forwarded-Proto", "https"}}),
            "198.51.100.1; 1.1.1.1, 198.51.100.1, 192.0.2.7; https; host.test; 80; (none)");
}

// The list goes on; who the client is, and all else, stays what the connection says.
TEST_F(ForwardedTest, AppendsForEverybodyWhereTheConfigSaysSo) {
  build(ForwardedMode::kAppend);
  EXPECT_EQ(forwarded({{"X-Forwarded-For", "1.1.1.1"},
                       {"X-Real-IP", "1.1.1.1"},
                       {"X-Forwarded-Proto", "https"},
                       {"X-Forwarded-Host", "evil.test"}}),
            "192.0.2.7; 1.1.1.1, 192.0.2.7; http; host.test; 80; (none)");
  EXPECT_EQ(forwarded({}), kDirect);
}

TEST_F(ForwardedTest, TouchesNothingWhenItIsOff) {
  build(ForwardedMode::kOff);
  EXPECT_EQ(forwarded({}), "(none); (none); (none); (none); (none); (none)");
  EXPECT_EQ(forwarded({{"X-Forwarded-For", "1.1.1.1"}, {"X-Forwarded-Host", "a.test"}, {"Forwarded", "for=x"}}),
            "(none); 1.1.1.1; (none); a.test; (none); for=x");
}

}  // namespace
}  // namespace viaduct::filter
