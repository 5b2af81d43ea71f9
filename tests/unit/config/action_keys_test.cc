// SPDX-License-Identifier: Apache-2.0
#include "config/action_keys.h"

#include <gtest/gtest.h>

#include "support/config_load.h"
#include "support/temporary_directory.h"

namespace viaduct::config {
namespace {

using namespace std::chrono_literals;
using support::route_of;

TEST(ProxyAction, NamesItsUpstream) {
  const Route route = route_of("      - { upstream: app }\n");
  EXPECT_EQ(std::get<ProxyAction>(route.action).upstream, "app");
}

TEST(StaticKeys, FillEveryMember) {
  const support::TemporaryDirectory directory;
  directory.write("www/index.html", "x");
  const auto config = support::config_of(support::with_routes("      - match: { prefix: /old/ }\n"
                                                              "        static:\n"
                                                              "          root: www\n"
                                                              "          index: [home.html, index.html]\n"
                                                              "          fallback: /index.html\n"
                                                              "          strip_prefix: /old\n"
                                                              "          expires: 30d\n"
                                                              "          immutable: true\n"),
                                         directory.path());
  const auto& action = std::get<StaticAction>(config->sites.front().routes.front().action);
  EXPECT_EQ(action.root, directory / "www");
  EXPECT_EQ(action.index, (std::vector<std::string>{"home.html", "index.html"}));
  EXPECT_EQ(action.fallback, "/index.html");
  EXPECT_EQ(action.strip_prefix, "/old");
  EXPECT_EQ(action.expires, 720h);
  EXPECT_TRUE(action.immutable);
}

TEST(StaticKeys, RefuseAnIndexThatIsNoFileName) {
  for (const char* name : {"/index.html", "a/b.html", "..", "\"\""}) {
    const std::string text = support::problems_of(
        support::with_routes(std::string("      - { static: { root: /, index: [") + name + "] } }\n"));
    EXPECT_TRUE(text.contains("is no file name")) << text;
  }
}

TEST(RedirectKeys, TakeTargetsWithVariables) {
  for (const char* target : {"https://www.example.com/x", "http://${host}${path}", "${scheme}://x.example.com", "/new",
                             "${path}/", "https://${HOME_NAME}/"}) {
    const Route route = route_of(std::string("      - redirect: { to: \"") + target + "\", status: 308 }\n");
    const auto& action = std::get<RedirectAction>(route.action);
    EXPECT_EQ(action.to, std::string_view(target).contains("HOME") ? "https://home.example.com/" : target);
    EXPECT_EQ(action.status, 308);
  }
  EXPECT_EQ(std::get<RedirectAction>(route_of("      - redirect: { to: /x }\n").action).status, 302);
}

TEST(RedirectKeys, RefuseTargetsThatLeadAnywhere) {
  for (const char* target :
       {"//evil.example.com", "www.example.com", "javascript:alert(1)", "", "https://a b", "/a\\nb"}) {
    const std::string text =
        support::problems_of(support::with_routes(std::string("      - redirect: { to: \"") + target + "\" }\n"));
    EXPECT_TRUE(text.contains("redirect.to: ")) << target << text;
  }
}

TEST(RedirectKeys, TakeTheStatusesOfARedirectAlone) {
  for (const char* status : {"301", "302", "303", "307", "308"}) {
    EXPECT_EQ(std::to_string(std::get<RedirectAction>(
                                 route_of(std::string("      - redirect: { to: /x, status: ") + status + " }\n").action)
                                 .status),
              status);
  }
  for (const char* status : {"200", "300", "304", "305", "306", "309", "404", "moved"}) {
    EXPECT_NE(support::problems_of(
                  support::with_routes(std::string("      - redirect: { to: /x, status: ") + status + " }\n")),
              "");
  }
}

TEST(RespondKeys, FillEveryMember) {
  const Route route = route_of("      - respond: { status: 503, body: \"{}\", content_type: application/json }\n");
  const auto& action = std::get<RespondAction>(route.action);
  EXPECT_EQ(action.status, 503);
  EXPECT_EQ(action.body, "{}");
  EXPECT_EQ(action.content_type, "application/json");
  EXPECT_EQ(std::get<RespondAction>(route_of("      - respond: {}\n").action).status, 200);
}

}  // namespace
}  // namespace viaduct::config
