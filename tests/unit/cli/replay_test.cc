// SPDX-License-Identifier: Apache-2.0
#include "cli/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/format.h"
#include "daemon/build.h"
#include "support/config_load.h"
#include "support/temporary_directory.h"

namespace viaduct::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr std::string_view kRoutes =
    "      - { name: api, match: { prefix: /api/ }, upstream: app }\n"
    "      - { name: post, match: { exact: /p, methods: [POST] }, upstream: app }\n"
    "      - { name: old, match: { exact: /old }, redirect: { to: /new } }\n";

class ReplayTest : public testing::Test {
 protected:
  exchange::SnapshotRef snapshot_of(std::string_view routes) {
    const auto config = support::config_of(support::with_routes(routes));
    return daemon::build_snapshot(*config, 1, ticket_keys_, {}).snapshot;
  }
  // What is counted where `lines` meet `routes`, and were served by `old`, or as they say themselves.
  json replay(std::string_view lines, std::string_view routes, std::string_view old = {}) {
    const exchange::SnapshotRef config = snapshot_of(routes);
    const exchange::SnapshotRef before = old.empty() ? nullptr : snapshot_of(old);
    Replay replay({.config = *config, .old = before.get(), .host = {}});
    std::istringstream stream{std::string(lines)};
    replay.read(stream);
    text_ = replay.text();
    EXPECT_EQ(replay.json()["changes"], replay.changes());
    return replay.json();
  }
  static std::string combined(std::string_view request, int status = 200, std::string_view client = "192.0.2.1") {
    return base::format("{} - - [28/Nov/2026:09:00:00 +0800] \"{} HTTP/1.1\" {} 12\n", client, request, status);
  }
  static std::string logged(const json& changes) {
    json line = {{"method", "GET"},
                 {"host", "www.example.com"},
                 {"path", "/api/x"},
                 {"query", ""},
                 {"status", 200},
                 {"route", "api"},
                 {"site", "www.example.com"},
                 {"reason", ""},
                 {"upstream", "app"},
                 {"client_ip", "192.0.2.1"}};
    line.update(changes);
    return line.dump() + "\n";
  }

  tls::TicketKeys ticket_keys_;
  std::string text_;
};

TEST_F(ReplayTest, ComparesTwoConfigs) {
  const std::string now = std::string(kRoutes) + "      - { name: v2, match: { prefix: /api/v2/ }, upstream: app }\n";
  const json counted = replay(combined("GET /api/v1") + combined("GET /api/v2/x?y") + combined("GET /api/v2/x?z") +
                                  combined("GET /nowhere") + combined("POST /p"),
                              now, kRoutes);
  EXPECT_EQ(counted["requests"], 5);
  EXPECT_EQ(counted["changes"], 2);
  EXPECT_EQ(counted["no_route"], 1);
  const json wanted = {{"method", "GET"},
                       {"path", "/api/v2/x"},
                       {"old", "www.example.com/api"},
                       {"new", "www.example.com/v2"},
                       {"count", 2},
                       {"example", {{"line", 2}, {"url", "/api/v2/x?y"}}}};
  EXPECT_EQ(counted["groups"], json::array({wanted}));
  EXPECT_THAT(text_, HasSubstr("2 of 5 requests would change:\n        2  GET /api/v2/x: www.example.com/api -> "
                               "www.example.com/v2 (as in line 2: /api/v2/x?y)\n"));
}

TEST_F(ReplayTest, SeesThatARouteOfTheSameNameDoesSomethingElse) {
  std::string now(kRoutes);
  now.replace(now.find("to: /new"), 8, "to: /top");
  const json counted = replay(combined("GET /old") + combined("GET /api/x"), now, kRoutes);
  ASSERT_EQ(counted["changes"], 1);
  EXPECT_EQ(counted["groups"][0]["old"], "www.example.com/old (redirect 302 /new)");
  EXPECT_EQ(counted["groups"][0]["new"], "www.example.com/old (redirect 302 /top)");
}

TEST_F(ReplayTest, HasNothingToSayWhereNothingChanges) {
  const json counted = replay(combined("GET /old") + combined("GET /x") + combined("DELETE /p"), kRoutes, kRoutes);
  EXPECT_EQ(counted["changes"], 0);
  EXPECT_EQ(counted["refused"], 2);
  EXPECT_THAT(text_, HasSubstr("0 of 3 requests would change\n"));
}

