// SPDX-License-Identifier: Apache-2.0
#include "route/trace.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/routing.h"

namespace viaduct::route {
namespace {

using support::exact;
using support::make_route;
using support::prefix;
using support::regex;
using support::Scene;

// A reading as lines: its path and outcome, then its candidates.
std::string text_of(const Trace::Reading& reading) {
  std::string text = reading.path + " -> ";
  text += reading.route != nullptr ? reading.route->name : std::string(http::reason_name(reading.reason));
  for (const Trace::Candidate& candidate : reading.candidates) {
    text +=
        "\n  " + candidate.route->name + " " + std::string(path_kind_name(candidate.kind)) + " " + candidate.pattern;
    if (!candidate.why.empty()) text += ": " + candidate.why;
  }
  return text;
}

TEST(Trace, ListsEachCandidateAndWhyItLost) {
  config::Match beta = exact("/api/x");
  beta.headers["X-Beta"] = "1";
  Scene scene({make_route("pages", prefix("/")), make_route("api", prefix("/api/")),
               make_route("form", prefix("/api/", {"POST"})), make_route("rx", regex("x$", {"PUT"})),
               make_route("beta", beta), make_route("other", prefix("/other/"))});
  Trace trace;
  const Decision decision = scene.decide({.target = "/api/%78?a=b", .authority = "Any.Host.:80"}, &trace);
  EXPECT_EQ(Scene::outcome_of(decision), "api");
  EXPECT_EQ(trace.host, "any.host");
  EXPECT_EQ(trace.host_pattern, "");
  EXPECT_EQ(trace.deny, "");
  ASSERT_EQ(trace.readings.size(), 1U);
  EXPECT_EQ(text_of(trace.readings[0]),
            "/api/x -> api\n"
            "  beta exact /api/x: header X-Beta is not 1\n"
            "  rx regex x$: method is not one of PUT\n"
            "  form prefix /api/: method is not one of POST\n"
            "  api prefix /api/\n"
            "  pages prefix /: a better match takes the request");
}

TEST(Trace, ShowsEveryReadingOfAnAmbiguousPathOnce) {
  Scene scene({make_route("pages", prefix("/")), make_route("api", prefix("/api/"))});
  Trace trace;
  EXPECT_EQ(Scene::outcome_of(scene.decide({.target = "/api/..%2Fx", .authority = "host.test"}, &trace)),
            "path_ambiguous");
  EXPECT_EQ(trace.host_pattern, "host.test");
  ASSERT_EQ(trace.readings.size(), 3U);
  EXPECT_EQ(text_of(trace.readings[0]),
            "/api/..%2Fx -> api\n  api prefix /api/\n  pages prefix /: a better match takes the request");
  EXPECT_EQ(trace.readings[1].path, "/api/../x");
  EXPECT_EQ(text_of(trace.readings[2]), "/x -> pages\n  pages prefix /");
}

TEST(Trace, NamesTheEntryThatDenies) {
  Scene scene({make_route("pages", prefix("/"))}, {"/.env", "/.git"});
  for (const char* target : {"/.git/x", "/a/..%2f.git", "/.git;x"}) {
    Trace trace;
    EXPECT_EQ(scene.decide({.target = target}, &trace).reason, http::Reason::kPathDenied);
    EXPECT_EQ(trace.deny, "/.git") << target;
    EXPECT_TRUE(trace.readings.empty());
  }
}

TEST(Trace, SaysByWhatMethodAPreflightIsRouted) {
  Scene scene({make_route("post", exact("/a", {"POST"}))});
  Trace trace;
  scene.decide({.method = "OPTIONS",
                .target = "/a",
                .fields = {{"Origin", "https://x.test"}, {"Access-Control-Request-Method", "POST"}}},
               &trace);
  EXPECT_EQ(trace.preflight_method, "POST");
  ASSERT_EQ(trace.readings.size(), 1U);
  EXPECT_EQ(text_of(trace.readings[0]), "/a -> post\n  post exact /a");
}

TEST(Trace, ChangesNothingOfTheDecision) {
  Scene scene({make_route("pages", prefix("/", {"GET"})), make_route("api", prefix("/api/", {"POST"}))}, {"/x"});
  for (const char* target : {"/", "/api/a", "/api//a", "/api/../a", "/x", "/%", "/a%2F..%2Fapi/b"}) {
    for (const char* method : {"GET", "POST", "PUT"}) {
      Trace trace;
      const Decision traced = scene.decide({.method = method, .target = target}, &trace);
      const Decision plain = scene.decide({.method = method, .target = target});
      EXPECT_EQ(traced.reason, plain.reason) << method << ' ' << target;
      EXPECT_EQ(traced.route, plain.route) << method << ' ' << target;
      EXPECT_EQ(traced.is_ambiguous, plain.is_ambiguous) << method << ' ' << target;
    }
  }
}

}  // namespace
}  // namespace viaduct::route
