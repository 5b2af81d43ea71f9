// SPDX-License-Identifier: Apache-2.0
#include "cli/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time.h"
#include "config/load.h"
#include "daemon/build.h"

namespace viaduct::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kConfig = R"(listeners:
  - { address: "127.0.0.1:0" }
upstreams:
  app: { servers: ["http://127.0.0.1:9"] }
  web: { servers: ["http://127.0.0.1:9"] }
sites:
  - hosts: [www.example.com, "*.shop.example.com"]
    deny: ["/api/internal/"]
    trusted_proxies: [10.0.0.0/8]
    routes:
      - name: verify-get
        match: { exact: /api/verify, methods: [GET] }
        upstream: web
      - name: verify-post
        match: { exact: /api/verify, methods: [POST] }
        upstream: app
        timeouts: { connect: 250ms, read: null, total: 3s }
      - name: inside
        match: { prefix: /inside/ }
        upstream: app
        forwarded: "off"
        allow: { addresses: [192.0.2.0/24], mode: enforce }
      - name: api
        match: { prefix: /api/ }
        upstream: app
        cors: { allow_origins: ["https://a.example"], allow_methods: [GET, POST] }
        headers:
          request: { set: { X-Secret: hidden-value }, remove: [X-Debug] }
          response: { add: { X-Served-By: viaduct } }
      - name: old
        match: { prefix: /old/ }
        upstream: app
        rewrite: { strip_prefix: /old }
      - name: pages
        match: { prefix: /pages/ }
        redirect: { to: "https://${host}/new", status: 301 }
      - name: text
        match: { exact: /text }
        respond: { status: 418, body: tea }
)";

Question asking(std::string method, std::string url, std::string from = "127.0.0.1",
                std::vector<std::string> fields = {}) {
  return {.method = std::move(method), .url = std::move(url), .from = std::move(from), .fields = std::move(fields)};
}

class Explaining : public testing::Test {
 protected:
  Explaining() {
    loaded_ = config::load_text(std::string(kConfig), "test.yaml");
    EXPECT_NE(loaded_.config, nullptr) << config::render_problems(loaded_.problems, loaded_.sources);
    if (loaded_.config == nullptr) return;
    built_ = daemon::build_snapshot(*loaded_.config, 1, ticket_keys_, base::SystemClock().wall_now());
    EXPECT_NE(built_.snapshot, nullptr);
  }

  base::Result<Explanation> ask(const Question& question) const { return explain_request(*built_.snapshot, question); }
  std::string text_of(const Question& question) const {
    const auto explanation = ask(question);
    return explanation ? explanation->text : "error: " + explanation.error().message;
  }

  tls::TicketKeys ticket_keys_;
  config::LoadResult loaded_;
  daemon::BuildResult built_;
};

