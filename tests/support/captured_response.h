// SPDX-License-Identifier: Apache-2.0
// Stands in for a codec towards a client and keeps the response as values that a test can ask for: status, fields by
// name, body. Its room shrinks with what is sent, as that of a real connection does. One thread.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "http/stream.h"

namespace viaduct::support {

class CapturedResponse final : public http::ServerStream {
 public:
  static constexpr std::size_t kRoom = 64 * 1024;

  std::size_t room = kRoom;  // what writable_bytes() says
  bool is_reading = false;   // the last set_reading()
  bool is_patient = false;
  int status = 0;            // 0: no head yet
  http::BodySize body_size;  // as the head says
  std::string body;
  bool is_complete = false;  // nothing more follows
  bool is_reset = false;     // cut
  std::vector<int> informational;
  std::vector<std::pair<std::string, std::string>> fields;
  std::vector<std::pair<std::string, std::string>> trailers;
  std::size_t largest_piece = 0;  // of the body

  // The values of all lines of that name, joined by "|"; "(none)" when there is none.
  std::string field(std::string_view name) const {
    std::string text = "(none)";
    int lines = 0;
    for (const auto& [each, value] : fields) {
      if (!base::equals_ignoring_case(each, name)) continue;
      text = lines++ == 0 ? value : text + "|" + value;
    }
    return text;
  }
  bool has(std::string_view name) const { return field(name) != "(none)"; }

  // http::ServerStream
  void send_informational(const http::ResponseHead& head) override { informational.push_back(head.status); }
  void send_head(const http::ResponseHead& head, bool end) override {
    EXPECT_EQ(status, 0) << "a second head";
    status = head.status;
    body_size = head.body;
    for (const http::Field& each : head.fields) fields.emplace_back(each.name, each.value);
    is_complete = end;
  }
  void send_body(base::Buffer& bytes, bool end) override {
    EXPECT_NE(status, 0) << "a body before the head";
    EXPECT_FALSE(is_complete || is_reset) << "a body behind the end";
    largest_piece = std::max(largest_piece, bytes.size());
    room -= std::min(room, bytes.size());
    body += bytes.to_string();
    bytes.clear();
    is_complete = end;
    const bool is_due = end && body_size.kind == http::BodyKind::kSized;
    EXPECT_TRUE(!is_due || body.size() == body_size.bytes) << body.size() << " of " << body_size.bytes;
  }
  void send_trailers(const http::Fields& lines) override {
    for (const http::Field& each : lines) trailers.emplace_back(each.name, each.value);
    is_complete = true;
  }
  void reset() override { is_reset = true; }
  void set_reading(bool reading) override { is_reading = reading; }
  void set_patient(bool patient) override { is_patient = patient; }
  std::size_t writable_bytes() const override { return room; }
};

}  // namespace viaduct::support
