// SPDX-License-Identifier: Apache-2.0
#include "http/host.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string_view>

#include "support/field_list.h"

namespace viaduct::http {
namespace {

using support::FieldList;

TEST(Host, TakesNamesAndAddressesWithOrWithoutPort) {
  for (const std::string_view text : {"a", "www.xintuxiangce.top", "WWW.Example.COM", "example.com.", "a_b.example",
                                      "xn--fiq228c.cn", "example.com:80", "example.com:65535", "example.com:",
                                      "192.0.2.1", "192.0.2.1:8000", "[::1]", "[2001:db8::1]:443", "999.1.1.1"}) {
    EXPECT_TRUE(is_host(text)) << text;
  }
}

TEST(Host, RefusesEverythingElse) {
  for (const std::string_view text : {
           "",
           ":",
           ":80",
           " ",
           "a b",
           " a",
           "a ",
           "a\t",
           "user@example.com",
           "user:pw@example.com",
           "a/b",
           "a/",
           "/",
           "http://a",
           "a,b",
           "a, b",
           "a\\b",
           "a?b",
           "a#b",
           "a%41",
           "a%2fb",
           "a\"b",
           "a'b",
           "a<b",
           "a;b",
           "a=b",
           "a&b",
           "a!b",
           "a$b",
           "a*b",
           "*.example.com",
           "a(b)",
           "a:b",
           "a:0",
           "a:65536",
           "a:99999999999999999999",
           "a:-1",
           "a:+1",
           "a: 1",
           "a:1 ",
           "a:80:81",
           "::1",
           "[::1",
           "::1]",
           "[]",
           "[]:80",
           "[192.0.2.1]",
           "[::1]a",
           "[::1]]",
           "[fe80::1%25eth0]",
           "[fe80::1%eth0]",
           "[v1.a]",
           "[::1]:x",
           "a\r\nb",
           "\xe6\x94\xaf",
           "a\x7f",
       }) {
    EXPECT_FALSE(is_host(text)) << text;
  }
  EXPECT_FALSE(is_host(std::string_view("a\0b", 3)));
}

constexpr auto kInvalid = std::unexpected(Reason::kInvalidHost);
constexpr auto kMissing = std::unexpected(Reason::kMissingHost);
constexpr auto kNoTarget = std::optional<std::string_view>();

// One request: its Host lines and the authority of its target.
struct Row {
  std::initializer_list<std::string_view> hosts;
  std::optional<std::string_view> target;
  std::expected<std::string_view, Reason> expected;
};

void check(Version version, std::initializer_list<Row> rows) {
  int number = 0;
  for (const Row& row : rows) {
    FieldList fields{{"Accept", "*/*"}};
    for (const std::string_view host : row.hosts) fields->add("hOST", host);
    EXPECT_EQ(find_authority(*fields, version, row.target), row.expected) << "row " << number;
    ++number;
  }
}

TEST(Host, IsAskedForOnceByHttp11) {
  check(Version::kHttp11, {
                              {{"a.example:8080"}, kNoTarget, "a.example:8080"},
                              {{}, kNoTarget, kMissing},
                              {{""}, kNoTarget, kInvalid},
                              {{"a", "a"}, kNoTarget, kInvalid},
                              {{"a", "b"}, kNoTarget, kInvalid},
                              {{"a, a"}, kNoTarget, kInvalid},
                              {{"user@a"}, kNoTarget, kInvalid},
                              {{"a/"}, kNoTarget, kInvalid},
                          });
}

TEST(Host, YieldsToTheAuthorityOfAnAbsoluteTarget) {
  check(Version::kHttp11, {
                              {{"a"}, "a", "a"},
                              {{"a"}, "b:81", "b:81"},
                              {{}, "b", kMissing},
                              {{""}, "b", kInvalid},
                              {{"a b"}, "b", kInvalid},
                              {{"a", "b"}, "b", kInvalid},
                              {{"a"}, "", kInvalid},
                              {{"a"}, "user@a", kInvalid},
                              {{"a"}, "a,b", kInvalid},
                          });
}

TEST(Host, MayBeMissingOnHttp10) {
  check(Version::kHttp10, {
                              {{}, kNoTarget, ""},
                              {{"a"}, kNoTarget, "a"},
                              {{}, "b", "b"},
                              {{"a"}, "b", "b"},
                              {{""}, kNoTarget, kInvalid},
                              {{"a", "a"}, kNoTarget, kInvalid},
                              {{"a b"}, kNoTarget, kInvalid},
                          });
}

TEST(Host, AgreesWithTheAuthorityOfHttp2) {
  check(Version::kHttp2, {
                             {{}, "a", "a"},
                             {{"A.example"}, "a.EXAMPLE", "a.EXAMPLE"},
                             {{"a"}, kNoTarget, "a"},
                             {{}, kNoTarget, kMissing},
                             {{"a"}, "b", kInvalid},
                             {{"a"}, "a:443", kInvalid},
                             {{}, "", kInvalid},
                             {{"a", "a"}, "a", kInvalid},
                         });
}

}  // namespace
}  // namespace viaduct::http