std::string last_line(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

struct Row {
  Question question;
  std::string last_line;
};

TEST_F(Explaining, EndsWithTheDecision) {
  const std::string site = "https://www.example.com";
  const Row rows[] = {
      {asking("GET", site + "/api/verify?echostr=1"), "route: verify-get"},
      {asking("HEAD", site + "/api/verify"), "route: verify-get"},
      {asking("POST", site + "/api/verify"), "route: verify-post"},
      {asking("PUT", site + "/api/verify"), "route: api"},
      {asking("GET", site + ":8443/api/x"), "route: api"},
      {asking("GET", "https://WWW.example.COM/api/x"), "route: api"},
      {asking("GET", "http://a.shop.example.com/text"), "route: text"},
      {asking("GET", "/text"), "route: text"},  // HTTP/1.0 without Host: the default site
      {asking("GET", "/text", "127.0.0.1", {"Host: www.example.com"}), "route: text"},
      {asking("GET", site + "/api/internal/x"), "decision: 403 path_denied"},
      {asking("GET", site + "/api/x/%2e%2e/internal/x"), "decision: 403 path_denied"},
      {asking("GET", site + "/api/../text"), "decision: 400 path_ambiguous"},
      {asking("GET", site + "/old/x"), "route: old"},
      {asking("GET", site + "/old/../old/x"), "decision: 400 path_ambiguous"},
      {asking("GET", "https://evil.example/"), "decision: 421 host_unknown"},
      {asking("GET", site), "decision: 404 no_route"},
      {asking("GET", site + "?a=1"), "decision: 404 no_route"},
      {asking("GET", site + "/nowhere"), "decision: 404 no_route"},
      {asking("GET", site + "/inside/x", "192.0.2.7"), "route: inside"},
      {asking("GET", site + "/inside/x", "192.0.3.7"), "decision: 403 address_not_allowed"},
      {asking("GET", site + "/inside/x", "10.0.0.1", {"X-Forwarded-For: 192.0.2.7"}), "route: inside"},
      {asking("GET", site + "/inside/x", "192.0.3.1", {"X-Forwarded-For: 192.0.2.7"}),
       "decision: 403 address_not_allowed"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(last_line(text_of(row.question)), row.last_line) << row.question.method << " " << row.question.url;
  }
}

TEST_F(Explaining, KnowsHowLongATargetMayBe) {
  const std::string path = "/api/" + std::string(8 * 1024 - 5, 'x');
  EXPECT_THAT(text_of(asking("GET", "https://www.example.com" + path)), HasSubstr("route: api\n"));
  EXPECT_THAT(text_of(asking("GET", "https://www.example.com" + path + "x")),
              HasSubstr("decision: 414 target_too_long\n"));
}

// As HTTP/1 answers before a route is looked for.
TEST_F(Explaining, KnowsTheMethodsThatHttp1Knows) {
  const std::string site = "https://www.example.com";
  for (const char* method : {"FOO", "get", "DESCRIBE", "CONNECT"}) {
    for (const std::string& url : {site + "/api/x", site + "/nowhere", std::string("https://evil.example/")}) {
      EXPECT_EQ(last_line(text_of(asking(method, url))), "decision: 501 unsupported_method") << method << " " << url;
    }
  }
  for (const char* method : {"PATCH", "PROPFIND", "PURGE", "TRACE"}) {
    EXPECT_EQ(last_line(text_of(asking(method, site + "/api/x"))), "route: api") << method;
  }
  EXPECT_THAT(text_of(asking("FOO", site + "/api/x")),
              HasSubstr("method: HTTP/1 does not know it; over HTTP/2: route: api\ndecision: 501 "));
  EXPECT_EQ(ask(asking("FOO", site + "/nowhere"))->json["over_http2"]["decision"]["status"], 404);
  const auto connect = ask(asking("CONNECT", site + "/api/x"));
  EXPECT_EQ(connect->json["decision"]["status"], 501);
  EXPECT_FALSE(connect->json.contains("over_http2"));
  EXPECT_FALSE(connect->json.contains("route"));
}

TEST_F(Explaining, LetsNoPathReachARootThatIsOfNoFile) {
  config::StaticAction files_of_root;
  files_of_root.root = "/";
  config::Route& route = loaded_.config->sites[0].routes.back();
  route.action = files_of_root;
  route.match = {};
  route.match.prefix = {"/files/"};
  built_ = daemon::build_snapshot(*loaded_.config, 1, ticket_keys_, base::SystemClock().wall_now());
  ASSERT_NE(built_.snapshot, nullptr);
  const std::string files = "https://www.example.com/files/";
  EXPECT_EQ(last_line(text_of(asking("GET", files + "a%20%e6%94%af"))), "route: text");
  for (const char* path : {"%00", "a%0a", "a%0D", "%ff", "%e6%94"}) {
    EXPECT_EQ(last_line(text_of(asking("GET", files + path))), "decision: 400 path_invalid") << path;
    EXPECT_EQ(last_line(text_of(asking("POST", files + path))), "decision: 405 method_not_allowed") << path;
    EXPECT_EQ(last_line(text_of(asking("GET", std::string("https://www.example.com/api/") + path))), "route: api");
  }
}

TEST_F(Explaining, TakesThePreflightOfTheMethodThatItAsksFor) {
  const std::vector<std::string> fields = {"Origin: https://a.example", "Access-Control-Request-Method: POST"};
  Question question = asking("OPTIONS", "https://www.example.com/api/verify", "127.0.0.1", fields);
  EXPECT_EQ(last_line(text_of(question)), "route: verify-post");
  EXPECT_THAT(text_of(question), HasSubstr("preflight: routed as POST"));
  question.url = "https://www.example.com/api/x";
  EXPECT_EQ(last_line(text_of(question)), "route: api");
  question.fields[0] = "Origin: https://b.example";
  EXPECT_EQ(last_line(text_of(question)), "decision: 403 cors_origin_not_allowed");
}

TEST_F(Explaining, SaysWhyCandidatesLostAndWhatWillHappen) {
  const std::string text = text_of(asking("POST", "https://www.example.com/api/verify"));
  for (const char* part : {"path: /api/verify\n", "verify-post exact /api/verify: taken",
                           "verify-get exact /api/verify: ", "api prefix /api/: ", "action: proxy\n", "upstream: app\n",
                           "set X-Forwarded-For", "timeouts: connect 250ms, send 60000ms, read off, total 3000ms\n"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST_F(Explaining, NamesTimesOnlyWhereSomebodyIsWaitedFor) {
  for (const char* url : {"https://www.example.com/text", "https://www.example.com/pages/x"}) {
    EXPECT_THAT(text_of(asking("GET", url)), Not(HasSubstr("timeouts")));
    EXPECT_FALSE(ask(asking("GET", url))->json.contains("timeouts"));
  }
  EXPECT_TRUE(ask(asking("GET", "https://www.example.com/api/x"))->json.contains("timeouts"));
}

TEST_F(Explaining, SaysWhatARewriteMakesOfTheTarget) {
  EXPECT_THAT(text_of(asking("GET", "https://www.example.com/old/a%2Fb?c")), HasSubstr("rewritten: /a%2Fb?c\n"));
  EXPECT_EQ(ask(asking("GET", "https://www.example.com/old/x"))->json["rewritten"], "/x");
  EXPECT_THAT(text_of(asking("GET", "https://www.example.com/api/x")), Not(HasSubstr("rewritten")));
}

TEST_F(Explaining, SaysWhereUpstreamsGetTheClientsCertificate) {
  EXPECT_THAT(text_of(asking("GET", "https://www.example.com/api/x")), Not(HasSubstr("Client-Cert")));
  loaded_.config->sites[0].client_ca = "/ca.pem";
  built_ = daemon::build_snapshot(*loaded_.config, 1, ticket_keys_, base::SystemClock().wall_now());
  EXPECT_THAT(text_of(asking("GET", "https://www.example.com/api/x")), HasSubstr("set Client-Cert"));
  EXPECT_THAT(text_of(asking("GET", "https://www.example.com/text")), Not(HasSubstr("Client-Cert")));
}

TEST_F(Explaining, SaysWhereAClientNeedsACertificate) {
  loaded_.config->sites[0].client_ca = "/ca.pem";
  loaded_.config->sites[0].client_auth = config::ClientAuth::kOptional;
  built_ = daemon::build_snapshot(*loaded_.config, 1, ticket_keys_, base::SystemClock().wall_now());
  EXPECT_THAT(text_of(asking("GET", "https://www.example.com/text")), Not(HasSubstr("client certificate")));
  loaded_.config->sites[0].client_auth = config::ClientAuth::kRequire;
  built_ = daemon::build_snapshot(*loaded_.config, 1, ticket_keys_, base::SystemClock().wall_now());
  EXPECT_THAT(text_of(asking("GET", "https://www.example.com/text")), HasSubstr("client certificate: 421 without"));
}

TEST_F(Explaining, NamesTheHeadersThatChangeAndHidesTheirValues) {
  const auto explanation = ask(asking("GET", "https://www.example.com/api/x"));
  ASSERT_TRUE(explanation.has_value());
  for (const char* part : {"remove X-Debug", "set X-Secret", "add X-Served-By", "replace Access-Control-*"}) {
    EXPECT_THAT(explanation->text, HasSubstr(part));
  }
  EXPECT_THAT(explanation->text, Not(HasSubstr("hidden-value")));
  EXPECT_THAT(explanation->json.dump(), Not(HasSubstr("hidden-value")));
}

TEST_F(Explaining, LeavesForwardedFieldsOutWhereTheyAreOff) {
  const std::string text = text_of(asking("GET", "https://www.example.com/inside/x", "192.0.2.7"));
  EXPECT_THAT(text, Not(HasSubstr("X-Forwarded-For")));
  EXPECT_THAT(text, HasSubstr("allow: 192.0.2.7 is listed"));
}

TEST_F(Explaining, ShowsBothReadingsOfAPath) {
  const auto explanation = ask(asking("GET", "https://www.example.com/api/../text"));
  ASSERT_TRUE(explanation.has_value());
  EXPECT_EQ(explanation->json["readings"].size(), 2U);
  EXPECT_THAT(explanation->text, HasSubstr("path: /text\n"));
}

TEST_F(Explaining, DescribesEveryAction) {
  const Row rows[] = {
      {asking("GET", "https://www.example.com/pages/x"), "action: redirect\n"},
      {asking("GET", "https://www.example.com/text"), "action: respond\nstatus: 418\n"},
      {asking("GET", "https://www.example.com/api/verify"), "action: proxy\nupstream: web\n"},
  };
  for (const Row& row : rows) EXPECT_THAT(text_of(row.question), HasSubstr(row.last_line));
}

TEST_F(Explaining, SaysTheSameAsJson) {
  const auto explanation = ask(asking("GET", "https://www.example.com/api/internal/x"));
  ASSERT_TRUE(explanation.has_value());
  EXPECT_EQ(explanation->json["decision"]["status"], 403);
  EXPECT_EQ(explanation->json["decision"]["reason"], "path_denied");
  EXPECT_FALSE(explanation->json.contains("route"));
  EXPECT_EQ(explanation->json["site"][0], "www.example.com");
}

TEST_F(Explaining, RefusesAMalformedQuestion) {
  const std::string site = "https://www.example.com";
  const Question questions[] = {
      asking("", site + "/"),
      asking("G T", site + "/"),
      asking("GET", ""),
      asking("GET", "www.example.com/x"),
      asking("GET", "ftp://www.example.com/x"),
      asking("GET", "https://"),
      asking("GET", "https:///x"),
      asking("GET", "//www.example.com/x"),
      asking("GET", site + "/", "somewhere"),
      asking("GET", site + "/", "192.0.2.0/24"),
      asking("GET", site + "/", "127.0.0.1", {"no colon"}),
      asking("GET", site + "/", "127.0.0.1", {": no name"}),
  };
  for (const Question& question : questions) {
    EXPECT_FALSE(ask(question).has_value()) << question.method << " " << question.url;
  }
}

}  // namespace
}  // namespace viaduct::cli
