// SPDX-License-Identifier: Apache-2.0
// Frames the body of one outgoing message, in whichever direction: counts a sized body, writes chunk lines around
// slices that are moved and (but for small ones) not copied, and knows when the message is complete. Member of H1Server
// and H1Client. RFC 9112 §6, §7.1.
//
//   kIdle ─► kCounting | kChunking | kPassing | kDropping ─► kComplete ─► kIdle     (kCounting, kDropping ─► kBroken)
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/buffer.h"
#include "codec/h1_writer.h"
#include "http/fields.h"

namespace viaduct::codec {

class H1BodyWriter {
 public:
  // Runs of body bytes up to this size are copied into the buffer that goes out; longer ones are moved.
  static constexpr std::size_t kCopyBytesMax = 1024;

  // Forgets the message before: a head is due.
  void reset();
  // The head is written. `bytes` is the length of a kSized body. With `end` there is no body to come. False as below.
  [[nodiscard]] bool begin(H1Framing framing, std::uint64_t bytes, bool end, base::Buffer& out);
  // Moves all of `body` to `out`, framed. False when it is not the length that was announced: the message is broken and
  // the connection must end without a proper end. Bytes of a message that has no body are dropped.
  [[nodiscard]] bool write(base::Buffer& body, bool end, base::Buffer& out);
  // Ends the body with trailers, which are left out where the framing has no room for them. False as above.
  [[nodiscard]] bool write_trailers(const http::Fields& trailers, base::Buffer& out);

  // The head has been written.
  bool has_begun() const { return state_ != State::kIdle; }
  bool is_complete() const { return state_ == State::kComplete; }
  // More is to be written: between has_begun() and is_complete().
  bool is_open() const { return has_begun() && !is_complete() && state_ != State::kBroken; }

 private:
  enum class State : std::uint8_t { kIdle, kCounting, kChunking, kPassing, kDropping, kComplete, kBroken };

  void transition(State next);
  bool write_counted(base::Buffer& body, base::Buffer& out);
  void write_chunk(base::Buffer& body, bool end, base::Buffer& out);
  bool finish();

  State state_ = State::kIdle;
  std::uint64_t left_ = 0;  // of a sized body
};

}  // namespace viaduct::codec
