// SPDX-License-Identifier: Apache-2.0
// The body that one HTTP/2 stream sends: bytes wait here until nghttp2's flow control and priorities let them into DATA
// frames, into which they are moved and not copied. Holds the length that the head announced (RFC 9113 §8.1.1) and the
// trailers. Member of a stream of H2Server or H2Client; filled by it, drained by H2Session.
//
//   kIdle ─► kOpen ─► kEnding ─► kComplete     (kOpen, kEnding ─► kBroken)
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <optional>

#include "base/buffer.h"
#include "http/fields.h"

namespace viaduct::codec {

class H2Outgoing {
 public:
  // What waits at most before its sender has to stop, and below which it may go on. H2Server bounds it further.
  static constexpr std::size_t kWaitingBytesMax = 64 * 1024;
  static constexpr std::size_t kWaitingBytesLow = 16 * 1024;

  explicit H2Outgoing(base::ChunkPool& chunks) : waiting_(chunks) {}

  // The head is submitted and a body follows, of `length` bytes where that is known.
  void begin(std::optional<std::uint64_t> length);
  // Moves all of `body` here. False: it is not the length that was announced, and the stream must be reset.
  [[nodiscard]] bool write(base::Buffer& body, bool end);
  // Ends the body with trailers; `trailers` must live until they are sent or the stream is gone. False as above.
  [[nodiscard]] bool write_trailers(const http::Fields& trailers);

  // Bytes are written and the end is not.
  bool is_open() const { return state_ == State::kOpen; }
  // The last byte and the trailers are in the output.
  bool is_complete() const { return state_ == State::kComplete; }
  // Something is to be sent that has not been: it waits for the other side's window or for its turn.
  bool is_waiting() const { return !waiting_.empty() || state_ == State::kEnding; }
  // nghttp2 was told that there is nothing; H2Session::resume() is due once there is.
  bool is_deferred() const { return is_deferred_; }
  std::size_t waiting_bytes() const { return waiting_.size(); }
  // How many bytes more may be written now.
  std::size_t room() const {
    return is_full_ || waiting_.size() >= kWaitingBytesMax ? 0 : kWaitingBytesMax - waiting_.size();
  }
  // True once after the writer had to stop, when it may go on.
  bool take_room_again();
  // Drops what waits: the stream was reset.
  void abandon();

  // For H2Session: what the next DATA frame holds, at most `bytes_max`; sets nghttp2's flags. A negative result is
  // nghttp2's.
  ssize_t offer(nghttp2_session* session, std::int32_t stream_id, std::size_t bytes_max, std::uint32_t& flags);
  // Moves the bytes of a frame behind its header.
  void move_to(base::Buffer& output, std::size_t count);

 private:
  enum class State : std::uint8_t { kIdle, kOpen, kEnding, kComplete, kBroken };

  void transition(State next);
  bool end_body();

  base::Buffer waiting_;
  State state_ = State::kIdle;
  bool is_deferred_ = false;
  bool is_full_ = false;                    // take_room_again() is due
  std::optional<std::uint64_t> left_;       // of an announced length
  const http::Fields* trailers_ = nullptr;  // to be sent behind the last byte
};

}  // namespace viaduct::codec
