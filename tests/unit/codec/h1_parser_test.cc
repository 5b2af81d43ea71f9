// SPDX-License-Identifier: Apache-2.0
// What H1Parser gives to the codecs; what it refuses is in h1_server_refusals_test.cc and h1_client_test.cc.
#include "codec/h1_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "support/field_list.h"
#include "support/fragmenter.h"

namespace viaduct::codec {
namespace {

using http::Version;
using support::FieldList;
using support::Fragmenter;
using support::kFragmentSizes;
using Kind = H1Parser::Kind;

// A parser with what stands around it.
struct Reader {
  explicit Reader(Kind kind) : parser(kind, limits) {}

  H1Progress head(std::string_view bytes, std::size_t size = std::string_view::npos) {
    parser.begin(arena);
    H1Progress progress = H1Progress::kMore;
    for (Fragmenter pieces(bytes, size); !pieces.done() && progress == H1Progress::kMore;) {
      input.append(pieces.next());
      progress = parser.parse_head(input, fields);
    }
    return progress;
  }
  H1Progress take_body(std::string_view bytes, std::size_t size = std::string_view::npos) {
    H1Progress progress = H1Progress::kMore;
    for (Fragmenter pieces(bytes, size); !pieces.done();) {
      input.append(pieces.next());
      progress = parser.parse_body(input, body);
    }
    return progress;
  }

