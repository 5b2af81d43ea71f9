// SPDX-License-Identifier: Apache-2.0
#include "config/filter_keys.h"

#include <gtest/gtest.h>

#include "support/config_load.h"
#include "support/temporary_directory.h"

namespace viaduct::config {
namespace {

using namespace std::chrono_literals;
using support::route_of;

std::string show(const std::vector<std::pair<std::string, FieldValue>>& fields) {
  std::string text;
  for (const auto& [name, value] : fields) text += name + "=" + value.text.value + " ";
  return text;
}

TEST(AllowKeys, TakeOneAddressOrMany) {
  const Route route =
      route_of("      - { upstream: app, allow: { addresses: [10.0.0.0/8, 192.0.2.1], mode: report } }\n");
  ASSERT_TRUE(route.allow.has_value());
  EXPECT_EQ(route.allow->mode, AllowMode::kReport);
  EXPECT_TRUE(route.allow->addresses.contains(*base::IpAddress::parse("10.1.2.3")));
  EXPECT_FALSE(route.allow->addresses.contains(*base::IpAddress::parse("192.0.2.2")));
  EXPECT_EQ(route_of("      - { upstream: app, allow: { addresses: \"::1\" } }\n").allow->mode, AllowMode::kEnforce);
}

TEST(CorsKeys, FillEveryMember) {
  const Route route = route_of(
      "      - upstream: app\n"
      "        cors:\n"
      "          allow_origins: [\"https://www.example.com\", \"https://*.example.org\"]\n"
      "          allow_methods: [PUT, QUERY]\n"
      "          allow_headers: X-User-ID\n"
      "          expose_headers: [ETag]\n"
      "          allow_credentials: true\n"
      "          max_age: 10m\n");
  ASSERT_TRUE(route.cors.has_value());
  EXPECT_EQ(route.cors->allow_origins, (std::vector<std::string>{"https://www.example.com", "https://*.example.org"}));
  EXPECT_EQ(route.cors->allow_methods, (std::vector<std::string>{"PUT", "QUERY"}));
  EXPECT_EQ(route.cors->allow_headers, (std::vector<std::string>{"X-User-ID"}));
  EXPECT_EQ(route.cors->expose_headers, (std::vector<std::string>{"ETag"}));
  EXPECT_TRUE(route.cors->allow_credentials);
  EXPECT_EQ(route.cors->max_age, 10min);
}

TEST(HeaderEditKeys, KeepTheOrderOfTheFileAndReadSecrets) {
  const support::TemporaryDirectory directory;
  directory.write("internal", "s3cr3t\n");
  const auto config = support::config_of(
      support::with_routes("      - upstream: app\n"
                           "        headers:\n"
                           "          request: { set: { X-B: \"file:internal\", X-A: 1 }, remove: [X-Debug] }\n"
                           "          response: { add: { X-Served-By: \"${HOME_NAME}\", X-Empty: \"\" } }\n"),
      directory.path());
  const HeaderEdits& edits = config->sites.front().routes.front().headers;
  EXPECT_EQ(show(edits.request.set), "X-B=s3cr3t X-A=1 ");
  EXPECT_EQ(edits.request.remove, (std::vector<std::string>{"X-Debug"}));
  EXPECT_EQ(show(edits.response.add), "X-Served-By=home.example.com X-Empty= ");
}

TEST(HeaderEditKeys, TakeVariablesOfTheRequestInTextsAlone) {
  const support::TemporaryDirectory directory;
  directory.write("file", "${host}\n");
  const auto config = support::config_of(
      support::with_routes("      - upstream: app\n"
                           "        headers:\n"
                           "          request:\n"
                           "            set: { X-A: \"${scheme}://${HOME_NAME}\", X-B: \"file:file\", X-C: a }\n"),
      directory.path());
  const auto& set = config->sites.front().routes.front().headers.request.set;
  EXPECT_EQ(show(set), "X-A=${scheme}://home.example.com X-B=${host} X-C=a ");
  EXPECT_TRUE(set[0].second.has_variables);
  EXPECT_FALSE(set[1].second.has_variables);
  EXPECT_FALSE(set[2].second.has_variables);
}

TEST(HeaderEditKeys, MergeByNameWithoutCaseAndDropByNull) {
  const auto config = support::config_of(
      "listeners: [{ address: \":80\" }]\n"
      "defaults: { headers: { response: { set: { X-A: default, X-B: default, X-C: default }, remove: [X-R] } } }\n"
      "sites:\n"
      "  - default: true\n"
      "    headers: { response: { set: { x-b: site } } }\n"
      "    routes:\n"
      "      - { respond: {}, headers: { response: { set: { X-C: null, X-D: route }, remove: [] } } }\n");
  const FieldEdits& edits = config->sites.front().routes.front().headers.response;
  EXPECT_EQ(show(edits.set), "X-A=default x-b=site X-D=route ");
  EXPECT_TRUE(edits.remove.empty());
}

TEST(RateLimitKeys, FillEveryMember) {
  const Route route =
      route_of("      - { upstream: app, rate_limit: { rate: 50/m, burst: 100, key: \"header:X-User\" } }\n");
  ASSERT_TRUE(route.rate_limit.has_value());
  EXPECT_EQ(route.rate_limit->requests, 50U);
  EXPECT_EQ(route.rate_limit->per, 60s);
  EXPECT_EQ(route.rate_limit->burst, 100U);
  EXPECT_EQ(route.rate_limit->key, RateKey::kHeader);
  EXPECT_EQ(route.rate_limit->header, "X-User");
  EXPECT_EQ(route_of("      - { upstream: app, rate_limit: { rate: 1/s, key: route } }\n").rate_limit->key,
            RateKey::kRoute);
}

constexpr std::string_view kUser = "anna:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";

TEST(BasicAuthKeys, FillEveryMember) {
  const support::TemporaryDirectory directory;
  directory.write("users", kUser);
  const auto config = support::config_of(
      support::with_routes("      - { upstream: app, basic_auth: { realm: Door, file: users, forward: true } }\n"),
      directory.path());
  const auto& auth = config->sites[0].routes[0].basic_auth;
  ASSERT_TRUE(auth.has_value());
  EXPECT_EQ(auth->realm, "Door");
  EXPECT_EQ(auth->file, directory / "users");
  EXPECT_TRUE(auth->forward);
  ASSERT_EQ(auth->users.size(), 1U);
  EXPECT_EQ(auth->users[0].user, "anna");
}

TEST(BasicAuthKeys, RefuseWhatNobodyCouldLogInWith) {
  const support::TemporaryDirectory directory;
  const auto problems = [&directory](const std::string& keys) {
    return support::problems_of(support::with_routes("      - { upstream: app, basic_auth: { " + keys + " } }\n"),
                                directory.path());
  };
  directory.write("users", kUser);
  directory.write("plain", "anna:hunter2\n");
  EXPECT_EQ(problems("realm: Door, file: users"), "");
  EXPECT_TRUE(problems("file: users").contains("basic_auth.realm: \"realm\" is missing"));
  EXPECT_TRUE(problems("realm: Door").contains("basic_auth.file: \"file\" is missing"));
  EXPECT_TRUE(problems("realm: Door, file: nobody").contains("cannot read"));
  EXPECT_TRUE(problems("realm: Door, file: plain").contains("plain: line 1: this is no hash"));
  EXPECT_FALSE(problems("realm: Door, file: plain").contains("hunter2"));
  for (const char* realm : {"''", "'a\"b'", "'a\\b'", "\"a\\tb\""}) {
    EXPECT_TRUE(problems(std::string("realm: ") + realm + ", file: users").contains("a realm has")) << realm;
  }
}

TEST(Rewrite, HasThreeForms) {
  const Route strip = route_of("      - { match: { prefix: /old }, upstream: app, rewrite: { strip_prefix: /old } }\n");
  EXPECT_EQ(std::get<StripPrefix>(*strip.rewrite).prefix, "/old");
  const Route replace = route_of("      - { match: { prefix: /a }, upstream: app, rewrite: { prefix: [/a, /b] } }\n");
  EXPECT_EQ(std::get<ReplacePrefix>(*replace.rewrite).from, "/a");
  EXPECT_EQ(std::get<ReplacePrefix>(*replace.rewrite).to, "/b");
  const Route regex = route_of("      - { upstream: app, rewrite: { regex: ['^/x/(.*)$', '/y/\\1'] } }\n");
  EXPECT_EQ(std::get<ReplaceRegex>(*regex.rewrite).pattern, "^/x/(.*)$");
  EXPECT_EQ(std::get<ReplaceRegex>(*regex.rewrite).replacement, "/y/\\1");
}

TEST(Rewrite, RefusesReplacementsThatAreNoDecodedPath) {
  struct Row {
    const char* replacement;
    std::string_view says;
  };
  const auto problems = [](const std::string& replacement) {
    return support::problems_of(
        support::with_routes("      - { upstream: app, rewrite: { regex: [\"^/a\", \"" + replacement + "\"] } }\n"));
  };
  for (const Row& row : std::initializer_list<Row>{
           {"/a%20b", "rewrite.regex[1]: \"/a%20b\" is escaped, but paths here are decoded; write \"/a b\""},
           {"/%ff", "is escaped, but paths here are decoded; write the characters themselves"},
           {"/a#b", "holds a fragment, which clients never send; delete it"},
           {"/a\\nb", "holds a control character; delete it"},
       }) {
    EXPECT_TRUE(problems(row.replacement).contains(row.says)) << row.replacement << problems(row.replacement);
  }
  for (const char* good : {"/a b", "/支付", "/50%off", "/new?next=%2Fhome", ""}) EXPECT_EQ(problems(good), "") << good;
}

TEST(Rewrite, RefusesPairsThatAreNone) {
  for (const char* pair : {"/a", "[/a]", "[/a, /b, /c]", "[a, /b]", "[/a, [/b]]", "null"}) {
    const std::string text = support::problems_of(
        support::with_routes(std::string("      - { upstream: app, rewrite: { prefix: ") + pair + " } }\n"));
    EXPECT_TRUE(text.contains("rewrite.prefix")) << pair << text;
  }
}

}  // namespace
}  // namespace viaduct::config
