// SPDX-License-Identifier: Apache-2.0
// Frames that cost their sender little: as many as make a connection end, and one fewer.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "codec/h2_server.h"
#include "support/h2_wire.h"

namespace viaduct::codec {
namespace {

using namespace std::chrono_literals;
using http::Reason;
using support::h2_block;
using support::h2_frame;
using support::h2_get;
using support::h2_headers;
using support::h2_post;
using support::h2_request;
using support::h2_reset;
using support::H2ServerWire;
using support::kH2End;
using support::kH2EndHeaders;

std::int32_t id_of(int number) {
  return 2 * number + 3;
}

struct Flood {
  std::string name;
  std::function<std::string(int)> frames;  // the n-th; stream 1 is open and awaits a body
  int passing;                             // how many are taken
  Reason reason;
};

const std::vector<Flood> kFloods = {
    // The client's own SETTINGS and acknowledgement have been counted.
    {"SETTINGS", [](int) { return support::h2_settings({{4, 1000}}); }, 48, Reason::kH2SettingsFlood},
    {"PING", [](int) { return support::h2_ping(); }, 100, Reason::kH2PingFlood},
    {"PING ack", [](int) { return support::h2_ping(NGHTTP2_FLAG_ACK); }, 100, Reason::kH2PingFlood},
    {"PRIORITY", [](int) { return h2_frame(NGHTTP2_PRIORITY, 0, 1, std::string("\0\0\0\x03\x10", 5)); }, 500,
     Reason::kH2PriorityFlood},
    {"PRIORITY_UPDATE", [](int) { return support::h2_priority_update(1, "u=1"); }, 500, Reason::kH2PriorityFlood},
    // Whether DATA was empty is known when the next frame begins.
    {"empty DATA", [](int) { return support::h2_data(1, ""); }, 201, Reason::kH2EmptyFrameFlood},
    {"padding", [](int) { return h2_frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, std::string(3, '\x02')); }, 201,
     Reason::kH2EmptyFrameFlood},
    {"unknown frames", [](int) { return h2_frame(0x42, 0, 1, "whatever"); }, 200, Reason::kH2EmptyFrameFlood},
    // The first is a request that is reset for its faults; of the others nobody is told.
    {"HEADERS behind our reset",
     [](int number) {
       return number == 0 ? h2_post(3, {{"X", "1"}}) : h2_headers(3, {{"x", "1"}}, number % 2 == 0 ? kH2End : 0);
     },
     513, Reason::kH2HeaderFlood},
    {"WINDOW_UPDATE", [](int) { return support::h2_window(0, 1); }, 2000, Reason::kH2WindowUpdateFlood},
    {"rapid reset", [](int number) { return h2_get(id_of(number)) + h2_reset(id_of(number)); }, 200,
     Reason::kH2ResetFlood},
    {"malformed requests", [](int number) { return h2_get(id_of(number), {{"X", "1"}}); }, 200, Reason::kH2ResetFlood},
    // CVE-2025-8671: the client makes us reset.
    {"windows beyond bounds",
     [](int number) { return h2_post(id_of(number)) + support::h2_window(id_of(number), 0x7fffffff); }, 200,
     Reason::kH2ResetFlood},
};

TEST(H2ServerFloods, EndTheConnectionWithAReason) {
  for (const Flood& flood : kFloods) {
    SCOPED_TRACE(flood.name);
    H2ServerWire wire;
    wire.open().feed(h2_post(1));
    // What the POST itself has earned is spent.
    for (int number = 0; number < flood.passing; ++number) wire.feed(flood.frames(number));
    EXPECT_EQ(wire.server.ending(), CodecEnding::kOpen);
    EXPECT_EQ(wire.server.failure(), Reason::kNone);
    wire.sent();
    wire.feed(flood.frames(flood.passing));
    EXPECT_NE(wire.sent().find("ENHANCE_YOUR_CALM"), std::string::npos);
    EXPECT_EQ(wire.server.failure(), flood.reason);
    EXPECT_EQ(wire.server.phase(), CodecPhase::kClosing);
    EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
    EXPECT_FALSE(wire.server.wants_input());
    EXPECT_EQ(wire.streams[0]->lines().back(), "reset " + std::string(http::reason_name(flood.reason)));
  }
}

TEST(H2ServerFloods, AreNoneWhereTimePasses) {
  for (const Flood& flood : kFloods) {
    SCOPED_TRACE(flood.name);
    H2ServerWire wire;
    wire.open().feed(h2_post(1));
    int number = 0;
    for (int second = 0; second < 300; ++second) {
      for (int i = 0; i < 5; ++i) wire.feed(flood.frames(number++));
      wire.pass(1s);
    }
    EXPECT_EQ(wire.server.failure(), Reason::kNone);
    EXPECT_EQ(wire.server.ending(), CodecEnding::kOpen);
  }
}

TEST(H2ServerFloods, AreNoneWhereRequestsAreAnswered) {
  H2ServerWire wire;
  wire.open();
  for (int number = 0; number < 5000; ++number) {
    const std::int32_t id = id_of(2 * number);
    wire.feed(h2_get(id) + support::h2_window(id, 10) + support::h2_window(0, 10));
    wire.feed(h2_post(id + 2));
    if (number % 2 == 0) wire.feed(h2_reset(id + 2));
    wire.feed(support::h2_data(id + 2, "", kH2End));
    if (wire.server.failure() != Reason::kNone) break;
  }
  EXPECT_EQ(wire.server.failure(), Reason::kH2ProtocolError) << "DATA behind a reset";
}

// What a client sends before it knows that its requests were answered early is no flood, however often.
TEST(H2ServerFloods, AreNoneWhereTheClientDidNotKnowYet) {
  H2ServerWire wire;
  wire.answers = false;
  wire.on_event = [&](support::RecordingStreamHandler& handler, std::string_view event) {
    if (event == "head") support::respond(*handler.stream, handler.arena(), 200, "early", wire.chunks);
  };
  wire.open();
  for (int number = 0; number < 300; ++number) {
    const std::int32_t id = id_of(number);
    wire.feed(h2_post(id));
    EXPECT_TRUE(wire.sent().ends_with("RST_STREAM " + std::to_string(id) + " NO_ERROR"));
    for (int i = 0; i < 4; ++i) wire.feed(support::h2_data(id, std::string(16'383, 'x')));
    wire.feed(h2_headers(id, {{"x-sum", std::string(5000, 'x')}}, kH2End));
  }
  EXPECT_EQ(wire.server.failure(), Reason::kNone);
}

TEST(H2ServerFloods, OfDataThatNobodyReadsEndTheConnection) {
  H2ServerWire wire;
  wire.open().feed(h2_post(1) + h2_post(3, {{"X", "1"}}));
  std::size_t sent = 0;
  for (; sent < 10'000'000 && wire.server.failure() == Reason::kNone; sent += 16'000) {
    wire.sent();
    wire.feed(support::h2_data(3, std::string(16'000, 'x')));
  }
  // What the stream's window allowed, and once what that of the connection does.
  EXPECT_GT(sent, std::size_t{kH2ConnectionWindow + kH2StreamWindow});
  EXPECT_LT(sent, std::size_t{kH2ConnectionWindow + kH2StreamWindow + 32'000});
  EXPECT_EQ(wire.server.failure(), Reason::kH2FlowControlError);
  EXPECT_EQ(wire.sent(), "GOAWAY 3 FLOW_CONTROL_ERROR");
  EXPECT_EQ(wire.streams[0]->lines().back(), "reset h2_flow_control_error");
}

// The reset is not even sent, since the client reads nothing.
TEST(H2ServerFloods, OfDataBehindAResetThatIsQueuedEndTheConnection) {
  H2ServerWire wire;
  wire.open();
  wire.takes_output = false;
  wire.server.output().append(std::string(kH2OutputBytesMax, 'x'));
  wire.feed(h2_post(1, {{"X", "1"}}));
  int sent = 0;
  while (sent < 1000 && wire.server.wants_input()) {
    wire.feed(support::h2_data(1, std::string(16'000, 'x')));
    ++sent;
  }
  EXPECT_LT(sent, 100);
  EXPECT_EQ(wire.server.failure(), Reason::kH2FlowControlError);
}

TEST(H2ServerFloods, OfRequestsBehindAGoodbyeEndTheConnection) {
  H2ServerWire wire;
  wire.answers = false;
  wire.open().feed(h2_get(1));
  wire.server.begin_drain();
  wire.turn();
  wire.feed(support::h2_ping(NGHTTP2_FLAG_ACK));
  EXPECT_TRUE(wire.sent().ends_with("GOAWAY 1 NO_ERROR"));
  int number = 0;
  while (number < 200) wire.feed(h2_get(id_of(number++)));
  EXPECT_EQ(wire.server.failure(), Reason::kNone) << "more than may be open at once";
  while (number < 1000 && wire.server.wants_input()) wire.feed(h2_get(id_of(number++)));
  EXPECT_EQ(number, 513);
  EXPECT_EQ(wire.server.failure(), Reason::kH2HeaderFlood);
  EXPECT_EQ(wire.streams.size(), 1u);
}

TEST(H2ServerFloods, OfStreamsBeyondTheLimitAreResets) {
  H2ServerWire wire;
  wire.answers = false;
  // The client has not acknowledged the limit, so that no more is against the protocol.
  wire.feed(support::h2_preface());
  for (int number = 0; number < static_cast<int>(kH2StreamsMax); ++number) wire.feed(h2_get(id_of(number)));
  EXPECT_EQ(wire.streams.size(), kH2StreamsMax);
  wire.sent();
  int number = kH2StreamsMax;
  wire.feed(h2_get(id_of(number++)));
  EXPECT_EQ(wire.sent(), "RST_STREAM 259 REFUSED_STREAM");
  for (int i = 1; i < 200; ++i) wire.feed(h2_get(id_of(number++)));
  EXPECT_EQ(wire.server.failure(), Reason::kNone);
  wire.feed(h2_get(id_of(number++)));
  EXPECT_EQ(wire.server.failure(), Reason::kH2ResetFlood);
  EXPECT_EQ(wire.streams.size(), kH2StreamsMax);
  for (const auto& stream : wire.streams) EXPECT_EQ(stream->lines().back(), "reset h2_reset_flood");
}

TEST(H2ServerFloods, OfContinuationsEndTheConnection) {
  for (const unsigned count : {H2FloodGuard::kContinuationsMax, H2FloodGuard::kContinuationsMax + 1}) {
    const std::string block = h2_block(h2_request("GET"));
    std::string frames = h2_frame(NGHTTP2_HEADERS, kH2End, 1, block.substr(0, 1));
    for (unsigned i = 1; i < count; ++i) frames += h2_frame(NGHTTP2_CONTINUATION, 0, 1, "");
    frames += h2_frame(NGHTTP2_CONTINUATION, kH2EndHeaders, 1, block.substr(1));
    for (const std::size_t size : {std::string_view::npos, std::size_t{1}}) {
      H2ServerWire wire;
      wire.open().feed(frames, size);
      const bool is_flood = count > H2FloodGuard::kContinuationsMax;
      EXPECT_EQ(wire.server.failure(), is_flood ? Reason::kH2ContinuationFlood : Reason::kNone);
      EXPECT_TRUE(wire.events().ends_with(is_flood ? "reset h2_continuation_flood" : "stream end")) << wire.events();
    }
  }
}

// A head beyond its limits is refused; one that goes on and on costs more than an answer.
TEST(H2ServerFloods, OfFieldsEndTheConnection) {
  const H2Limits limits{.max_head_size = 1000, .max_fields = 10, .max_target_size = 100};
  // 1000 + 100 + 10 * 32, four times.
  constexpr std::size_t kBytesMax = 4 * 1420;
  const std::size_t fixed = std::string(":methodGET:schemehttps:authoritya:path/").size() + 4 * 32;
  constexpr std::size_t kFieldBytes = 32 + 1 + 99;
  const auto frames = [&](std::size_t bytes) {
    support::H2Fields fields = h2_request("GET");
    for (bytes -= fixed; bytes >= 2 * kFieldBytes; bytes -= kFieldBytes) fields.emplace_back("x", std::string(99, 'v'));
    fields.emplace_back("x", std::string(bytes - 33, 'v'));
    return h2_headers(1, fields, kH2End);
  };
  for (const std::size_t size : support::kFragmentSizes) {
    H2ServerWire refused(limits);
    refused.open().feed(frames(kBytesMax), size);
    EXPECT_EQ(refused.events(), "refused headers_too_large | stream end");
    EXPECT_EQ(refused.server.failure(), Reason::kNone);
    H2ServerWire flood(limits);
    flood.open().feed(frames(kBytesMax + 1), size);
    EXPECT_EQ(flood.events(), "refused client_closed | reset h2_header_flood");
    EXPECT_EQ(flood.sent(), "GOAWAY 1 ENHANCE_YOUR_CALM");
    EXPECT_EQ(flood.server.failure(), Reason::kH2HeaderFlood);
  }
}

// Blocks without END_STREAM behind a body: the first is malformed, and no other is kept.
TEST(H2ServerFloods, OfTrailersThatDoNotEndGrowNothing) {
  H2ServerWire wire;
  // The client gives no window, so that the stream stays.
  wire.open({{4, 0}}).feed(h2_post(1, {{"expect", "x"}}));
  EXPECT_EQ(wire.events(), "refused unsupported_expectation");
  const std::string trailers = h2_headers(1, {{"x", std::string(10'000, 'x')}}, 0);
  wire.feed(trailers);
  const std::size_t before = wire.chunks.chunks_in_use();
  for (int i = 0; i < 140; ++i) wire.feed(trailers);
  EXPECT_LE(wire.chunks.chunks_in_use(), before + 1);
  EXPECT_EQ(wire.streams.size(), 1u);
  EXPECT_EQ(wire.server.failure(), Reason::kNone);
  for (int i = 0; i < 40; ++i) wire.feed(trailers);
  EXPECT_EQ(wire.server.failure(), Reason::kH2HeaderFlood);
}

TEST(H2ServerFloods, OfSettingsInOneFrameEndTheConnection) {
  H2ServerWire wire;
  wire.open().feed(support::h2_settings(std::vector<std::pair<std::uint16_t, std::uint32_t>>(100, {5, 16384})));
  EXPECT_EQ(wire.sent(), "GOAWAY 0 ENHANCE_YOUR_CALM");
  EXPECT_EQ(wire.server.failure(), Reason::kH2SettingsFlood);
}

// The client has not acknowledged the limit of streams, and reads nothing: the resets stay here.
TEST(H2ServerFloods, OfRefusedStreamsThatAreNotReadEnd) {
  H2ServerWire wire;
  wire.answers = false;
  wire.feed(support::h2_preface());
  wire.takes_output = false;
  wire.server.output().append(std::string(kH2OutputBytesMax, 'x'));
  int number = 0;
  while (number < 20'000 && wire.server.wants_input()) wire.feed(h2_get(id_of(number++)));
  EXPECT_LT(number, 3000);
  EXPECT_EQ(wire.streams.size(), kH2StreamsMax);
  EXPECT_EQ(wire.server.failure(), Reason::kH2ResetFlood);
}

// What must be answered and is not read waits within bounds.
TEST(H2ServerFloods, OfQuestionsThatAreNotReadEnd) {
  for (const std::string& frame : {support::h2_ping(), support::h2_settings()}) {
    H2ServerWire wire;
    wire.open();
    wire.takes_output = false;
    int sent = 0;
    for (; sent < 100'000 && wire.server.wants_input(); ++sent) wire.feed(frame);
    EXPECT_LE(sent, 101);
    EXPECT_LT(wire.server.output().size(), 4096u);
    EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
  }
}

}  // namespace
}  // namespace viaduct::codec
