// SPDX-License-Identifier: Apache-2.0
#include "filter/cors.h"

#include <gtest/gtest.h>

#include "filter/allow_list.h"
#include "support/exchange_scene.h"
#include "support/recording_action.h"

namespace viaduct::filter {
namespace {

using http::Reason;
using Call = support::ExchangeScene::Call;
using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

config::Cors shop() {
  config::Cors cors;
  cors.allow_origins = {"https://shop.test", "http://localhost:8000"};
  cors.allow_methods = {"GET", "POST", "DELETE"};
  cors.allow_headers = {"Content-Type", "X-WeChat-OpenID"};
  cors.allow_credentials = true;
  cors.max_age = std::chrono::minutes(10);
  return cors;
}

class CorsTest : public testing::Test {
 protected:
  void build(const config::Cors& cors, std::unique_ptr<const exchange::Filter> first = nullptr) {
    exchange::RoutePlan& plan = scene_.add_route();
    if (first != nullptr) plan.filters.push_back(std::move(first));
    plan.filters.push_back(std::make_unique<Cors>(cors));
    plan.action = std::make_unique<support::RecordingAction>(script_);
    // Preflights come to the route of the method that they ask for.
    scene_.site().routes.back().cors = cors;
  }
  Call& preflight(std::string_view from, std::string_view method, Fields more = {}) {
    Fields fields = {{"Origin", from}, {"Access-Control-Request-Method", method}};
    fields.insert(fields.end(), more.begin(), more.end());
    return scene_.call({.method = "OPTIONS", .target = "/api", .fields = fields});
  }
  Call& get_from(std::string_view from) { return scene_.call({.target = "/api", .fields = {{"Origin", from}}}); }

