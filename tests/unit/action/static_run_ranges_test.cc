// SPDX-License-Identifier: Apache-2.0
// Conditions, ranges and codings of files together, and how their bytes go out in small pieces.
#include <gtest/gtest.h>

#include "action/static_run.h"
#include "support/exchange_scene.h"
#include "support/multipart.h"

namespace viaduct::action {
namespace {

using namespace std::chrono_literals;
using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

class StaticRangesTest : public testing::Test {
 protected:
  StaticRangesTest() {
    for (int i = 0; i < 100'000; ++i) bytes_ += static_cast<char>('a' + i % 23);
    files_.write("file.txt", bytes_);
    files_.write("coded.css", "plain text");
    files_.write("coded.css.gz", "GZIPPED");
    config::StaticAction action;
    action.root = files_.path();
    action.expires = 1h;
    action.immutable = true;
    auto made = StaticFile::make(action, std::nullopt);
    EXPECT_TRUE(made.has_value());
    scene_.add_route().action = std::move(*made);
  }
  support::ExchangeScene::Call& call(std::string_view target, const Fields& fields, std::string_view method = "GET") {
    return scene_.call({.method = method, .target = target, .fields = fields});
  }
  support::CapturedResponse& get(const Fields& fields) {
    auto& made = call("/file.txt", fields);
    scene_.run_until([&] { return made.response.is_complete; });
    return made.response;
  }

  std::string bytes_;
  support::TemporaryDirectory files_;
  support::ExchangeScene scene_;
};

TEST_F(StaticRangesTest, SelectsWhatTheRangeSays) {
  struct Row {
    std::string_view range;
    int status;
    std::string_view content_range;
    std::size_t first;
    std::size_t size;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"bytes=0-0", 206, "bytes 0-0/100000", 0, 1},
           {"bytes=99999-", 206, "bytes 99999-99999/100000", 99999, 1},
           {"bytes=99999-200000", 206, "bytes 99999-99999/100000", 99999, 1},
           {"bytes=0-", 206, "bytes 0-99999/100000", 0, 100'000},
           {"bytes=-1", 206, "bytes 99999-99999/100000", 99999, 1},
           {"bytes=-200000", 206, "bytes 0-99999/100000", 0, 100'000},
           {"bytes=500-70000", 206, "bytes 500-70000/100000", 500, 69'501},
           {"bytes=100000-", 416, "bytes */100000", 0, 0},
           {"bytes=-0", 416, "bytes */100000", 0, 0},
           {"bytes=5-4", 200, "(none)", 0, 100'000},
           {"bytes=a-b", 200, "(none)", 0, 100'000},
           {"chars=0-1", 200, "(none)", 0, 100'000},
       }) {
    const support::CapturedResponse& response = get({{"Range", row.range}});
    EXPECT_EQ(response.status, row.status) << row.range;
    EXPECT_EQ(response.field("Content-Range"), row.content_range) << row.range;
    const bool is_refused = row.status == 416;
    EXPECT_EQ(response.field("Cache-Control"), is_refused ? "no-store" : "max-age=3600, immutable") << row.range;
    EXPECT_EQ(response.field("Content-Type"), is_refused ? "application/problem+json" : "text/plain; charset=utf-8");
    if (is_refused) {
      EXPECT_TRUE(response.body.contains(response.field("X-Request-ID"))) << response.body;
    } else {
      EXPECT_EQ(response.body, bytes_.substr(row.first, row.size)) << row.range;
    }
  }
}

TEST_F(StaticRangesTest, TakesRangesOfGetAlone) {
  const auto& head = call("/file.txt", {{"Range", "bytes=0-1"}}, "HEAD").response;
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body_size.bytes, 100'000u);
}

TEST_F(StaticRangesTest, GivesARangeOfWhatTheClientHasAndAllOfWhatItHasNot) {
  const std::string etag = get({}).field("ETag");
  EXPECT_EQ(get({{"Range", "bytes=0-1"}, {"If-Range", etag}}).status, 206);
  EXPECT_EQ(get({{"Range", "bytes=0-1"}, {"If-Range", "\"other\""}}).status, 200);
  const std::string weak = "W/" + etag;
  EXPECT_EQ(get({{"Range", "bytes=0-1"}, {"If-Range", weak}}).status, 200);
  // A condition comes before a range (RFC 9110 §13.2.2).
  EXPECT_EQ(get({{"Range", "bytes=0-1"}, {"If-None-Match", etag}}).status, 304);
}

TEST_F(StaticRangesTest, AnswersConditionsWithTheFieldsOfTheFileAndNoBody) {
  const auto whole = get({});
  const std::string etag = whole.field("ETag");
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"If-None-Match", etag},
           {"If-None-Match", "\"a\", " + etag},
           {"If-None-Match", "W/" + etag},
           {"If-None-Match", "*"},
           {"If-Modified-Since", whole.field("Last-Modified")},
       }) {
    const support::CapturedResponse& response = get({{name, value}});
    EXPECT_EQ(response.status, 304) << value;
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(response.field("ETag"), etag);
    EXPECT_EQ(response.field("Cache-Control"), "max-age=3600, immutable");
    EXPECT_FALSE(response.has("Content-Type"));
    EXPECT_EQ(response.body_size.kind, http::BodyKind::kNone);
  }
  EXPECT_EQ(get({{"If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"}}).status, 412);
  EXPECT_EQ(get({{"If-Match", "\"a\""}}).status, 412);
  EXPECT_EQ(get({{"If-Match", "*"}}).status, 200);
  scene_.turn();
  EXPECT_TRUE(scene_.log().ends_with("412 precondition_failed|412 precondition_failed|200 -")) << scene_.log();
}

TEST_F(StaticRangesTest, HasAnotherTagForEachCoding) {
  const auto& plain = call("/coded.css", {}).response;
  const auto& coded = call("/coded.css", {{"Accept-Encoding", "gzip"}}).response;
  EXPECT_NE(plain.field("ETag"), coded.field("ETag"));
  const std::string tag = coded.field("ETag");
  EXPECT_EQ(call("/coded.css", {{"If-None-Match", tag}}).response.status, 200);
  const auto& unchanged = call("/coded.css", {{"If-None-Match", tag}, {"Accept-Encoding", "gzip"}}).response;
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_EQ(unchanged.field("Vary"), "Accept-Encoding");
  EXPECT_FALSE(unchanged.has("Content-Encoding"));
}

TEST_F(StaticRangesTest, CutsRangesOutOfTheCodedBytes) {
  const auto& part = call("/coded.css", {{"Range", "bytes=1-3"}, {"Accept-Encoding", "gzip"}}).response;
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "ZIP");
  EXPECT_EQ(part.field("Content-Range"), "bytes 1-3/7");
  EXPECT_EQ(part.field("Content-Encoding"), "gzip");
}

TEST_F(StaticRangesTest, IgnoresSetsOfRangesThatAskForTooMuch) {
  std::string many = "bytes=0-0";
  for (std::size_t i = 1; i < http::kRangesMax; ++i) many += "," + std::to_string(i * 2) + "-" + std::to_string(i * 2);
  EXPECT_EQ(get({{"Range", many}}).status, 206);
  many += ",90000-90001";
  EXPECT_EQ(get({{"Range", many}}).status, 200);
  EXPECT_EQ(get({{"Range", "bytes=0-10,5-20"}}).status, 200);
}

// Whatever room the client leaves, the same bytes come.
TEST_F(StaticRangesTest, SendsPartsInPiecesOfAnySize) {
  const Fields fields = {{"Range", "bytes=0-4999,99990-"}};
  const std::string whole = support::body_with_cuts(get(fields));
  EXPECT_TRUE(whole.starts_with("--cut\r\nContent-Type: text/plain"));
  EXPECT_TRUE(whole.ends_with(bytes_.substr(99'990) + "\r\n--cut--\r\n"));
  scene_.drains = false;
  for (const std::size_t room : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, std::size_t{4999}}) {
    auto& piecewise = call("/file.txt", fields);
    while (!piecewise.response.is_complete) piecewise.make_room(room);
    EXPECT_EQ(support::body_with_cuts(piecewise.response), whole) << room;
    EXPECT_EQ(piecewise.response.body_size.bytes, piecewise.response.body.size());
    scene_.turn();
  }
}

TEST_F(StaticRangesTest, ClosesTheFileWhenTheClientIsGone) {
  scene_.drains = false;
  auto& gone = call("/file.txt", {});
  EXPECT_FALSE(gone.response.is_complete);
  gone.go_away();
  EXPECT_EQ(gone.exchange, nullptr);
  EXPECT_EQ(scene_.log(), "200 client_closed");
  EXPECT_EQ(scene_.loop.chunks().chunks_in_use(), 0u);
}

}  // namespace
}  // namespace viaduct::action
