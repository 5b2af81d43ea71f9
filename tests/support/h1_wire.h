// SPDX-License-Identifier: Apache-2.0
// Owners of HTTP/1 codecs without a transport: what daemon/connection and upstream/client_connection do, done by
// strings. They keep the contract of codec/server_codec.h and codec/client_codec.h to the letter: output is taken and
// input is given again after the codec has returned, never inside a callback. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "codec/h1_client.h"
#include "codec/h1_server.h"
#include "support/fragmenter.h"
#include "support/recording_stream.h"

namespace viaduct::support {

// A response with a body, as a handler of the test gives it.
inline void respond(http::ServerStream& stream, base::Arena& arena, int status, std::string_view body,
                    base::ChunkPool& chunks) {
  http::ResponseHead head(arena);
  head.status = status;
  head.body = {.kind = http::BodyKind::kSized, .bytes = body.size()};
  base::Buffer bytes(chunks);
  bytes.append(body);
  stream.send_head(head, body.empty());
  if (!body.empty()) stream.send_body(bytes, true);
}

class H1ServerWire final : public codec::ServerCodecHandler {
 public:
  explicit H1ServerWire(const codec::H1Limits& granted = {}) : limits(granted) {}

  base::ChunkPool chunks;
  codec::H1Limits limits;
  base::Buffer input{chunks};  // what the codec has left
  codec::H1Server server{limits, chunks, *this};
  std::vector<std::unique_ptr<RecordingStreamHandler>> streams;
  std::string sent;          // what the client has got
  bool takes_output = true;  // false: the transport is full
  bool answers = true;       // answers every request with 200 "ok", and refusals with their status
  bool reads = true;         // handlers want bodies at once
  std::function<void(RecordingStreamHandler&, std::string_view)> on_event;

  // Gives `bytes` to the codec in pieces of `size`.
  void feed(std::string_view bytes, std::size_t size = std::string_view::npos) {
    for (Fragmenter pieces(bytes, size); !pieces.done();) {
      input.append(pieces.next());
      if (server.wants_input()) server.on_input(input);
      turn();
    }
  }
  void end(bool clean = true) {
    server.on_input_end(clean);
    turn();
  }
  // What the owner does before its loop turn ends.
  void turn() {
    while (wants_flush_ || wants_resume_) {
      if (std::exchange(wants_flush_, false)) flush();
      if (std::exchange(wants_resume_, false)) server.on_input(input);
    }
  }
  void flush() {
    if (takes_output) {
      sent += server.output().to_string();
      server.output().clear();
    }
    server.on_output_drained();
  }
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

class H1ClientWire final : public codec::ClientCodecHandler {
 public:
  explicit H1ClientWire(const codec::H1Limits& granted = {}) : limits(granted) {}

  base::ChunkPool chunks;
  codec::H1Limits limits;
  base::Buffer input{chunks};  // what the codec has left
  codec::H1Client client{limits, chunks, *this};
  std::string sent;          // what the server has got
  bool takes_output = true;  // false: the transport is full
  int streams_ended = 0;
  std::function<void()> on_stream_end;

  // Sends a request without body, with a `protocol` the wish for a tunnel.
  http::ClientStream& request(RecordingResponseHandler& handler, std::string_view method = "GET",
                              std::string_view protocol = {}) {
    http::ClientStream& stream = client.begin(handler, {});
    http::RequestHead head(handler.arena());
    head.method = http::parse_method(method);
    head.method_text = method;
    head.target = "/";
    head.protocol = protocol;
    head.fields.add(http::FieldName::kHost, "a");
    if (!protocol.empty()) head.fields.add("Sec-WebSocket-Key", "k");
    stream.send_head(head, true);
    turn();
    return stream;
  }
  void feed(std::string_view bytes, std::size_t size = std::string_view::npos) {
    for (Fragmenter pieces(bytes, size); !pieces.done();) {
      input.append(pieces.next());
      if (client.wants_input()) client.on_input(input);
      turn();
    }
  }
  void end(bool clean = true) {
    client.on_input_end(clean);
    turn();
  }
  void turn() {
    while (wants_flush_ || wants_resume_) {
      if (std::exchange(wants_flush_, false)) flush();
      if (std::exchange(wants_resume_, false)) client.on_input(input);
    }
  }
  void flush() {
    if (takes_output) {
      sent += client.output().to_string();
      client.output().clear();
    }
    client.on_output_drained();
  }

  void on_codec_output() override { wants_flush_ = true; }
  void on_codec_resume() override { wants_resume_ = true; }
  void on_codec_stream_end() override {
    ++streams_ended;
    if (on_stream_end) on_stream_end();
  }

 private:
  bool wants_flush_ = false;
  bool wants_resume_ = false;
};

}  // namespace viaduct::support
