// SPDX-License-Identifier: Apache-2.0
#include "config/route_keys.h"

#include <gtest/gtest.h>

#include "support/config_load.h"

namespace viaduct::config {
namespace {

using namespace std::chrono_literals;
using support::config_of;
using support::route_of;

TEST(MatchKeys, FillEveryMember) {
  const Route route = route_of(
      "      - name: all\n"
      "        match:\n"
      "          exact: /a\n"
      "          prefix: [/b/, /支付/]\n"
      "          regex: \"^/c[0-9]$\"\n"
      "          methods: [GET, POST]\n"
      "          headers: { X-Version: 2 }\n"
      "          query: { mode: \"beta\", empty: \"\" }\n"
      "        upstream: app\n");
  EXPECT_EQ(route.name, "all");
  EXPECT_EQ(route.match.exact, (std::vector<std::string>{"/a"}));
  EXPECT_EQ(route.match.prefix, (std::vector<std::string>{"/b/", "/支付/"}));
  EXPECT_EQ(route.match.regex, (std::vector<std::string>{"^/c[0-9]$"}));
  EXPECT_EQ(route.match.methods, (std::vector<std::string>{"GET", "POST"}));
  EXPECT_EQ(route.match.headers.at("X-Version"), "2");
  EXPECT_EQ(route.match.query.at("mode"), "beta");
  EXPECT_EQ(route.match.query.at("empty"), "");
  EXPECT_EQ(route.place.line, 8);
}

TEST(RouteKeys, FillEveryMember) {
  const Route route = route_of(
      "      - upstream: app\n"
      "        timeouts: { connect: 1s, send: 2s, read: null, total: 4s }\n"
      "        body_limit: null\n"
      "        retry: { attempts: 3, budget: 20% }\n"
      "        balance: \"hash client_ip\"\n"
      "        forwarded: off\n"
      "        websocket: true\n"
      "        websocket_idle: 2h\n");
  EXPECT_EQ(route.timeouts.connect, 1s);
  EXPECT_EQ(route.timeouts.send, 2s);
  EXPECT_EQ(route.timeouts.read, std::nullopt);
  EXPECT_EQ(route.timeouts.total, 4s);
  EXPECT_EQ(route.body_limit, std::nullopt);
  EXPECT_EQ(route.retry.attempts, 3U);
  EXPECT_EQ(route.retry.budget_percent, 20U);
  ASSERT_TRUE(route.balance.has_value());
  EXPECT_EQ(route.balance->kind, BalanceKind::kHashClientIp);
  EXPECT_EQ(route.forwarded, ForwardedMode::kOff);
  EXPECT_TRUE(route.websocket);
  EXPECT_EQ(route.websocket_idle, 2h);
}

TEST(RouteKeys, InheritFromDefaultsAndSiteKeyByKey) {
  const auto config = config_of(
      "listeners: [{ address: \":80\" }]\n"
      "sites:\n"  // before defaults: the order of the file makes no difference
      "  - routes:\n"
      "      - { match: { prefix: /a }, upstream: app, timeouts: { read: 3s } }\n"
      "      - { match: { prefix: /b }, cors: null }\n"
      "    hosts: [a.example.com]\n"
      "    upstream: web\n"
      "    timeouts: { send: 2s }\n"
      "    cors: { allow_origins: \"https://a.example.com\" }\n"
      "upstreams: { app: { servers: \"http://a.example.com\" }, web: { servers: \"http://b.example.com\" } }\n"
      "defaults: { timeouts: { connect: 1s }, body_limit: 1k, cors: { allow_origins: \"*\", max_age: 5m } }\n");
  ASSERT_EQ(config->sites.size(), 1U);
  ASSERT_EQ(config->sites[0].routes.size(), 2U);
  const Route& first = config->sites[0].routes[0];
  EXPECT_EQ(std::get<ProxyAction>(first.action).upstream, "app");
  EXPECT_EQ(first.timeouts.connect, 1s);
  EXPECT_EQ(first.timeouts.send, 2s);
  EXPECT_EQ(first.timeouts.read, 3s);
  EXPECT_EQ(first.body_limit, 1024U);
  ASSERT_TRUE(first.cors.has_value());
  EXPECT_EQ(first.cors->allow_origins, (std::vector<std::string>{"https://a.example.com"}));
  EXPECT_EQ(first.cors->max_age, 5min);
  const Route& second = config->sites[0].routes[1];
  EXPECT_EQ(std::get<ProxyAction>(second.action).upstream, "web");
  EXPECT_FALSE(second.cors.has_value());
}

TEST(RouteKeys, PutAnOwnActionInThePlaceOfAnInheritedOne) {
  const auto config = config_of(
      "listeners: [{ address: \":80\" }]\n"
      "defaults: { respond: { status: 503, body: down } }\n"
      "sites:\n"
      "  - default: true\n"
      "    routes:\n"
      "      - { match: { prefix: / }, redirect: { to: /x } }\n"
      "      - { match: { prefix: /y }, respond: { body: other } }\n");
  EXPECT_TRUE(std::holds_alternative<RedirectAction>(config->sites[0].routes[0].action));
  const auto& respond = std::get<RespondAction>(config->sites[0].routes[1].action);
  EXPECT_EQ(respond.status, 503);
  EXPECT_EQ(respond.body, "other");
}

TEST(RouteKeys, GiveCallbacksTheTimeoutsOfThePlatforms) {
  const auto config = config_of(
      "listeners: [{ address: \":80\" }]\n"
      "defaults: { timeouts: { connect: 2s, send: 60s, read: 60s } }\n"
      "upstreams: { app: { servers: \"http://a.example.com\" } }\n"
      "sites:\n"
      "  - default: true\n"
      "    upstream: app\n"
      "    routes:\n"
      "      - { match: { exact: /a }, callback: wechat_pay_v3 }\n"
      "      - { match: { exact: /b }, timeouts: { connect: 500ms }, callback: alipay }\n"
      "      - { match: { exact: /c } }\n"
      "  - hosts: [pay.example.com]\n"
      "    timeouts: { total: 3s }\n"
      "    callback: generic\n"
      "    upstream: app\n"
      "    routes: [{ match: { exact: /d } }, { match: { exact: /e }, callback: null }]\n");
  const std::vector<Route>& routes = config->sites[0].routes;
  EXPECT_EQ(routes[0].callback, CallbackProvider::kWechatPayV3);
  EXPECT_EQ(routes[0].timeouts.connect, 1s);
  EXPECT_EQ(routes[0].timeouts.total, 4500ms);
  EXPECT_EQ(routes[0].timeouts.read, 60s);
  EXPECT_EQ(routes[1].timeouts.connect, 500ms);  // its own, whatever stands first
  EXPECT_EQ(routes[1].timeouts.total, 4500ms);
  EXPECT_EQ(routes[2].timeouts.connect, 2s);
  EXPECT_EQ(routes[2].timeouts.total, std::nullopt);
  const Route& inherited = config->sites[1].routes[0];
  EXPECT_EQ(inherited.callback, CallbackProvider::kGeneric);
  EXPECT_EQ(inherited.timeouts.total, 3s);
  EXPECT_EQ(inherited.timeouts.connect, 1s);
  EXPECT_EQ(config->sites[1].routes[1].callback, CallbackProvider::kNone);
}

// What is inherited was written for pages; a platform waits no longer for it, and a stricter operator is obeyed.
TEST(RouteKeys, LetCallbacksInheritTimeoutsOnlyWhereTheyAreStricter) {
  const auto config = config_of(
      "listeners: [{ address: \":80\" }]\n"
      "upstreams: { app: { servers: \"http://a.example.com\" } }\n"
      "sites:\n"
      "  - hosts: [a.example.com]\n"
      "    timeouts: { connect: 500ms, total: 3s }\n"
      "    routes: [{ callback: generic, upstream: app }]\n"
      "  - hosts: [b.example.com]\n"
      "    timeouts: { connect: null, total: 1m, read: 7s }\n"
      "    routes: [{ callback: generic, upstream: app }]\n"
      "  - hosts: [c.example.com]\n"
      "    timeouts: { connect: 500ms, total: 3s }\n"
      "    routes: [{ callback: generic, upstream: app, timeouts: { connect: 2s, total: 4s } }]\n");
  EXPECT_EQ(config->sites[0].routes[0].timeouts.connect, 500ms);
  EXPECT_EQ(config->sites[0].routes[0].timeouts.total, 3s);
  EXPECT_EQ(config->sites[1].routes[0].timeouts.connect, 1s);
  EXPECT_EQ(config->sites[1].routes[0].timeouts.total, 4500ms);
  EXPECT_EQ(config->sites[1].routes[0].timeouts.read, 7s);
  EXPECT_EQ(config->sites[2].routes[0].timeouts.connect, 2s);
  EXPECT_EQ(config->sites[2].routes[0].timeouts.total, 4s);
}

TEST(RouteKeys, KnowEveryProvider) {
  const struct {
    const char* word;
    CallbackProvider provider;
  } rows[] = {{"wechat_pay_v3", CallbackProvider::kWechatPayV3},
              {"wechat_pay_v2", CallbackProvider::kWechatPayV2},
              {"wechat_push", CallbackProvider::kWechatPush},
              {"alipay", CallbackProvider::kAlipay},
              {"generic", CallbackProvider::kGeneric}};
  for (const auto& row : rows) {
    EXPECT_EQ(
        route_of(std::string("      - { match: { exact: /x }, upstream: app, callback: ") + row.word + " }\n").callback,
        row.provider);
  }
}

TEST(RouteKeys, DoNotInheritNameAndMatch) {
  EXPECT_TRUE(support::problems_of(support::with_top("defaults: { match: { prefix: /x }, name: x }\n"))
                  .contains("defaults.match: unknown key"));
}

}  // namespace
}  // namespace viaduct::config
