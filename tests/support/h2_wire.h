// SPDX-License-Identifier: Apache-2.0
// The owner of an H2Server without a transport: what daemon/connection does, done by strings and with a clock that the
// test moves. Keeps the contract of codec/server_codec.h to the letter: output is taken and input is given again after
// the codec has returned, never inside a callback. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "codec/h2_server.h"
#include "support/fragmenter.h"
#include "support/h1_wire.h"
#include "support/h2_frames.h"
#include "support/h2_reading.h"
#include "support/recording_stream.h"

namespace viaduct::support {

class H2ServerWire final : public codec::ServerCodecHandler {
 public:
  explicit H2ServerWire(const codec::H2Limits& granted = {}) : limits(granted) {}

  base::ChunkPool chunks;
  codec::H2Limits limits;
  codec::H2Library library;
  base::Buffer input{chunks};  // what the codec has left
  base::MonoTime now{std::chrono::seconds(1000)};
  codec::H2Server server{limits, library, chunks, *this};
  std::vector<std::unique_ptr<RecordingStreamHandler>> streams;  // in the order of their begin
  H2Reading client;                                              // what the client has got
  bool takes_output = true;                                      // false: the transport is full
  bool answers = true;  // answers every request with 200 "ok", and refusals with their status
  bool reads = true;    // handlers want bodies at once
  std::function<void(RecordingStreamHandler&, std::string_view)> on_event;

  // The preface with `settings` of the client, and what the server says to it, which is not shown.
  H2ServerWire& open(const std::vector<std::pair<std::uint16_t, std::uint32_t>>& settings = {}) {
    feed(h2_preface(settings) + h2_frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, ""));
    client.take_text();
    return *this;
  }
  // Gives `bytes` to the codec in pieces of `size`.
  void feed(std::string_view bytes, std::size_t size = std::string_view::npos) {
    for (Fragmenter pieces(bytes, size); !pieces.done();) {
      input.append(pieces.next());
      server.on_time(now);
      if (server.wants_input()) server.on_input(input);
      turn();
    }
  }
  void end(bool clean = true) {
    server.on_input_end(clean);
    turn();
  }
  // Time passes; the codec is told where it has asked for it.
  void pass(base::Duration duration) {
    now += duration;
    if (server.next_deadline().value_or(base::MonoTime::max()) <= now) server.on_time(now);
    turn();
  }
  // What the owner does before its loop turn ends.
  void turn() {
    while (wants_flush_ || wants_resume_) {
      server.on_time(now);
      if (std::exchange(wants_resume_, false)) server.on_input(input);
      if (std::exchange(wants_flush_, false)) flush();
    }
  }
  void flush() {
    server.fill_output();
    if (takes_output) {
      client.add(server.output().to_string());
      server.output().clear();
    }
    if (server.output().empty()) server.on_output_drained();
  }
  // The client reads again.
  void take_output() {
    takes_output = true;
    while (true) {
      flush();
      turn();
      server.fill_output();
      if (server.output().empty()) return;
    }
  }
  // The frames that the client has got since the last call, joined by " | ".
  std::string sent() { return client.take_text(); }
  // All events of all streams, a new stream behind " || ".
  std::string events() const {
    std::string text;
    for (const auto& stream : streams) text.append(text.empty() ? "" : " || ").append(stream->text());
    return text;
  }
  RecordingStreamHandler& last() { return *streams.back(); }

  http::StreamHandler& on_stream(http::ServerStream& stream) override {
    streams.push_back(std::make_unique<RecordingStreamHandler>(chunks));
    RecordingStreamHandler& handler = *streams.back();
    handler.stream = &stream;
    handler.reads = reads;
    handler.on_event = [this, &handler](std::string_view event) {
      if (answers) answer(handler, event);
      if (on_event) on_event(handler, event);
    };
    return handler;
  }
  void on_codec_output() override { wants_flush_ = true; }
  void on_codec_resume() override { wants_resume_ = true; }

 private:
  void answer(RecordingStreamHandler& handler, std::string_view event) {
    const bool is_gone = handler.reason == http::Reason::kClientClosed;
    if (event == "refused" && !is_gone)
      respond(*handler.stream, handler.arena(), http::reason_status(handler.reason), "no", chunks);
    const bool is_request = event == "head" || event == "body" || event == "trailers";
    const bool is_whole = !handler.lines().empty() && (handler.lines().back() == "end" || event == "trailers");
    if (is_request && is_whole) respond(*handler.stream, handler.arena(), 200, "ok", chunks);
  }

  bool wants_flush_ = false;
  bool wants_resume_ = false;
};

}  // namespace viaduct::support
