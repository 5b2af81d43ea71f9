// SPDX-License-Identifier: Apache-2.0
// How long requests on a shared connection wait, each by limits of its own, and servers that are not there any more.
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <string>
#include <string_view>

#include "codec/h2_client.h"
#include "support/h2_client_wire.h"

namespace viaduct::codec {
namespace {

using namespace std::chrono_literals;
using support::h2_answer;
using support::h2_data;
using support::h2_ok;
using support::h2_ping;
using support::h2_window;
using support::H2Attempt;
using support::H2ClientWire;
using support::kH2End;
using support::kH2OkText;

constexpr WaitLimits kTenSeconds{.send = 10s, .read = 10s};

// ---- the answer -----------------------------------------------------------------------------------------------------

TEST(H2ClientTime, WaitsForTheHeadAsLongAsTheLimit) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire, kTenSeconds);
  H2Attempt patient(wire);
  attempt.get();
  patient.get();
  EXPECT_EQ(wire.client.next_deadline(), std::nullopt) << "the wait begins when the owner says what time it is";
  wire.sent();
  EXPECT_EQ(wire.client.next_deadline(), wire.now + 1s) << "then the server is asked whether it is there";
  wire.pass(9999ms);
  EXPECT_EQ(attempt.text(), "");
  wire.pass(1ms);
  EXPECT_EQ(attempt.text(), "reset upstream_header_timeout");
  EXPECT_EQ(wire.sent(), "PING | RST_STREAM 1 CANCEL");
  wire.pass(1000h);
  EXPECT_EQ(patient.text(), "");
  wire.feed(h2_ok(3));
  EXPECT_EQ(patient.text(), kH2OkText);
  EXPECT_EQ(wire.client.next_deadline(), std::nullopt);
}

TEST(H2ClientTime, CountsTheWaitAnewWithEveryByteOfTheAnswer) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire, kTenSeconds);
  H2Attempt other(wire, {});
  attempt.get();
  other.get();
  wire.turn();
  wire.pass(9s);
  wire.feed(h2_answer(1, "200"));
  for (int i = 0; i < 3; ++i) {
    wire.pass(9s);
    EXPECT_FALSE(attempt.handler().has("reset"));
    wire.feed(h2_data(1, "x"));
  }
  // What comes for others is not for this one.
  wire.pass(9s);
  wire.feed(h2_answer(3, "200") + h2_data(3, "x") + h2_ping());
  wire.pass(1s);
  EXPECT_EQ(attempt.text(), "head 200 '' body=stream | body xxx | reset upstream_read_timeout answered");
  EXPECT_EQ(other.text(), "head 200 '' body=stream | body x");
}

TEST(H2ClientTime, TellsTheNearestOfAllDeadlines) {
  H2ClientWire wire;
  wire.open();
  H2Attempt ten(wire, {.send = std::nullopt, .read = 10s});
  H2Attempt five(wire, {.send = std::nullopt, .read = 5s});
  H2Attempt never(wire);
  for (H2Attempt* attempt : {&ten, &five, &never}) attempt->get();
  wire.turn();
  wire.feed(h2_answer(1, "200") + h2_answer(3, "200") + h2_answer(5, "200"));
  wire.pass(1s);
  EXPECT_EQ(wire.client.next_deadline(), wire.now + 4s);
  wire.pass(4s);
  EXPECT_TRUE(five.handler().has("reset"));
  wire.client.on_time(wire.now);
  EXPECT_EQ(wire.client.next_deadline(), wire.now + 5s);
  EXPECT_FALSE(ten.handler().has("reset"));
  wire.pass(5s);
  EXPECT_TRUE(ten.handler().has("reset"));
  EXPECT_FALSE(never.handler().has("reset"));
}

// It is our client who keeps the server waiting.
TEST(H2ClientTime, CountsNoWaitWhileTheHandlerDoesNotRead) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire, kTenSeconds);
  attempt.get();
  wire.turn();
  wire.feed(h2_answer(1, "200") + h2_data(1, "half"));
  attempt.stream().set_reading(false);
  wire.turn();
  wire.pass(1000h);
  EXPECT_FALSE(attempt.handler().has("reset"));
  attempt.stream().set_reading(true);
  wire.turn();
  wire.pass(9999ms);
  EXPECT_FALSE(attempt.handler().has("reset"));
  wire.pass(1ms);
  EXPECT_EQ(attempt.text(), "head 200 '' body=stream | body half | reset upstream_read_timeout answered");
}

TEST(H2ClientTime, CountsNoWaitForTheAnswerWhileTheRequestIsComing) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire, kTenSeconds);
  attempt.post();
  wire.turn();
  wire.pass(1000h);
  attempt.body("end", true);
  wire.turn();
  wire.pass(9999ms);
  EXPECT_EQ(attempt.text(), "");
  wire.pass(1ms);
  EXPECT_EQ(attempt.text(), "reset upstream_header_timeout");
}