  base::ChunkPool chunks;
  base::Arena arena{chunks};
  base::Buffer input{chunks};
  base::Buffer body{chunks};
  http::Fields fields{arena};
  H1Limits limits;
  H1Parser parser;
};

TEST(H1Parser, GivesTheLineAndTheFieldsOfARequest) {
  for (const std::size_t size : kFragmentSizes) {
    Reader reader(Kind::kRequest);
    EXPECT_TRUE(reader.parser.is_done());
    EXPECT_EQ(reader.head("PUT /x HTTP/1.0\r\nhost: a\r\nA:  b c\t\r\n\r\n", size), H1Progress::kDone);
    EXPECT_EQ(reader.parser.method(), "PUT");
    EXPECT_EQ(reader.parser.target(), "/x");
    EXPECT_EQ(reader.parser.version(), Version::kHttp10);
    EXPECT_EQ(FieldList::text_of(reader.fields), "host: a|A: b c");
    EXPECT_EQ(reader.fields.begin()->id, http::FieldName::kHost);
    EXPECT_FALSE(reader.parser.is_done());
  }
}

TEST(H1Parser, GivesTheLineOfAResponse) {
  Reader reader(Kind::kResponse);
  EXPECT_EQ(reader.head("HTTP/1.1 418 I'm a teapot\r\nA: b\r\n\r\n"), H1Progress::kDone);
  EXPECT_EQ(reader.parser.status(), 418);
  EXPECT_EQ(reader.parser.reason_phrase(), "I'm a teapot");
  EXPECT_EQ(reader.parser.version(), Version::kHttp11);
}

TEST(H1Parser, KeepsTheLineWhenTrailersHaveBeenRead) {
  Reader reader(Kind::kRequest);
  reader.head("PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
  reader.parser.begin_body_chunked();
  EXPECT_EQ(reader.take_body("1\r\nx\r\n0\r\nB: c\r\n\r\n"), H1Progress::kDone);
  EXPECT_EQ(reader.parser.method(), "PUT");
  EXPECT_EQ(reader.parser.version(), Version::kHttp11);
  ASSERT_NE(reader.parser.trailers(), nullptr);
  EXPECT_EQ(FieldList::text_of(*reader.parser.trailers()), "B: c");
  EXPECT_EQ(FieldList::text_of(reader.fields), "Transfer-Encoding: chunked");
}

TEST(H1Parser, LiesInTheArenaAndNotInTheInput) {
  Reader reader(Kind::kRequest);
  reader.head("GET /x HTTP/1.1\r\nA: b\r\n\r\n");
  reader.input.append(std::string(1000, 'z'));
  EXPECT_EQ(reader.parser.target(), "/x");
  EXPECT_EQ(FieldList::text_of(reader.fields), "A: b");
}

TEST(H1Parser, LeavesWhatIsBehindTheHeadAndBehindTheBody) {
  Reader reader(Kind::kRequest);
  reader.head("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcNEXT");
  EXPECT_EQ(reader.input.to_string(), "abcNEXT");
  reader.parser.begin_body_sized(3);
  EXPECT_EQ(reader.parser.body_bytes_left(), 3u);
  EXPECT_EQ(reader.parser.parse_body(reader.input, reader.body), H1Progress::kDone);
  EXPECT_EQ(reader.body.to_string(), "abc");
  EXPECT_EQ(reader.input.to_string(), "NEXT");
  EXPECT_EQ(reader.parser.body_bytes_left(), 0u);
  EXPECT_TRUE(reader.parser.is_done());
}

TEST(H1Parser, MovesBodiesWithoutCopying) {
  for (const bool chunked : {false, true}) {
    Reader reader(Kind::kRequest);
    reader.head(chunked ? "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                        : "POST / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n");
    chunked ? reader.parser.begin_body_chunked() : reader.parser.begin_body_sized(5000);
    reader.input.append(std::string(chunked ? "1388\r\n" : "") + std::string(5000, 'x'));
    const char* bytes = reader.input.front().data() + (chunked ? 6 : 0);
    reader.parser.parse_body(reader.input, reader.body);
    EXPECT_EQ(reader.body.front().data(), bytes);
    EXPECT_EQ(reader.body.size(), 5000u);
  }
}

TEST(H1Parser, EndsABodyUntilCloseByFinish) {
  Reader reader(Kind::kResponse);
  reader.head("HTTP/1.1 200 OK\r\n\r\n");
  reader.parser.begin_body_until_close();
  EXPECT_EQ(reader.take_body("0\r\n\r\nabc", 3), H1Progress::kMore);
  EXPECT_EQ(reader.body.to_string(), "0\r\n\r\nabc");
  EXPECT_EQ(reader.parser.body_bytes_left(), std::nullopt);
  EXPECT_TRUE(reader.parser.finish());
  EXPECT_TRUE(reader.parser.is_done());
  Reader counted(Kind::kResponse);
  counted.head("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
  counted.parser.begin_body_sized(3);
  counted.take_body("ab");
  EXPECT_FALSE(counted.parser.finish());
}

TEST(H1Parser, TakesEverythingBehindARequestThatBeganATunnel) {
  Reader reader(Kind::kRequest);
  reader.head("GET / HTTP/1.1\r\n\r\n");
  reader.parser.begin_body_sized(0);
  EXPECT_TRUE(reader.parser.is_done());
  reader.parser.begin_body_until_close();
  EXPECT_FALSE(reader.parser.is_done());
  EXPECT_EQ(reader.take_body("GET / HTTP/1.1\r\n\r\n", 3), H1Progress::kMore);
  EXPECT_EQ(reader.body.to_string(), "GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(reader.parser.finish());
}

TEST(H1Parser, ReadsManyMessagesAfterEachOther) {
  Reader reader(Kind::kRequest);
  for (int i = 0; i < 5; ++i) {
    reader.fields.clear();
    // llhttp by itself would refuse to go on behind "close", and would leave HTTP for "upgrade".
    ASSERT_EQ(reader.head("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"), H1Progress::kDone);
    reader.parser.begin_body_sized(0);
    reader.fields.clear();
    ASSERT_EQ(reader.head("GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), H1Progress::kDone);
    reader.parser.begin_body_sized(0);
    reader.fields.clear();
    ASSERT_EQ(reader.head("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), H1Progress::kDone);
    reader.parser.begin_body_chunked();
    ASSERT_EQ(reader.take_body("1\r\nx\r\n0\r\n\r\n", 1), H1Progress::kDone);
    EXPECT_EQ(reader.parser.trailers(), nullptr);
  }
  EXPECT_EQ(reader.body.to_string(), "xxxxx");
}

TEST(H1Parser, RefusesABodyThatLlhttpSeesOtherwise) {
  // The head says nothing of chunks; a caller that claims it is not believed.
  Reader reader(Kind::kRequest);
  reader.head("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n");
  reader.parser.begin_body_chunked();
  EXPECT_EQ(reader.take_body("5\r\nhello\r\n0\r\n\r\n"), H1Progress::kRefused);
}

TEST(H1Parser, FindsTheFirstByteOfAMessage) {
  Reader reader(Kind::kRequest);
  EXPECT_FALSE(reader.parser.find_message(reader.input));
  for (const std::string_view piece : {"\r", "\n", "\r\n\r", "\n"}) {
    reader.input.append(piece);
    EXPECT_FALSE(reader.parser.find_message(reader.input));
    EXPECT_TRUE(reader.input.empty());
  }
  reader.input.append("\r\nG");
  EXPECT_TRUE(reader.parser.find_message(reader.input));
  EXPECT_EQ(reader.input.to_string(), "G");
  EXPECT_TRUE(reader.parser.find_message(reader.input));
}

TEST(H1Parser, GivesUpAHeadWithWhatCame) {
  Reader reader(Kind::kRequest);
  EXPECT_EQ(reader.head("GET /x HTTP/1.1\r\nA: b\r\nC: d", 3), H1Progress::kMore);
  reader.parser.give_up_head(reader.fields);
  EXPECT_EQ(reader.parser.target(), "/x");
  EXPECT_EQ(FieldList::text_of(reader.fields), "A: b");
}

}  // namespace
}  // namespace viaduct::codec
