// SPDX-License-Identifier: Apache-2.0
#include "base/uri.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace viaduct::base {
namespace {

struct TargetRow {
  std::string_view text;
  TargetForm form;
  std::string_view scheme;
  std::string_view authority;
  std::string_view path;
  std::string_view query;
  bool has_query;
};

TEST(SplitTarget, TakesTheFourFormsApart) {
  const std::vector<TargetRow> rows = {
      {"/", TargetForm::kOrigin, "", "", "/", "", false},
      {"/a/b?c=d&e=%2F", TargetForm::kOrigin, "", "", "/a/b", "c=d&e=%2F", true},
      {"/a?", TargetForm::kOrigin, "", "", "/a", "", true},
      {"/a?b?c", TargetForm::kOrigin, "", "", "/a", "b?c", true},
      {"//host/a", TargetForm::kOrigin, "", "", "//host/a", "", false},
      {"/http://host/", TargetForm::kOrigin, "", "", "/http://host/", "", false},
      {"/\xE6\x94\xAF?\xE4\xBB\x98", TargetForm::kOrigin, "", "", "/\xE6\x94\xAF", "\xE4\xBB\x98", true},
      {"/%E6%94%AF", TargetForm::kOrigin, "", "", "/%E6%94%AF", "", false},
      {"/a%zz?%", TargetForm::kOrigin, "", "", "/a%zz", "%", true},
      {"/\"<>\\^`{|}", TargetForm::kOrigin, "", "", "/\"<>\\^`{|}", "", false},
      {"*", TargetForm::kAsterisk, "", "", "*", "", false},
      {"http://host", TargetForm::kAbsolute, "http", "host", "", "", false},
      {"http://host?q", TargetForm::kAbsolute, "http", "host", "", "q", true},
      {"HTTPS://Host:8443/a?b", TargetForm::kAbsolute, "HTTPS", "Host:8443", "/a", "b", true},
      {"http://[::1]:80/a", TargetForm::kAbsolute, "http", "[::1]:80", "/a", "", false},
      {"host:443", TargetForm::kAuthority, "", "host:443", "", "", false},
      {"[2001:db8::1]:443", TargetForm::kAuthority, "", "[2001:db8::1]:443", "", "", false},
  };
  for (const TargetRow& row : rows) {
    const std::optional<Target> target = split_target(row.text);
    ASSERT_TRUE(target) << row.text;
    EXPECT_EQ(target->form, row.form) << row.text;
    EXPECT_EQ(target->scheme, row.scheme) << row.text;
    EXPECT_EQ(target->authority, row.authority) << row.text;
    EXPECT_EQ(target->path, row.path) << row.text;
    EXPECT_EQ(target->query, row.query) << row.text;
    EXPECT_EQ(target->has_query, row.has_query) << row.text;
  }
}

TEST(SplitTarget, KeepsPathAndQueryTogetherForForwarding) {
  EXPECT_EQ(split_target("/a?b")->path_and_query, "/a?b");
  EXPECT_EQ(split_target("http://host/a?")->path_and_query, "/a?");
  EXPECT_EQ(split_target("http://host?b")->path_and_query, "?b");
  EXPECT_EQ(split_target("*")->path_and_query, "*");
}

TEST(SplitTarget, RefusesEverythingElse) {
  const std::vector<std::string_view> rows = {
      "",        "a",          "a/b",         "?a",           "**",           "*?a",         "host",
      "host:",   "host:0",     "host:65536",  "/a b",         "/a#b",         "/a?b#c",      "/a\tb",
      "/a\rb",   "/a\nb",      "/a\x7f",      "/a\x1f",       "http:///a",    "http://",     "://host/",
      "1a://b/", "h_t://b/",   "http://u@h/", "http://u:p@h", "http://h:x/",  "http://[::1", "http://a%20b/",
      "/\x01",   "http:/host", "http:host/a", "user@host:1",  "http://h\\a/", "http://:80/", "http://h:80:81/",
  };
  for (const std::string_view text : rows) EXPECT_FALSE(split_target(text)) << text;
  EXPECT_FALSE(split_target(std::string_view("/a\0b", 4)));
}

struct AuthorityRow {
  std::string_view text;
  std::string_view host;
  std::optional<std::uint16_t> port;
  bool is_ipv6;
};

TEST(SplitAuthority, SeparatesHostAndPort) {
  const std::vector<AuthorityRow> rows = {
      {"host", "host", std::nullopt, false},
      {"Host.Example.", "Host.Example.", std::nullopt, false},
      {"host:", "host", std::nullopt, false},
      {"host:1", "host", 1, false},
      {"host:65535", "host", 65535, false},
      {"host:0080", "host", 80, false},
      {"192.0.2.1:80", "192.0.2.1", 80, false},
      {"[::1]", "::1", std::nullopt, true},
      {"[2001:DB8::1]:8443", "2001:DB8::1", 8443, true},
      {"under_score-and.dots", "under_score-and.dots", std::nullopt, false},
  };
  for (const AuthorityRow& row : rows) {
    const std::optional<Authority> authority = split_authority(row.text);
    ASSERT_TRUE(authority) << row.text;
    EXPECT_EQ(authority->host, row.host) << row.text;
    EXPECT_EQ(authority->port, row.port) << row.text;
    EXPECT_EQ(authority->is_ipv6, row.is_ipv6) << row.text;
  }
}

TEST(SplitAuthority, RefusesWhatIsNoHost) {
  const std::vector<std::string_view> rows = {
      "",          ":80",  "a b",     "a/b", "a@b",     "a%41",       "a,b",   "a;b",    "a\\b",
      "a:b",       "a:-1", "a:65536", "a:0", "a:80:80", "::1",        "[::1",  "[::1]x", "[host]",
      "[1.2.3.4]", "[]",   "[::1]:x", "a\r", "\xE4",    "[::1%eth0]", "a:+80", "a: 80",  "[::1]:0",
  };
  for (const std::string_view text : rows) EXPECT_FALSE(split_authority(text)) << text;
}

std::string decoded(std::string_view text, SlashEscapes slashes = SlashEscapes::kDecode) {
  std::string out(text.size(), '\0');
  out.resize(percent_decode(text, out.data(), slashes));
  return out;
}

TEST(PercentDecode, DecodesOnceAndLeavesMalformedEscapes) {
  const std::vector<std::pair<std::string_view, std::string_view>> rows = {
      {"", ""},
      {"abc", "abc"},
      {"%41", "A"},
      {"%e6%94%AF", "\xE6\x94\xAF"},
      {"a%2Fb%2fc", "a/b/c"},
      {"%252F", "%2F"},
      {"%", "%"},
      {"%4", "%4"},
      {"%zz", "%zz"},
      {"%%41", "%A"},
      {"100%", "100%"},
      {"%4%41", "%4A"},
      {"a%2e", "a."},
      {"+", "+"},
      {"%0a%7F", "\n\x7f"},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(decoded(text), expected) << text;
  EXPECT_EQ(decoded("a%00b"), std::string("a\0b", 3));
}

TEST(PercentDecode, KeepsEscapedSlashesAsTheyAreSpelledWhenAsked) {
  EXPECT_EQ(decoded("/a%2Fb%2fc%41", SlashEscapes::kKeep), "/a%2Fb%2fcA");
  EXPECT_EQ(decoded("/a%252Fb", SlashEscapes::kKeep), "/a%2Fb");
}

TEST(PercentEncode, KeepsWhatMayStandInAPath) {
  const auto encoded = [](std::string_view text) {
    std::string out(3 * text.size(), '\0');
    out.resize(percent_encode(text, out.data()));
    return out;
  };
  EXPECT_EQ(encoded("/aZ09-._~!$&'()*+,;=:@"), "/aZ09-._~!$&'()*+,;=:@");
  EXPECT_EQ(encoded(" \"#%<>?[\\]^`{|}\x7f"), "%20%22%23%25%3C%3E%3F%5B%5C%5D%5E%60%7B%7C%7D%7F");
  EXPECT_EQ(encoded(std::string_view("\0\n\xE6\xFF", 4)), "%00%0A%E6%FF");
  EXPECT_EQ(encoded(""), "");
}

TEST(PercentDecode, WorksInPlace) {
  std::string text = "/%E6%94%AF/%41b";
  text.resize(percent_decode(text, text.data()));
  EXPECT_EQ(text, "/\xE6\x94\xAF/Ab");
}

TEST(HasValidEscapes, WantsTwoHexadecimalDigitsBehindEveryPercent) {
  for (const char* text : {"", "/a", "%41", "%aF%00", "a%25b"}) EXPECT_TRUE(has_valid_escapes(text)) << text;
  for (const char* text : {"%", "%4", "%zz", "%4g", "%g4", "a%", "%%41", "%41%4", "% 41", "%+1"}) {
    EXPECT_FALSE(has_valid_escapes(text)) << text;
  }
}

template <typename Change>
std::string changed(std::string_view text, Change change) {
  std::string copy(text);
  return std::string(copy.data(), change(std::span<char>(copy)).size());
}

TEST(RemoveDotSegments, FollowsRfc3986) {
  const std::vector<std::pair<std::string_view, std::string_view>> rows = {
      {"/", "/"},
      {"/.", "/"},
      {"/..", "/"},
      {"/./", "/"},
      {"/../", "/"},
      {"/../../a", "/a"},
      {"/a/b/c/./../../g", "/a/g"},
      {"/mid/content=5/../6", "/mid/6"},
      {"/a/.", "/a/"},
      {"/a/..", "/"},
      {"/a/b/..", "/a/"},
      {"/a/./b", "/a/b"},
      {"/a//../b", "/a/b"},
      {"/a/..//b", "//b"},
      {"/a/.../b", "/a/.../b"},
      {"/a/.b/..c/d.", "/a/.b/..c/d."},
      {"/a/%2e%2e/b", "/a/%2e%2e/b"},
      {"//..//..//a", "//a"},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(changed(text, remove_dot_segments), expected) << text;
}

TEST(RemoveEncodedDotSegments, TakesEscapedDotsForDots) {
  const std::vector<std::pair<std::string_view, std::string_view>> rows = {
      {"/a/%2e%2E/b", "/b"},        {"/a/.%2e/b", "/b"}, {"/a/%2e./b", "/b"},
      {"/a/%2e/b", "/a/b"},         {"/a/../b", "/b"},   {"/a/%2e%2e%2fb", "/a/%2e%2e%2fb"},
      {"/a/%252e/b", "/a/%252e/b"}, {"/a/%2", "/a/%2"},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(changed(text, remove_encoded_dot_segments), expected) << text;
}

TEST(MergeSlashes, LeavesOneOfARun) {
  EXPECT_EQ(changed("/", merge_slashes), "/");
  EXPECT_EQ(changed("///", merge_slashes), "/");
  EXPECT_EQ(changed("//a///b/c//", merge_slashes), "/a/b/c/");
  EXPECT_EQ(changed("/a/b", merge_slashes), "/a/b");
}

TEST(TurnBackslashes, MakesSlashesOfThem) {
  EXPECT_EQ(changed("/a\\b\\\\c/", turn_backslashes), "/a/b//c/");
  EXPECT_EQ(changed("/a%5Cb", turn_backslashes), "/a%5Cb");
}

}  // namespace
}  // namespace viaduct::base
