// SPDX-License-Identifier: Apache-2.0
#include "config/resolve.h"

#include <gtest/gtest.h>

namespace viaduct::config {
namespace {

RouteDraft route(const std::string& name, const std::string& prefix) {
  RouteDraft draft;
  draft.name = name;
  if (!prefix.empty()) draft.match.prefix = {prefix};
  draft.chosen = RespondAction{};
  return draft;
}

ConfigDraft one_site(std::vector<RouteDraft> routes) {
  ConfigDraft draft;
  draft.sites.emplace_back().drafts = std::move(routes);
  return draft;
}

TEST(CompleteRoutes, NamesRoutesAfterTheirPaths) {
  const struct {
    const char* path;
    const char* name;
  } rows[] = {{"/", "root"}, {"/api/v1/", "api-v1"}, {"/支付/", "root"}, {"/a_b.c", "a_b.c"}, {"//x", "x"}};
  for (const auto& row : rows) {
    ConfigDraft draft = one_site({route("", row.path)});
    complete_routes(draft);
    EXPECT_EQ(draft.sites[0].drafts[0].name, row.name) << row.path;
  }
  ConfigDraft draft = one_site({route("", "/" + std::string(100, 'x'))});
  complete_routes(draft);
  EXPECT_EQ(draft.sites[0].drafts[0].name, std::string(40, 'x'));
}

TEST(CompleteRoutes, MakesNamesUnlikeEachOtherAndThoseOfTheFile) {
  ConfigDraft draft = one_site({route("", "/api"), route("", "/api/"), route("api", "/x"), route("api-3", "/y")});
  complete_routes(draft);
  EXPECT_EQ(draft.sites[0].drafts[0].name, "api-2");
  EXPECT_EQ(draft.sites[0].drafts[1].name, "api-4");
}

TEST(CompleteRoutes, TakesEveryPathWhereNoneIsNamed) {
  ConfigDraft draft = one_site({route("", "")});
  complete_routes(draft);
  EXPECT_EQ(draft.sites[0].drafts[0].match.prefix, (std::vector<std::string>{"/"}));
  EXPECT_EQ(draft.sites[0].drafts[0].name, "root");
}

TEST(Resolve, KeepsEveryActionAndComesBackAsADraft) {
  ConfigDraft draft = one_site({route("a", "/a"), route("b", "/b"), route("c", "/c"), route("d", "/d")});
  draft.sites[0].drafts[0].chosen = ProxyAction{.upstream = "app"};
  draft.sites[0].drafts[1].chosen.emplace<StaticAction>().root = "/var/www";
  draft.sites[0].drafts[2].chosen = RedirectAction{.to = "/x"};
  draft.sites[0].hosts = {"a.example.com"};
  draft.logs.access.file = "access.log";
  draft.upstreams.emplace_back().name = "app";
  const auto config = resolve(draft);
  ASSERT_EQ(config->sites.size(), 1U);
  ASSERT_EQ(config->sites[0].routes.size(), 4U);
  EXPECT_EQ(std::get<ProxyAction>(config->sites[0].routes[0].action).upstream, "app");
  EXPECT_EQ(std::get<StaticAction>(config->sites[0].routes[1].action).root, "/var/www");
  EXPECT_EQ(std::get<RedirectAction>(config->sites[0].routes[2].action).to, "/x");
  EXPECT_TRUE(std::holds_alternative<RespondAction>(config->sites[0].routes[3].action));
  EXPECT_EQ(config->sites[0].hosts[0], "a.example.com");
  EXPECT_EQ(config->access_log.file, "access.log");
  EXPECT_EQ(config->upstreams[0].name, "app");
  const ConfigDraft back = to_draft(*config);
  EXPECT_EQ(std::get<StaticAction>(back.sites[0].drafts[1].chosen).root, "/var/www");
  EXPECT_EQ(back.sites[0].drafts[3].name, "d");
  EXPECT_EQ(back.logs.access.file, "access.log");
}

TEST(Resolve, LeavesInheritedWebsocketsToRoutesThatAreNoCallbacks) {
  ConfigDraft draft = one_site({route("a", "/a"), route("b", "/b")});
  for (RouteDraft& each : draft.sites[0].drafts) each.websocket = true;
  draft.sites[0].drafts[0].callback = CallbackProvider::kGeneric;
  const auto config = resolve(draft);
  EXPECT_FALSE(config->sites[0].routes[0].websocket);
  EXPECT_TRUE(config->sites[0].routes[1].websocket);
}

TEST(Resolve, GivesSitesWhatAllListenersAskOfClients) {
  ConfigDraft draft = one_site({route("a", "/a")});
  draft.sites.push_back(draft.sites[0]);
  draft.tls.client_ca = "/all.pem";
  draft.tls.client_auth = ClientAuth::kOptional;
  draft.sites[1].certificates = {{}, {.cert = {}, .key = {}, .ocsp = {}, .client_ca = "/own.pem", .place = {}}};
  const auto config = resolve(draft);
  EXPECT_EQ(config->sites[0].client_ca, "/all.pem");
  EXPECT_EQ(config->sites[0].client_auth, ClientAuth::kOptional);
  EXPECT_EQ(config->sites[1].client_ca, "/own.pem");
  EXPECT_EQ(config->sites[1].client_auth, ClientAuth::kRequire);
}

TEST(Resolve, WritesHstsOnce) {
  ConfigDraft draft = one_site({route("a", "/a")});
  draft.sites[0].hsts = Hsts{};
  EXPECT_EQ(resolve(draft)->sites[0].hsts->text, "max-age=31536000");
  draft.sites[0].hsts = Hsts{.max_age = {}, .include_subdomains = true, .preload = true, .text = {}};
  EXPECT_EQ(resolve(draft)->sites[0].hsts->text, "max-age=0; includeSubDomains; preload");
}

// A draft with errors, whose parts are looked at all the same.
TEST(Resolve, GivesARouteWithoutActionOne) {
  ConfigDraft draft = one_site({RouteDraft()});
  EXPECT_TRUE(std::holds_alternative<RespondAction>(resolve(draft)->sites[0].routes[0].action));
}

}  // namespace
}  // namespace viaduct::config