TEST(H2ClientTime, CountsNoWaitOnceTheAnswerIsWhole) {
  H2ClientWire wire;
  wire.open({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 10}});
  H2Attempt attempt(wire, kTenSeconds);
  attempt.post().body(std::string(100, 'x'), false);
  attempt.stream().set_reading(false);
  wire.turn();
  wire.feed(h2_ok(1));
  wire.pass(1000h);
  EXPECT_EQ(attempt.text(), "head 200 '' body=stream");
  attempt.stream().set_reading(true);
  wire.turn();
  EXPECT_EQ(attempt.text(), kH2OkText);
}

TEST(H2ClientTime, WaitsByTheLimitThatItsHandlerSaysInBetween) {
  struct Row {
    std::optional<base::Duration> limit;
    base::Duration lives_for;
  };
  for (const Row& row : {Row{60s, 59s}, Row{2s, 1s}, Row{std::nullopt, 1000h}}) {
    H2ClientWire wire;
    wire.open();
    H2Attempt attempt(wire, kTenSeconds);
    attempt.get();
    attempt.handler().on_event = [&](std::string_view event) {
      if (event == "head") attempt.stream().set_read_limit(row.limit);
    };
    wire.turn();
    wire.pass(5s);
    wire.feed(h2_answer(1, "200"));
    wire.pass(row.lives_for);
    EXPECT_FALSE(attempt.handler().has("reset"));
    if (!row.limit) continue;
    wire.pass(1s);
    EXPECT_EQ(attempt.text(), "head 200 '' body=stream | reset upstream_read_timeout answered");
  }
}

// ---- the request ----------------------------------------------------------------------------------------------------

TEST(H2ClientTime, WaitsForAServerThatDoesNotOpenItsWindowAsLongAsTheLimit) {
  H2ClientWire wire;
  wire.open({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 10}});
  H2Attempt attempt(wire, kTenSeconds);
  attempt.post().body(std::string(100, 'x'), true);
  wire.sent();
  for (int i = 0; i < 3; ++i) {
    wire.pass(9s);
    EXPECT_EQ(attempt.text(), "");
    wire.feed(h2_window(1, 1));
  }
  wire.pass(9999ms);
  EXPECT_EQ(attempt.text(), "");
  wire.pass(1ms);
  EXPECT_EQ(attempt.text(), "reset upstream_send_timeout");
  EXPECT_EQ(wire.server.bodies[1].size(), 13u);
  EXPECT_TRUE(wire.sent().ends_with("RST_STREAM 1 CANCEL"));
}

TEST(H2ClientTime, WaitsForATransportThatTakesNothingAsLongAsTheLimit) {
  H2ClientWire wire;
  wire.open({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 10'000'000}}).feed(h2_window(0, 10'000'000));
  wire.takes_output = false;
  H2Attempt attempt(wire, kTenSeconds);
  attempt.post();
  while (attempt.stream().writable_bytes() > 0) {
    attempt.body(std::string(16 * 1024, 'x'), false);
    wire.turn();
  }
  // The owner tells what time it is and asks, whether there was room or not.
  wire.client.on_output_drained();
  ASSERT_TRUE(wire.client.next_deadline().has_value());
  wire.pass(9999ms);
  EXPECT_EQ(attempt.text(), "");
  wire.pass(1ms);
  EXPECT_EQ(attempt.text(), "reset upstream_send_timeout");
}

// ---- servers that are gone ------------------------------------------------------------------------------------------

// Nothing tells that a machine has lost its power: whoever is sent there next would wait in vain as well.
TEST(H2ClientTime, TakesNoMoreRequestsWhereNothingWasHeardForAsLongAsTheLimit) {
  H2ClientWire wire;
  wire.open();
  wire.pass(1h);
  H2Attempt attempt(wire, kTenSeconds);
  H2Attempt later(wire, {.send = 20s, .read = 20s});
  attempt.get();
  later.get();
  wire.turn();
  wire.pass(10s);
  EXPECT_EQ(attempt.text(), "reset upstream_header_timeout");
  EXPECT_FALSE(wire.client.reusable());
  // Those who wait go on waiting.
  EXPECT_EQ(wire.client.ending(), CodecEnding::kOpen);
  wire.pass(9s);
  wire.feed(h2_ok(3));
  EXPECT_EQ(later.text(), kH2OkText);
  EXPECT_EQ(wire.client.ending(), CodecEnding::kClose);
}

