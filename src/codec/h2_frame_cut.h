// SPDX-License-Identifier: Apache-2.0
// Where frames begin and end in the bytes of an HTTP/2 connection (RFC 9113 §4.1). nghttp2 does not tell of every frame
// before it acts on it, nor that one has begun and not ended, and whoever sends a frame byte by byte would never be
// late. Member of H2Session. Pure.
#pragma once

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace viaduct::codec {

// A frame's header.
struct H2FrameInfo {
  std::size_t length = 0;  // of the payload
  std::uint8_t type = 0;   // nghttp2_frame_type, or one that nobody knows
  std::uint8_t flags = 0;  // nghttp2_flag
  std::int32_t stream_id = 0;
};

// RFC 9113 §6.8; any other frame of that type is an error.
inline bool is_goodbye(const H2FrameInfo& frame) {
  return frame.type == NGHTTP2_GOAWAY && frame.stream_id == 0 && frame.length >= 8;
}

class H2FrameCut {
 public:
  static constexpr std::size_t kHeaderBytes = 9;

  // Bytes that belong to one frame, or to what stands before the first one.
  struct Piece {
    std::size_t bytes = 0;
    bool begins = false;  // with it the header of frame() has become whole
  };

  // `skipped`: bytes before the first frame, a client's preface.
  explicit H2FrameCut(std::size_t skipped) : left_(skipped) {}

  // How many of the next bytes of the connection belong together. REQUIRES: !bytes.empty().
  Piece next(std::string_view bytes) {
    Piece piece;
    if (left_ == 0) {
      while (header_bytes_ < kHeaderBytes && piece.bytes < bytes.size()) {
        header_[header_bytes_++] = static_cast<std::uint8_t>(bytes[piece.bytes++]);
      }
      if (header_bytes_ < kHeaderBytes) return piece;
      read_header();
      piece.begins = true;
    }
    const std::size_t payload = std::min(left_, bytes.size() - piece.bytes);
    left_ -= payload;
    piece.bytes += payload;
    return piece;
  }
  // Part of a frame, or of the preface, has come.
  bool is_within() const { return left_ > 0 || header_bytes_ > 0; }
  // The frame that began last.
  const H2FrameInfo& frame() const { return frame_; }
  // How much of a frame's header has come, while it is not whole.
  std::size_t header_bytes() const { return header_bytes_; }
  // The header of the frame that began last, with another type.
  std::array<std::uint8_t, kHeaderBytes> header_as(std::uint8_t type) const {
    std::array<std::uint8_t, kHeaderBytes> header = header_;
    header[3] = type;
    return header;
  }

 private:
  void read_header() {
    const auto number = [this](std::size_t begin, std::size_t count) {
      std::uint32_t value = 0;
      for (std::size_t i = begin; i < begin + count; ++i) value = value << 8 | header_[i];
      return value;
    };
    constexpr std::uint32_t kReservedBit = 1U << 31;
    frame_ = {.length = number(0, 3),
              .type = header_[3],
              .flags = header_[4],
              .stream_id = static_cast<std::int32_t>(number(5, 4) & ~kReservedBit)};
    left_ = frame_.length;
    header_bytes_ = 0;
  }

  std::size_t left_;  // of a payload
  std::array<std::uint8_t, kHeaderBytes> header_{};
  std::size_t header_bytes_ = 0;  // of a frame header that is not whole
  H2FrameInfo frame_;
};

}  // namespace viaduct::codec
