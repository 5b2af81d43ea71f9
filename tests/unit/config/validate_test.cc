// SPDX-License-Identifier: Apache-2.0
#include "config/validate.h"

#include <gtest/gtest.h>

#include "support/config_load.h"
#include "support/temporary_directory.h"

namespace viaduct::config {
namespace {

TEST(Validate, FindsNothingWrongWithTheSmallestConfig) {
  EXPECT_EQ(support::problems_of(
                "listeners: [{ address: \":80\" }]\nsites: [{ default: true, routes: [{ respond: {} }] }]\n"),
            "");
}

TEST(Validate, FindsWhatIsWrongInEveryPartAtOnce) {
  const std::string text = support::problems_of(
      "listeners: [{ address: \":80\", redirect_to_https: true }]\n"
      "upstreams: { app: { servers: [] } }\n"
      "sites: [{ routes: [{ upstream: web }] }]\n"
      "logs: { access: { file: logs/access.log } }\n");
  for (const char* key : {"listeners[0].redirect_to_https: ", "upstreams.app.servers: ", "sites[0]: ",
                          "sites[0].routes[0].upstream: ", "logs.access.file: "}) {
    EXPECT_TRUE(text.contains(key)) << key << text;
  }
}

TEST(Validate, WantsDirectoriesForLogsAndTheAdminSocket) {
  const support::TemporaryDirectory directory;
  const std::string top =
      "logs: { access: { file: access.log }, error: { file: error.log } }\nadmin: { socket: admin.sock }\n";
  EXPECT_EQ(support::problems_of(support::with_top(top), directory.path()), "");
  const std::string text = support::problems_of(support::with_top(top), directory / "missing");
  for (const char* key : {"logs.access.file: ", "logs.error.file: ", "admin.socket: "}) {
    EXPECT_TRUE(text.contains(key)) << key << text;
  }
}

TEST(Validate, WantsTheSmallerTtlFirst) {
  const std::string text = support::problems_of(support::with_top("resolver: { min_ttl: 2s, max_ttl: 1s }\n"));
  EXPECT_TRUE(text.contains("resolver.min_ttl: min_ttl (2s) is longer than max_ttl (1s)")) << text;
}

TEST(Validate, WarnsOfAUserThatTheStartWouldMiss) {
  EXPECT_EQ(support::problems_of(support::with_top("process: { user: root }\n")), "");
  const std::string top = support::with_top("process: { user: no-such-user }\n");
  const std::string text = support::problems_of(top);
  EXPECT_TRUE(
      text.contains("viaduct.yaml:9:18: warning: process.user: there is no user no-such-user here, and a start as root "
                    "would fail; create it or change process.user"))
      << text;
  EXPECT_NE(load_text(top, "viaduct.yaml", {.directory = "/"}).config, nullptr);
}

TEST(Validate, WantsNoFilesForTheStandardStreams) {
  EXPECT_EQ(support::problems_of(support::with_top("logs: { access: { file: \"-\" }, error: { file: \"-\" } }\n")), "");
}

}  // namespace
}  // namespace viaduct::config
