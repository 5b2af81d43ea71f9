// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_outgoing.h"

#include <gtest/gtest.h>

#include <memory>

#include "support/field_list.h"

namespace viaduct::codec {
namespace {

constexpr std::uint32_t kNoCopy = NGHTTP2_DATA_FLAG_NO_COPY;
constexpr std::uint32_t kEnd = NGHTTP2_DATA_FLAG_NO_COPY | NGHTTP2_DATA_FLAG_EOF;
constexpr std::uint32_t kTrailersFollow = kEnd | NGHTTP2_DATA_FLAG_NO_END_STREAM;

struct SessionDelete {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};

class H2OutgoingTest : public testing::Test {
 protected:
  H2OutgoingTest() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session* session = nullptr;
    EXPECT_EQ(nghttp2_session_callbacks_new(&callbacks), 0);
    EXPECT_EQ(nghttp2_session_server_new(&session, callbacks, nullptr), 0);
    nghttp2_session_callbacks_del(callbacks);
    session_.reset(session);
  }

  bool write(std::string_view bytes, bool end = false) {
    base::Buffer body(chunks_);
    body.append(bytes);
    const bool is_right = outgoing_.write(body, end);
    EXPECT_TRUE(body.empty());
    return is_right;
  }
  // The bytes of the next DATA frame; "(none)" where there are none to send. Leaves the flags in flags_.
  std::string take(std::size_t bytes_max) {
    flags_ = 0;
    const ssize_t count = outgoing_.offer(session_.get(), 1, bytes_max, flags_);
    if (count == NGHTTP2_ERR_DEFERRED) return "(none)";
    base::Buffer frame(chunks_);
    outgoing_.move_to(frame, static_cast<std::size_t>(count));
    return frame.to_string();
  }

