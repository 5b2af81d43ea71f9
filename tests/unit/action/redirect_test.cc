// SPDX-License-Identifier: Apache-2.0
#include "action/redirect.h"

#include <gtest/gtest.h>

#include "support/exchange_scene.h"

namespace viaduct::action {
namespace {

TEST(Redirect, LeadsWhereTheTemplateSaysWithTheStatusAsked) {
  for (const int status : {301, 302, 303, 307, 308}) {
    support::ExchangeScene scene;
    auto made =
        Redirect::make({.to = "https://new.test${path}?${query}", .status = static_cast<std::uint16_t>(status)});
    ASSERT_TRUE(made.has_value());
    scene.add_route().action = std::move(*made);
    auto& call = scene.call({.method = "POST", .target = "/a?b=c", .body = {http::BodyKind::kSized, 5}});
    EXPECT_EQ(call.response.status, status);
    EXPECT_EQ(call.response.field("Location"), "https://new.test/a?b=c");
    EXPECT_TRUE(call.response.body.empty());
    EXPECT_TRUE(call.response.is_complete);
  }
}

TEST(Redirect, RefusesAnUnknownVariable) {
  const auto made = Redirect::make({.to = "${nothing}", .status = 302});
  ASSERT_FALSE(made.has_value());
  EXPECT_NE(made.error().message.find("${nothing}"), std::string::npos);
}

}  // namespace
}  // namespace viaduct::action