TEST(H2ClientTime, GoesOnWithAServerThatIsSlowWithOneRequest) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire, kTenSeconds);
  attempt.get();
  wire.turn();
  wire.pass(1s);
  wire.feed(h2_ping());
  wire.pass(9s);
  EXPECT_EQ(attempt.text(), "reset upstream_header_timeout");
  EXPECT_TRUE(wire.client.reusable());
  EXPECT_EQ(wire.client.ending(), CodecEnding::kOpen);
}

TEST(H2ClientTime, AsksAServerThatIsSilentBehindARequestWhetherItIsThere) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire, kTenSeconds);
  attempt.get();
  wire.sent();
  wire.pass(999ms);
  EXPECT_EQ(wire.sent(), "");
  wire.pass(1ms);
  EXPECT_TRUE(wire.sent().starts_with("PING"));
  EXPECT_TRUE(wire.client.reusable());
  EXPECT_EQ(wire.client.next_deadline(), wire.now + 1s);
  wire.pass(1s);
  EXPECT_FALSE(wire.client.reusable());
  EXPECT_EQ(wire.client.ending(), CodecEnding::kOpen) << "its request waits on";
  wire.feed(h2_ok(1));
  EXPECT_EQ(attempt.text(), kH2OkText);
  EXPECT_TRUE(wire.client.reusable()) << "it was slow";
}

TEST(H2ClientTime, LeavesAServerThatDoesNotSayWhetherItIsThereWithTheLastRequest) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire, kTenSeconds);
  attempt.get();
  wire.turn();
  wire.pass(1s);
  wire.pass(1s);
  attempt.reset();
  wire.turn();
  EXPECT_EQ(wire.client.ending(), CodecEnding::kClose);
}

TEST(H2ClientTime, KeepsAServerThatSaysThatItIsThere) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire, kTenSeconds);
  attempt.get();
  wire.sent();
  wire.pass(1s);
  ASSERT_TRUE(wire.sent().starts_with("PING"));
  wire.feed(support::h2_frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, std::string(8, '\0')));
  for (int i = 0; i < 3; ++i) wire.pass(1s);
  EXPECT_EQ(wire.sent(), "") << "once for each request";
  EXPECT_TRUE(wire.client.reusable());
  attempt.reset();
  wire.turn();
  EXPECT_TRUE(wire.client.reusable()) << "it was heard since the request was sent";
}

// gRPC's servers take no more than three PINGs in a row.
TEST(H2ClientTime, AsksTwiceAtMostUntilSomethingOfAnAnswerHasCome) {
  H2ClientWire wire;
  wire.open();
  std::deque<H2Attempt> attempts;
  int pings = 0;
  const auto ask = [&] {
    attempts.emplace_back(wire, kTenSeconds).get();
    wire.sent();
    wire.pass(1s);
    if (!wire.sent().starts_with("PING")) return;
    ++pings;
    wire.feed(support::h2_frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, std::string(8, '\0')));
  };
  for (int i = 0; i < 5; ++i) ask();
  EXPECT_EQ(pings, 2);
  wire.feed(h2_ok(1));
  ask();
  EXPECT_EQ(pings, 3);
  // Those that it was not asked for are judged when they are given up.
  ask();
  ask();
  wire.pass(1s);
  EXPECT_TRUE(wire.client.reusable());
  attempts.back().reset();
  wire.turn();
  EXPECT_FALSE(wire.client.reusable());
}

TEST(H2ClientTime, AsksNothingOfServersThatAnswerOrWaitForUs) {
  H2ClientWire wire;
  wire.open();
  H2Attempt events(wire);
  events.get();
  wire.turn();
  wire.feed(h2_answer(1, "200"));
  H2Attempt upload(wire);
  upload.post();
  wire.sent();
  wire.pass(1h);
  EXPECT_EQ(wire.sent(), "");
  EXPECT_TRUE(wire.client.reusable());
}

// Requests that come and are given up leave their frames behind.
TEST(H2ClientTime, HasNoRoomWhileTooMuchWaitsForTheTransport) {
  H2ClientWire wire;
  wire.open({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 10'000'000}}).feed(h2_window(0, 10'000'000));
  wire.takes_output = false;
  H2Attempt large(wire);
  large.post();
  while (large.stream().writable_bytes() > 0) {
    large.body(std::string(16 * 1024, 'x'), false);
    wire.turn();
  }
  int requests = 0;
  for (; requests < 100'000 && wire.client.reusable(); ++requests) {
    H2Attempt attempt(wire);
    attempt.get();
    attempt.reset();
    wire.turn();
  }
  EXPECT_GT(requests, 100);
  EXPECT_LT(requests, 5000);
  wire.take_output();
  EXPECT_TRUE(wire.client.reusable());
}

}  // namespace
}  // namespace viaduct::codec
