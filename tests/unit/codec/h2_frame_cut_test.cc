// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_frame_cut.h"

#include <gtest/gtest.h>

#include "support/fragmenter.h"
#include "support/h2_frames.h"

namespace viaduct::codec {
namespace {

using support::h2_frame;

// "TYPE:FLAGS:STREAM:LENGTH" of each frame that began.
std::string frames_of(H2FrameCut& cut, std::string_view bytes, std::size_t size) {
  std::string text;
  for (support::Fragmenter pieces(bytes, size); !pieces.done();) {
    std::string_view rest = pieces.next();
    while (!rest.empty()) {
      const H2FrameCut::Piece piece = cut.next(rest);
      EXPECT_GT(piece.bytes, 0u);
      EXPECT_LE(piece.bytes, rest.size());
      rest.remove_prefix(piece.bytes);
      if (!piece.begins) continue;
      const H2FrameInfo& frame = cut.frame();
      text += std::to_string(frame.type) + ":" + std::to_string(frame.flags) + ":" + std::to_string(frame.stream_id) +
              ":" + std::to_string(frame.length) + " ";
    }
  }
  return text;
}

TEST(H2FrameCut, FindsEveryFrameHoweverTheBytesAreCut) {
  const std::string bytes = std::string(support::kH2Magic) + h2_frame(4, 0, 0, "") + h2_frame(1, 5, 1, "abc") +
                            h2_frame(0, 1, 0x7fffffff, std::string(70'000, 'x')) + h2_frame(0x42, 0xff, 3, "") +
                            h2_frame(0, 0, 5, "\0");
  for (const std::size_t size : support::kFragmentSizes) {
    H2FrameCut cut(support::kH2Magic.size());
    EXPECT_FALSE(!cut.is_within()) << "of the preface, all of it";
    EXPECT_EQ(frames_of(cut, bytes, size), "4:0:0:0 1:5:1:3 0:1:2147483647:70000 66:255:3:0 0:0:5:0 ");
    EXPECT_FALSE(cut.is_within());
  }
}

TEST(H2FrameCut, LeavesTheReservedBitOut) {
  H2FrameCut cut(0);
  EXPECT_EQ(frames_of(cut, std::string("\0\0\x00\x06\x00\x80\0\0\x01", 9), 1), "6:0:1:0 ");
}

TEST(H2FrameCut, TellsThatAFrameHasBegunAndNotEnded) {
  H2FrameCut cut(2);
  EXPECT_TRUE(cut.is_within());
  frames_of(cut, "xx", 1);
  EXPECT_FALSE(cut.is_within());
  const std::string frame = h2_frame(0, 0, 1, "hello");
  frames_of(cut, frame.substr(0, 1), 1);
  EXPECT_TRUE(cut.is_within()) << "in its header";
  frames_of(cut, frame.substr(1, 8), 1);
  EXPECT_TRUE(cut.is_within());
  frames_of(cut, frame.substr(9, 4), 1);
  EXPECT_TRUE(cut.is_within()) << "in its payload";
  frames_of(cut, frame.substr(13), 1);
  EXPECT_FALSE(cut.is_within());
}

TEST(H2FrameCut, ShowsAHeaderThatCameInPieces) {
  H2FrameCut cut(0);
  const std::string frame = support::h2_goaway(7);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(cut.header_bytes(), i);
    EXPECT_EQ(cut.next(frame.substr(i, 1)).bytes, 1u);
  }
  EXPECT_EQ(cut.header_bytes(), 8u);
  EXPECT_TRUE(cut.next(frame.substr(8)).begins);
  EXPECT_EQ(cut.header_bytes(), 0u);
  const auto shown = cut.header_as(0xf0);
  EXPECT_EQ(std::string(shown.begin(), shown.end()), frame.substr(0, 3) + '\xf0' + frame.substr(4, 5));
}

TEST(H2FrameCut, KnowsAGoodbye) {
  EXPECT_TRUE(is_goodbye({.length = 8, .type = NGHTTP2_GOAWAY}));
  EXPECT_TRUE(is_goodbye({.length = 100, .type = NGHTTP2_GOAWAY}));
  EXPECT_FALSE(is_goodbye({.length = 7, .type = NGHTTP2_GOAWAY}));
  EXPECT_FALSE(is_goodbye({.length = 8, .type = NGHTTP2_GOAWAY, .stream_id = 1}));
  EXPECT_FALSE(is_goodbye({.length = 8, .type = NGHTTP2_PING}));
}

}  // namespace
}  // namespace viaduct::codec
