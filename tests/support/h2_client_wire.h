// SPDX-License-Identifier: Apache-2.0
// The owner of an H2Client without a transport, and the requests of a test on it: what upstream/client_connection and
// action/proxy_run do, done by strings and with a clock that the test moves. Keeps the contract of
// codec/client_codec.h to the letter: output is taken and input is given again after the codec has returned, never
// inside a callback. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "codec/h2_client.h"
#include "support/field_list.h"
#include "support/fragmenter.h"
#include "support/h2_frames.h"
#include "support/h2_reading.h"
#include "support/recording_stream.h"

namespace viaduct::support {

// What a server says first: its SETTINGS, and that it has seen ours.
inline std::string h2_greeting(const std::vector<std::pair<std::uint16_t, std::uint32_t>>& settings = {}) {
  return h2_settings(settings) + h2_frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "");
}
// The head of an answer, behind which a body follows unless `flags` say that it ends.
inline std::string h2_answer(std::int32_t stream, std::string_view status, std::uint8_t flags = 0,
                             const H2Fields& more = {}) {
  H2Fields fields = {{":status", std::string(status)}};
  fields.insert(fields.end(), more.begin(), more.end());
  return h2_headers(stream, fields, flags);
}
// A whole answer: 200 with the body "ok".
inline std::string h2_ok(std::int32_t stream) {
  return h2_answer(stream, "200") + h2_data(stream, "ok", kH2End);
}
inline constexpr std::string_view kH2OkText = "head 200 '' body=stream | body ok | end | response end";

class H2ClientWire final : public codec::ClientCodecHandler {
 public:
  explicit H2ClientWire(const codec::H2Limits& granted = {}, bool is_tls = true)
      : limits(granted), client(limits, library, chunks, *this, is_tls) {}

  base::ChunkPool chunks;
  codec::H2Limits limits;
  codec::H2Library library;
  base::Buffer input{chunks};  // what the codec has left
  base::MonoTime now{std::chrono::seconds(1000)};
  codec::H2Client client;
  H2Reading server;          // what the server has got
  bool takes_output = true;  // false: the transport is full
  int streams_ended = 0;
  std::function<void()> on_stream_end;

  // The server's greeting with these settings, and what is said before any request, which is not shown.
  H2ClientWire& open(const std::vector<std::pair<std::uint16_t, std::uint32_t>>& settings = {}) {
    flush();
    feed(h2_greeting(settings));
    server.take_text();
    return *this;
  }
  // Gives `bytes` to the codec in pieces of `size`.
  void feed(std::string_view bytes, std::size_t size = std::string_view::npos) {
    for (Fragmenter pieces(bytes, size); !pieces.done();) {
      input.append(pieces.next());
      client.on_time(now);
      if (client.wants_input()) client.on_input(input);
      turn();
    }
  }
  void end(bool clean = true) {
    client.on_input_end(clean);
    turn();
  }
  // Time passes; the codec is told where it has asked for it.
  void pass(base::Duration duration) {
    now += duration;
    if (client.next_deadline().value_or(base::MonoTime::max()) <= now) client.on_time(now);
    turn();
  }
  // What the owner does before its loop turn ends.
  void turn() {
    while (wants_flush_ || wants_resume_) {
      client.on_time(now);
      if (std::exchange(wants_resume_, false)) client.on_input(input);
      if (std::exchange(wants_flush_, false)) flush();
    }
  }
  void flush() {
    client.fill_output();
    if (takes_output) {
      take(client.output().to_string());
      client.output().clear();
    }
    if (client.output().empty()) client.on_output_drained();
  }
  // The server reads again.
  void take_output() {
    takes_output = true;
    do {
      flush();
      turn();
      client.fill_output();
    } while (!client.output().empty());
  }
  // The frames that the server has got since the last call, joined by " | ".
  std::string sent() {
    turn();
    return server.take_text();
  }

  void on_codec_output() override { wants_flush_ = true; }
  void on_codec_resume() override { wants_resume_ = true; }
  void on_codec_stream_end() override {
    ++streams_ended;
    if (on_stream_end) on_stream_end();
  }

 private:
  // In front of the first frame stands the preface.
  void take(std::string bytes) {
    if (!is_begun_ && !bytes.empty()) {
      is_begun_ = true;
      CHECK(bytes.starts_with(kH2Magic));
      bytes.erase(0, kH2Magic.size());
    }
    server.add(bytes);
  }

  bool is_begun_ = false;
  bool wants_flush_ = false;
  bool wants_resume_ = false;
};

// One request and what came of it. The handler has its memory from a pool of its own, as an exchange has its arena, so
// that a codec which still writes there once it is gone writes where nothing is.
class H2Attempt {
 public:
  explicit H2Attempt(H2ClientWire& wire, const codec::WaitLimits& limits = {})
      : wire_(wire), stream_(&wire.client.begin(*handler_, limits)) {}

  RecordingResponseHandler& handler() { return *handler_; }
  http::ClientStream& stream() { return *stream_; }
  std::string text() const { return handler_->text(); }

  H2Attempt& head(std::string_view method, const http::BodySize& body, bool end,
                  std::initializer_list<FieldList::Line> lines = {{"Host", "a"}}) {
    http::RequestHead head(handler_->arena());
    head.method = http::parse_method(method);
    head.method_text = method;
    head.target = "/";
    head.body = body;
    for (const FieldList::Line& line : lines) head.fields.add(line.name, line.value);
    stream_->send_head(head, end);
    return *this;
  }
  H2Attempt& get() { return head("GET", {}, true); }
  // A request whose body, of unknown length, follows.
  H2Attempt& post() { return head("POST", {.kind = http::BodyKind::kStream}, false); }
  H2Attempt& body(std::string_view bytes, bool end) {
    base::Buffer body(wire_.chunks);
    body.append(bytes);
    stream_->send_body(body, end);
    CHECK(body.empty());
    return *this;
  }
  // The exchange is over: its handler is freed.
  void forget_handler() {
    handler_.reset();
    pool_.reset();
  }
  void reset() {
    stream_->reset();
    forget_handler();
  }

 private:
  H2ClientWire& wire_;
  std::unique_ptr<base::ChunkPool> pool_ = std::make_unique<base::ChunkPool>();
  std::unique_ptr<RecordingResponseHandler> handler_ = std::make_unique<RecordingResponseHandler>(*pool_);
  http::ClientStream* stream_;
};

}  // namespace viaduct::support
