// SPDX-License-Identifier: Apache-2.0
#include "codec/h1_body_writer.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>
#include <string_view>

#include "support/field_list.h"

namespace viaduct::codec {
namespace {

using support::FieldList;

class H1BodyWriterTest : public ::testing::Test {
 protected:
  bool begin(H1Framing framing, std::uint64_t bytes = 0, bool end = false) {
    writer_.reset();
    out_.clear();
    return writer_.begin(framing, bytes, end, out_);
  }
  bool write(std::string_view bytes, bool end) {
    base::Buffer body(chunks_);
    body.append(bytes);
    const bool whole = writer_.write(body, end, out_);
    EXPECT_TRUE(body.empty());
    return whole;
  }
  bool write_trailers() {
    FieldList trailers{{"a", "b"}};
    return writer_.write_trailers(*trailers, out_);
  }

  base::ChunkPool chunks_;
  base::Buffer out_{chunks_};
  H1BodyWriter writer_;
};

TEST_F(H1BodyWriterTest, CountsSizedBodies) {
  EXPECT_FALSE(writer_.has_begun());
  EXPECT_TRUE(begin(H1Framing::kSized, 5));
  EXPECT_TRUE(writer_.is_open());
  EXPECT_TRUE(write("hel", false));
  EXPECT_TRUE(write("lo", false));
  EXPECT_FALSE(writer_.is_complete());
  EXPECT_TRUE(write("", true));
  EXPECT_TRUE(writer_.is_complete());
  EXPECT_FALSE(writer_.is_open());
  EXPECT_EQ(out_.to_string(), "hello");
}

TEST_F(H1BodyWriterTest, SaysWhereALengthWasNotKept) {
  EXPECT_FALSE(begin(H1Framing::kSized, 1, true));
  EXPECT_FALSE(writer_.is_open());
  EXPECT_FALSE(writer_.is_complete());
  begin(H1Framing::kSized, 2);
  EXPECT_FALSE(write("abc", false));
  EXPECT_EQ(out_.to_string(), "");
  EXPECT_FALSE(write("ab", true));
  begin(H1Framing::kSized, 2);
  EXPECT_FALSE(write("a", true));
  begin(H1Framing::kSized, 2);
  EXPECT_FALSE(write_trailers());
  EXPECT_FALSE(write_trailers());
}

TEST_F(H1BodyWriterTest, WritesChunksOfEverySize) {
  for (const std::size_t size : {1uz, 15uz, 16uz, 1024uz, 1025uz, 16384uz, 100000uz}) {
    begin(H1Framing::kChunked);
    const std::string bytes(size, 'x');
    EXPECT_TRUE(write(bytes, false));
    EXPECT_TRUE(write("", false));
    EXPECT_TRUE(write("!", true));
    std::array<char, 20> line{};
    std::snprintf(line.data(), line.size(), "%zx\r\n", size);
    EXPECT_EQ(out_.to_string(), line.data() + bytes + "\r\n1\r\n!\r\n0\r\n\r\n");
    EXPECT_TRUE(writer_.is_complete());
  }
}

TEST_F(H1BodyWriterTest, PutsTrailersWhereTheyFit) {
  begin(H1Framing::kChunked);
  EXPECT_TRUE(write("x", false));
  EXPECT_TRUE(write_trailers());
  EXPECT_EQ(out_.to_string(), "1\r\nx\r\n0\r\na: b\r\n\r\n");
  begin(H1Framing::kUntilClose);
  EXPECT_TRUE(write("x", false));
  EXPECT_TRUE(write_trailers());
  EXPECT_EQ(out_.to_string(), "x");
  EXPECT_TRUE(writer_.is_complete());
}

TEST_F(H1BodyWriterTest, DropsWhatMustNotBe) {
  for (const H1Framing framing : {H1Framing::kNone, H1Framing::kHeadOnly}) {
    begin(framing);
    EXPECT_TRUE(write("hello", false));
    EXPECT_TRUE(write("", true));
    EXPECT_EQ(out_.to_string(), "");
    EXPECT_TRUE(writer_.is_complete());
  }
}

TEST_F(H1BodyWriterTest, MovesLongRunsAndCopiesShortOnes) {
  const auto is_moved = [&](std::size_t size) {
    begin(H1Framing::kUntilClose);
    base::Buffer body(chunks_);
    body.append(std::string(size, 'x'));
    const char* bytes = body.front().data();
    EXPECT_TRUE(writer_.write(body, false, out_));
    return out_.front().data() == bytes;
  };
  EXPECT_FALSE(is_moved(1));
  EXPECT_FALSE(is_moved(H1BodyWriter::kCopyBytesMax));
  EXPECT_TRUE(is_moved(H1BodyWriter::kCopyBytesMax + 1));
  EXPECT_TRUE(is_moved(16384));
}

}  // namespace
}  // namespace viaduct::codec
