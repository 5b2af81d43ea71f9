// SPDX-License-Identifier: Apache-2.0
#include "route/router.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/routing.h"

namespace viaduct::route {
namespace {

using support::exact;
using support::make_route;
using support::make_site;
using support::prefix;
using support::regex;
using support::Scene;

config::Route static_route(std::string name, config::Match match) {
  config::Route route = make_route(std::move(name), std::move(match));
  route.action = config::StaticAction{};
  return route;
}

// The routes of the scene in the contract, and what it denies.
std::vector<config::Route> scene_routes() {
  config::Match payment = exact("/api/v1/payment/notify", {"POST"});
  payment.exact.emplace_back("/api/v1/payment/wechat/callback");
  std::vector<config::Route> routes = {
      make_route("payment-notify", payment),
      make_route("wechat-verify", exact("/api/v1/auth/wechat/verify", {"GET"})),
      make_route("wechat-push", exact("/api/v1/auth/wechat/verify", {"POST"})),
      make_route("api", prefix("/api/v1/")),
      static_route("assets", prefix("/static/")),
      static_route("pages", prefix("/")),
  };
  routes[0].callback = config::CallbackProvider::kWechatPayV3;
  routes[2].callback = config::CallbackProvider::kWechatPush;
  routes[3].cors = config::Cors{};
  return routes;
}

const std::vector<std::string> kSceneDeny = {"/api/v1/internal/", "/.git", "/.env"};

struct Row {
  std::string_view method;
  std::string_view target;
  std::string_view outcome;
};

void expect(Scene& scene, const std::vector<Row>& rows) {
  for (const Row& row : rows)
    EXPECT_EQ(scene.outcome(row.method, row.target), row.outcome) << row.method << ' ' << row.target;
}

TEST(Router, RoutesTheSceneOfTheContract) {
  Scene scene(scene_routes(), kSceneDeny);
  expect(scene, {{"POST", "/api/v1/payment/notify", "payment-notify"},
                 {"POST", "/api/v1/payment/notify?a=b", "payment-notify"},
                 {"POST", "/api/v1/payment/wechat/callback", "payment-notify"},
                 {"POST", "/api/v1/payment/%6eotify", "payment-notify"},
                 {"GET", "/api/v1/payment/notify", "api"},
                 {"POST", "/api/v1/payment/notifyFOO", "api"},
                 {"POST", "/api/v1/payment/notify/", "api"},
                 {"GET", "/api/v1/auth/wechat/verify?echostr=1", "wechat-verify"},
                 {"HEAD", "/api/v1/auth/wechat/verify", "wechat-verify"},
                 {"POST", "/api/v1/auth/wechat/verify?signature=x", "wechat-push"},
                 {"PUT", "/api/v1/auth/wechat/verify", "api"},
                 {"GET", "/api/v1/", "api"},
                 {"GET", "/api/v1", "pages"},
                 {"GET", "/static/app.js", "assets"},
                 {"GET", "/static/%E6%94%AF%E4%BB%98.png", "assets"},
                 {"GET", "/", "pages"},
                 {"GET", "/?a//b/../c", "pages"},
                 {"GET", "/MP_verify_x.txt", "pages"},
                 {"GET", "/api/v1/internal/payment", "path_denied"},
                 {"GET", "/.git/config", "path_denied"},
                 {"GET", "/.gitignore", "pages"},
                 {"GET", "/.env", "path_denied"}});
}

TEST(Router, DeniesUnderEverySpelling) {
  Scene scene(scene_routes(), kSceneDeny);
  const std::vector<std::string_view> targets = {
      "/api/v1/internal",
      "/api/v1/internal/",
      "/api/v1/internal/payment/order/update",
      "/api/v1/internal?x=y",
      "/api/v1/%69nternal/x",
      "/%61%70%69/v1/internal/x",
      "//api/v1/internal/x",
      "/api//v1//internal//x",
      "/api/./v1/./internal/x",
      "/api/v1/payment/../internal/x",
      "/api/v1/payment/%2e%2e/internal/x",
      "/api/v1/payment/%2E./internal/x",
      "/api/v1/payment/..%2finternal/x",
      "/api%2Fv1%2Finternal%2Fx",
      "/api/v1%2Finternal/x",
      "/api/v1/internal%2Fx",
      "/api%252Fv1%252Finternal%252Fx",
      "/api/v1/%2569nternal/x",
      "/api\\v1\\internal\\x",
      "/api/v1%5Cinternal%5cx",
      "/api/v1/payment\\..\\internal\\x",
      "/api/v1/payment%5C..%5Cinternal",
      "/api/v1/internal/../internal/x",
      "/api/v1/internal/../payment/notify",
      "/static/../api/v1/internal/x",
      "/static/..%2f..%2fapi/v1/internal/x",
      "/../../api/v1/internal/x",
      "/api/v1/internal%00",
      "/api/v1/internal%00.js",
      "/api/v1/internal%0a",
      "/api/v1/in%0d%0aternal/x",
      "/api/v1/internal;v=1/x",
      "/api/v1/payment/..;/internal/x",
      "/api/v1;a/internal;b/x",
      "/.git",
      "/%2egit/config",
      "/./.git/config",
      "/x/../.git/config",
      "/.git%2fconfig",
      "/.env%00.html",
  };
  for (const std::string_view target : targets) {
    for (const char* method : {"GET", "POST", "OPTIONS"})
      EXPECT_EQ(scene.outcome(method, target), "path_denied") << target;
  }
}

TEST(Router, PassesAmbiguousPathsWhoseReadingsAgree) {
  Scene scene(scene_routes(), kSceneDeny);
  for (const std::string_view target :
       {"/api/v1/a%2Fb", "/api/v1/a//b", "/api/v1/a/./b", "/api/v1/a/../b", "/api/v1/100%25", "/api/v1/a%252Fb",
        "/api/v1/a\\b", "/api/v1/a%5Cb", "/api/v1/file%2Etxt", "/api/v1/a%0Ab", "/api/v1/a//"}) {
    const Decision decision = scene.decide({.target = target});
    EXPECT_EQ(Scene::outcome_of(decision), "api") << target;
    EXPECT_TRUE(decision.is_ambiguous) << target;
    EXPECT_EQ(decision.path, target);
  }
  expect(
      scene,
      {{"GET", "//", "pages"}, {"GET", "/a/..", "pages"}, {"GET", "/..%2f", "pages"}, {"GET", "/static//a", "assets"}});
}

TEST(Router, RefusesAmbiguousPathsWhoseReadingsDiffer) {
  Scene scene(scene_routes(), kSceneDeny);
  for (const std::string_view target : {"//api/v1/payment/notify",
                                        "/api//v1/x",
                                        "/api/v1//payment/notify",
                                        "/api/v1/x/../payment/notify",
                                        "/api/v1/../../static/x",
                                        "/static/..%2Fapi/v1/x",
                                        "/static/%2e%2e/x",
                                        "/api%2Fv1%2Fx",
                                        "/api/v1%2Fpayment/notify",
                                        "/api/v1/payment%2Fnotify",
                                        "/api/v1/payment%252Fnotify",
                                        "/api\\v1\\x",
                                        "/static\\x",
                                        "/api/v1/payment/notify%00",
                                        "/api/v1/payment/notify%0a",
                                        "/api/v1/payment/notify%00.js",
                                        "/api/v1/payment/x/../notify",
                                        "/api/v1/%2e/payment/notify",
                                        "/static/a%2Fb/../../x",
                                        "/api/v1/%2570ayment/notify"}) {
    EXPECT_EQ(scene.outcome("POST", target), "path_ambiguous") << target;
  }
}

TEST(Router, RefusesMalformedPaths) {
  Scene scene(scene_routes(), kSceneDeny);
  for (const std::string_view target : {"/%", "/%4", "/%zz", "/a%", "", "a", "?a", "/a b", "/a\x01", "/a#b", "*"}) {
    const Decision decision = scene.decide({.target = target});
    EXPECT_EQ(Scene::outcome_of(decision), "path_invalid") << target;
    EXPECT_EQ(decision.decoded_path, "");
  }
  // Queries are nobody's business.
  expect(scene, {{"GET", "/?%zz&%", "pages"}, {"OPTIONS", "*", "no_route"}});
}

TEST(Router, AnswersMethodsThatNoRouteOfThePathTakes) {
  Scene scene({make_route("a", exact("/a", {"GET"})), make_route("b", prefix("/a", {"POST", "BREW"})),
               make_route("c", exact("/c", {"PUT"}))});
  const auto allow = [&](std::string_view method, std::string_view target) {
    return std::string(scene.decide({.method = method, .target = target}).allow);
  };
  expect(scene, {{"GET", "/a", "a"},
                 {"POST", "/a", "b"},
                 {"DELETE", "/a", "method_not_allowed"},
                 {"GET", "/a/x", "method_not_allowed"},
                 {"GET", "/c", "method_not_allowed"},
                 {"GET", "/d", "no_route"},
                 {"GET", "/a//x", "method_not_allowed"}});
  EXPECT_EQ(allow("DELETE", "/a"), "GET, HEAD, POST, BREW");
  EXPECT_EQ(allow("GET", "/a/x"), "POST, BREW");
  EXPECT_EQ(allow("GET", "/a//x"), "POST, BREW");
  EXPECT_EQ(allow("GET", "/c"), "PUT");
  EXPECT_EQ(allow("PUT", "/c"), "");
}

TEST(Router, GoesOnToTheNextBestPathWhenConditionsRefuse) {
  config::Match beta = exact("/a", {"GET"});
  beta.headers["X-Beta"] = "1";
  config::Match paid = exact("/a");
  paid.query["paid"] = "yes";
  Scene scene({make_route("prefix", prefix("/", {"GET"})), make_route("regex", regex("^/a$", {"PUT"})),
               make_route("paid", paid), make_route("beta", beta)});
  EXPECT_EQ(scene.outcome({.target = "/a", .fields = {{"X-Beta", "1"}}}), "beta");
  EXPECT_EQ(scene.outcome({.target = "/a?paid=yes", .fields = {{"X-Beta", "1"}}}), "beta");
  EXPECT_EQ(scene.outcome({.target = "/a?paid=yes"}), "paid");
  EXPECT_EQ(scene.outcome({.method = "PUT", .target = "/a?paid=no"}), "regex");
  EXPECT_EQ(scene.outcome({.target = "/a"}), "prefix");
  const Decision decision = scene.decide({.method = "POST", .target = "/a", .fields = {{"X-Beta", "1"}}});
  EXPECT_EQ(decision.reason, http::Reason::kMethodNotAllowed);
  EXPECT_EQ(decision.allow, "GET, HEAD, PUT");
  Scene strict({make_route("beta", beta)});
  EXPECT_EQ(strict.outcome("POST", "/a"), "no_route") << "it lacks more than its method";
}

TEST(Router, FindsTheSiteByHost) {
  std::vector<config::Site> sites = {
      make_site({"a.test"}, {make_route("a", prefix("/"))}),
      make_site({"*.b.test"}, {make_route("x", prefix("/x")), make_route("b", prefix("/"))})};
  Scene scene(sites);
  EXPECT_EQ(scene.outcome({.authority = "A.test:8443"}), "a");
  EXPECT_EQ(scene.outcome({.authority = "z.b.test"}), "b");
  EXPECT_EQ(scene.outcome({.authority = "b.test"}), "host_unknown");
  EXPECT_EQ(scene.outcome({.authority = "a b"}), "invalid_host");
  EXPECT_EQ(scene.outcome({.authority = ""}), "host_unknown");
  EXPECT_EQ(scene.outcome({.authority = "", .version = http::Version::kHttp10}), "a");
  EXPECT_EQ(scene.outcome({.authority = "z.test", .version = http::Version::kHttp10}), "host_unknown");
  const Decision decision = scene.decide({.authority = "z.b.test"});
  EXPECT_EQ(decision.site, &scene.config().sites[1]);
  EXPECT_EQ(decision.site_index, 1U);
  EXPECT_EQ(decision.route_index, 2U);
  EXPECT_EQ(scene.router().route_index(1, 1), 2U);
  EXPECT_EQ(scene.router().route_count(), 3U);
  EXPECT_EQ(scene.decide({.authority = "no.test"}).site, nullptr);

  sites[1].is_default = true;
  Scene open(sites);
  EXPECT_EQ(open.outcome({.authority = "no.test"}), "b");
  EXPECT_EQ(open.outcome({.authority = "", .version = http::Version::kHttp10}), "b");
  EXPECT_EQ(Scene(std::vector<config::Site>{}).outcome({.version = http::Version::kHttp10}), "host_unknown");
}

TEST(Router, KeepsTheSiteOfARefusalForTheLog) {
  Scene scene(scene_routes(), kSceneDeny);
  EXPECT_EQ(scene.decide({.target = "/.git"}).site, scene.config().sites.data());
  EXPECT_EQ(scene.decide({.target = "/%"}).site, scene.config().sites.data());
}

Scene::Request preflight(std::string_view target, std::string_view method) {
  return {.method = "OPTIONS",
          .target = target,
          .fields = {{"Origin", "https://x.test"}, {"Access-Control-Request-Method", method}}};
}

TEST(Router, GivesAPreflightTheRouteOfItsMethod) {
  std::vector<config::Route> routes = {
      make_route("get", exact("/a", {"GET"})),    make_route("post", exact("/a", {"POST"})),
      make_route("plain", exact("/b", {"POST"})), make_route("options", exact("/b", {"OPTIONS"})),
      make_route("put", exact("/c", {"PUT"})),    make_route("rest", prefix("/")),
  };
  routes[1].cors = config::Cors{};
  Scene scene(std::move(routes));
  EXPECT_EQ(scene.outcome(preflight("/a", "POST")), "post");
  EXPECT_EQ(scene.outcome(preflight("/a", "GET")), "get") << "the upstream of the route may speak CORS itself";
  EXPECT_EQ(scene.outcome(preflight("/a", "DELETE")), "rest");
  EXPECT_EQ(scene.outcome(preflight("/b", "POST")), "options") << "a route that names OPTIONS is asked for by name";
  EXPECT_EQ(scene.outcome(preflight("/c", "PUT")), "put");
  EXPECT_EQ(scene.outcome(preflight("/c%2e/..", "PUT")), "rest");
  EXPECT_EQ(scene.outcome(preflight("/x/../a", "POST")), "path_ambiguous");
  EXPECT_TRUE(scene.decide(preflight("/a", "POST")).is_preflight);
  EXPECT_FALSE(scene.decide(preflight("/b", "POST")).is_preflight);
  // Without Origin or without the method asked for it is an OPTIONS request like any other; so are other methods.
  EXPECT_EQ(scene.outcome("OPTIONS", "/a"), "rest");
  EXPECT_EQ(scene.outcome({.method = "OPTIONS", .target = "/a", .fields = {{"Access-Control-Request-Method", "POST"}}}),
            "rest");
  EXPECT_EQ(scene.outcome({.method = "OPTIONS", .target = "/a", .fields = {{"Origin", "https://x.test"}}}), "rest");
  Scene::Request get = preflight("/a", "POST");
  get.method = "GET";
  EXPECT_EQ(scene.outcome(get), "get");
}

TEST(Router, AnswersAPreflightWhoseMethodNoRouteTakesAsOptions) {
  Scene scene({make_route("a", exact("/a", {"GET"}))});
  const Decision decision = scene.decide(preflight("/a", "PUT"));
  EXPECT_EQ(decision.reason, http::Reason::kMethodNotAllowed);
  EXPECT_EQ(decision.allow, "GET, HEAD");
  EXPECT_EQ(scene.outcome(preflight("/b", "PUT")), "no_route");
}

struct PathRow {
  std::string_view target;
  std::string_view decoded;
  bool has_control;
  bool is_utf8;
};

TEST(Router, GivesTheDecodedPathAndWhatAStaticRootMustKnowOfIt) {
  Scene scene({make_route("all", prefix("/"))});
  const std::vector<PathRow> rows = {
      {"/a/b?c", "/a/b", false, true},
      {"/a%20b", "/a b", false, true},
      {"/%E6%94%AF", "/\xE6\x94\xAF", false, true},
      {"/\xE6\x94\xAF", "/\xE6\x94\xAF", false, true},
      {"/%E6%94", "/\xE6\x94", false, false},
      {"/\xFF", "/\xFF", false, false},
      {"/%C0%AE", "/\xC0\xAE", false, false},
      {"/a%2F..%2Fb", "/b", false, true},
      {"/a//b/./c", "/a/b/c", false, true},
      {"/100%25", "/100%", false, true},
      {"/a%0Ab", "/a\nb", true, true},
      {"/a%7F", "/a\x7f", true, true},
  };
  for (const PathRow& row : rows) {
    const Decision decision = scene.decide({.target = row.target});
    EXPECT_EQ(decision.decoded_path, row.decoded) << row.target;
    EXPECT_EQ(decision.has_control, row.has_control) << row.target;
    EXPECT_EQ(decision.is_utf8, row.is_utf8) << row.target;
  }
  EXPECT_TRUE(scene.decide({.target = "/a%00b"}).has_control);
}

TEST(Router, LeavesACleanTargetWhereItIs) {
  Scene scene({make_route("all", prefix("/"))});
  const std::string target = "/a/b?c=%2F";
  const Decision decision = scene.decide({.target = target});
  EXPECT_EQ(decision.path.data(), target.data());
  EXPECT_EQ(decision.decoded_path.data(), target.data());
  EXPECT_EQ(decision.query, "c=%2F");
  EXPECT_TRUE(decision.has_query);
  EXPECT_FALSE(scene.decide({.target = "/a"}).has_query);
  EXPECT_TRUE(scene.decide({.target = "/a?"}).has_query);
}

TEST(Router, RefusesAFallbackWhereAnUpstreamAnswers) {
  Scene scene({make_route("notify", exact("/pay/notify", {"POST"})), make_route("api", prefix("/api/", {"POST"})),
               make_route("rx", regex("^/rx/", {"POST"})), static_route("rx-pages", regex("^/rx")),
               static_route("pages", prefix("/")), make_route("form", prefix("/", {"TRACE"})),
               static_route("app", prefix("/app/"))});
  const auto has_upstream = [&](std::string_view target) {
    return scene.router().path_has_upstream_route(scene.decide({.target = target}));
  };
  EXPECT_TRUE(has_upstream("/pay/notify"));
  EXPECT_TRUE(has_upstream("/api/x"));
  EXPECT_TRUE(has_upstream("/rx/a"));
  EXPECT_TRUE(has_upstream("/x")) << "the route of the same path that takes TRACE";
  EXPECT_FALSE(has_upstream("/app/x")) << "the upstream's path is a lesser match there";
  EXPECT_FALSE(has_upstream("/%"));

  Scene pages({static_route("pages", prefix("/")), make_route("notify", exact("/pay/notify", {"POST"}))});
  EXPECT_FALSE(pages.router().path_has_upstream_route(pages.decide({.target = "/x"})));
  EXPECT_TRUE(pages.router().path_has_upstream_route(pages.decide({.target = "/pay/%6eotify"})));
}

TEST(Router, SparesCallbacksAndProofsFromTheRedirectToHttps) {
  Scene scene(scene_routes(), kSceneDeny);
  const auto spares = [&](std::string_view method, std::string_view target) {
    return spares_https_redirect(scene.decide({.method = method, .target = target}));
  };
  EXPECT_TRUE(spares("POST", "/api/v1/payment/notify"));
  EXPECT_TRUE(spares("POST", "/api/v1/auth/wechat/verify?signature=x"));
  EXPECT_TRUE(spares("GET", "/.well-known/acme-challenge/token"));
  EXPECT_TRUE(spares("GET", "/MP_verify_x.txt"));
  EXPECT_TRUE(spares("GET", "/sub/MP_verify_x.txt"));
  EXPECT_FALSE(spares("GET", "/api/v1/payment/notify"));
  EXPECT_FALSE(spares("GET", "/"));
  EXPECT_FALSE(spares("GET", "/.well-known/other"));
  EXPECT_FALSE(spares("GET", "/.well-known/acme-challenge"));
  EXPECT_FALSE(spares("GET", "/MP_verify_x.txt/y"));
  EXPECT_FALSE(spares("GET", "/xMP_verify_x.txt"));
  EXPECT_FALSE(spares("GET", "/.well-known/acme-challenge/../../x"));
}

TEST(Router, TakesATunnelThroughHttp2ForAGet) {
  Scene scene({make_route("socket", exact("/ws", {"GET"}))});
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  http::RequestHead head(arena);
  head.method = http::Method::kConnect;
  head.method_text = "CONNECT";
  head.protocol = "websocket";
  head.target = "/ws";
  head.authority = "host.test";
  head.version = http::Version::kHttp2;
  EXPECT_EQ(Scene::outcome_of(scene.router().decide(RequestView::of(head), arena)), "socket");
  head.protocol = {};
  EXPECT_EQ(Scene::outcome_of(scene.router().decide(RequestView::of(head), arena)), "method_not_allowed");
}

TEST(Router, SaysWhichRouteDoesNotBuild) {
  config::Config config;
  config.sites = {make_site({"a"}, {make_route("a", prefix("/")), make_route("b", regex("("))})};
  const auto router = Router::build(config);
  ASSERT_FALSE(router);
  EXPECT_EQ(router.error().message.find("v.yaml:2:1: route b: match.regex: regex `(` is not valid: "), 0U);
}

}  // namespace
}  // namespace viaduct::route
