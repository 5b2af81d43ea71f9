// SPDX-License-Identifier: Apache-2.0
// Responses, good and bad, to H1Client. The first byte says how the rest is cut, whether the request was HEAD or a GET
// that asked for a WebSocket, and whether the connection ends properly. Held: the same events however the bytes are
// cut; the stream ends once; a connection that is used again has no byte left over.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "codec/h1_client.h"
#include "support/h1_wire.h"

namespace {

using viaduct::support::H1ClientWire;
using viaduct::support::RecordingResponseHandler;

constexpr viaduct::codec::H1Limits kLimits{.max_head_size = 512, .max_fields = 10};

struct Run {
  Run(std::string_view bytes, std::size_t size, bool is_head, bool clean) {
    auto& stream = wire.request(handler, is_head ? "HEAD" : "GET", is_head ? "" : "websocket");
    wire.feed(bytes, size);
    CHECK(!wire.client.reusable() || wire.input.empty());
    was_reusable = wire.client.reusable();
    wire.end(clean);
    if (wire.client.phase() != viaduct::codec::CodecPhase::kTunnel) return;
    viaduct::base::Buffer nothing(wire.chunks);
    stream.send_body(nothing, true);
    wire.turn();
  }

  H1ClientWire wire{kLimits};
  RecordingResponseHandler handler{wire.chunks};
  bool was_reusable = false;
};

void check_stream(const Run& run) {
  int terminal = 0;
  for (const std::string& line : run.handler.lines()) {
    CHECK(terminal == 0);
    if (line == "response end" || line.starts_with("reset ")) ++terminal;
  }
  CHECK(terminal == 1 && run.wire.streams_ended == 1);
  CHECK(!run.wire.client.reusable());
  CHECK(run.wire.client.ending() != viaduct::codec::CodecEnding::kOpen);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool is_head = (data[0] & 0x40) != 0;
  const bool clean = (data[0] & 0x80) != 0;
  const Run whole(bytes, std::string_view::npos, is_head, clean);
  const Run cut(bytes, 1 + data[0] % 64, is_head, clean);
  CHECK(whole.handler.text() == cut.handler.text());
  CHECK(whole.was_reusable == cut.was_reusable);
  check_stream(whole);
  check_stream(cut);
  return 0;
}