TEST_F(ReplayTest, TakesTheLogsWordForWhatWasDone) {
  const json counted =
      replay(logged(json::object()) + logged({{"route", "gone"}}) + logged({{"upstream", "elsewhere"}}) +
                 logged({{"path", "/x"}, {"route", ""}, {"reason", "no_route"}, {"status", 404}}) +
                 logged({{"path", "/api/y"}, {"route", ""}, {"reason", "path_denied"}}) +
                 logged({{"path", "/old"}, {"route", "old"}, {"upstream", ""}}),
             kRoutes);
  EXPECT_EQ(counted["requests"], 6);
  EXPECT_EQ(counted["changes"], 3);
  std::vector<std::string> changes;
  for (const json& group : counted["groups"]) {
    changes.push_back(group["old"].get<std::string>() + " -> " + group["new"].get<std::string>());
  }
  EXPECT_THAT(changes, testing::UnorderedElementsAre(
                           "www.example.com/gone -> www.example.com/api", "403 path_denied -> www.example.com/api",
                           "www.example.com/api (upstream elsewhere) -> www.example.com/api (upstream app)"));
}

TEST_F(ReplayTest, DoesNotCompareWhatTheLogCannotTell) {
  const json counted = replay(logged({{"route", ""}, {"reason", "header_timeout"}}) + logged({{"method", "OPTIONS"}}) +
                                  combined("GET /api/x", 404) + combined("GET /x", 404),
                              kRoutes);
  EXPECT_EQ(counted["not_compared"], 4);
  EXPECT_EQ(counted["changes"], 0);
  EXPECT_THAT(text_, HasSubstr("4 not compared: "));
}

TEST_F(ReplayTest, FindsWhatAnotherServerServedAndThisOneWouldRefuse) {
  const json counted = replay(combined("GET /api/x") + combined("GET /lost") + combined("GET /p"), kRoutes);
  EXPECT_EQ(counted["changes"], 2);
  EXPECT_THAT(text_, HasSubstr("GET /lost: status 200 -> 404 no_route"));
  EXPECT_THAT(text_, HasSubstr("GET /p: status 200 -> 405 method_not_allowed"));
  EXPECT_THAT(text_, HasSubstr("1 request finds no route in the new config, 2 are refused in all"));
}

TEST_F(ReplayTest, KnowsWhoIsNotLetIn) {
  const std::string now =
      "      - { name: api, match: { prefix: /api/ }, upstream: app, allow: { addresses: [10.0.0.0/8], mode: enforce } "
      "}\n";
  const json counted = replay(combined("GET /api/x", 200, "10.1.2.3") + combined("GET /api/x"), now, kRoutes);
  ASSERT_EQ(counted["changes"], 1);
  EXPECT_EQ(counted["groups"][0]["new"], "403 address_not_allowed");
}

class ReplayOfFiles : public ReplayTest {
 protected:
  ReplayOfFiles() {
    for (const char* name : {"a.txt", "index.html", "docs/index.html", "empty/only.txt", ".env"}) {
      directory_.write(name, "x");
    }
  }
  std::string pages(std::string_view more = {}) const {
    return base::format(
        "      - {{ name: api, match: {{ prefix: /api/ }}, upstream: app }}\n"
        "      - {{ name: pages, match: {{ prefix: / }}, static: {{ root: \"{}\"{} }}{} }}\n",
        directory_.path(), is_spa_ ? ", fallback: /index.html" : "", more);
  }

  bool is_spa_ = false;

 private:
  support::TemporaryDirectory directory_;
};