  support::ActionScript script_;
  support::ExchangeScene scene_;
};

// ---- which origins are allowed --------------------------------------------------------------------------------------

TEST(CorsOrigins, AreComparedAsAWhole) {
  config::Cors cors;
  cors.allow_origins = {"https://shop.test", "http://localhost:8000"};
  const Cors filter(cors);
  for (const std::string_view allowed : {"https://shop.test", "http://localhost:8000", "HTTPS://Shop.Test"}) {
    EXPECT_TRUE(filter.is_origin_allowed(allowed)) << allowed;
  }
  for (const std::string_view refused :
       {"", "null", "http://shop.test", "https://shop.test:443", "https://shop.test/", "https://a.shop.test",
        "https://shop.test.evil.test", "https://evilshop.test", "http://localhost", "http://localhost:80000", "*"}) {
    EXPECT_FALSE(filter.is_origin_allowed(refused)) << refused;
  }
}

TEST(CorsOrigins, MatchPatternsWithOneStarForLabels) {
  config::Cors cors;
  cors.allow_origins = {"https://*.x.test", "http://*.y.test:8080"};
  const Cors filter(cors);
  for (const std::string_view allowed :
       {"https://a.x.test", "https://a.b.x.test", "HTTPS://A.X.TEST", "http://a.y.test:8080"}) {
    EXPECT_TRUE(filter.is_origin_allowed(allowed)) << allowed;
  }
  for (const std::string_view refused :
       {"https://x.test", "https://.x.test", "http://a.x.test", "https://a.x.test:8443", "https://evil.test/.x.test",
        "https://evil.test?.x.test", "https://evil.test#.x.test", "https://user@.x.test", "https://evil.test:1.x.test",
        "https://a.x.test.evil.test", "https://ax.test", "http://a.y.test", "https://", ".x.test", ""}) {
    EXPECT_FALSE(filter.is_origin_allowed(refused)) << refused;
  }
}

TEST(CorsOrigins, AreAllAllowedByAStar) {
  config::Cors cors;
  cors.allow_origins = {"*"};
  const Cors filter(cors);
  for (const std::string_view any : {"https://a.test", "null", ""}) EXPECT_TRUE(filter.is_origin_allowed(any));
}

// ---- preflights -----------------------------------------------------------------------------------------------------

TEST_F(CorsTest, AnswersAPreflightItself) {
  build(shop());
  const auto& answer =
      preflight("https://shop.test", "POST", {{"Access-Control-Request-Headers", "content-type, x-wechat-openid"}})
          .response;
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(answer.field("Access-Control-Allow-Origin"), "https://shop.test");
  EXPECT_EQ(answer.field("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(answer.field("Access-Control-Allow-Methods"), "GET, POST, DELETE");
  EXPECT_EQ(answer.field("Access-Control-Allow-Headers"), "Content-Type, X-WeChat-OpenID");
  EXPECT_EQ(answer.field("Access-Control-Max-Age"), "600");
  EXPECT_EQ(answer.field("Vary"), "Origin");
  EXPECT_FALSE(answer.has("Content-Type"));
  EXPECT_EQ(script_.begun, 0);
}

TEST_F(CorsTest, GrantsEveryMethodByAStar) {
  config::Cors cors = shop();
  cors.allow_credentials = false;
  cors.allow_methods = {"*"};
  build(cors);
  for (const std::string_view method : {"GET", "PATCH", "QUERY"}) {
    const auto& answer = preflight("https://shop.test", method, {}).response;
    EXPECT_EQ(answer.status, 204) << method;
    EXPECT_EQ(answer.field("Access-Control-Allow-Methods"), "*");
  }
}

TEST_F(CorsTest, RefusesAPreflightAndSaysWhyInTheLog) {
  build(shop());
  struct Row {
    std::string_view from;
    std::string_view method;
    std::string_view headers;
    Reason reason;
  };
  constexpr std::string_view kShop = "https://shop.test";
  const std::initializer_list<Row> rows = {
      {kShop, "POST", "", Reason::kNone},
      {kShop, "GET", "content-type", Reason::kNone},
      {kShop, "HEAD", "", Reason::kNone},  // GET includes HEAD
      {kShop, "DELETE", "CONTENT-TYPE,x-wechat-openid , ", Reason::kNone},
      {kShop, "POST", "accept, accept-language, content-language", Reason::kNone},  // safe without asking
      {kShop, "POST", ",", Reason::kNone},
      {"https://evil.test", "POST", "", Reason::kCorsOriginNotAllowed},
      {"null", "POST", "", Reason::kCorsOriginNotAllowed},
      {"", "POST", "", Reason::kCorsOriginNotAllowed},
      {"https://evil.test", "PUT", "x-other", Reason::kCorsOriginNotAllowed},  // the first that is wrong
      {kShop, "PUT", "", Reason::kCorsMethodNotAllowed},
      {kShop, "post", "", Reason::kCorsMethodNotAllowed},  // methods have case
      {kShop, "POST", "x-other", Reason::kCorsHeaderNotAllowed},
      {kShop, "POST", "content-type, authorization", Reason::kCorsHeaderNotAllowed},
      {kShop, "POST", "content-type x-wechat-openid", Reason::kCorsHeaderNotAllowed},
  };
  std::string log;
  for (const Row& row : rows) {
    const auto& answer = preflight(row.from, row.method, {{"Access-Control-Request-Headers", row.headers}}).response;
    const bool is_refused = row.reason != Reason::kNone;
    EXPECT_EQ(answer.status, is_refused ? 403 : 204) << row.from << " " << row.method << " " << row.headers;
    EXPECT_EQ(answer.has("Access-Control-Allow-Origin"), !is_refused) << row.headers;
    EXPECT_EQ(answer.has("Access-Control-Allow-Methods"), !is_refused);
    EXPECT_EQ(answer.field("Vary"), "Origin");
    log += (log.empty() ? "" : "|") + std::to_string(answer.status) + " ";
    log += is_refused ? http::reason_name(row.reason) : "-";
  }
  EXPECT_EQ(script_.begun, 0);
  scene_.turn();
  EXPECT_EQ(scene_.log(), log);
}

TEST_F(CorsTest, JudgesEveryLineOfRequestedHeaders) {
  build(shop());
  EXPECT_EQ(
      preflight("https://shop.test", "POST",
                {{"Access-Control-Request-Headers", "content-type"}, {"Access-Control-Request-Headers", "x-other"}})
          .response.status,
      403);
}

TEST_F(CorsTest, AllowsNothingInAPreflightThatAnotherFilterRefuses) {
  config::Allow allow;
  allow.mode = config::AllowMode::kEnforce;
  build(shop(), std::make_unique<AllowList>(allow));
  const auto& answer = preflight("https://shop.test", "POST").response;
  EXPECT_EQ(answer.status, 403);
  EXPECT_FALSE(answer.has("Access-Control-Allow-Origin"));
  EXPECT_EQ(answer.field("Vary"), "Origin");
  // Any other answer says who may read it.
  EXPECT_EQ(get_from("https://shop.test").response.field("Access-Control-Allow-Origin"), "https://shop.test");
}

TEST_F(CorsTest, LeavesOutWhatTheConfigDoesNotSay) {
  config::Cors cors;
  cors.allow_origins = {"*"};
  build(cors);
  const auto& answer = preflight("https://any.test", "GET").response;
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.field("Access-Control-Allow-Origin"), "*");
  EXPECT_FALSE(answer.has("Access-Control-Allow-Credentials"));
  EXPECT_FALSE(answer.has("Access-Control-Allow-Headers"));
  EXPECT_FALSE(answer.has("Access-Control-Max-Age"));
  EXPECT_FALSE(answer.has("Vary"));  // the answer does not depend on who asks
}

// Fetch, "CORS non-wildcard request-header name".
TEST_F(CorsTest, TakesAStarForAllHeadersButAuthorization) {
  config::Cors cors = shop();
  cors.allow_headers = {"*"};
  build(cors);
  const auto status = [this](std::string_view headers) {
    return preflight("https://shop.test", "POST", {{"Access-Control-Request-Headers", headers}}).response.status;
  };
  EXPECT_EQ(status("x-anything, content-type"), 204);
  EXPECT_EQ(status("authorization"), 403);
  EXPECT_EQ(status("x-anything, Authorization"), 403);
}

TEST_F(CorsTest, PassesOptionsThatAreNoPreflight) {
  build(shop());
  scene_.call({.method = "OPTIONS", .target = "/api"});
  scene_.call({.method = "OPTIONS", .target = "/api", .fields = {{"Origin", "https://shop.test"}}});
  scene_.call({.method = "OPTIONS", .target = "/api", .fields = {{"Access-Control-Request-Method", "GET"}}});
  EXPECT_EQ(script_.begun, 3);
}

// ---- other answers --------------------------------------------------------------------------------------------------

TEST_F(CorsTest, PutsItsFieldsInThePlaceOfTheUpstreams) {
  script_.answer_fields = {{"Access-Control-Allow-Origin", "*"},
                           {"access-control-allow-credentials", "false"},
                           {"Access-Control-Allow-Methods", "GET"},
                           {"Access-Control-Allow-Headers", "*"},
                           {"Access-Control-Max-Age", "5"},
                           {"Access-Control-Expose-Headers", "X-Theirs"},
                           {"access-control-allow-What-comes-next", "*"},
                           {"X-Other", "kept"}};
  config::Cors cors = shop();
  cors.expose_headers = {"X-Total", "X-Page"};
  build(cors);
  const auto& answer = get_from("https://shop.test").response;
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.field("Access-Control-Allow-Origin"), "https://shop.test");
  EXPECT_EQ(answer.field("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(answer.field("Access-Control-Expose-Headers"), "X-Total, X-Page");
  for (const std::string_view name : {"Access-Control-Allow-Methods", "Access-Control-Allow-Headers",
                                      "Access-Control-Max-Age", "Access-Control-Allow-What-Comes-Next"}) {
    EXPECT_FALSE(answer.has(name)) << name;
  }
  EXPECT_EQ(answer.field("X-Other"), "kept");
}

TEST_F(CorsTest, LetsAllowedPagesReadErrorsToo) {
  build(shop());
  for (const int status : {201, 304, 401, 404, 500}) {
    script_.status = status;
    EXPECT_EQ(get_from("https://shop.test").response.field("Access-Control-Allow-Origin"), "https://shop.test");
  }
  script_.status = 0;
  for (const Reason reason : {Reason::kUpstreamConnectRefused, Reason::kBodyTooLarge, Reason::kUpstreamTotalTimeout}) {
    Call& call = get_from("https://shop.test");
    call.exchange->fail(reason);
    EXPECT_EQ(call.response.field("Access-Control-Allow-Origin"), "https://shop.test") << http::reason_name(reason);
    EXPECT_EQ(call.response.field("Vary"), "Origin");
  }
}

// Not ours to stop: the browser hides the answer from the page.
TEST_F(CorsTest, PassesARequestFromAnotherPageWithoutItsFieldsAndNotesWhy) {
  script_.answer_fields = {{"Access-Control-Allow-Origin", "*"}};
  build(shop());
  const auto& answer = get_from("https://evil.test").response;
  EXPECT_EQ(answer.status, 200);
  EXPECT_FALSE(answer.has("Access-Control-Allow-Origin"));
  EXPECT_FALSE(answer.has("Access-Control-Allow-Credentials"));
  EXPECT_EQ(answer.field("Vary"), "Origin");
  EXPECT_EQ(script_.begun, 1);
  scene_.turn();
  EXPECT_EQ(scene_.log(), "200 cors_origin_not_allowed");
  EXPECT_EQ(scene_.counters.with_reason(Reason::kCorsOriginNotAllowed), 0U) << "nothing was refused";
}

TEST_F(CorsTest, NotesNothingOnceTheRequestEndsForAReason) {
  build(shop());
  script_.status = 0;
  get_from("https://evil.test").go_away();
  Call& failed = get_from("https://evil.test");
  failed.exchange->fail(Reason::kUpstreamClosed);
  scene_.turn();
  EXPECT_EQ(scene_.log(), "499 client_closed|502 upstream_closed");
  EXPECT_EQ(scene_.counters.with_reason(Reason::kUpstreamClosed), 1U);
}

TEST_F(CorsTest, NotesNothingAboutTheSitesOwnPages) {
  build(shop());
  get_from("http://host.test");
  get_from("https://host.test");  // the same host by another scheme is another origin
  scene_.call({});
  scene_.turn();
  EXPECT_EQ(scene_.log(), "200 -|200 cors_origin_not_allowed|200 -");
}

TEST_F(CorsTest, TakesAPageForTheSitesOwnWhoseTlsEndsInFrontOfUs) {
  scene_.site().trusted_proxies.add(*base::Cidr::parse("192.0.2.0/24"));
  build(shop());
  get_from("https://host.test");
  get_from("https://other.test");
  scene_.turn();
  EXPECT_EQ(scene_.log(), "200 -|200 cors_origin_not_allowed");
}

TEST_F(CorsTest, SaysThatTheAnswerDependsOnTheOriginExactlyOnce) {
  build(shop());
  struct Row {
    std::vector<std::pair<std::string, std::string>> given;
    std::string_view vary;
  };
  for (const Row& row : {Row{{}, "Origin"}, Row{{{"Vary", "Accept-Encoding"}}, "Accept-Encoding|Origin"},
                         Row{{{"Vary", "accept, origin"}}, "accept, origin"}, Row{{{"Vary", "*"}}, "*"},
                         Row{{{"Vary", "Origin-Trial"}}, "Origin-Trial|Origin"},
                         Row{{{"Vary", "A"}, {"Vary", " Origin "}}, "A| Origin "}}) {
    script_.answer_fields = row.given;
    EXPECT_EQ(get_from("https://shop.test").response.field("Vary"), row.vary);
    EXPECT_EQ(scene_.call({.target = "/api"}).response.field("Vary"), row.vary);  // also without Origin
  }
}

// A cache that has the answer to a navigation gives it to a script as well (Fetch, "CORS protocol and HTTP caches").
TEST_F(CorsTest, SaysTheSameToAllWhereAllAreAllowed) {
  config::Cors cors;
  cors.allow_origins = {"*"};
  cors.expose_headers = {"X-Total"};
  build(cors);
  for (const Fields& fields : {Fields{}, Fields{{"Origin", "https://any.test"}}}) {
    const auto& answer = scene_.call({.target = "/api", .fields = fields}).response;
    EXPECT_EQ(answer.field("Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(answer.field("Access-Control-Expose-Headers"), "X-Total");
    EXPECT_FALSE(answer.has("Vary"));
  }
}

TEST_F(CorsTest, SaysNothingToRequestsWithoutOrigin) {
  build(shop());
  const auto& answer = scene_.call({.target = "/api"}).response;
  EXPECT_FALSE(answer.has("Access-Control-Allow-Origin"));
  EXPECT_FALSE(answer.has("Access-Control-Allow-Credentials"));
}

}  // namespace
}  // namespace viaduct::filter
