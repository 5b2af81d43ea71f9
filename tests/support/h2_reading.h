// SPDX-License-Identifier: Apache-2.0
// Reads what an HTTP/2 server has sent into lines of text, one a frame, so that a test compares a list:
//   "SETTINGS 3=128 4=65536", "SETTINGS ack", "HEADERS 1 [:status: 200] end", "DATA 1 5 end",
//   "RST_STREAM 1 PROTOCOL_ERROR", "GOAWAY 1 ENHANCE_YOUR_CALM", "WINDOW_UPDATE 0 65535", "PING ack".
// DATA frames of one stream that follow each other are one line. One thread.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace viaduct::support {

class H2Reading {
 public:
  H2Reading() {
    nghttp2_hd_inflater* inflater = nullptr;
    CHECK(nghttp2_hd_inflate_new(&inflater) == 0);
    inflater_.reset(inflater);
  }

  std::map<std::int32_t, std::string> bodies;  // of every stream so far

  void add(std::string_view bytes) {
    rest_ += bytes;
    while (take_frame()) {
    }
  }
  // All lines since the last call, joined by " | ".
  std::string take_text() {
    std::string text;
    for (const std::string& line : lines_) text.append(text.empty() ? "" : " | ").append(line);
    lines_.clear();
    return text;
  }
  const std::vector<std::string>& lines() const { return lines_; }
  // True when every frame is whole.
  bool is_whole() const { return rest_.empty(); }

 private:
  static constexpr std::size_t kHeaderBytes = 9;

  struct InflaterDelete {
    void operator()(nghttp2_hd_inflater* inflater) const { nghttp2_hd_inflate_del(inflater); }
  };

  static std::uint32_t number(std::string_view bytes) {
    std::uint32_t value = 0;
    for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
    return value;
  }

  bool take_frame() {
    if (rest_.size() < kHeaderBytes) return false;
    const std::string_view header = std::string_view(rest_).substr(0, kHeaderBytes);
    const std::size_t length = number(header.substr(0, 3));
    if (rest_.size() < kHeaderBytes + length) return false;
    const auto type = static_cast<std::uint8_t>(header[3]);
    const auto flags = static_cast<std::uint8_t>(header[4]);
    const auto stream = static_cast<std::int32_t>(number(header.substr(5, 4)));
    const std::string payload = rest_.substr(kHeaderBytes, length);
    rest_.erase(0, kHeaderBytes + length);
    read_frame(type, flags, stream, payload);
    return true;
  }

  void read_frame(std::uint8_t type, std::uint8_t flags, std::int32_t stream, std::string_view payload) {
    const std::string place = " " + std::to_string(stream);
    const std::string end = (flags & NGHTTP2_FLAG_END_STREAM) != 0 ? " end" : "";
    const auto code = [](std::string_view bytes) { return std::string(" ") + nghttp2_http2_strerror(number(bytes)); };
    switch (type) {
      case NGHTTP2_DATA: return read_data(stream, payload, end);
      case NGHTTP2_HEADERS:
        CHECK((flags & (NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_PADDED | NGHTTP2_FLAG_PRIORITY)) ==
              NGHTTP2_FLAG_END_HEADERS);
        return lines_.push_back("HEADERS" + place + inflate(payload) + end);
      case NGHTTP2_RST_STREAM: return lines_.push_back("RST_STREAM" + place + code(payload));
      case NGHTTP2_SETTINGS: return read_settings(flags, payload);
      case NGHTTP2_PING: return lines_.push_back((flags & NGHTTP2_FLAG_ACK) != 0 ? "PING ack" : "PING");
      case NGHTTP2_GOAWAY:
        return lines_.push_back("GOAWAY " + std::to_string(number(payload.substr(0, 4))) + code(payload.substr(4, 4)));
      case NGHTTP2_WINDOW_UPDATE:
        return lines_.push_back("WINDOW_UPDATE" + place + " " + std::to_string(number(payload)));
      default: lines_.push_back("FRAME " + std::to_string(type) + place);
    }
  }

  void read_data(std::int32_t stream, std::string_view payload, const std::string& end) {
    bodies[stream] += payload;
    const std::string begin = "DATA " + std::to_string(stream) + " ";
    if (lines_.empty() || data_of_ != stream || !lines_.back().starts_with(begin) || lines_.back().ends_with("end")) {
      lines_.push_back(begin);
      data_bytes_ = 0;
    }
    data_of_ = stream;
    data_bytes_ += payload.size();
    lines_.back() = begin + std::to_string(data_bytes_) + end;
  }

  void read_settings(std::uint8_t flags, std::string_view payload) {
    std::string line = (flags & NGHTTP2_FLAG_ACK) != 0 ? "SETTINGS ack" : "SETTINGS";
    for (; payload.size() >= 6; payload.remove_prefix(6)) {
      line += " " + std::to_string(number(payload.substr(0, 2))) + "=" + std::to_string(number(payload.substr(2, 4)));
    }
    lines_.push_back(line);
  }

  std::string inflate(std::string_view block) {
    std::string text;
    while (true) {
      nghttp2_nv field;
      int flags = 0;
      const ssize_t taken = nghttp2_hd_inflate_hd2(
          inflater_.get(), &field, &flags, reinterpret_cast<const std::uint8_t*>(block.data()), block.size(), 1);
      CHECK(taken >= 0);
      block.remove_prefix(static_cast<std::size_t>(taken));
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        text.append(" [").append(reinterpret_cast<const char*>(field.name), field.namelen).append(": ");
        text.append(reinterpret_cast<const char*>(field.value), field.valuelen) += ']';
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    }
    CHECK(nghttp2_hd_inflate_end_headers(inflater_.get()) == 0);
    return text;
  }

  std::string rest_;  // of a frame that is not whole
  std::vector<std::string> lines_;
  std::int32_t data_of_ = 0;  // the stream of the last line, where that is DATA
  std::size_t data_bytes_ = 0;
  std::unique_ptr<nghttp2_hd_inflater, InflaterDelete> inflater_;
};

}  // namespace viaduct::support
