// SPDX-License-Identifier: Apache-2.0
#include "action/redirect.h"

#include <gtest/gtest.h>

#include "support/exchange_scene.h"

namespace viaduct::action {
namespace {

class RedirectTest : public testing::Test {
 protected:
  void build(const config::RedirectAction& config) {
    auto made = Redirect::make(config);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    scene_.add_route().action = std::move(*made);
  }

  support::ExchangeScene scene_;
};

TEST_F(RedirectTest, SendsTheClientElsewhere) {
  build({.to = "https://${host}/new${path}?from=old&${query}", .status = 301});
  auto& call = scene_.call("GET", "/a/b?c=%20d");
  EXPECT_EQ(call.response.status, 301);
  EXPECT_EQ(call.response.field("Location"), "https://host.test/new/a/b?from=old&c=%20d");
  EXPECT_EQ(call.response.body, "");
  EXPECT_TRUE(call.response.is_complete);
  EXPECT_EQ(call.response.body_size, (http::BodySize{.kind = http::BodyKind::kSized, .bytes = 0}));
  scene_.turn();
  EXPECT_EQ(scene_.log(), "301 -");
}

TEST_F(RedirectTest, DoesSoWhateverTheMethodAndWithoutReadingTheBody) {
  build({.to = "/elsewhere", .status = 308});
  for (const std::string_view method : {"GET", "HEAD", "POST", "OPTIONS", "BREW"}) {
    auto& call = scene_.call({.method = method, .body = {.kind = http::BodyKind::kSized, .bytes = 5}});
    EXPECT_EQ(call.response.status, 308) << method;
    EXPECT_EQ(call.response.field("Location"), "/elsewhere");
    EXPECT_FALSE(call.response.is_reading);
    call.send_body("12345", true);  // is dropped
  }
}

TEST_F(RedirectTest, GivesTheStatusThatTheConfigAsksFor) {
  for (const int status : {301, 302, 303, 307, 308}) {
    support::ExchangeScene scene;
    scene.add_route().action = std::move(*Redirect::make({.to = "/x", .status = static_cast<std::uint16_t>(status)}));
    EXPECT_EQ(scene.call("GET", "/").response.status, status);
  }
}

// "//host" and, for browsers, "/\host" lead to another host.
TEST_F(RedirectTest, LeadsToNoHostThatTheRequestNames) {
  struct Row {
    std::string_view to;
    std::string_view target;
    std::string_view location;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"${path}/", "//evil.example/x", "/evil.example/x/"},
           {"${path}/", "/\\evil.example/x", "/evil.example/x/"},
           {"${path}/", "/\\/\\evil.example", "/evil.example/"},
           {"${path}/", "///", "/"},
           {"${path}/", "/a//b", "/a//b/"},
           {"/${path}", "/evil.example/x", "/evil.example/x"},
           {"/${query}", "/?/evil.example", "/evil.example"},
           {"https://${host}${path}", "//evil.example/x", "https://host.test//evil.example/x"},
       }) {
    support::ExchangeScene scene;
    scene.add_route().action = std::move(*Redirect::make({.to = std::string(row.to), .status = 301}));
    EXPECT_EQ(scene.call("GET", row.target).response.field("Location"), row.location) << row.to << " " << row.target;
  }
}

TEST_F(RedirectTest, IsNotMadeOfAnAddressThatCannotBeFilledIn) {
  EXPECT_FALSE(Redirect::make({.to = "${nonsense}", .status = 302}).has_value());
}

}  // namespace
}  // namespace viaduct::action
