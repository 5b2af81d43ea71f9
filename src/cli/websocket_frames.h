// SPDX-License-Identifier: Apache-2.0
// WebSocket frames as a server reads and writes them: messages put together from their fragments, control frames in
// between, and every rule that a client may break, with the code to close with. For the sample upstreams of `viaduct
// demo`; the proxy itself reads no frames. One thread. RFC 6455 §5, §7.4.
//
//   kHeader ─► kPayload ─► kHeader     (both ─► kOver: behind a close frame, or a rule was broken)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/buffer.h"

namespace viaduct::cli {

enum class WebsocketOpcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

class WebsocketReader {
 public:
  // The longest message, all its fragments together.
  static constexpr std::size_t kMessageBytesMax = 1024 * 1024;
  // The longest payload of a control frame (RFC 6455 §5.5).
  static constexpr std::size_t kControlBytesMax = 125;

  enum class Event : std::uint8_t {
    kMore,     // all bytes were taken, more are needed
    kMessage,  // a message is whole
    kPing,
    kPong,
    kClose,   // the client closes; nothing behind it counts
    kBroken,  // a rule was broken; nothing behind it counts
  };

  // Takes bytes out of `input` up to the end of the next thing that is worth an event.
  Event read(base::Buffer& input);

  // Behind kMessage, kPing and kPong: what was said, until the next read(). Behind kClose: the reason.
  std::string_view payload() const;
  // Behind kMessage: whether it is text, which is UTF-8 then, or binary.
  bool is_text() const { return message_opcode_ == WebsocketOpcode::kText; }
  // Behind kClose: the code that the client gave, 0 where it gave none. Behind kBroken: the one to close with.
  std::uint16_t close_code() const { return close_code_; }

 private:
  enum class State : std::uint8_t { kHeader, kPayload, kOver };

  void transition(State next);
  void take_payload(base::Buffer& input);
  bool take_header(base::Buffer& input);
  std::size_t header_size() const;
  bool begin_frame();
  bool is_in_order() const;
  Event finish_frame();
  Event finish_close();
  Event fail(std::uint16_t code);
  bool is_control() const { return opcode_ >= WebsocketOpcode::kClose; }

  State state_ = State::kHeader;
  std::array<unsigned char, 14> header_{};
  std::size_t header_bytes_ = 0;  // that have come
  // Of the frame under way.
  WebsocketOpcode opcode_ = WebsocketOpcode::kContinuation;
  bool is_final_ = false;
  std::uint64_t payload_bytes_ = 0;
  std::uint64_t taken_ = 0;  // of them
  std::array<unsigned char, 4> mask_{};

  std::string message_;
  std::string control_;
  WebsocketOpcode message_opcode_ = WebsocketOpcode::kContinuation;  // of the message under way; so: none
  bool is_message_whole_ = false;                                    // it was told, and goes with the next read()
  std::uint16_t close_code_ = 0;
};

// Writes one whole frame, unmasked as servers do.
void write_websocket_frame(WebsocketOpcode opcode, std::string_view payload, base::Buffer& out);
// Writes a close frame; without a code where it is 0.
void write_websocket_close(std::uint16_t code, std::string_view reason, base::Buffer& out);

}  // namespace viaduct::cli
