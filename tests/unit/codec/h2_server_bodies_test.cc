// SPDX-License-Identifier: Apache-2.0
// Backpressure both ways: what a handler does not read holds its stream's window and no other's, and what a client does
// not read stops its handler.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "codec/h2_server.h"
#include "support/h2_wire.h"

namespace viaduct::codec {
namespace {

using support::h2_data;
using support::h2_get;
using support::h2_headers;
using support::h2_post;
using support::h2_window;
using support::H2ServerWire;
using support::kH2End;
using support::RecordingStreamHandler;

constexpr std::size_t kFrameMax = 16 * 1024;

// A body in frames of the largest size.
std::string body_frames(std::int32_t stream, std::size_t size, std::uint8_t flags = 0) {
  std::string frames;
  while (size > kFrameMax) {
    frames += h2_data(stream, std::string(kFrameMax, 'x'));
    size -= kFrameMax;
  }
  return frames + h2_data(stream, std::string(size, 'x'), flags);
}

std::size_t received(const RecordingStreamHandler& handler) {
  for (const std::string& line : handler.lines()) {
    if (line.starts_with("body ")) return line.size() - 5;
  }
  return 0;
}

// A handler that sends as much as there is room for, each time it is told.
void send_what_fits(H2ServerWire& wire, RecordingStreamHandler& handler, std::size_t& left) {
  while (left > 0 && handler.stream->writable_bytes() > 0) {
    base::Buffer body(wire.chunks);
    body.append(std::string(std::min(left, handler.stream->writable_bytes()), 'y'));
    left -= body.size();
    handler.stream->send_body(body, left == 0);
  }
}
void send_head(RecordingStreamHandler& handler) {
  http::ResponseHead head(handler.arena());
  head.status = 200;
  head.body = {.kind = http::BodyKind::kStream};
  handler.stream->send_head(head, false);
}

// ---- from the client ------------------------------------------------------------------------------------------------

TEST(H2ServerBodies, HoldTheWindowOfAStreamThatIsNotRead) {
  H2ServerWire wire;
  wire.reads = false;
  wire.open().feed(h2_post(1) + h2_post(3));
  wire.feed(body_frames(1, kH2StreamWindow));
  EXPECT_EQ(received(*wire.streams[0]), 0u);
  EXPECT_EQ(wire.sent(), "") << "no window is given back";
  EXPECT_TRUE(wire.server.wants_input());
  EXPECT_EQ(wire.server.phase(), CodecPhase::kResponse);

  // The other one flows.
  wire.streams[1]->stream->set_reading(true);
  wire.turn();
  wire.feed(body_frames(3, 32 * 1024));
  EXPECT_EQ(received(*wire.streams[1]), 32u * 1024);
  EXPECT_EQ(wire.sent(), "WINDOW_UPDATE 3 32768");

  wire.streams[0]->stream->set_reading(true);
  EXPECT_EQ(received(*wire.streams[0]), 0u) << "not from inside the command";
  wire.turn();
  EXPECT_EQ(received(*wire.streams[0]), static_cast<std::size_t>(kH2StreamWindow));
  wire.feed(h2_data(1, "!", kH2End));
  EXPECT_EQ(wire.streams[0]->lines().back(), "stream end");
}

TEST(H2ServerBodies, ResetAStreamThatIsSentMoreThanItsWindow) {
  H2ServerWire wire;
  wire.reads = wire.answers = false;
  wire.open().feed(h2_post(1) + h2_get(3) + body_frames(1, kH2StreamWindow));
  EXPECT_EQ(wire.sent(), "");
  wire.feed(h2_data(1, "!"));
  EXPECT_EQ(wire.sent(), "RST_STREAM 1 FLOW_CONTROL_ERROR");
  EXPECT_EQ(wire.streams[0]->lines().back(), "reset client_closed");
  EXPECT_EQ(wire.streams[1]->lines().back(), "end") << "the other stream goes on";
  EXPECT_EQ(wire.server.failure(), http::Reason::kNone);
}

TEST(H2ServerBodies, WidenTheWindowOfALongBody) {
  H2ServerWire wire;
  wire.open().feed(h2_post(1));
  std::size_t granted = kH2StreamWindow;
  std::size_t sent = 0;
  while (sent < 2'000'000) {
    const std::size_t piece = std::min(granted - sent, kFrameMax);
    ASSERT_GT(piece, 0u);
    wire.feed(h2_data(1, std::string(piece, 'x')));
    sent += piece;
    for (const std::string& line : wire.client.lines()) {
      if (line.starts_with("WINDOW_UPDATE 1 ")) granted += std::stoul(line.substr(16));
    }
    wire.sent();
  }
  EXPECT_EQ(received(wire.last()), sent);
  EXPECT_GT(granted - sent, static_cast<std::size_t>(kH2StreamWindow)) << "more may be under way than at first";
  EXPECT_LE(granted - sent, static_cast<std::size_t>(kH2StreamWindowLong));
  EXPECT_EQ(wire.server.failure(), http::Reason::kNone);
}

// What nobody reads does not keep others from sending: each has its window, and the connection's is given back at once.
TEST(H2ServerBodies, OfManyStreamsThatAreNotReadStopNoOther) {
  H2ServerWire wire;
  wire.reads = false;
  wire.open();
  for (std::int32_t id = 1; id < 61; id += 2) wire.feed(h2_post(id) + body_frames(id, kH2StreamWindow));
  EXPECT_EQ(wire.server.failure(), http::Reason::kNone);
  wire.reads = true;
  wire.feed(h2_post(61) + body_frames(61, 50'000, kH2End));
  EXPECT_EQ(wire.last().lines().back(), "stream end");
}

TEST(H2ServerBodies, StopAndGoOnFromInsideTheirEvents) {
  H2ServerWire wire;
  wire.on_event = [&](RecordingStreamHandler& handler, std::string_view event) {
    if (event == "body") handler.stream->set_reading(false);
  };
  wire.open().feed(h2_post(1));
  for (const std::string_view piece : {"abc", "def", "ghi"}) {
    wire.feed(h2_data(1, piece));
    EXPECT_EQ(wire.last().lines().back(), "body abc");
  }
  wire.last().stream->set_reading(true);
  wire.turn();
  EXPECT_EQ(wire.last().lines().back(), "body abcdefghi");
  wire.feed(h2_data(1, "jkl") + h2_headers(1, {{"x", "1"}}, kH2End));
  EXPECT_EQ(wire.last().lines().back(), "body abcdefghi");
  wire.on_event = nullptr;
  wire.last().stream->set_reading(true);
  wire.turn();
  EXPECT_TRUE(wire.last().text().ends_with("body abcdefghijkl | trailers [x: 1] | stream end")) << wire.events();
}

TEST(H2ServerBodies, KeepFewChunksForManySmallFrames) {
  H2ServerWire wire;
  wire.reads = false;
  wire.open().feed(h2_post(1));
  const std::size_t before = wire.chunks.chunks_in_use();
  for (int i = 0; i < 6000; ++i) wire.feed(h2_data(1, "ten bytes "));
  EXPECT_LE(wire.chunks.chunks_in_use() - before, 60'000 / base::Chunk::kBytes + 3);
  wire.last().stream->set_reading(true);
  wire.turn();
  EXPECT_EQ(received(wire.last()), 60'000u);
}

TEST(H2ServerBodies, AreDroppedWhereTheHandlerHasAnswered) {
  H2ServerWire wire;
  wire.reads = wire.answers = false;
  wire.open().feed(h2_post(1) + body_frames(1, 60'000));
  support::respond(*wire.last().stream, wire.last().arena(), 413, "no", wire.chunks);
  wire.turn();
  EXPECT_TRUE(wire.sent().ends_with("RST_STREAM 1 NO_ERROR"));
  // What was on its way comes nevertheless, and takes nothing of the connection's window.
  for (int i = 0; i < 15; ++i) wire.feed(body_frames(1, 60'000));
  EXPECT_EQ(wire.server.failure(), http::Reason::kNone);
  EXPECT_NE(wire.sent().find("WINDOW_UPDATE 0 "), std::string::npos);
  EXPECT_EQ(wire.server.phase(), CodecPhase::kIdle);
}

// ---- to the client --------------------------------------------------------------------------------------------------

TEST(H2ServerBodies, StopAHandlerWhoseClientDoesNotRead) {
  constexpr std::size_t kRoom = H2Outgoing::kWaitingBytesMax;
  H2ServerWire wire;
  wire.answers = false;
  wire.open({{4, 1000}}).feed(h2_get(1));
  RecordingStreamHandler& handler = wire.last();
  EXPECT_EQ(handler.stream->writable_bytes(), kRoom);
  send_head(handler);
  std::size_t left = 200'000;
  send_what_fits(wire, handler, left);
  EXPECT_EQ(left, 200'000 - kRoom);
  EXPECT_EQ(handler.stream->writable_bytes(), 0u);
  wire.turn();
  EXPECT_EQ(wire.sent(), "HEADERS 1 [:status: 200] | DATA 1 1000");
  EXPECT_EQ(handler.lines().back(), "end") << "no event yet";
  wire.feed(h2_window(1, kRoom - H2Outgoing::kWaitingBytesLow - 1001));
  EXPECT_EQ(handler.lines().back(), "end");
  wire.feed(h2_window(1, 1));
  EXPECT_EQ(handler.lines().back(), "writable");
  EXPECT_EQ(handler.stream->writable_bytes(), kRoom - H2Outgoing::kWaitingBytesLow);
  wire.on_event = [&](RecordingStreamHandler& each, std::string_view event) {
    if (event == "writable") send_what_fits(wire, each, left);
  };
  send_what_fits(wire, handler, left);
  wire.turn();
  wire.feed(h2_window(1, 1'000'000) + h2_window(0, 1'000'000));
  EXPECT_EQ(left, 0u);
  EXPECT_EQ(wire.client.bodies[1], std::string(200'000, 'y'));
  EXPECT_EQ(handler.lines().back(), "stream end");
}

// All that the handlers of `wire` may send now, of answers without end; returns how much that was.
std::size_t send_all_that_fits(H2ServerWire& wire) {
  std::size_t sent = 0;
  for (const auto& handler : wire.streams) {
    std::size_t left = std::size_t{1} << 30;
    send_what_fits(wire, *handler, left);
    sent += (std::size_t{1} << 30) - left;
  }
  return sent;
}

TEST(H2ServerBodies, ThatWaitOnManyStreamsAreBoundedTogether) {
  H2ServerWire wire;
  wire.answers = false;
  wire.open({{4, 1}});
  for (std::int32_t id = 1; id < 201; id += 2) wire.feed(h2_get(id));
  for (const auto& handler : wire.streams) send_head(*handler);
  std::size_t sent = send_all_that_fits(wire);
  for (int turn = 0; turn < 10; ++turn) {
    wire.turn();
    sent += send_all_that_fits(wire);
  }
  EXPECT_GE(sent, kH2WaitingBytesCrowd);
  EXPECT_LE(sent, kH2WaitingBytesCrowd + H2Outgoing::kWaitingBytesMax + 100 * 1);
  // Who is read goes on, piece by piece, whatever the others hold.
  RecordingStreamHandler& last = wire.last();
  EXPECT_EQ(last.stream->writable_bytes(), 0u);
  wire.sent();
  for (int i = 0; i < 5; ++i) {
    wire.feed(h2_window(199, 10'000) + h2_window(0, 10'000));
    ASSERT_EQ(last.lines().back(), "writable");
    ASSERT_EQ(last.stream->writable_bytes(), 10'000u);
    std::size_t left = 20'000;
    send_what_fits(wire, last, left);
    EXPECT_EQ(left, 10'000u);
    wire.turn();
    EXPECT_EQ(wire.sent(), "DATA 199 10000");
  }
}

TEST(H2ServerBodies, WaitForTheConnectionWithinABoundAndAllGoOnThen) {
  constexpr std::size_t kEach = 200'000;
  H2ServerWire wire;
  wire.answers = false;
  wire.open({{4, 1 << 20}});
  for (std::int32_t id = 1; id < 255; id += 2) wire.feed(h2_get(id));
  wire.feed(h2_window(0, 1 << 30));
  std::vector<std::size_t> left(wire.streams.size(), kEach);
  const auto send_of = [&](std::size_t i) { send_what_fits(wire, *wire.streams[i], left[i]); };
  wire.on_event = [&](RecordingStreamHandler& handler, std::string_view event) {
    if (event != "writable") return;
    for (std::size_t i = 0; i < wire.streams.size(); ++i) {
      if (wire.streams[i].get() == &handler) send_of(i);
    }
  };
  wire.takes_output = false;
  for (std::size_t i = 0; i < wire.streams.size(); ++i) {
    send_head(*wire.streams[i]);
    send_of(i);
  }
  wire.turn();
  std::size_t waiting = 0;
  for (const std::size_t each : left) waiting += kEach - each;
  EXPECT_GE(waiting, kH2WaitingBytesMax);
  EXPECT_LE(waiting, kH2WaitingBytesMax + 2 * kH2OutputBytesMax);
  wire.take_output();
  for (const auto& [id, body] : wire.client.bodies) EXPECT_EQ(body.size(), kEach) << id;
  EXPECT_EQ(wire.client.bodies.size(), wire.streams.size());
}

TEST(H2ServerBodies, GetNoMoreRoomThanTheyCanUseWhileMemoryIsShort) {
  H2ServerWire wire;
  wire.answers = false;
  wire.open({{4, 1000}}).feed(h2_get(1));
  send_head(wire.last());
  wire.library.set_memory_short(true);
  EXPECT_EQ(wire.last().stream->writable_bytes(), 1000u);
  std::size_t left = 1500;
  send_what_fits(wire, wire.last(), left);
  EXPECT_EQ(left, 500u);
  EXPECT_EQ(wire.last().stream->writable_bytes(), 0u);
  wire.turn();
  EXPECT_EQ(wire.sent(), "HEADERS 1 [:status: 200] | DATA 1 1000");
  wire.library.set_memory_short(false);
  wire.feed(h2_window(1, 1));
  EXPECT_EQ(wire.last().lines().back(), "writable");
  EXPECT_EQ(wire.last().stream->writable_bytes(), H2Outgoing::kWaitingBytesMax);
}

TEST(H2ServerBodies, OfOneStreamThatIsNotReadStopNoOther) {
  H2ServerWire wire;
  wire.answers = false;
  wire.open({{4, 10}}).feed(h2_get(1) + h2_get(3) + h2_window(3, 100'000));
  for (const auto& handler : wire.streams) {
    support::respond(*handler->stream, handler->arena(), 200, std::string(20'000, 'y'), wire.chunks);
  }
  wire.turn();
  EXPECT_EQ(wire.client.bodies[1].size(), 10u);
  EXPECT_EQ(wire.client.bodies[3].size(), 20'000u);
  EXPECT_EQ(wire.streams[1]->lines().back(), "stream end");
  EXPECT_EQ(wire.streams[0]->lines().back(), "end");
}

TEST(H2ServerBodies, ShareTheWindowOfTheConnection) {
  H2ServerWire wire;
  wire.answers = false;
  wire.open({{4, 1'000'000}}).feed(h2_get(1) + h2_get(3));
  for (const auto& handler : wire.streams) {
    support::respond(*handler->stream, handler->arena(), 200, std::string(50'000, 'y'), wire.chunks);
  }
  wire.turn();
  EXPECT_EQ(wire.client.bodies[1].size() + wire.client.bodies[3].size(), 65'535u);
  wire.feed(h2_window(0, 34'465));
  EXPECT_EQ(wire.client.bodies[1].size() + wire.client.bodies[3].size(), 100'000u);
  EXPECT_EQ(wire.server.phase(), CodecPhase::kIdle);
}

// RFC 9113 §6.9.2.
TEST(H2ServerBodies, FollowAWindowThatTheClientChanges) {
  H2ServerWire wire;
  wire.answers = false;
  wire.open({{4, 10}}).feed(h2_get(1));
  support::respond(*wire.last().stream, wire.last().arena(), 200, std::string(100, 'y'), wire.chunks);
  wire.turn();
  EXPECT_EQ(wire.client.bodies[1].size(), 10u);
  wire.feed(support::h2_settings({{4, 0}}) + h2_window(1, 10));
  EXPECT_EQ(wire.client.bodies[1].size(), 10u) << "the window was below zero";
  wire.feed(h2_window(1, 1));
  EXPECT_EQ(wire.client.bodies[1].size(), 11u);
  wire.feed(support::h2_settings({{4, 100}}));
  EXPECT_EQ(wire.client.bodies[1].size(), 100u);
  EXPECT_EQ(wire.last().lines().back(), "stream end");
}

// nghttp2 sends an empty frame into an open window alone (RFC 9113 §6.9 would let it pass).
TEST(H2ServerBodies, SendTheirEndWithTheLastByteWhereItIsKnown) {
  H2ServerWire at_once;
  at_once.answers = false;
  at_once.open({{4, 2}}).feed(h2_get(1));
  support::respond(*at_once.last().stream, at_once.last().arena(), 200, "ok", at_once.chunks);
  at_once.turn();
  EXPECT_EQ(at_once.sent(), "HEADERS 1 [:status: 200] [content-length: 2] | DATA 1 2 end");

  H2ServerWire late;
  late.answers = false;
  late.open({{4, 2}}).feed(h2_get(1));
  send_head(late.last());
  base::Buffer body(late.chunks);
  body.append("ok");
  late.last().stream->send_body(body, false);
  late.turn();
  late.last().stream->send_body(body, true);
  late.turn();
  EXPECT_EQ(late.sent(), "HEADERS 1 [:status: 200] | DATA 1 2");
  late.feed(h2_window(1, 1));
  EXPECT_EQ(late.sent(), "DATA 1 0 end");
}

TEST(H2ServerBodies, WaitForATransportThatIsFull) {
  H2ServerWire wire;
  wire.answers = false;
  wire.open({{4, 10'000'000}}).feed(h2_window(0, 10'000'000));
  wire.takes_output = false;
  for (std::int32_t id = 1; id < 41; id += 2) {
    wire.feed(h2_get(id));
    support::respond(*wire.last().stream, wire.last().arena(), 200, std::string(60'000, 'y'), wire.chunks);
    wire.turn();
  }
  EXPECT_LT(wire.server.output().size(), kH2OutputBytesMax + kFrameMax + 9) << "the rest waits in its stream";
  wire.take_output();
  for (std::int32_t id = 1; id < 41; id += 2) EXPECT_EQ(wire.client.bodies[id].size(), 60'000u);
  EXPECT_EQ(wire.server.phase(), CodecPhase::kIdle);
}

}  // namespace
}  // namespace viaduct::codec
