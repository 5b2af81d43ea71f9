// SPDX-License-Identifier: Apache-2.0
// Both ends of http/stream.h as tests need them: handlers that write down what a codec tells them, and streams that
// write down what a handler tells them. One line of text an event, so that a test compares a list; body pieces that
// follow each other are one line, since how a body is cut is nobody's business. One thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/buffer.h"
#include "http/message.h"
#include "http/reason.h"
#include "http/stream.h"

namespace viaduct::support {

// The list of lines that the four classes below keep.
class Recording {
 public:
  const std::vector<std::string>& lines() const { return lines_; }
  // All lines, joined by " | ".
  std::string text() const {
    std::string text;
    for (const std::string& line : lines_) text.append(text.empty() ? "" : " | ").append(line);
    return text;
  }
  void clear() { lines_.clear(); }
  // True when one line begins so.
  bool has(std::string_view begin) const {
    for (const std::string& line : lines_) {
      if (line.starts_with(begin)) return true;
    }
    return false;
  }

 protected:
  ~Recording() = default;

  void add(std::string line) { lines_.push_back(std::move(line)); }
  // "body BYTES", continued where the last line is one.
  void add_body(base::Buffer& body) {
    if (body.empty()) return;
    if (lines_.empty() || !lines_.back().starts_with("body ")) lines_.push_back("body ");
    lines_.back() += body.to_string();
    body.clear();
  }
  void add_end(bool end) {
    if (end) lines_.push_back("end");
  }

  static std::string text_of(const http::Fields& fields) {
    std::string text;
    for (const http::Field& field : fields)
      text.append(" [").append(field.name).append(": ").append(field.value) += ']';
    return text;
  }
  static std::string text_of(const http::BodySize& body) {
    switch (body.kind) {
      case http::BodyKind::kNone: return "none";
      case http::BodyKind::kSized: return std::to_string(body.bytes);
      case http::BodyKind::kStream: break;
    }
    return "stream";
  }
  static std::string text_of(const http::RequestHead& head) {
    std::string text(head.method_text);
    text.append(" ").append(head.target).append(" ").append(http::version_text(head.version));
    text.append(" host=").append(head.authority).append(" body=").append(text_of(head.body));
    if (head.expects_continue) text += " expects";
    if (!head.protocol.empty()) text.append(" protocol=").append(head.protocol);
    return text + text_of(head.fields);
  }
  static std::string text_of(const http::ResponseHead& head) {
    std::string text = std::to_string(head.status);
    text.append(" '").append(head.reason_phrase).append("' body=").append(text_of(head.body));
    return text + text_of(head.fields);
  }

 private:
  std::vector<std::string> lines_;
};

// Takes the requests of a codec. Reads bodies at once, unless `reads` is false.
class RecordingStreamHandler final : public Recording, public http::StreamHandler {
 public:
  explicit RecordingStreamHandler(base::ChunkPool& chunks) : arena_(chunks) {}

  http::ServerStream* stream = nullptr;            // set by the test before the first event
  bool reads = true;                               // says set_reading(true) in on_head
  std::function<void(std::string_view)> on_event;  // called at the end of each event with its name
  http::RequestHead* head = nullptr;               // as delivered last; gone with this handler
  http::Reason reason = http::Reason::kNone;       // of on_refused or on_reset

  base::Arena& arena() override { return arena_; }
  void on_head(http::RequestHead& delivered, bool end) override {
    head = &delivered;
    add("head " + text_of(delivered));
    add_end(end);
    if (reads && !end && stream != nullptr) stream->set_reading(true);
    tell("head");
  }
  void on_refused(http::RequestHead& delivered, http::Reason why) override {
    head = &delivered;
    reason = why;
    add("refused " + std::string(http::reason_name(why)));
    tell("refused");
  }
  void on_body(base::Buffer& body, bool end) override {
    add_body(body);
    add_end(end);
    tell("body");
  }
  void on_trailers(http::Fields& trailers) override {
    add("trailers" + text_of(trailers));
    tell("trailers");
  }
  void on_writable() override {
    add("writable");
    tell("writable");
  }
  void on_reset(http::Reason why) override {
    reason = why;
    add("reset " + std::string(http::reason_name(why)));
    tell("reset");
  }
  void on_stream_end() override {
    add("stream end");
    tell("stream end");
  }

 private:
  void tell(std::string_view event) {
    if (on_event) on_event(event);
  }

  base::Arena arena_;
};

// Takes the responses of a codec.
class RecordingResponseHandler final : public Recording, public http::ResponseHandler {
 public:
  explicit RecordingResponseHandler(base::ChunkPool& chunks) : arena_(chunks) {}

  std::function<void(std::string_view)> on_event;  // called at the end of each event with its name
  http::ResponseHead* head = nullptr;              // the final one; gone with this handler
  std::string_view detail;                         // of a reset

  base::Arena& arena() override { return arena_; }
  void on_informational(http::ResponseHead& delivered) override {
    add("informational " + text_of(delivered));
    tell("informational");
  }
  void on_response_head(http::ResponseHead& delivered, bool end) override {
    head = &delivered;
    add("head " + text_of(delivered));
    add_end(end);
    tell("head");
  }
  void on_response_body(base::Buffer& body, bool end) override {
    add_body(body);
    add_end(end);
    tell("body");
  }
  void on_response_trailers(http::Fields& trailers) override {
    add("trailers" + text_of(trailers));
    tell("trailers");
  }
  void on_request_writable() override {
    add("writable");
    tell("writable");
  }
  void on_response_reset(http::Reason why, bool answered, std::string_view what) override {
    detail = what;
    add("reset " + std::string(http::reason_name(why)) + (answered ? " answered" : ""));
    tell("reset");
  }
  void on_response_end() override {
    add("response end");
    tell("response end");
  }

 private:
  void tell(std::string_view event) {
    if (on_event) on_event(event);
  }

  base::Arena arena_;
};

// Stands in for a codec towards a client: takes a response.
class RecordingServerStream final : public Recording, public http::ServerStream {
 public:
  std::size_t room = 64 * 1024;  // what writable_bytes() says
  bool reading = false;
  bool is_patient = false;

  void send_informational(const http::ResponseHead& head) override { add("informational " + text_of(head)); }
  void send_head(const http::ResponseHead& head, bool end) override {
    add("head " + text_of(head));
    add_end(end);
  }
  void send_body(base::Buffer& body, bool end) override {
    add_body(body);
    add_end(end);
  }
  void send_trailers(const http::Fields& trailers) override { add("trailers" + text_of(trailers)); }
  void reset() override { add("reset"); }
  void set_reading(bool on) override { reading = on; }
  void set_patient(bool on) override { is_patient = on; }
  std::size_t writable_bytes() const override { return room; }
};

// Stands in for a codec towards an upstream server: takes a request.
class RecordingClientStream final : public Recording, public http::ClientStream {
 public:
  std::size_t room = 64 * 1024;  // what writable_bytes() says
  bool reading = true;
  std::optional<base::Duration> read_limit;

  void send_head(const http::RequestHead& head, bool end) override {
    add("head " + text_of(head));
    add_end(end);
  }
  void send_body(base::Buffer& body, bool end) override {
    add_body(body);
    add_end(end);
  }
  void send_trailers(const http::Fields& trailers) override { add("trailers" + text_of(trailers)); }
  void reset() override { add("reset"); }
  void set_reading(bool on) override { reading = on; }
  void set_read_limit(std::optional<base::Duration> limit) override { read_limit = limit; }
  std::size_t writable_bytes() const override { return room; }
};

}  // namespace viaduct::support
