// SPDX-License-Identifier: Apache-2.0
// Frames, good and bad, to H2Server, behind a valid preface. The first byte says how the rest is cut and how handlers
// behave; the second whether the rest is frames as they are, or pieces of which frames of a right length are made.
// Held: the same requests, bodies and refusals however the bytes are cut; each stream ends once, and nothing reaches a
// handler that has gone; nothing that was accepted could be more than one request on HTTP/1.1.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "codec/h2_server.h"
#include "http/hop_by_hop.h"
#include "support/h2_wire.h"

namespace {

using viaduct::http::Reason;
using viaduct::support::H2ServerWire;
using viaduct::support::RecordingStreamHandler;

// Small limits, so that an input of usual size reaches them.
constexpr viaduct::codec::H2Limits kLimits{.max_head_size = 512, .max_fields = 10, .max_target_size = 64};
constexpr std::size_t kInputBytesMax = 4096;

// {type, flags, stream, length} and a payload, as often as there are bytes.
std::string frames_of(std::string_view pieces) {
  std::string frames;
  while (pieces.size() >= 4) {
    const auto number = [&pieces](std::size_t index) { return static_cast<unsigned char>(pieces[index]); };
    // Types that exist, for the most part.
    const auto type = static_cast<std::uint8_t>(number(0) < 0xf0 ? number(0) % 10 : number(0));
    const std::uint8_t flags = number(1);
    const std::int32_t stream = number(2);
    const std::string_view payload = pieces.substr(4, number(3));
    frames += viaduct::support::h2_frame(type, flags, stream, payload);
    pieces.remove_prefix(4 + payload.size());
  }
  return frames;
}

// Where it depends on what has been sent by then what a frame means, and so on how the bytes are cut: a client that
// says goodbye ends the connection when no stream is open; and HEADERS or DATA behind the end of their stream are
// ignored once the stream was reset (RFC 9113 section 5.1, closed), but end the connection before (half-closed
// (remote)).
bool depends_on_what_was_sent(std::string_view bytes) {
  std::set<std::int32_t> ended;
  viaduct::codec::H2FrameCut cut(0);
  while (!bytes.empty()) {
    const viaduct::codec::H2FrameCut::Piece piece = cut.next(bytes);
    const auto& frame = cut.frame();
    if (piece.begins && frame.type == NGHTTP2_GOAWAY) return true;
    if (piece.begins && (frame.type == NGHTTP2_HEADERS || frame.type == NGHTTP2_DATA)) {
      if (ended.contains(frame.stream_id)) return true;
      if ((frame.flags & NGHTTP2_FLAG_END_STREAM) != 0) ended.insert(frame.stream_id);
    }
    bytes.remove_prefix(piece.bytes);
  }
  return false;
}

bool is_over(const RecordingStreamHandler& handler) {
  const auto& lines = handler.lines();
  return !lines.empty() && (lines.back() == "stream end" || lines.back().starts_with("reset "));
}

// What a field list lets through, in trailers too.
void check_accepted(const RecordingStreamHandler& handler) {
  for (const std::string& line : handler.lines()) {
    CHECK(line.starts_with("body ") || line.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
  if (handler.lines().empty() || !handler.lines().front().starts_with("head ")) return;
  const viaduct::http::RequestHead& head = *handler.head;
  CHECK(viaduct::http::is_token(head.method_text) && !head.authority.empty());
  CHECK(head.target == "*" || head.target.starts_with('/'));
  CHECK(head.target.find_first_of(" \t#") == std::string_view::npos);
  std::size_t hosts = 0;
  for (const viaduct::http::Field& field : head.fields) {
    using viaduct::http::FieldName;
    CHECK(viaduct::http::is_token(field.name) && !viaduct::http::is_connection_specific(field.id));
    const bool is_ours = field.name == "Host" || field.name == "Cookie";
    CHECK(is_ours || std::ranges::none_of(field.name, [](char byte) { return byte >= 'A' && byte <= 'Z'; }));
    if (field.id == FieldName::kHost) ++hosts;
  }
  CHECK(hosts == 1);
}

void check_streams(const H2ServerWire& wire) {
  for (const auto& stream : wire.streams) {
    int terminal = 0;
    for (const std::string& line : stream->lines()) {
      CHECK(terminal == 0);
      if (line == "stream end" || line.starts_with("reset ")) ++terminal;
    }
    CHECK(terminal == 1);
    check_accepted(*stream);
  }
}

// How a stream went, as far as the cut of the bytes must not matter: of one that was refused or reset, why. Where a
// connection ends, it depends on what has been sent by then whether a stream was reset by itself before; and of two
// faults in one read nghttp2 tells the first when it sends its goodbye, behind the second.
std::string outcome_of(const RecordingStreamHandler& handler) {
  for (const std::string_view word : {"refused ", "reset "}) {
    for (const std::string& line : handler.lines()) {
      if (!line.starts_with(word)) continue;
      const std::string reason = line.substr(word.size(), line.find(' ', word.size()) - word.size());
      return reason.starts_with("h2_") || reason == "client_closed" ? "gone" : reason;
    }
  }
  return handler.text();
}

// Handlers that answer when all bytes have come, so that no answer changes what the bytes mean.
struct Run {
  Run(std::string_view bytes, std::size_t size) {
    wire.answers = false;
    wire.open().feed(bytes, size);
    for (const auto& handler : wire.streams) {
      const bool is_whole = handler->has("end") || handler->has("trailers");
      if (is_over(*handler) || (!is_whole && !handler->has("refused"))) continue;
      viaduct::support::respond(*handler->stream, handler->arena(), 200, "ok", wire.chunks);
    }
    wire.turn();
    wire.end();
    wire.server.abort(Reason::kClientClosed);
    wire.turn();
  }

  H2ServerWire wire{kLimits};
};

// Handlers that answer at once, or give their stream up at some event; they are freed when they have ended.
void run_freeing(std::string_view bytes, std::size_t size, unsigned reset_every) {
  H2ServerWire wire(kLimits);
  unsigned events = 0;
  RecordingStreamHandler* given_up = nullptr;
  wire.on_event = [&](RecordingStreamHandler& handler, std::string_view event) {
    const bool is_last = event == "stream end" || event == "reset";
    if (reset_every == 0 || is_last || given_up != nullptr || ++events % reset_every != 0) return;
    handler.stream->reset();
    given_up = &handler;
  };
  wire.open();
  for (viaduct::support::Fragmenter pieces(bytes, size); !pieces.done();) {
    wire.feed(pieces.next());
    std::erase_if(wire.streams, [&given_up](const std::unique_ptr<RecordingStreamHandler>& handler) {
      return handler.get() == given_up || is_over(*handler);
    });
    given_up = nullptr;
    wire.turn();
  }
  wire.end();
  wire.server.abort(Reason::kClientClosed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > kInputBytesMax) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string bytes = (data[1] & 1) != 0 ? frames_of(rest) : std::string(rest);
  const std::size_t piece = 1 + data[0] % 64;
  const unsigned reset_every = data[1] >> 1;

  const Run whole(bytes, std::string_view::npos);
  const Run cut(bytes, piece);
  check_streams(whole.wire);
  check_streams(cut.wire);
  if (!depends_on_what_was_sent(bytes)) {
    CHECK((whole.wire.server.failure() == Reason::kNone) == (cut.wire.server.failure() == Reason::kNone));
    CHECK(whole.wire.streams.size() == cut.wire.streams.size());
    for (std::size_t i = 0; i < whole.wire.streams.size(); ++i) {
      CHECK(outcome_of(*whole.wire.streams[i]) == outcome_of(*cut.wire.streams[i]));
    }
  }
  run_freeing(bytes, piece, reset_every);
  return 0;
}
