// SPDX-License-Identifier: Apache-2.0
// Refusals with their whole messages are in load_broken_routes_test.cc; here it is what passes, and where a rule ends.
#include "config/callback_rules.h"

#include <gtest/gtest.h>

#include "support/config_load.h"
#include "support/temporary_directory.h"

namespace viaduct::config {
namespace {

// What is told about a callback route with these keys.
std::string problems_of_callback(const std::string& keys, const std::string& site = "default: true") {
  const LoadResult result = support::load_config(
      "listeners: [{ address: \":80\" }]\n"
      "upstreams: { app: { servers: \"http://a.example.com\" } }\n"
      "sites: [{ " +
      site + ", routes: [{ match: { exact: /pay }, callback: wechat_pay_v2, " + keys + " }] }]\n");
  std::string text;
  for (const Problem& problem : result.problems) {
    text += (problem.severity == Severity::kWarning ? "warning: " : "") + problem.key + ": " + problem.message + "\n";
  }
  return text;
}

TEST(CallbackRules, LetAPlainProxyRoutePass) {
  EXPECT_EQ(problems_of_callback("upstream: app"), "");
  EXPECT_EQ(problems_of_callback("upstream: app, body_limit: 1m, headers: { request: { set: { X-A: b } } }"), "");
  EXPECT_EQ(problems_of_callback("upstream: app, allow: { addresses: \"::1\", mode: report }"), "");
}

TEST(CallbackRules, RefuseEveryOtherAction) {
  for (const char* action : {"static: { root: / }", "redirect: { to: /x }", "respond: {}"}) {
    EXPECT_TRUE(problems_of_callback(action).contains("a callback route takes the answer of its upstream alone"))
        << action;
  }
  EXPECT_TRUE(problems_of_callback("forwarded: replace", "default: true, redirect: { to: /x }")
                  .contains("not redirect, which it inherits from line 3; write upstream: NAME"));
}

TEST(CallbackRules, RefuseFiltersWrittenOrInherited) {
  const support::TemporaryDirectory directory;
  const std::string users =
      directory.write("users", "anna:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n");
  for (const std::string& filter :
       {std::string("cors: { allow_origins: \"*\" }"), std::string("rewrite: { strip_prefix: /pay }"),
        std::string("rate_limit: { rate: 1/s }"), "basic_auth: { realm: x, file: " + users + " }"}) {
    EXPECT_TRUE(problems_of_callback("upstream: app, " + filter).contains("delete it")) << filter;
    EXPECT_TRUE(problems_of_callback("upstream: app", "default: true, " + filter).contains("null here")) << filter;
    const std::string key = filter.substr(0, filter.find(':'));
    EXPECT_EQ(problems_of_callback("upstream: app, " + key + ": null", "default: true, " + filter), "") << filter;
  }
}

TEST(CallbackRules, RefuseWebsocketWhereItIsWritten) {
  EXPECT_EQ(problems_of_callback("upstream: app, websocket: true"),
            "sites[0].routes[0].websocket: a callback route has no websocket: no platform speaks it; delete it\n");
  EXPECT_EQ(problems_of_callback("upstream: app, websocket: false"), "");
  EXPECT_EQ(problems_of_callback("upstream: app", "default: true, websocket: true"), "");
}

TEST(CallbackRules, KeepTimeoutsWithinThePlatformsPatience) {
  EXPECT_EQ(problems_of_callback("upstream: app, timeouts: { total: 4999ms }"), "");
  EXPECT_EQ(
      problems_of_callback("upstream: app, timeouts: { total: 5s }"),
      "warning: sites[0].routes[0].timeouts.total: the platform hangs up after 5s, but timeouts.total is 5s; write "
      "at most 4500ms\n");
  EXPECT_EQ(problems_of_callback("upstream: app, timeouts: { total: 5001ms }"),
            "sites[0].routes[0].timeouts.total: the platform hangs up after 5s, but timeouts.total is 5001ms; write at "
            "most 4500ms\n");
  EXPECT_EQ(problems_of_callback("upstream: app, timeouts: { total: null }"),
            "sites[0].routes[0].timeouts.total: the platform hangs up after 5s, but timeouts.total is off; write at "
            "most 4500ms\n");
  // Inherited, it is for other routes.
  EXPECT_EQ(problems_of_callback("upstream: app", "default: true, timeouts: { total: 1m }"), "");
  EXPECT_EQ(problems_of_callback("upstream: app", "default: true, timeouts: { total: null }"), "");
}

TEST(CallbackRules, WarnOfAddressListsThatRefuseWhereNobodyKnows) {
  EXPECT_EQ(
      problems_of_callback("upstream: app, allow: { addresses: \"::1\", mode: enforce }"),
      "warning: sites[0].routes[0].allow: the platforms call from addresses that are in no list, too, and enforce "
      "refuses their payments; write mode: report, or i_know: true beside it\n");
  EXPECT_EQ(problems_of_callback("upstream: app, allow: { addresses: \"::1\", mode: enforce, i_know: true }"), "");
  EXPECT_EQ(problems_of_callback("upstream: app, allow: { addresses: \"::1\", mode: report, i_know: true }"), "");
  EXPECT_TRUE(problems_of_callback("upstream: app", "default: true, allow: { addresses: \"::1\" }")
                  .starts_with("warning: sites[0].allow: the platforms call from"));
  EXPECT_EQ(problems_of_callback("upstream: app, allow: null", "default: true, allow: { addresses: \"::1\" }"), "");
}

}  // namespace
}  // namespace viaduct::config
