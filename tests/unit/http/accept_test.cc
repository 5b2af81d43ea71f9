// SPDX-License-Identifier: Apache-2.0
#include "http/accept.h"

#include <gtest/gtest.h>

#include <string>

#include "support/field_list.h"

namespace viaduct::http {
namespace {

using support::FieldList;
using enum ContentCoding;

TEST(Accept, TakesHtmlWhereItIsNamed) {
  struct Row {
    std::string_view accept;
    bool html;
  };
  constexpr Row kRows[] = {
      {"text/html", true},
      {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", true},
      {"TEXT/HTML", true},
      {"application/json, text/html;q=0.1", true},
      {"text/html;level=1;q=0.001", true},
      {"application/xhtml+xml", true},
      {"text/*", true},
      {"text/*;q=0.5, text/html;q=0", false},
      {"text/html;q=0, */*", false},
      {"text/html;q=0", false},
      {"text/html;q=0.0, application/json", false},
      {"text/html;q=x", false},
      {"*/*", false},
      {"", false},
      {"application/json", false},
      {"application/json, */*;q=0.5", false},
      {"image/avif,image/webp,*/*;q=0.8", false},
      {"text/plain", false},
      {"text/htmlx", false},
      {"text/html5", false},
      {"\"text/html\"", false},
      {"x;a=\",text/html,\"", false},
      {"text", false},
      {"\xff/html", false},
  };
  for (const Row& row : kRows) {
    FieldList fields{{"Accept", row.accept}};
    EXPECT_EQ(accepts_html(*fields), row.html) << row.accept;
  }
  FieldList none;
  EXPECT_FALSE(accepts_html(*none));
  FieldList two{{"Accept", "application/json"}, {"accept", "text/html"}};
  EXPECT_TRUE(accepts_html(*two));
}

TEST(Accept, TakesJsonWhereItIsNamed) {
  struct Row {
    std::string_view accept;
    bool json;
  };
  constexpr Row kRows[] = {
      {"application/json", true},
      {"application/json, text/plain, */*", true},
      {"Application/Problem+JSON;q=0.2", true},
      {"application/*", true},
      {"application/*, application/json;q=0", false},
      {"application/json;q=0, application/problem+json", true},
      {"*/*", false},
      {"", false},
      {"text/html, */*", false},
      {"application/jsonx", false},
      {"application/", false},
      {"json", false},
  };
  for (const Row& row : kRows) {
    FieldList fields{{"Accept", row.accept}};
    EXPECT_EQ(accepts_json(*fields), row.json) << row.accept;
  }
}

TEST(Accept, NamesATypeOrAllOfItsKind) {
  FieldList fields{{"Accept", "text/plain;q=0, text/*;q=0.3"}, {"Accept", "image/PNG, */*"}};
  EXPECT_TRUE(names_type(*fields, "text/css"));
  EXPECT_FALSE(names_type(*fields, "text/plain"));
  EXPECT_TRUE(names_type(*fields, "image/png"));
  EXPECT_FALSE(names_type(*fields, "image/gif"));
  EXPECT_FALSE(names_type(*fields, "texts/css"));
  EXPECT_FALSE(names_type(*fields, ""));
}

TEST(Accept, ChoosesACodingAtHand) {
  struct Row {
    std::string_view accept;
    ContentCoding both;    // brotli and gzip are there
    ContentCoding gzip;    // gzip alone
    ContentCoding brotli;  // brotli alone
  };
  constexpr Row kRows[] = {
      {"gzip, deflate, br", kBrotli, kGzip, kBrotli},
      {"gzip, deflate, br, zstd", kBrotli, kGzip, kBrotli},
      {"gzip", kGzip, kGzip, kIdentity},
      {"GZIP", kGzip, kGzip, kIdentity},
      {"x-gzip", kGzip, kGzip, kIdentity},
      {"x-gzip, gzip;q=0", kIdentity, kIdentity, kIdentity},
      {"br", kBrotli, kIdentity, kBrotli},
      {"br;q=0.5, gzip", kGzip, kGzip, kBrotli},
      {"br;q=0.5, gzip;q=0.5", kBrotli, kGzip, kBrotli},
      {"br;q=0, gzip", kGzip, kGzip, kIdentity},
      {"br;q=0, gzip;q=0", kIdentity, kIdentity, kIdentity},
      {"gzip;q=0.001", kGzip, kGzip, kIdentity},
      {"gzip;q=0.000", kIdentity, kIdentity, kIdentity},
      {"*", kBrotli, kGzip, kBrotli},
      {"*;q=0", kIdentity, kIdentity, kIdentity},
      {"*;q=0, gzip", kGzip, kGzip, kIdentity},
      {"*, br;q=0", kGzip, kGzip, kIdentity},
      {"identity", kIdentity, kIdentity, kIdentity},
      {"identity, gzip", kGzip, kGzip, kIdentity},
      {"identity;q=1, gzip;q=0.5", kIdentity, kIdentity, kIdentity},
      {"identity;q=0.5, gzip;q=1", kGzip, kGzip, kIdentity},
      {"identity;q=0", kIdentity, kIdentity, kIdentity},
      {"identity;q=0, br", kBrotli, kIdentity, kBrotli},
      {"deflate", kIdentity, kIdentity, kIdentity},
      {"gzip;q=nonsense", kIdentity, kIdentity, kIdentity},
      {"", kIdentity, kIdentity, kIdentity},
      {"brotli, gzipped", kIdentity, kIdentity, kIdentity},
      {"\xff", kIdentity, kIdentity, kIdentity},
  };
  for (const Row& row : kRows) {
    FieldList fields{{"Accept-Encoding", row.accept}};
    EXPECT_EQ(choose_coding(*fields, true, true), row.both) << row.accept;
    EXPECT_EQ(choose_coding(*fields, false, true), row.gzip) << row.accept;
    EXPECT_EQ(choose_coding(*fields, true, false), row.brotli) << row.accept;
    EXPECT_EQ(choose_coding(*fields, false, false), kIdentity) << row.accept;
  }
  FieldList none;
  EXPECT_EQ(choose_coding(*none, true, true), kIdentity);
  FieldList two{{"Accept-Encoding", "gzip"}, {"Accept-Encoding", "br"}};
  EXPECT_EQ(choose_coding(*two, true, true), kBrotli);
}

TEST(Accept, NamesCodingsAsContentEncodingDoes) {
  EXPECT_EQ(content_coding_name(kBrotli), "br");
  EXPECT_EQ(content_coding_name(kGzip), "gzip");
  EXPECT_EQ(content_coding_name(kIdentity), "");
}

}  // namespace
}  // namespace viaduct::http
