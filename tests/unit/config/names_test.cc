// SPDX-License-Identifier: Apache-2.0
#include "config/names.h"

#include <gtest/gtest.h>

namespace viaduct::config {
namespace {

using Rule = Parsed<std::string> (*)(const std::string&);

void expect_kept(Rule rule, std::initializer_list<std::pair<const char*, const char*>> rows) {
  for (const auto& [text, kept] : rows) {
    const auto result = rule(text);
    EXPECT_EQ(result.value_or("refused"), kept) << text;
  }
}

void expect_refused(Rule rule, std::initializer_list<std::pair<std::string, const char*>> rows) {
  for (const auto& [text, remedy] : rows) {
    const auto result = rule(text);
    ASSERT_FALSE(result.has_value()) << text;
    EXPECT_TRUE(result.error().contains(remedy)) << text << ": " << result.error();
  }
}

TEST(CheckHost, TakesNamesAddressesAndWildcards) {
  expect_kept(check_host, {{"www.example.com", "www.example.com"},
                           {"WWW.Example.COM", "www.example.com"},
                           {"localhost", "localhost"},
                           {"*.example.com", "*.example.com"},
                           {"my_app", "my_app"},
                           {"xn--fiq228c.example", "xn--fiq228c.example"},
                           {"192.0.2.1", "192.0.2.1"},
                           {"[2001:DB8::1]", "[2001:db8::1]"},
                           {"1.example.com", "1.example.com"}});
}

TEST(CheckHost, RefusesWithARemedy) {
  expect_refused(check_host, {{"", "no host name"},
                              {"*", "default: true"},
                              {"http://a.example.com/x", "write the host alone: a.example.com"},
                              {"a.example.com:80", "write a.example.com"},
                              {"a.example.com.", "write a.example.com"},
                              {"支付.cn", "xn--"},
                              {"*.*.example.com", "first label alone"},
                              {"a.*.com", "first label alone"},
                              {"*example.com", "first label alone"},
                              {"a.example.com/x", "the path in match"},
                              {"-a.example.com", "no host name"},
                              {"a-.example.com", "no host name"},
                              {"a..b", "no host name"},
                              {"a b", "no host name"},
                              {"7", "no host name"},
                              {"300.1.1.1", "no host name"},
                              {"*.[::1]", "first label alone"},
                              {"[::1", "no host name"},
                              {std::string(64, 'a') + ".com", "no host name"},
                              {std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." +
                                   std::string(62, 'd'),
                               "no host name"}});
}

TEST(CheckHostField, TakesAPort) {
  expect_kept(check_host_field, {{"App.example.com", "app.example.com"},
                                 {"app.example.com:8443", "app.example.com:8443"},
                                 {"192.0.2.1:80", "192.0.2.1:80"},
                                 {"[::1]", "[::1]"},
                                 {"[::1]:80", "[::1]:80"}});
  expect_refused(check_host_field, {{"", "no host"},
                                    {"a:0", "no host"},
                                    {"a:65536", "no host"},
                                    {"a:", "no host"},
                                    {"::1", "no host"},
                                    {"a/b", "no host"},
                                    {"*.a", "no host"}});
}

TEST(CheckFieldName, TakesTokens) {
  expect_kept(check_field_name, {{"X-Request-ID", "X-Request-ID"}, {"x_y", "x_y"}, {"a.b!", "a.b!"}});
  expect_refused(check_field_name, {{"", "no field name"},
                                    {"X A", "no field name"},
                                    {"X:", "write X"},
                                    {"X\r\nY", "no field name"},
                                    {"支", "no field name"}});
}

TEST(CheckEditableField, KeepsFramingAndHopByHopFieldsOut) {
  expect_kept(check_editable_field, {{"Set-Cookie", "Set-Cookie"}, {"X-Forwarded-Proto", "X-Forwarded-Proto"}});
  for (const char* name : {"Connection", "content-length", "TRANSFER-ENCODING", "Keep-Alive", "TE", "Trailer",
                           "Upgrade", "Proxy-Connection", "Expect", "HTTP2-Settings"}) {
    EXPECT_TRUE(check_editable_field(name).error().contains("no config edits it")) << name;
  }
}

TEST(CheckFieldValue, RefusesWhatWouldEndALineAndNeverShowsIt) {
  expect_kept(check_field_value, {{"", ""}, {"a b\tc", "a b\tc"}, {"支付", "支付"}});
  for (const std::string& value : {std::string("s3cr3t\r\nX: y"), std::string("s3cr3t\n"), std::string("s3cr3t\0x", 8),
                                   std::string("s3cr3t\x7f"), std::string(" s3cr3t"), std::string("s3cr3t\t")}) {
    const auto result = check_field_value(value);
    ASSERT_FALSE(result.has_value());
    EXPECT_FALSE(result.error().contains("s3cr3t")) << result.error();
  }
}

TEST(CheckMethod, WantsNamesInCapitals) {
  expect_kept(check_method, {{"GET", "GET"}, {"PATCH", "PATCH"}, {"PROPFIND", "PROPFIND"}, {"M-SEARCH", "M-SEARCH"}});
  expect_refused(check_method, {{"get", "did you mean \"GET\"?"},
                                {"GTE", "did you mean \"GET\"?"},
                                {"DELTE", "did you mean \"DELETE\"?"},
                                {"CONNECT", "never given"},
                                {"*", "leave methods out"},
                                {"ANY", "leave methods out"},
                                {"", "no method"},
                                {"propfind", "no method"},
                                {"A B", "no method"}});
}

TEST(CheckCorsOrigin, TakesWhatBrowsersSend) {
  expect_kept(check_cors_origin, {{"*", "*"},
                                  {"null", "null"},
                                  {"https://www.example.com", "https://www.example.com"},
                                  {"HTTPS://WWW.Example.com", "https://www.example.com"},
                                  {"http://localhost:8000", "http://localhost:8000"},
                                  {"https://*.example.com", "https://*.example.com"},
                                  {"https://*.example.com:8443", "https://*.example.com:8443"},
                                  {"http://[::1]:3000", "http://[::1]:3000"},
                                  {"capacitor://localhost", "capacitor://localhost"},
                                  {"http://example.com:443", "http://example.com:443"}});
  expect_refused(check_cors_origin, {{"", "no scheme"},
                                     {"www.example.com", "write https://www.example.com"},
                                     {"https://www.example.com/", "write https://www.example.com"},
                                     {"https://www.example.com/x?y", "write https://www.example.com"},
                                     {"https://www.example.com:443", "write https://www.example.com"},
                                     {"http://www.example.com:80", "write http://www.example.com"},
                                     {"https://", "is no origin as CORS has it"},
                                     {"://x", "is no origin as CORS has it"},
                                     {"https://a.*.com", "is no origin as CORS has it"},
                                     {"https://*.*.com", "is no origin as CORS has it"},
                                     {"https://*", "is no origin as CORS has it"},
                                     {"https://a b", "is no origin as CORS has it"}});
}

TEST(CheckPath, TakesDecodedPaths) {
  expect_kept(check_path, {{"/", "/"},
                           {"/api/v1/", "/api/v1/"},
                           {"/支付/通知", "/支付/通知"},
                           {"/a b", "/a b"},
                           {"/100%", "/100%"},
                           {"/a.b/..c/d..", "/a.b/..c/d.."},
                           {"/.git", "/.git"},
                           {"/x;y=1&z", "/x;y=1&z"}});
}

TEST(CheckPath, RefusesWithARemedy) {
  expect_refused(check_path, {{"", "write / for all paths"},
                              {"api", "write /api"},
                              {"/a?b=1", "match: { query:"},
                              {"/a#b", "delete it"},
                              {"/a/*", "write a prefix"},
                              {"/%E6%94%AF", "write \"/支\""},
                              {"/%2e", "write \"/.\""},
                              {"/%D6%D0", "write the characters themselves"},
                              {"/a/./b", "dot segment"},
                              {"/..", "dot segment"},
                              {"/a//b", "empty segment"},
                              {"/a\\b", "backslash"},
                              {"/a\nb", "control character"},
                              {"/\xd6\xd0", "not UTF-8"},
                              {"/" + std::string(2048, 'x'), "longer than 2048 bytes"}});
  EXPECT_TRUE(check_path("/" + std::string(2047, 'x')).has_value());
}

TEST(CheckName, TakesWhatLogsCanShow) {
  expect_kept(check_name, {{"app", "app"}, {"App-1.x_y", "App-1.x_y"}});
  EXPECT_TRUE(check_name(std::string(64, 'x')).has_value());
  expect_refused(check_name, {{"", "is no name"},
                              {"my app", "is no name"},
                              {"支付", "is no name"},
                              {"a/b", "is no name"},
                              {std::string(65, 'x'), "is no name"}});
}

TEST(CheckRegex, LooksForNginxHabitsAlone) {
  expect_kept(check_regex, {{"^/api/[0-9]+$", "^/api/[0-9]+$"}, {"(", "("}});
  expect_refused(check_regex, {{"", "write one"}, {"~ ^/x", "nginx's ~"}, {"~*x", "nginx's ~"}});
}

}  // namespace
}  // namespace viaduct::config
