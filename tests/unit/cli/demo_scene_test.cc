// SPDX-License-Identifier: Apache-2.0
#include "cli/demo_scene.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "cli/loading.h"
#include "support/temporary_directory.h"

namespace viaduct::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

const DemoScene kScene = {
    .ports = {.http = 18080, .https = 18443}, .app_url = "http://127.0.0.1:18001", .web_url = "http://127.0.0.1:18002"};

class DemoFiles : public testing::Test {
 protected:
  DemoFiles() {
    auto made = DemoDirectory::make();
    EXPECT_TRUE(made.has_value());
    directory_ = std::move(*made);
    EXPECT_TRUE(write_demo_files(kScene, base::SystemClock().wall_now(), *directory_).has_value());
  }
  std::string path(std::string_view name) const { return directory_->path() + "/" + std::string(name); }

  std::unique_ptr<DemoDirectory> directory_;
};

TEST(DemoConfig, NamesPortsAndUpstreams) {
  const std::string text = demo_config(kScene);
  EXPECT_THAT(text, Not(HasSubstr("@")));
  for (const char* part :
       {"\"127.0.0.1:18080\"", "\"127.0.0.1:18443\"", "www.xintuxiangce.top:18443\"",
        "app: { servers: [\"http://127.0.0.1:18001\"] }", "web: { servers: [\"http://127.0.0.1:18002\"] }"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(DemoNotice, IsOneJsonObjectWithBytesThatAParserWouldChange) {
  const std::string bytes(demo_notice());
  const auto json = nlohmann::json::parse(bytes, nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["event_type"], "TRANSACTION.SUCCESS");
  EXPECT_NE(json.dump(), bytes);
}

TEST_F(DemoFiles, AreAConfigThatStarts) {
  tls::TicketKeys ticket_keys;
  const LoadedConfig ready = load_and_build(path(kDemoConfig), ticket_keys);
  EXPECT_NE(ready.built.snapshot, nullptr);
  // The umask decides who may read the key; the certificate must be beyond reproach.
  const std::string problems = config::render_problems(ready.loaded.problems, ready.loaded.sources);
  EXPECT_THAT(problems, Not(HasSubstr("certificate")));
  ASSERT_NE(ready.loaded.config, nullptr);
  for (const config::Listener& listener : ready.loaded.config->listeners) {
    for (const auto& address : listener.addresses) EXPECT_EQ(address.ip().to_string(), "127.0.0.1");
  }
}

TEST_F(DemoFiles, HaveThePagesAndTheNotice) {
  EXPECT_EQ(support::file_bytes(path(kDemoNotice)), demo_notice());
  EXPECT_THAT(support::file_bytes(path("www/index.html")), HasSubstr("/static/app.js"));
  EXPECT_THAT(support::file_bytes(path("www/static/app.js")), HasSubstr("fetch(\"/api/v1/"));
  EXPECT_THAT(support::file_bytes(path("www/static/app.js")), HasSubstr("new EventSource(\"/api/v1/events\")"));
  EXPECT_THAT(support::file_bytes(path("www/static/app.js")), HasSubstr("/api/v1/ws"));
  EXPECT_FALSE(support::file_bytes(path("www/static/app.css")).empty());
  EXPECT_EQ(support::file_bytes(path("www/MP_verify_demo.txt")), "demo-verification-text");
}

TEST_F(DemoFiles, HaveACertificateOfTheirOwn) {
  auto other = DemoDirectory::make();
  ASSERT_TRUE(other.has_value());
  ASSERT_TRUE(write_demo_files(kScene, base::SystemClock().wall_now(), **other).has_value());
  EXPECT_NE(support::file_bytes(path(kDemoCertificate)),
            support::file_bytes((*other)->path() + "/" + std::string(kDemoCertificate)));
}

}  // namespace
}  // namespace viaduct::cli
