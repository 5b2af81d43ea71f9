// SPDX-License-Identifier: Apache-2.0
// Field lists of responses in, heads or reasons out.
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "base/arena.h"
#include "codec/h2_head_reader.h"

namespace viaduct::codec {
namespace {

using http::BodyKind;
using http::Method;
using http::Reason;
using Kind = H2HeadReader::Kind;
using FieldRows = std::vector<std::pair<std::string_view, std::string_view>>;

class H2HeadReaderResponsesTest : public testing::Test {
 protected:
  Reason read_response(const FieldRows& fields, Method method, bool end) {
    response_ = arena_.make<http::ResponseHead>(arena_);
    reader_.begin(Kind::kResponse, limits_, response_->fields);
    for (const auto& [name, value] : fields) reader_.add(name, value);
    return reader_.finish_response(*response_, method, end);
  }

  H2Limits limits_;
  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
  H2HeadReader reader_;
  http::ResponseHead* response_ = nullptr;
};

TEST_F(H2HeadReaderResponsesTest, FillsInAResponse) {
  struct Row {
    FieldRows fields;
    Method method;
    bool end;
    http::BodySize body;
  };
  const http::BodySize stream{.kind = BodyKind::kStream};
  const auto sized = [](std::uint64_t bytes) { return http::BodySize{.kind = BodyKind::kSized, .bytes = bytes}; };
  const std::vector<Row> rows = {
      {{{":status", "200"}}, Method::kGet, false, stream},
      {{{":status", "200"}}, Method::kGet, true, {}},
      {{{":status", "200"}, {"content-length", "5"}}, Method::kGet, false, sized(5)},
      {{{":status", "200"}, {"content-length", "0"}}, Method::kGet, true, sized(0)},
      {{{":status", "200"}, {"content-length", "5"}}, Method::kHead, true, {}},
      {{{":status", "204"}}, Method::kGet, true, {}},
      {{{":status", "304"}, {"content-length", "5"}}, Method::kGet, true, {}},
      {{{":status", "103"}, {"link", "x"}}, Method::kGet, false, {}},
      {{{":status", "999"}}, Method::kGet, true, {}},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(read_response(row.fields, row.method, row.end), Reason::kNone) << row.fields[0].second;
    EXPECT_EQ(std::to_string(response_->status), row.fields[0].second);
    EXPECT_EQ(response_->body, row.body) << row.fields[0].second;
    EXPECT_EQ(response_->fields.size(), row.fields.size() - 1);
  }
}

TEST_F(H2HeadReaderResponsesTest, RefusesResponsesThatAreNone) {
  const std::vector<std::pair<FieldRows, bool>> rows = {
      {{}, false},
      {{{"x", "1"}}, false},
      {{{":status", ""}}, false},
      {{{":status", "20"}}, false},
      {{{":status", "2000"}}, false},
      {{{":status", "099"}}, false},
      {{{":status", "2x0"}}, false},
      {{{":status", "+20"}}, false},
      {{{":status", "200 OK"}}, false},
      {{{":status", "101"}}, false},
      {{{":status", "100"}}, true},
      {{{":status", "200"}, {":status", "200"}}, false},
      {{{"x", "1"}, {":status", "200"}}, false},
      {{{":status", "200"}, {":path", "/"}}, false},
      {{{":status", "200"}, {"X", "1"}}, false},
      {{{":status", "200"}, {"x", "a\r\nb"}}, false},
      {{{":status", "200"}, {"connection", "close"}}, false},
      {{{":status", "200"}, {"transfer-encoding", "chunked"}}, false},
      {{{":status", "200"}, {"content-length", "5"}}, true},
      {{{":status", "200"}, {"content-length", "5"}, {"content-length", "5"}}, false},
      {{{":status", "200"}, {"content-length", "x"}}, false},
  };
  for (const auto& [fields, end] : rows) {
    EXPECT_EQ(read_response(fields, Method::kGet, end), Reason::kUpstreamInvalidResponse)
        << (fields.empty() ? "" : fields[0].second);
  }
  limits_.max_fields = 1;
  EXPECT_EQ(read_response({{":status", "200"}, {"x", "1"}, {"y", "2"}}, Method::kGet, true),
            Reason::kUpstreamInvalidResponse);
}

}  // namespace
}  // namespace viaduct::codec
