// SPDX-License-Identifier: Apache-2.0
#include "exchange/text_template.h"

#include <gtest/gtest.h>

#include "support/exchange_scene.h"
#include "support/recording_action.h"

namespace viaduct::exchange {
namespace {

class TextTemplateTest : public testing::Test {
 protected:
  // The text of `parsed` for a request.
  std::string fill(std::string_view text, const support::ExchangeScene::Request& request) {
    const auto parsed = TextTemplate::parse(text);
    if (!parsed) return parsed.error().message;
    script_.status = 0;
    if (script_.begun == 0) scene_.add_route().action = std::make_unique<support::RecordingAction>(script_);
    return std::string(parsed->fill(*scene_.call(request).exchange, request.target));
  }

  support::ActionScript script_;
  support::ExchangeScene scene_;
};

TEST_F(TextTemplateTest, FillsInWhatTheRequestSays) {
  const support::ExchangeScene::Request request = {
      .target = "/a%2Fb?c=d&e", .fields = {{"X-Request-ID", "id-1"}}, .authority = "host.test:8080"};
  struct Row {
    std::string_view text;
    std::string_view filled;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"plain", "plain"},
           {"", ""},
           {"${path}", "/a%2Fb"},
           {"${query}", "c=d&e"},
           {"${scheme}", "http"},
           {"${client_ip}", "192.0.2.7"},
           {"${request_id}", "id-1"},
           {"https://${host}${path}?${query}", "https://host.test/a%2Fb?c=d&e"},
           {"${path}${path}", "/a%2Fb/a%2Fb"},
           {"$ {path} $path {path} }", "$ {path} $path {path} }"},
           {"${path} $", "/a%2Fb $"},
       }) {
    EXPECT_EQ(fill(row.text, request), row.filled) << row.text;
  }
}

// As nginx's $host: a redirect to another scheme must not take the old port along.
TEST_F(TextTemplateTest, NamesTheHostWithoutItsPort) {
  EXPECT_EQ(fill("${host}", {.authority = "host.test"}), "host.test");
  EXPECT_EQ(fill("${host}", {.authority = "host.test:80"}), "host.test");
  EXPECT_EQ(fill("${host}", {.authority = "[2001:db8::1]:80"}), "[2001:db8::1]");
  EXPECT_EQ(fill("${host}", {.authority = "[2001:db8::1]"}), "[2001:db8::1]");
  EXPECT_EQ(fill("${host}", {.authority = "", .version = http::Version::kHttp10}), "host.test");
}

TEST_F(TextTemplateTest, LeavesEmptyWhatTheRequestDoesNotHave) {
  EXPECT_EQ(fill("[${query}]", {.target = "/x"}), "[]");
  EXPECT_EQ(fill("[${query}]", {.target = "/x?"}), "[]");
}

TEST_F(TextTemplateTest, SeesTheClientThroughTrustedProxies) {
  scene_.site().trusted_proxies.add(*base::Cidr::parse("192.0.2.0/24"));
  EXPECT_EQ(fill("${client_ip}", {.fields = {{"X-Forwarded-For", "2001:db8::7"}}}), "2001:db8::7");
}

TEST(TextTemplate, RefusesVariablesThatDoNotExistOrHaveNoEnd) {
  struct Row {
    std::string_view text;
    std::string_view says;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"${nonsense}", "unknown variable ${nonsense}; use host, path, query, scheme, client_ip or request_id"},
           {"${}", "unknown variable ${}; use host, path, query, scheme, client_ip or request_id"},
           {"${Host}", "unknown variable ${Host}; use host, path, query, scheme, client_ip or request_id"},
           {"${ path }", "unknown variable ${ path }; use host, path, query, scheme, client_ip or request_id"},
           {"${path}${", "\"${\" without \"}\""},
           {"a ${path", "\"${\" without \"}\""},
       }) {
    const auto parsed = TextTemplate::parse(row.text);
    ASSERT_FALSE(parsed.has_value()) << row.text;
    EXPECT_EQ(parsed.error().message, row.says);
  }
}

}  // namespace
}  // namespace viaduct::exchange
