// SPDX-License-Identifier: Apache-2.0
#include "http/framing.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/field_list.h"

namespace viaduct::http {
namespace {

using support::FieldList;

constexpr std::string_view kLength = "Content-Length";
constexpr std::string_view kCoding = "Transfer-Encoding";

std::expected<BodySize, Reason> framing_of(std::initializer_list<FieldList::Line> lines,
                                           Version version = Version::kHttp11, Method method = Method::kPost) {
  FieldList fields(lines);
  return request_framing(*fields, version, method);
}

BodySize bytes(std::uint64_t count) {
  return {.kind = BodyKind::kSized, .bytes = count};
}
constexpr BodySize kNoBody{.kind = BodyKind::kNone};
constexpr BodySize kStreamed{.kind = BodyKind::kStream};

auto refused(Reason reason) {
  return std::expected<BodySize, Reason>(std::unexpected(reason));
}

TEST(Framing, IsNoneWhereNothingIsStated) {
  for (const Method method : {Method::kGet, Method::kPost, Method::kConnect, Method::kOther}) {
    EXPECT_EQ(framing_of({}, Version::kHttp11, method), kNoBody);
    EXPECT_EQ(framing_of({{"Host", "a"}, {"Content-Type", "text/plain"}}, Version::kHttp10, method), kNoBody);
  }
}

TEST(Framing, TakesOneLengthOnEveryVersionAndMethod) {
  for (const Version version : {Version::kHttp10, Version::kHttp11, Version::kHttp2}) {
    for (const Method method : {Method::kGet, Method::kHead, Method::kPost, Method::kTrace, Method::kOther}) {
      EXPECT_EQ(framing_of({{kLength, "12"}}, version, method), bytes(12));
    }
  }
  EXPECT_EQ(framing_of({{"content-LENGTH", "0"}}), bytes(0));
  EXPECT_EQ(framing_of({{kLength, "007"}}), bytes(7));
}

TEST(Framing, HoldsTheLimitOfLengths) {
  EXPECT_EQ(framing_of({{kLength, "9223372036854775806"}}), bytes(9223372036854775806u));
  EXPECT_EQ(framing_of({{kLength, "9223372036854775807"}}), bytes(9223372036854775807u));
  EXPECT_EQ(framing_of({{kLength, "0000000000000000007"}}), bytes(7));  // 19 digits
  for (const std::string_view value : {
           "9223372036854775808",   // 2^63
           "9999999999999999999",   // 19 digits
           "00000000000000000007",  // 20 digits
           "18446744073709551615",  // 2^64 - 1
           "18446744073709551616",  // 2^64
           "18446744073709551623",  // 2^64 + 7
       }) {
    EXPECT_EQ(framing_of({{kLength, value}}), refused(Reason::kInvalidContentLength)) << value;
  }
  const std::string many(100000, '0');
  EXPECT_EQ(framing_of({{kLength, many}}), refused(Reason::kInvalidContentLength));
}

TEST(Framing, RefusesMalformedLengths) {
  const std::string_view values[] = {
      "",     " ",   "+1",   "-1",    "-0",  "1 ",  " 1",      "1 2", "1\t",   "1,1",   "1, 1",  "1,2",
      ",1",   "1,",  "0x10", "10h",   "a",   "1a",  "1.0",     "1e3", "1;q=1", "\"1\"", "1_000", "\xd9\xa1",
      "\xff", "one", "1\v",  "1\x7f", "1\r", "1\n", "1\r\n 2", "--1", "0-1",   "0b1",   "0o7",   "\xef\xbc\x91",
  };
  for (const std::string_view value : values) {
    EXPECT_EQ(framing_of({{kLength, value}}), refused(Reason::kInvalidContentLength)) << value;
  }
  EXPECT_EQ(framing_of({{kLength, std::string_view("1\0", 2)}}), refused(Reason::kInvalidContentLength));
}

TEST(Framing, RefusesTwoLengthsEvenWhereTheyAgree) {
  EXPECT_EQ(framing_of({{kLength, "5"}, {"content-length", "5"}}), refused(Reason::kInvalidContentLength));
  EXPECT_EQ(framing_of({{kLength, "5"}, {"Host", "a"}, {kLength, "6"}}), refused(Reason::kInvalidContentLength));
  EXPECT_EQ(framing_of({{kLength, "5"}, {kLength, ""}}), refused(Reason::kInvalidContentLength));
}

TEST(Framing, IsAStreamWhereChunkedStandsAlone) {
  for (const std::string_view value : {"chunked", "Chunked", "CHUNKED", "cHuNkEd"}) {
    EXPECT_EQ(framing_of({{kCoding, value}}), kStreamed) << value;
    EXPECT_EQ(framing_of({{"transfer-ENCODING", value}}, Version::kHttp11, Method::kGet), kStreamed) << value;
  }
}

TEST(Framing, RefusesCodingsThatItDoesNotDecode) {
  for (const std::string_view value :
       {"gzip", "identity", "x-gzip", "deflate", "compress", "chunkedd", "xchunked", "chunke", "gzip, chunked",
        "gzip,chunked", "gzip , \tchunked", "identity, chunked", "gzip, deflate", "gzip, deflate, chunked", "chunk"}) {
    EXPECT_EQ(framing_of({{kCoding, value}}), refused(Reason::kUnsupportedTransferEncoding)) << value;
  }
}

TEST(Framing, RefusesWhatIsNoListOfCodings) {
  const std::string_view values[] = {
      "",
      " ",
      ",",
      "chunked,",
      ",chunked",
      "chunked, ",
      ", chunked",
      "chunked,,",
      "chunked, chunked",
      "chunked,chunked",
      "chunked, gzip",
      "chunked, identity",
      "gzip, chunked, gzip",
      "gzip, chunked, chunked",
      "gzip,,chunked",
      "gzip,",
      ",gzip",
      "chunked;x=y",
      "chunked;",
      "chunked ;x=y",
      "gzip;q=1",
      "gzip;q=1, chunked",
      "\"chunked\"",
      "'chunked' x",
      "chunked x",
      "chunked\tx",
      "chun ked",
      "chunked\x0b",
      "\x0b"
      "chunked",
      "\x0c"
      "chunked",
      "chunked\r",
      "chunked\n",
      "chunked\r\n chunked",
      "chunked\x7f",
      "\xff"
      "chunked",
      "chunked\xa0",
      "\xef\xbb\xbf"
      "chunked",
      "chunked:",
      "[chunked]",
      "{chunked}",
      "(comment) chunked",
      "chunked/1",
      "chunked=1",
      "chunked@",
      "ch\\unked",
  };
  for (const std::string_view value : values) {
    EXPECT_EQ(framing_of({{kCoding, value}}), refused(Reason::kInvalidTransferEncoding)) << value;
  }
  EXPECT_EQ(framing_of({{kCoding, std::string_view("chunked\0", 8)}}), refused(Reason::kInvalidTransferEncoding));
}

TEST(Framing, RefusesTwoLinesOfCodings) {
  EXPECT_EQ(framing_of({{kCoding, "chunked"}, {kCoding, "chunked"}}), refused(Reason::kInvalidTransferEncoding));
  EXPECT_EQ(framing_of({{kCoding, "gzip"}, {"transfer-encoding", "chunked"}}),
            refused(Reason::kInvalidTransferEncoding));
  EXPECT_EQ(framing_of({{kCoding, "chunked"}, {kCoding, ""}}), refused(Reason::kInvalidTransferEncoding));
}

TEST(Framing, RefusesLengthAndCodingTogether) {
  for (const Version version : {Version::kHttp10, Version::kHttp11, Version::kHttp2}) {
    EXPECT_EQ(framing_of({{kLength, "5"}, {kCoding, "chunked"}}, version), refused(Reason::kConflictingFraming));
    EXPECT_EQ(framing_of({{kCoding, "chunked"}, {kLength, "0"}}, version), refused(Reason::kConflictingFraming));
    EXPECT_EQ(framing_of({{kCoding, ""}, {kLength, "x"}}, version), refused(Reason::kConflictingFraming));
    EXPECT_EQ(framing_of({{kCoding, "a"}, {kCoding, "b"}, {kLength, "1"}}, version),
              refused(Reason::kConflictingFraming));
  }
}

TEST(Framing, RefusesCodingsWhereTheVersionHasNone) {
  EXPECT_EQ(framing_of({{kCoding, "chunked"}}, Version::kHttp10), refused(Reason::kConflictingFraming));
  EXPECT_EQ(framing_of({{kCoding, "identity"}}, Version::kHttp10), refused(Reason::kConflictingFraming));
  EXPECT_EQ(framing_of({{kCoding, "chunked"}}, Version::kHttp2), refused(Reason::kInvalidTransferEncoding));
}

TEST(Framing, LooksAtNoFieldThatOnlyResemblesOne) {
  EXPECT_EQ(framing_of({{"Content_Length", "5"},
                        {"Transfer_Encoding", "chunked"},
                        {"X-Content-Length", "5"},
                        {"Transfer-Encodin", "chunked"},
                        {"Content-Lengths", "5"}}),
            kNoBody);
}

TEST(Framing, RefusesBodiesOfConnect) {
  const auto conflict = refused(Reason::kConflictingFraming);
  EXPECT_EQ(framing_of({{kLength, "5"}}, Version::kHttp11, Method::kConnect), conflict);
  EXPECT_EQ(framing_of({{kLength, "0"}}, Version::kHttp11, Method::kConnect), conflict);
  EXPECT_EQ(framing_of({{kCoding, "chunked"}}, Version::kHttp11, Method::kConnect), conflict);
  EXPECT_EQ(framing_of({}, Version::kHttp2, Method::kConnect), kStreamed);
}

TEST(Framing, IsAStreamOnHttp2WithoutLength) {
  EXPECT_EQ(framing_of({}, Version::kHttp2, Method::kGet), kStreamed);
  EXPECT_EQ(framing_of({{kLength, "3"}}, Version::kHttp2), bytes(3));
  EXPECT_EQ(framing_of({{kLength, "3"}, {kLength, "3"}}, Version::kHttp2), refused(Reason::kInvalidContentLength));
}

using Response = std::expected<ResponseFraming, Reason>;

Response response_of(std::initializer_list<FieldList::Line> lines, Version version = Version::kHttp11,
                     Method method = Method::kGet, int status = 200) {
  FieldList fields(lines);
  return response_framing(*fields, version, method, status);
}

const Response kRefusedResponse = std::unexpected(Reason::kUpstreamInvalidResponse);

TEST(Framing, ReadsResponses) {
  EXPECT_EQ(response_of({{kLength, "12"}}), (ResponseFraming{.size = bytes(12)}));
  EXPECT_EQ(response_of({{kLength, "12"}}, Version::kHttp10), (ResponseFraming{.size = bytes(12)}));
  EXPECT_EQ(response_of({{kLength, "0"}}), (ResponseFraming{.size = bytes(0)}));
  EXPECT_EQ(response_of({{kCoding, "chunked"}}), (ResponseFraming{.size = kStreamed, .is_chunked = true}));
  EXPECT_EQ(response_of({}), (ResponseFraming{.size = kStreamed, .until_close = true}));
  EXPECT_EQ(response_of({}, Version::kHttp10), (ResponseFraming{.size = kStreamed, .until_close = true}));
  EXPECT_EQ(response_of({}, Version::kHttp2), (ResponseFraming{.size = kStreamed}));
  EXPECT_EQ(response_of({{kLength, "1"}}, Version::kHttp11, Method::kPost, 500), (ResponseFraming{.size = bytes(1)}));
}

TEST(Framing, GivesNoBodyToResponsesThatHaveNone) {
  for (const int status : {100, 101, 103, 204, 304}) {
    EXPECT_EQ(response_of({{kLength, "12"}}, Version::kHttp11, Method::kGet, status), ResponseFraming{}) << status;
    EXPECT_EQ(response_of({{kCoding, "chunked"}}, Version::kHttp11, Method::kGet, status), ResponseFraming{});
    EXPECT_EQ(response_of({}, Version::kHttp11, Method::kGet, status), ResponseFraming{}) << status;
  }
  for (const int status : {200, 404, 500}) {
    EXPECT_EQ(response_of({{kLength, "12"}}, Version::kHttp11, Method::kHead, status), ResponseFraming{});
    EXPECT_EQ(response_of({}, Version::kHttp11, Method::kHead, status), ResponseFraming{});
  }
  EXPECT_NE(response_of({{kLength, "12"}}, Version::kHttp11, Method::kGet, 205), ResponseFraming{});
}

TEST(Framing, RefusesResponsesThatCanBeReadInTwoWays) {
  const std::vector<std::vector<FieldList::Line>> rows = {
      {{kLength, "5"}, {kCoding, "chunked"}},
      {{kLength, "5"}, {kLength, "6"}},
      {{kLength, "5"}, {kLength, "5"}},
      {{kLength, "5, 5"}},
      {{kLength, "-5"}},
      {{kLength, ""}},
      {{kLength, "9223372036854775808"}},
      {{kCoding, "gzip"}},
      {{kCoding, "identity"}},
      {{kCoding, "gzip, chunked"}},
      {{kCoding, "chunked, chunked"}},
      {{kCoding, "chunked"}, {kCoding, "chunked"}},
      {{kCoding, "chunked;a"}},
      {{kCoding, ""}},
  };
  for (const auto& row : rows) {
    FieldList fields;
    for (const FieldList::Line& line : row) fields->add(line.name, line.value);
    for (const Version version : {Version::kHttp10, Version::kHttp11, Version::kHttp2}) {
      EXPECT_EQ(response_framing(*fields, version, Method::kGet, 200), kRefusedResponse) << fields.text();
    }
  }
  EXPECT_EQ(response_of({{kCoding, "chunked"}}, Version::kHttp10), kRefusedResponse);
  EXPECT_EQ(response_of({{kCoding, "chunked"}}, Version::kHttp2), kRefusedResponse);
}

}  // namespace
}  // namespace viaduct::http
