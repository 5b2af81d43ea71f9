// SPDX-License-Identifier: Apache-2.0
#include "cli/websocket_frames.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "support/fragmenter.h"
#include "support/websocket_client.h"

namespace viaduct::cli {
namespace {

using namespace std::string_view_literals;
using support::ClientFrame;
using support::Fragmenter;
using support::frame_bytes;
using support::kFragmentSizes;
using Event = WebsocketReader::Event;

constexpr unsigned kContinuation = 0;
constexpr unsigned kText = 1;
constexpr unsigned kBinary = 2;
constexpr unsigned kClose = 8;
constexpr unsigned kPing = 9;
constexpr unsigned kPong = 10;

// What a reader makes of `bytes` in pieces of `size`: one word an event, with what was said in short.
std::string events_of(std::string_view bytes, std::size_t size) {
  base::ChunkPool chunks;
  base::Buffer input(chunks);
  WebsocketReader reader;
  std::string text;
  const auto said = [&reader] {
    const std::string_view payload = reader.payload();
    return payload.size() > 20 ? std::to_string(payload.size()) + " bytes" : std::string(payload);
  };
  for (Fragmenter pieces(bytes, size); !pieces.done();) {
    input.append(pieces.next());
    for (Event event = reader.read(input); event != Event::kMore; event = reader.read(input)) {
      if (!text.empty()) text += " | ";
      switch (event) {
        case Event::kMore: break;
        case Event::kMessage: text += (reader.is_text() ? "text " : "binary ") + said(); break;
        case Event::kPing: text += "ping " + said(); break;
        case Event::kPong: text += "pong " + said(); break;
        case Event::kClose: text += "close " + std::to_string(reader.close_code()) + " " + said(); break;
        case Event::kBroken: text += "broken " + std::to_string(reader.close_code()); break;
      }
    }
    EXPECT_TRUE(input.empty());
  }
  return text;
}

void expect_events(std::string_view bytes, std::string_view events) {
  for (const std::size_t size : kFragmentSizes) {
    if (size == 1 && bytes.size() > 100'000) continue;
    EXPECT_EQ(events_of(bytes, size), events) << size;
  }
}

TEST(WebsocketReader, PutsMessagesTogether) {
  expect_events(frame_bytes({.payload = "hello"}), "text hello");
  expect_events(frame_bytes({.opcode = kBinary, .payload = "\0\xff"sv}), "binary \0\xff"sv);
  expect_events(frame_bytes({}), "text ");
  expect_events(frame_bytes({.payload = "a"}) + frame_bytes({.payload = "b"}), "text a | text b");
  expect_events(frame_bytes({.payload = "on", .is_final = false}) + frame_bytes({.opcode = kPing, .payload = "?"}) +
                    frame_bytes({.opcode = kContinuation, .payload = "e, ", .is_final = false}) +
                    frame_bytes({.opcode = kContinuation, .payload = "two"}) + frame_bytes({.payload = "next"}),
                "ping ? | text one, two | text next");
  // A character that is cut by fragments.
  expect_events(frame_bytes({.payload = "\xe6\x94", .is_final = false}) +
                    frame_bytes({.opcode = kContinuation, .payload = "\xaf"}),
                "text \xe6\x94\xaf");
}

TEST(WebsocketReader, KnowsAllFormsOfALength) {
  for (const std::size_t size : {125U, 126U, 127U, 65535U, 65536U}) {
    const std::string payload(size, 'x');
    expect_events(frame_bytes({.payload = payload}), "text " + std::to_string(size) + " bytes");
  }
}

TEST(WebsocketReader, TakesMessagesUpToItsBound) {
  const std::string half(WebsocketReader::kMessageBytesMax / 2, 'x');
  const std::string first = frame_bytes({.payload = half, .is_final = false});
  expect_events(first + frame_bytes({.opcode = kContinuation, .payload = half}), "text 1048576 bytes");
  expect_events(first + frame_bytes({.opcode = kContinuation, .payload = half + "x"}), "broken 1009");
  // Refused by its head: it is not awaited.
  expect_events(frame_bytes({.payload = "x", .stated_length = WebsocketReader::kMessageBytesMax + 1}), "broken 1009");
  expect_events(frame_bytes({.payload = "x", .stated_length = ~std::uint64_t{0} >> 1U}), "broken 1009");
}

TEST(WebsocketReader, TellsPingsAndPongs) {
  const std::string longest(125, 'x');
  expect_events(frame_bytes({.opcode = kPing}), "ping ");
  expect_events(frame_bytes({.opcode = kPing, .payload = longest}), "ping 125 bytes");
  expect_events(frame_bytes({.opcode = kPong, .payload = "late"}), "pong late");
}

TEST(WebsocketReader, TellsACloseAndTakesNothingBehindIt) {
  expect_events(frame_bytes({.opcode = kClose}), "close 0 ");
  expect_events(frame_bytes({.opcode = kClose, .payload = "\x03\xe8"}), "close 1000 ");
  expect_events(frame_bytes({.opcode = kClose, .payload = "\x13\x87\xe5\x86\x8d"}) + frame_bytes({.payload = "more"}),
                "close 4999 \xe5\x86\x8d");
}

TEST(WebsocketReader, RefusesWhatBreaksARule) {
  const std::string long_ping(126, 'x');
  const std::pair<ClientFrame, const char*> rows[] = {
      {{.payload = "a", .is_masked = false}, "broken 1002"},
      {{.payload = "a", .reserved_bits = 4}, "broken 1002"},
      {{.payload = "a", .reserved_bits = 1}, "broken 1002"},
      {{.opcode = 3}, "broken 1002"},
      {{.opcode = 7}, "broken 1002"},
      {{.opcode = 11}, "broken 1002"},
      {{.opcode = 15}, "broken 1002"},
      {{.opcode = kContinuation, .payload = "a"}, "broken 1002"},
      {{.opcode = kPing, .is_final = false}, "broken 1002"},
      {{.opcode = kPing, .payload = long_ping}, "broken 1002"},
      {{.payload = "a", .length_bytes = 2}, "broken 1002"},
      {{.payload = "a", .length_bytes = 8}, "broken 1002"},
      {{.payload = "a", .stated_length = std::uint64_t{1} << 63U}, "broken 1002"},
      {{.payload = "\xff"}, "broken 1007"},
      {{.payload = "\xe6\x94"}, "broken 1007"},
      {{.opcode = kClose, .payload = "\x03"}, "broken 1002"},
      {{.opcode = kClose, .payload = "\x03\xe7"}, "broken 1002"},  // 999
      {{.opcode = kClose, .payload = "\x03\xed"}, "broken 1002"},  // 1005: is never sent
      {{.opcode = kClose, .payload = "\x07\xd0"}, "broken 1002"},  // 2000: is nobody's
      {{.opcode = kClose, .payload = "\x13\x88"}, "broken 1002"},  // 5000
      {{.opcode = kClose, .payload = "\x03\xe8\xff"}, "broken 1007"},
  };
  for (const auto& [frame, events] : rows) expect_events(frame_bytes(frame), events);
  expect_events(frame_bytes({.payload = "a", .is_final = false}) + frame_bytes({.payload = "b"}), "broken 1002");
}

TEST(WebsocketWriter, WritesFramesWithoutMask) {
  const auto written = [](WebsocketOpcode opcode, std::string_view payload) {
    base::ChunkPool chunks;
    base::Buffer out(chunks);
    write_websocket_frame(opcode, payload, out);
    return out.to_string();
  };
  EXPECT_EQ(written(WebsocketOpcode::kText, "hello"), "\x81\x05hello");
  EXPECT_EQ(written(WebsocketOpcode::kPong, ""), "\x8a\x00"sv);
  const std::string medium(126, 'x');
  EXPECT_EQ(written(WebsocketOpcode::kBinary, medium), std::string("\x82\x7e\x00\x7e", 4) + medium);
  const std::string large(65536, 'x');
  EXPECT_EQ(written(WebsocketOpcode::kBinary, large), std::string("\x82\x7f\0\0\0\0\0\1\0\0", 10) + large);
}

TEST(WebsocketWriter, WritesCloses) {
  const auto written = [](std::uint16_t code, std::string_view reason) {
    base::ChunkPool chunks;
    base::Buffer out(chunks);
    write_websocket_close(code, reason, out);
    return out.to_string();
  };
  EXPECT_EQ(written(0, "unsaid"), "\x88\x00"sv);
  EXPECT_EQ(written(1000, ""), "\x88\x02\x03\xe8");
  EXPECT_EQ(written(4001, "why"), "\x88\x05\x0f\xa1why");
}

}  // namespace
}  // namespace viaduct::cli