TEST_F(ReplayOfFiles, FindsWhatARouteForFilesRefuses) {
  struct Row {
    std::string_view request;
    std::string_view refusal;  // empty: it is served
  };
  for (const Row& row : {Row{"GET /a.txt", ""}, Row{"HEAD /a.txt?v=1", ""}, Row{"GET /", ""}, Row{"GET /docs/", ""},
                         Row{"GET /docs", ""},  // redirected
                         Row{"GET /a%2Etxt", ""}, Row{"POST /a.txt", "405 method_not_allowed"},
                         Row{"POST /zz/x", "405 method_not_allowed"}, Row{"OPTIONS /a.txt", "405 method_not_allowed"},
                         Row{"GET /wp-login.php", "404 static_not_found"}, Row{"GET /a.txt/b", "404 static_not_found"},
                         Row{"GET /.env", "404 static_not_found"}, Row{"GET /empty/", "403 static_forbidden"},
                         Row{"GET /a%00", "400 path_invalid"}}) {
    const json counted = replay(combined(row.request), pages());
    EXPECT_EQ(counted["changes"], row.refusal.empty() ? 0 : 1) << row.request;
    EXPECT_EQ(counted["refused"], counted["changes"]) << row.request;
    const json& groups = counted["groups"];
    EXPECT_EQ(groups.empty() ? "" : groups[0]["new"].get<std::string>(), row.refusal) << row.request;
  }
}

TEST_F(ReplayOfFiles, TakesPreflightsForAnswered) {
  const std::string cors = ", cors: { allow_origins: [\"https://a.example\"] }";
  EXPECT_EQ(replay(combined("OPTIONS /a.txt", 204), pages(cors))["refused"], 0);
}

TEST_F(ReplayOfFiles, ComparesWhatTheLogSaysOfThem) {
  const json pages_line = {{"route", "pages"}, {"upstream", ""}, {"path", "/gone.html"}};
  json missing = pages_line;
  missing.update({{"reason", "static_not_found"}, {"status", 404}});
  EXPECT_EQ(replay(logged(missing), pages())["changes"], 0);
  EXPECT_EQ(replay(logged(pages_line), pages())["groups"][0]["new"], "404 static_not_found");
  missing["path"] = "/a.txt";
  EXPECT_EQ(replay(logged(missing), pages())["groups"][0]["old"], "404 static_not_found");
}

// Who gets the page is a matter of Accept.
TEST_F(ReplayOfFiles, LeavesOpenWhoGetsTheFallbackPage) {
  is_spa_ = true;
  const json served = replay(combined("GET /of/the/app") + combined("GET /gone.js"), pages());
  EXPECT_EQ(served["changes"], 1);
  EXPECT_EQ(served["groups"][0]["path"], "/gone.js");
  const json line = {{"route", "pages"}, {"upstream", ""}, {"path", "/of/app"}, {"reason", "static_not_found"}};
  const json refused = replay(logged(line), pages());
  EXPECT_EQ(refused["changes"], 0);
  EXPECT_EQ(refused["undecidable"], 1);
}

TEST_F(ReplayTest, LeavesConditionsOpenThatNoLogTells) {
  const std::string now = std::string(kRoutes) +
                          "      - { name: new, match: { prefix: /api/, headers: { X-New: \"1\" } }, upstream: app }\n";
  EXPECT_EQ(replay(logged({{"route", "new"}}), now)["undecidable"], 1);
  EXPECT_THAT(text_, HasSubstr("1 may change"));
}

TEST_F(ReplayTest, CountsLinesThatItCannotRead) {
  const json counted = replay("nonsense\n\n" + combined("GET /api/x") + std::string(200'000, 'x') + "\n" +
                                  combined("GET /api/y") + "192.0.2.1 - - [t] \"GET /api/z HTTP/1.1\" 200 1",
                              kRoutes, kRoutes);
  EXPECT_EQ(counted["requests"], 3);
  EXPECT_EQ(counted["unreadable"], 2);
  EXPECT_THAT(text_, HasSubstr("2 lines could not be read"));
}

TEST_F(ReplayTest, KeepsItsMemoryBoundedWhateverTheLogHolds) {
  std::string lines;
  for (std::size_t i = 0; i < 2 * Replay::kGroupsMax + 100; ++i) {
    lines += logged({{"path", base::format("/x{}", i)}, {"route", base::format("r{}", i)}});
  }
  const json counted = replay(lines, kRoutes);
  EXPECT_EQ(counted["changes"], 2 * Replay::kGroupsMax + 100);
  EXPECT_EQ(counted["groups"].size(), 2 * Replay::kGroupsMax + 1);
  EXPECT_EQ(counted["groups"][0]["count"], 100);
  EXPECT_THAT(text_, HasSubstr("more kinds; --json shows all"));
}

}  // namespace
}  // namespace viaduct::cli
