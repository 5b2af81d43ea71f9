// SPDX-License-Identifier: Apache-2.0
#include "action/text_template.h"

#include <gtest/gtest.h>

#include "support/exchange_scene.h"
#include "support/recording_action.h"

namespace viaduct::action {
namespace {

TEST(TextTemplate, RefusesVariablesThatDoNotExistOrDoNotEnd) {
  struct Row {
    std::string_view text;
    std::string_view error;
  };
  for (const Row& row : {Row{"${hst}", "unknown variable ${hst}"}, Row{"a${", "without"}, Row{"${host", "without"},
                         Row{"${}", "unknown variable"}, Row{"${Host}", "unknown variable"}}) {
    const auto parsed = TextTemplate::parse(row.text);
    ASSERT_FALSE(parsed.has_value()) << row.text;
    EXPECT_NE(parsed.error().message.find(row.error), std::string::npos) << parsed.error().message;
  }
}

TEST(TextTemplate, FillsEveryVariableAndKeepsTheRest) {
  support::ActionScript script;
  script.status = 0;
  support::ExchangeScene scene;
  scene.add_route().action = std::make_unique<support::RecordingAction>(script);
  scene.call({.target = "/a%20b?x=1&y", .fields = {{"X-Request-ID", "id-7"}}});
  struct Row {
    std::string_view text;
    std::string_view filled;
  };
  for (const Row& row : {
           Row{"", ""},
           Row{"plain $ {text}", "plain $ {text}"},
           Row{"https://${host}${path}", "https://host.test/a%20b"},
           Row{"${path}?${query}#${request_id}", "/a%20b?x=1&y#id-7"},
           Row{"${scheme}://${client_ip}/", "http://192.0.2.7/"},
           Row{"${host}${host}", "host.testhost.test"},
       }) {
    const auto parsed = TextTemplate::parse(row.text);
    ASSERT_TRUE(parsed.has_value()) << row.text;
    EXPECT_EQ(parsed->fill(*script.exchange), row.filled) << row.text;
  }
}

}  // namespace
}  // namespace viaduct::action
