// SPDX-License-Identifier: Apache-2.0
#include "codec/h1_method.h"

#include <gtest/gtest.h>

#include <string>

namespace viaduct::codec {
namespace {

using http::Reason;

TEST(H1Method, IsOneThatTheParserKnows) {
  for (const char* method :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "PURGE", "M-SEARCH"}) {
    EXPECT_EQ(judge_h1_method(method), Reason::kNone) << method;
  }
  for (const char* method : {"FOO", "get", "GETX", "G", "DESCRIBE", "CONNECT", "!#$%&'*+-.^_`|~"}) {
    EXPECT_EQ(judge_h1_method(method), Reason::kUnsupportedMethod) << method;
  }
}

TEST(H1Method, IsAToken) {
  EXPECT_NE(judge_h1_method(""), Reason::kNone);
  EXPECT_NE(judge_h1_method("G T"), Reason::kNone);
  EXPECT_NE(judge_h1_method(std::string(100'000, 'A')), Reason::kNone);
}

}  // namespace
}  // namespace viaduct::codec
