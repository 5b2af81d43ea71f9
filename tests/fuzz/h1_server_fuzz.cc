// SPDX-License-Identifier: Apache-2.0
// Requests, good and bad, to H1Server. The first byte says how the rest is cut. Held: the same events however the bytes
// are cut; each stream ends once; what was accepted can be written again and is read again as the same request.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "codec/h1_server.h"
#include "codec/h1_writer.h"
#include "http/hop_by_hop.h"
#include "support/h1_wire.h"

namespace {

using viaduct::codec::CodecEnding;
using viaduct::codec::CodecPhase;
using viaduct::support::H1ServerWire;
using viaduct::support::RecordingStreamHandler;

constexpr viaduct::codec::H1Limits kLimits{.max_head_size = 512, .max_fields = 10, .max_target_size = 64};

// Small limits, so that an input of usual size reaches them.
struct Run {
  Run(std::string_view bytes, std::size_t size) : wire(kLimits) {
    wire.feed(bytes, size);
    wire.end();
  }

  H1ServerWire wire;
};

void check_streams(const H1ServerWire& wire) {
  for (const auto& stream : wire.streams) {
    int terminal = 0;
    for (const std::string& line : stream->lines()) {
      CHECK(terminal == 0);
      if (line == "stream end" || line.starts_with("reset ")) ++terminal;
    }
    CHECK(terminal == 1);
  }
  CHECK(wire.server.phase() == CodecPhase::kClosing);
  CHECK(wire.server.ending() != CodecEnding::kOpen);
}

// Writes an accepted head as H1Client would and reads it again.
void check_again(const RecordingStreamHandler& stream) {
  const std::string& first = stream.lines().front();
  if (!first.starts_with("head ")) return;
  viaduct::http::RequestHead& head = *stream.head;
  viaduct::http::remove_hop_by_hop_request(head.fields);
  viaduct::base::ChunkPool chunks;
  viaduct::base::Buffer written(chunks);
  const bool is_chunked = head.body.kind == viaduct::http::BodyKind::kStream;
  const bool is_sized = head.body.kind == viaduct::http::BodyKind::kSized;
  using viaduct::codec::H1Framing;
  const H1Framing framing = is_chunked ? H1Framing::kChunked : is_sized ? H1Framing::kSized : H1Framing::kNone;
  CHECK(viaduct::codec::write_request_head(head, framing, {}, written));

  H1ServerWire again;
  again.answers = false;
  again.feed(written.to_string());
  if (head.fields.find(viaduct::http::FieldName::kHost) == nullptr) return;  // an HTTP/1.0 request without one
  CHECK(again.streams.size() == 1 && again.last().lines().front().starts_with("head "));
  const viaduct::http::RequestHead& read = *again.last().head;
  CHECK(read.method_text == head.method_text && read.target == head.target);
  CHECK(read.authority == head.authority && read.body == head.body && read.protocol == head.protocol);
  CHECK(again.input.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Run whole(bytes, std::string_view::npos);
  const Run cut(bytes, 1 + data[0] % 64);
  CHECK(whole.wire.events() == cut.wire.events());
  CHECK(whole.wire.server.ending() == cut.wire.server.ending());
  check_streams(whole.wire);
  check_streams(cut.wire);
  for (const auto& stream : whole.wire.streams) check_again(*stream);
  return 0;
}
