// SPDX-License-Identifier: Apache-2.0
// Checks the framing of a chunked body before llhttp sees it and tells framing from data, so that data moves as slices.
// Refuses every size line that two parsers could read differently: signs, "0x", white space, more than 16 digits,
// sizes beyond 2^63 - 1, bare CR or LF, bytes between data and its CRLF. Owned by H1Parser. RFC 9112 §7.1.
//
//   kSize ─► [kExtension ─►] kSizeLf ─► kData ─► kDataCr ─► kDataLf ─► kSize …
//                               └─ size 0 ─► kTrailers          (any ─► kRefused)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace viaduct::codec {

class H1ChunkCheck {
 public:
  static constexpr std::size_t kSizeDigitsMax = 16;
  // Bytes of the extensions of one chunk, the first ";" included. They are checked and ignored (RFC 9112 §7.1.1).
  static constexpr std::size_t kExtensionBytesMax = 256;

  enum class Piece : std::uint8_t {
    kFraming,    // size digits and line ends
    kExtension,  // to be ignored
    kData,       // body bytes
    kRefused,
  };

  struct Outcome {
    Piece piece;
    std::size_t size;  // bytes at the start of the run that the piece covers
  };

  // Begins a chunked body.
  void begin();
  // Names the first bytes of `run`. REQUIRES: run is not empty, at_trailers() is false.
  Outcome check(std::string_view run);
  // True behind the size line of the last chunk: the trailer section follows.
  bool at_trailers() const { return state_ == State::kTrailers; }

 private:
  enum class State : std::uint8_t { kSize, kExtension, kSizeLf, kData, kDataCr, kDataLf, kTrailers, kRefused };

  void transition(State next);
  // Takes one byte of framing; false, and nothing taken, when it is data, an extension or refused.
  bool take_framing(char byte);
  bool take_size_byte(char byte);
  // Moves to `next`, or to kRefused when the byte does not fit; returns `fits`.
  bool expect(bool fits, State next);
  Outcome take_data(std::string_view run);
  Outcome take_extension(std::string_view run);

  State state_ = State::kTrailers;
  std::size_t digits_ = 0;           // of the size line under way
  std::size_t extension_bytes_ = 0;  // of the size line under way
  std::uint64_t left_ = 0;           // the size while it is read, then the data bytes still to come
};

}  // namespace viaduct::codec