  base::ChunkPool chunks_;
  H2Outgoing outgoing_{chunks_};
  std::unique_ptr<nghttp2_session, SessionDelete> session_;
  support::FieldList none_;
  std::uint32_t flags_ = 0;
};

TEST_F(H2OutgoingTest, CutsABodyIntoFramesAndEndsWithTheLast) {
  outgoing_.begin(std::nullopt);
  EXPECT_TRUE(outgoing_.is_open());
  EXPECT_TRUE(write("hello"));
  EXPECT_TRUE(write(" world", true));
  EXPECT_FALSE(outgoing_.is_open());
  EXPECT_TRUE(outgoing_.is_waiting());
  EXPECT_EQ(take(4), "hell");
  EXPECT_EQ(flags_, kNoCopy);
  EXPECT_EQ(take(100), "o world");
  EXPECT_EQ(flags_, kEnd);
  EXPECT_TRUE(outgoing_.is_complete());
  EXPECT_FALSE(outgoing_.is_waiting());
}

TEST_F(H2OutgoingTest, EndsWithAnEmptyFrameWhereTheEndCameLate) {
  outgoing_.begin(std::nullopt);
  EXPECT_TRUE(write("hello"));
  EXPECT_EQ(take(5), "hello");
  EXPECT_EQ(flags_, kNoCopy);
  EXPECT_FALSE(outgoing_.is_deferred());
  EXPECT_EQ(take(5), "(none)");
  EXPECT_TRUE(outgoing_.is_deferred());
  EXPECT_FALSE(outgoing_.is_waiting());
  EXPECT_TRUE(write("", true));
  EXPECT_TRUE(outgoing_.is_waiting());
  EXPECT_EQ(take(5), "");
  EXPECT_EQ(flags_, kEnd);
  EXPECT_FALSE(outgoing_.is_deferred());
}

TEST_F(H2OutgoingTest, HoldsTheAnnouncedLength) {
  struct Row {
    std::uint64_t length;
    std::vector<std::string_view> pieces;
    bool is_right;
  };
  const std::vector<Row> rows = {
      {5, {"hello"}, true}, {5, {"he", "llo"}, true}, {5, {"hello", ""}, true}, {0, {""}, true},
      {5, {"hell"}, false}, {5, {""}, false},         {5, {"hello!"}, false},   {5, {"hello", "!"}, false},
      {0, {"x"}, false},    {1, {"", ""}, false},
  };
  for (const Row& row : rows) {
    H2Outgoing outgoing(chunks_);
    outgoing.begin(row.length);
    bool is_right = true;
    for (std::size_t i = 0; i < row.pieces.size() && is_right; ++i) {
      base::Buffer body(chunks_);
      body.append(row.pieces[i]);
      is_right = outgoing.write(body, i + 1 == row.pieces.size());
    }
    EXPECT_EQ(is_right, row.is_right) << row.length << " " << row.pieces[0];
    EXPECT_FALSE(outgoing.is_open());
  }
}

TEST_F(H2OutgoingTest, TakesNothingMoreBehindAWrongLength) {
  outgoing_.begin(5);
  EXPECT_FALSE(write("hello!"));
  EXPECT_TRUE(write("x")) << "it has been said";
  EXPECT_TRUE(write("", true));
  EXPECT_TRUE(outgoing_.write_trailers(*none_));
  EXPECT_FALSE(outgoing_.is_complete());
  EXPECT_EQ(outgoing_.waiting_bytes(), 0u);
  EXPECT_EQ(take(100), "(none)");
}

TEST_F(H2OutgoingTest, SendsTrailersBehindTheLastByte) {
  support::FieldList trailers{{"x-sum", "1"}};
  outgoing_.begin(5);
  EXPECT_TRUE(write("hello"));
  EXPECT_TRUE(outgoing_.write_trailers(*trailers));
  EXPECT_EQ(take(3), "hel");
  EXPECT_EQ(flags_, kNoCopy);
  EXPECT_EQ(nghttp2_session_get_outbound_queue_size(session_.get()), 0u);
  EXPECT_EQ(take(100), "lo");
  EXPECT_EQ(flags_, kTrailersFollow);
  EXPECT_EQ(nghttp2_session_get_outbound_queue_size(session_.get()), 1u);
  EXPECT_TRUE(outgoing_.is_complete());
}

TEST_F(H2OutgoingTest, EndsWithoutTrailersWhereThereAreNone) {
  outgoing_.begin(std::nullopt);
  EXPECT_TRUE(write("hello"));
  EXPECT_TRUE(outgoing_.write_trailers(*none_));
  EXPECT_EQ(take(100), "hello");
  EXPECT_EQ(flags_, kEnd);
  H2Outgoing is_short(chunks_);
  is_short.begin(5);
  EXPECT_FALSE(is_short.write_trailers(*none_));
}

TEST_F(H2OutgoingTest, HasRoomUntilItIsFullAndTellsWhenThereIsRoomAgain) {
  constexpr std::size_t kMax = H2Outgoing::kWaitingBytesMax;
  outgoing_.begin(std::nullopt);
  EXPECT_EQ(outgoing_.room(), kMax);
  EXPECT_TRUE(write(std::string(kMax - 1, 'x')));
  EXPECT_EQ(outgoing_.room(), 1u);
  EXPECT_FALSE(outgoing_.take_room_again()) << "nobody had to stop";
  EXPECT_TRUE(write("x"));
  EXPECT_EQ(outgoing_.room(), 0u);
  take(kMax - H2Outgoing::kWaitingBytesLow - 1);
  EXPECT_EQ(outgoing_.room(), 0u) << "until it is worth it";
  EXPECT_FALSE(outgoing_.take_room_again());
  take(1);
  EXPECT_TRUE(outgoing_.take_room_again());
  EXPECT_FALSE(outgoing_.take_room_again());
  EXPECT_EQ(outgoing_.room(), kMax - H2Outgoing::kWaitingBytesLow);
}

TEST_F(H2OutgoingTest, TellsNobodyOfRoomBehindTheEnd) {
  outgoing_.begin(std::nullopt);
  EXPECT_TRUE(write(std::string(H2Outgoing::kWaitingBytesMax, 'x'), true));
  take(H2Outgoing::kWaitingBytesMax);
  EXPECT_FALSE(outgoing_.take_room_again());
}

TEST_F(H2OutgoingTest, DropsWhatWaitsWhenItIsAbandoned) {
  support::FieldList trailers{{"x-sum", "1"}};
  for (const bool ended : {false, true}) {
    H2Outgoing outgoing(chunks_);
    outgoing.begin(std::nullopt);
    base::Buffer body(chunks_);
    body.append("hello");
    EXPECT_TRUE(outgoing.write(body, false));
    if (ended) {
      EXPECT_TRUE(outgoing.write_trailers(*trailers));
    }
    outgoing.abandon();
    EXPECT_FALSE(outgoing.is_waiting());
    EXPECT_FALSE(outgoing.is_complete());
    EXPECT_EQ(outgoing.offer(session_.get(), 1, 100, flags_), NGHTTP2_ERR_DEFERRED);
    outgoing.abandon();
  }
  H2Outgoing idle(chunks_);
  idle.abandon();
  EXPECT_FALSE(idle.is_waiting());
  EXPECT_EQ(nghttp2_session_get_outbound_queue_size(session_.get()), 0u);
}

}  // namespace
}  // namespace viaduct::codec
