// SPDX-License-Identifier: Apache-2.0
#include "codec/expectation.h"

#include <gtest/gtest.h>

#include <vector>

#include "support/field_list.h"

namespace viaduct::codec {
namespace {

using http::BodyKind;
using http::Reason;
using http::Version;

struct Row {
  std::vector<std::string_view> values;  // of Expect lines
  Reason reason = Reason::kNone;
  bool expects = false;  // where a body follows
};

const std::vector<Row> kRows = {
    {{}},
    {{""}},
    {{"100-continue"}, Reason::kNone, true},
    {{"100-Continue"}, Reason::kNone, true},
    {{" , 100-continue ,"}, Reason::kNone, true},
    {{"100-continue, 100-continue"}, Reason::kNone, true},
    {{"100-continue", "100-continue"}, Reason::kNone, true},
    {{"200-ok"}, Reason::kUnsupportedExpectation},
    {{"100-continued"}, Reason::kUnsupportedExpectation},
    {{"100-continue;x=y"}, Reason::kUnsupportedExpectation},
    {{"\"100-continue\""}, Reason::kUnsupportedExpectation},
    {{"x, 100-continue"}, Reason::kUnsupportedExpectation},
    {{"x", "100-continue"}, Reason::kUnsupportedExpectation},
};

http::RequestHead& make_head(base::Arena& arena, const Row& row, Version version, const http::BodySize& body) {
  auto* head = arena.make<http::RequestHead>(arena);
  head->version = version;
  head->body = body;
  head->fields.add("Other", "100-continue");
  for (const std::string_view value : row.values) head->fields.add("expect", value);
  return *head;
}

TEST(Expectation, IsReadWhereABodyFollows) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.values.empty() ? "(none)" : row.values[0]);
    for (const Version version : {Version::kHttp11, Version::kHttp2}) {
      http::RequestHead& sized = make_head(arena, row, version, {.kind = BodyKind::kSized, .bytes = 1});
      EXPECT_EQ(read_expectation(sized), row.reason);
      EXPECT_EQ(sized.expects_continue && row.reason == Reason::kNone, row.expects);
      http::RequestHead& streamed = make_head(arena, row, version, {.kind = BodyKind::kStream});
      EXPECT_EQ(read_expectation(streamed), row.reason);
      EXPECT_EQ(streamed.expects_continue && row.reason == Reason::kNone, row.expects);
    }
  }
}

TEST(Expectation, MeansNothingWithoutABody) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  for (const http::BodySize body : {http::BodySize{}, http::BodySize{.kind = BodyKind::kSized, .bytes = 0}}) {
    http::RequestHead& head = make_head(arena, {{"100-continue"}}, Version::kHttp2, body);
    EXPECT_EQ(read_expectation(head), Reason::kNone);
    EXPECT_FALSE(head.expects_continue);
    http::RequestHead& strange = make_head(arena, {{"x"}}, Version::kHttp2, body);
    EXPECT_EQ(read_expectation(strange), Reason::kUnsupportedExpectation);
  }
}

TEST(Expectation, IsUnknownToHttp10) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  for (const std::string_view value : {"100-continue", "x"}) {
    http::RequestHead& head = make_head(arena, {{value}}, Version::kHttp10, {.kind = BodyKind::kSized, .bytes = 1});
    EXPECT_EQ(read_expectation(head), Reason::kNone);
    EXPECT_FALSE(head.expects_continue);
  }
}

}  // namespace
}  // namespace viaduct::codec
