// SPDX-License-Identifier: Apache-2.0
#include "http/method.h"

#include <gtest/gtest.h>

#include <string>

namespace viaduct::http {
namespace {

TEST(Method, ReadsEachMethodByItsName) {
  struct Row {
    std::string_view name;
    Method method;
    bool idempotent;
    bool safe;
  };
  constexpr Row kRows[] = {
      {"GET", Method::kGet, true, true},         {"HEAD", Method::kHead, true, true},
      {"POST", Method::kPost, false, false},     {"PUT", Method::kPut, true, false},
      {"DELETE", Method::kDelete, true, false},  {"CONNECT", Method::kConnect, false, false},
      {"OPTIONS", Method::kOptions, true, true}, {"TRACE", Method::kTrace, true, true},
      {"PATCH", Method::kPatch, false, false},
  };
  for (const Row& row : kRows) {
    EXPECT_EQ(parse_method(row.name), row.method) << row.name;
    EXPECT_EQ(method_name(row.method), row.name);
    EXPECT_EQ(is_idempotent(row.method), row.idempotent) << row.name;
    EXPECT_EQ(is_safe(row.method), row.safe) << row.name;
  }
}

TEST(Method, TakesEveryOtherTokenForAnother) {
  for (const std::string_view token : {"", "get", "Get", "GETS", "GE", " GET", "PROPFIND", "PRI", "M-SEARCH"}) {
    EXPECT_EQ(parse_method(token), Method::kOther) << token;
  }
  EXPECT_EQ(method_name(Method::kOther), "");
  EXPECT_FALSE(is_idempotent(Method::kOther));
  EXPECT_FALSE(is_safe(Method::kOther));
}

TEST(Method, KnowsTokens) {
  const std::string_view allowed = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  EXPECT_TRUE(is_token(allowed));
  EXPECT_FALSE(is_token(""));
  for (int code = 0; code < 256; ++code) {
    const std::string byte(1, static_cast<char>(code));
    EXPECT_EQ(is_token(byte), allowed.find(byte) != std::string_view::npos) << code;
    EXPECT_EQ(is_token("a" + byte), is_token(byte)) << code;
  }
}

}  // namespace
}  // namespace viaduct::http
