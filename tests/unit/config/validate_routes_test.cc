// SPDX-License-Identifier: Apache-2.0
// Refusals with their whole messages are in load_broken_routes_test.cc and load_broken_parts_test.cc; here it is the
// edges of each rule.
#include "config/validate_routes.h"

#include <gtest/gtest.h>

#include "support/config_load.h"
#include "support/temporary_directory.h"

namespace viaduct::config {
namespace {

using support::problems_of;
using support::with_routes;

TEST(ValidateRoutes, TakesEveryAction) {
  const support::TemporaryDirectory directory;
  EXPECT_EQ(problems_of(with_routes("      - { match: { prefix: /a }, upstream: app }\n"
                                    "      - { match: { prefix: /b }, static: { root: . } }\n"
                                    "      - { match: { prefix: /c }, redirect: { to: /x } }\n"
                                    "      - { match: { prefix: /d }, respond: {} }\n"),
                        directory.path()),
            "");
}

TEST(ValidateRoutes, SuggestsAnUpstreamOrWhereToWriteOne) {
  EXPECT_TRUE(problems_of(with_routes("      - { upstream: banana }\n")).contains("known here: app"));
  EXPECT_TRUE(
      problems_of("listeners: [{ address: \":80\" }]\nsites: [{ default: true, routes: [{ upstream: app }] }]\n")
          .contains("there is no upstream \"app\"; add upstreams: { app: { servers: [URL] } }"));
}

TEST(ValidateRoutes, ShowsAnInheritedUpstreamWhereItStands) {
  const std::string text = problems_of(
      "listeners: [{ address: \":80\" }]\n"
      "defaults: { upstream: nobody }\n"
      "sites: [{ default: true, routes: [{ match: { prefix: /a } }, { match: { prefix: /b } }] }]\n");
  EXPECT_TRUE(text.starts_with("viaduct.yaml:2:23: defaults.upstream: there is no upstream \"nobody\"")) << text;
  EXPECT_EQ(text.find("there is no upstream"), text.rfind("there is no upstream")) << "told once: " << text;
}

TEST(ValidateRoutes, WantsTheFilesOfAStaticRoute) {
  const support::TemporaryDirectory directory;
  directory.write("www/index.html", "x");
  const auto of = [&directory](const std::string& keys) {
    return problems_of(with_routes("      - { match: { prefix: /x }, static: { " + keys + " } }\n"), directory.path());
  };
  EXPECT_EQ(of("root: www, fallback: /index.html"), "");
  EXPECT_TRUE(
      of("root: www, fallback: /app.html").contains("static.fallback: cannot read " + directory / "www/app.html"));
  EXPECT_TRUE(of("root: www/index.html").contains("is no directory"));
  EXPECT_EQ(of("root: www, strip_prefix: /x"), "");
  EXPECT_TRUE(of("root: www, strip_prefix: /y").contains("warning: sites[0].routes[0].static.strip_prefix: no path"));
}

TEST(ValidateRoutes, LetsStatusesWithoutBodyHaveNone) {
  for (const char* status : {"204", "205", "304"}) {
    const std::string route = std::string("      - { respond: { status: ") + status;
    EXPECT_EQ(problems_of(with_routes(route + " } }\n")), "");
    EXPECT_TRUE(problems_of(with_routes(route + ", body: x } }\n")).contains("has no body"));
  }
}

// 36,500 days fit into the nanoseconds of an int64, a million do not.
TEST(ValidateRoutes, WantsABurstThatCanBeCounted) {
  const auto problems = [](const std::string& limit) {
    return problems_of(with_routes("      - { upstream: app, rate_limit: { " + limit + " } }\n"));
  };
  EXPECT_EQ(problems("rate: 1/d, burst: 36500"), "");
  EXPECT_EQ(problems("rate: 28/d, burst: 1000000"), "");
  EXPECT_EQ(problems("rate: 4294967295/s, burst: 1000000"), "");
  EXPECT_TRUE(problems("rate: 1/d, burst: 36501")
                  .contains("rate_limit.burst: at 1/d, 36501 requests would be there again after more than 100 years, "
                            "which cannot be counted; write at most 36500"));
}

TEST(ValidateRoutes, RewritesOnlyWhatHasAPath) {
  EXPECT_EQ(problems_of(
                with_routes("      - { match: { prefix: /x }, static: { root: / }, rewrite: { strip_prefix: /x } }\n")),
            "");
  EXPECT_NE(problems_of(with_routes("      - { redirect: { to: /x }, rewrite: { strip_prefix: /x } }\n")), "");
  // Inherited, it is for the routes that have a path to change.
  EXPECT_EQ(problems_of("listeners: [{ address: \":80\" }]\ndefaults: { rewrite: { strip_prefix: /x } }\n"
                        "sites: [{ default: true, routes: [{ respond: {} }] }]\n"),
            "");
}

TEST(ValidateRoutes, KnowsWhichPathsAPrefixCanBeTakenFrom) {
  const auto of = [](const std::string& match) {
    return problems_of(
        with_routes("      - { match: { " + match + " }, upstream: app, rewrite: { strip_prefix: /api } }\n"));
  };
  for (const char* match :
       {"prefix: /api", "prefix: /api/v1/", "prefix: /", "exact: /api/x", "regex: x", "prefix: [/b, /api]"}) {
    EXPECT_EQ(of(match), "") << match;
  }
  for (const char* match : {"prefix: /b", "exact: /ap", "exact: /x/api"}) EXPECT_NE(of(match), "") << match;
}

TEST(ValidateRoutes, TakesAStarForCorsWithoutCredentials) {
  EXPECT_EQ(problems_of(with_routes("      - { upstream: app, cors: { allow_origins: \"*\" } }\n")), "");
  EXPECT_EQ(
      problems_of(with_routes("      - upstream: app\n"
                              "        cors: { allow_origins: \"https://a.example.com\", allow_credentials: true }\n")),
      "");
}

TEST(ValidateRoutes, CompletesWhatIsInherited) {
  const std::string head =
      "listeners: [{ address: \":80\" }]\ndefaults: { cors: { max_age: 5m }, rate_limit: { burst: 1 }, allow: { mode: "
      "report } }\n"
      "sites: [{ default: true, routes: [{ respond: {}";
  const std::string text = problems_of(head + " }] }]\n");
  for (const char* missing : {"inherits cors without allow_origins", "inherits rate_limit without rate",
                              "inherits allow without addresses"}) {
    EXPECT_TRUE(text.contains(missing)) << missing << text;
  }
  EXPECT_FALSE(problems_of(head +
                           ", cors: { allow_origins: \"*\" }, rate_limit: { rate: 1/s }, allow: { addresses: \"::1\" } "
                           "}] }]\n")
                   .contains("inherits"));
  EXPECT_FALSE(problems_of(head + ", cors: null, rate_limit: null, allow: null }] }]\n").contains("inherits"));
}

TEST(ValidateRoutes, LetsWebsocketStandOnlyWhereAnUpstreamCanSpeakIt) {
  const auto of = [](const std::string& upstream, const std::string& site, const std::string& route) {
    const LoadResult result =
        support::load_config("listeners: [{ address: \":80\" }]\nupstreams: { app: { " + upstream +
                             "servers: \"http://a.example.com\" } }\nsites: [{ default: true, " + site +
                             "routes: [{ name: r, match: { exact: /ws }, " + route + " }] }]\n");
    std::string text;
    for (const Problem& problem : result.problems) {
      if (problem.severity == Severity::kError) text += problem.key + ": " + problem.message;
    }
    return text;
  };
  EXPECT_EQ(of("", "", "upstream: app, websocket: true"), "");
  EXPECT_EQ(of("http2: true, ", "", "upstream: app"), "");
  EXPECT_EQ(of("http2: true, ", "", "upstream: app, websocket: true"),
            "sites[0].routes[0].websocket: WebSocket needs an HTTP/1.1 upstream; write http2: false at upstreams.app, "
            "or websocket: false at the route r");
  EXPECT_EQ(of("http2: true, ", "websocket: true, ", "upstream: app"),
            "sites[0].websocket: WebSocket needs an HTTP/1.1 upstream; write http2: false at upstreams.app, or "
            "websocket: false at the route r");
  EXPECT_EQ(of("http2: true, ", "websocket: true, ", "upstream: app, websocket: false"), "");
  for (const char* action : {"redirect: { to: /x }", "respond: {}"}) {
    EXPECT_EQ(
        of("", "", std::string(action) + ", websocket: true"),
        "sites[0].routes[0].websocket: this route has no upstream that could speak WebSocket; delete it, or write "
        "upstream: NAME");
    EXPECT_EQ(of("", "websocket: true, ", action), "");
  }
}

TEST(ValidateRoutes, LetsTheSameNameStandInTwoSites) {
  EXPECT_EQ(problems_of("listeners: [{ address: \":80\" }]\nsites:\n"
                        "  - { hosts: a.example.com, routes: [{ name: x, respond: {} }] }\n"
                        "  - { hosts: b.example.com, routes: [{ name: x, respond: {} }] }\n"),
            "");
}

}  // namespace
}  // namespace viaduct::config
