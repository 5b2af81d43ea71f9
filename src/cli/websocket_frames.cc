// SPDX-License-Identifier: Apache-2.0
#include "cli/websocket_frames.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"

namespace viaduct::cli {
namespace {

// RFC 6455 §7.4.1.
constexpr std::uint16_t kProtocolError = 1002;
constexpr std::uint16_t kInvalidPayload = 1007;
constexpr std::uint16_t kTooBig = 1009;

constexpr std::size_t kMaskBytes = 4;

// The codes that may stand in a close frame (RFC 6455 §7.4, IANA's registry).
bool is_close_code(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

bool is_known(WebsocketOpcode opcode) {
  switch (opcode) {
    case WebsocketOpcode::kContinuation:
    case WebsocketOpcode::kText:
    case WebsocketOpcode::kBinary:
    case WebsocketOpcode::kClose:
    case WebsocketOpcode::kPing:
    case WebsocketOpcode::kPong: return true;
  }
  return false;
}

}  // namespace

void WebsocketReader::transition(State next) {
  CHECK(state_ != State::kOver);
  state_ = next;
}

WebsocketReader::Event WebsocketReader::read(base::Buffer& input) {
  if (is_message_whole_) {
    is_message_whole_ = false;
    message_.clear();
    message_opcode_ = WebsocketOpcode::kContinuation;
  }
  while (state_ != State::kOver) {
    if (state_ == State::kHeader) {
      if (!take_header(input)) return Event::kMore;
      if (!begin_frame()) return fail(kProtocolError);
      const bool is_too_long = !is_control() && payload_bytes_ > kMessageBytesMax - message_.size();
      if (is_too_long) return fail(kTooBig);
      transition(State::kPayload);
    }
    take_payload(input);
    if (taken_ < payload_bytes_) return Event::kMore;
    const Event event = finish_frame();
    if (event != Event::kMore) return event;
  }
  input.clear();
  return Event::kMore;
}

std::string_view WebsocketReader::payload() const {
  return is_message_whole_ ? std::string_view(message_) : std::string_view(control_);
}

bool WebsocketReader::take_header(base::Buffer& input) {
  while (!input.empty()) {
    header_[header_bytes_++] = static_cast<unsigned char>(input.front().front());
    input.drop(1);
    if (header_bytes_ >= 2 && header_bytes_ == header_size()) return true;
  }
  return false;
}

// RFC 6455 §5.2. REQUIRES: two bytes of it are there.
std::size_t WebsocketReader::header_size() const {
  const unsigned length = header_[1] & 0x7FU;
  const std::size_t more = length == 126 ? 2 : length == 127 ? 8 : 0;
  const bool is_masked = (header_[1] & 0x80U) != 0;
  return 2 + more + (is_masked ? kMaskBytes : 0);
}

// Takes the header apart. False where it breaks a rule.
bool WebsocketReader::begin_frame() {
  const std::size_t size = header_size();
  const bool is_masked = (header_[1] & 0x80U) != 0;
  const std::size_t length_end = size - (is_masked ? kMaskBytes : 0);
  header_bytes_ = 0;
  taken_ = 0;
  is_final_ = (header_[0] & 0x80U) != 0;
  opcode_ = static_cast<WebsocketOpcode>(header_[0] & 0x0FU);
  payload_bytes_ = header_[1] & 0x7FU;
  if (length_end > 2) payload_bytes_ = 0;
  for (std::size_t i = 2; i < length_end; ++i) payload_bytes_ = (payload_bytes_ << 8U) | header_[i];
  std::copy_n(header_.begin() + static_cast<std::ptrdiff_t>(length_end), is_masked ? kMaskBytes : 0, mask_.begin());
  // The shortest form, and no more than 63 bits (§5.2).
  const bool is_length_right = length_end == 2 || (length_end == 4 && payload_bytes_ > 125) ||
                               (length_end == 10 && payload_bytes_ > 0xFFFF && (payload_bytes_ >> 63U) == 0);
  const bool has_reserved_bits = (header_[0] & 0x70U) != 0;  // no extension was agreed upon
  return is_masked && is_length_right && !has_reserved_bits && is_known(opcode_) && is_in_order();
}

bool WebsocketReader::is_in_order() const {
  if (is_control()) return is_final_ && payload_bytes_ <= kControlBytesMax;
  const bool has_begun = message_opcode_ != WebsocketOpcode::kContinuation;
  return has_begun == (opcode_ == WebsocketOpcode::kContinuation);
}

void WebsocketReader::take_payload(base::Buffer& input) {
  if (is_control() && taken_ == 0) control_.clear();
  std::string& text = is_control() ? control_ : message_;
  while (taken_ < payload_bytes_ && !input.empty()) {
    const std::string_view run = input.front();
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(run.size(), payload_bytes_ - taken_));
    for (const char byte : run.substr(0, count)) {
      text += static_cast<char>(static_cast<unsigned char>(byte) ^ mask_[taken_ % kMaskBytes]);
      ++taken_;
    }
    input.drop(count);
  }
}

WebsocketReader::Event WebsocketReader::finish_frame() {
  transition(State::kHeader);
  switch (opcode_) {
    case WebsocketOpcode::kPing: return Event::kPing;
    case WebsocketOpcode::kPong: return Event::kPong;
    case WebsocketOpcode::kClose: return finish_close();
    case WebsocketOpcode::kText:
    case WebsocketOpcode::kBinary: message_opcode_ = opcode_; break;
    case WebsocketOpcode::kContinuation: break;
  }
  if (!is_final_) return Event::kMore;
  if (is_text() && !base::is_utf8(message_)) return fail(kInvalidPayload);
  is_message_whole_ = true;
  return Event::kMessage;
}

WebsocketReader::Event WebsocketReader::finish_close() {
  if (control_.size() == 1) return fail(kProtocolError);
  if (!control_.empty()) {
    close_code_ = static_cast<std::uint16_t>((static_cast<unsigned char>(control_[0]) << 8U) |
                                             static_cast<unsigned char>(control_[1]));
    if (!is_close_code(close_code_)) return fail(kProtocolError);
    control_.erase(0, 2);
    if (!base::is_utf8(control_)) return fail(kInvalidPayload);
  }
  transition(State::kOver);
  return Event::kClose;
}

WebsocketReader::Event WebsocketReader::fail(std::uint16_t code) {
  close_code_ = code;
  transition(State::kOver);
  return Event::kBroken;
}

void write_websocket_frame(WebsocketOpcode opcode, std::string_view payload, base::Buffer& out) {
  std::array<char, 10> header;
  std::size_t size = 2;
  header[0] = static_cast<char>(0x80U | static_cast<unsigned>(opcode));
  header[1] = static_cast<char>(payload.size());
  if (payload.size() > 125) {
    const bool is_long = payload.size() > 0xFFFF;
    header[1] = static_cast<char>(is_long ? 127 : 126);
    for (int shift = is_long ? 56 : 8; shift >= 0; shift -= 8) {
      header[size++] = static_cast<char>((std::uint64_t{payload.size()} >> static_cast<unsigned>(shift)) & 0xFFU);
    }
  }
  out.append({header.data(), size});
  out.append(payload);
}

void write_websocket_close(std::uint16_t code, std::string_view reason, base::Buffer& out) {
  std::string payload;
  if (code != 0) {
    payload += static_cast<char>(code >> 8U);
    payload += static_cast<char>(code & 0xFFU);
    payload += reason;
  }
  write_websocket_frame(WebsocketOpcode::kClose, payload, out);
}

}  // namespace viaduct::cli
