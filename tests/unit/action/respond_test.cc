// SPDX-License-Identifier: Apache-2.0
#include "action/respond.h"

#include <gtest/gtest.h>

#include "support/exchange_scene.h"

namespace viaduct::action {
namespace {

TEST(Respond, GivesItsTextToEveryMethodAndOnlyItsLengthToHead) {
  support::ExchangeScene scene;
  scene.add_route().action =
      std::make_unique<Respond>(config::RespondAction{.status = 203, .body = "hello\n", .content_type = "text/x"});
  for (const std::string_view method : {"GET", "POST", "DELETE", "HEAD"}) {
    auto& call = scene.call(method, "/");
    EXPECT_EQ(call.response.status, 203) << method;
    EXPECT_EQ(call.response.field("Content-Type"), "text/x");
    EXPECT_EQ(call.response.body_size.bytes, 6u) << method;
    EXPECT_EQ(call.response.body, method == "HEAD" ? "" : "hello\n");
    EXPECT_TRUE(call.response.is_complete);
  }
}

TEST(Respond, GivesNoBodyWhereTheStatusForbidsOne) {
  support::ExchangeScene scene;
  scene.add_route().action =
      std::make_unique<Respond>(config::RespondAction{.status = 204, .body = "x", .content_type = "text/plain"});
  auto& call = scene.call("GET", "/");
  EXPECT_EQ(call.response.status, 204);
  EXPECT_TRUE(call.response.body.empty());
  EXPECT_EQ(call.response.body_size.kind, http::BodyKind::kNone);
}

}  // namespace
}  // namespace viaduct::action
