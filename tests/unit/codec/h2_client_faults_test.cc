// SPDX-License-Identifier: Apache-2.0
// What servers do that they must not, by the word that the log has for it, and what looks like it and is none.
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "codec/h2_client.h"
#include "support/h2_client_wire.h"

namespace viaduct::codec {
namespace {

using namespace std::chrono_literals;
using support::h2_answer;
using support::h2_data;
using support::h2_frame;
using support::h2_headers;
using support::h2_ok;
using support::H2Attempt;
using support::H2ClientWire;
using support::kH2End;
using support::kH2OkText;

std::string repeat(const std::string& text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

TEST(H2ClientFaults, OfAnAnswerAreNamed) {
  struct Row {
    std::string bytes;
    std::string_view detail;
  };
  const std::string sized = h2_answer(1, "200", 0, {{"content-length", "2"}});
  for (const Row& row : std::vector<Row>{
           {h2_answer(1, "20"), "invalid_status"},
           {h2_answer(1, "101"), "invalid_status"},
           {h2_answer(1, "200", 0, {{"X", "1"}}), "malformed_header"},
           {h2_answer(1, "200", 0, {{"x", std::string(2000, 'x')}}), "headers_too_large"},
           {h2_answer(1, "200", 0, {{"a", "1"}, {"b", "2"}, {"c", "3"}}), "too_many_fields"},
           {h2_answer(1, "200", 0, {{"content-length", "x"}}), "invalid_content_length"},
           {h2_answer(1, "200", kH2End, {{"content-length", "1"}}), "invalid_content_length"},
           {h2_answer(1, "103") + h2_data(1, "x"), "body_before_head"},
           {sized + h2_data(1, "abc"), "body_too_long"},
           {sized + h2_data(1, "a", kH2End), "body_too_short"},
           {h2_answer(1, "200") + h2_headers(1, {{"x", "1"}}, 0), "trailers_without_end"},
           {h2_answer(1, "200") + h2_headers(1, {{"X", "1"}}, kH2End), "malformed_header"},
           {repeat(h2_answer(1, "103"), InterimBudget::kBurst + 1), "too_many_interim_answers"},
       }) {
    SCOPED_TRACE(row.detail);
    H2ClientWire wire({.max_head_size = 1000, .max_fields = 2});
    wire.open();
    H2Attempt attempt(wire);
    attempt.get();
    wire.turn();
    wire.feed(row.bytes);
    EXPECT_TRUE(attempt.text().ends_with("reset upstream_invalid_response answered") ||
                attempt.text() == "reset upstream_invalid_response")
        << attempt.text();
    EXPECT_EQ(attempt.handler().detail, row.detail);
    EXPECT_EQ(wire.client.fault(), "") << "the connection is well";
    EXPECT_TRUE(wire.client.reusable());
  }
}

TEST(H2ClientFaults, OfAConnectionAreNamed) {
  struct Row {
    std::string bytes;
    std::string_view fault;
  };
  for (const Row& row : std::vector<Row>{
           {repeat(support::h2_ping(), 101), "h2_ping_flood"},
           {h2_answer(1, "200", 0, {{"x", std::string(9000, 'x')}}), "h2_header_flood"},
           {h2_data(0, "x"), "h2_protocol_error"},
           {h2_frame(NGHTTP2_HEADERS, support::kH2EndHeaders, 1, "\x80"), "h2_compression_error"},
       }) {
    SCOPED_TRACE(row.fault);
    H2ClientWire wire({.max_head_size = 1000, .max_fields = 2});
    wire.open();
    H2Attempt attempt(wire);
    attempt.get();
    wire.turn();
    wire.feed(row.bytes);
    EXPECT_EQ(attempt.handler().detail, row.fault);
    EXPECT_EQ(wire.client.fault(), row.fault);
    EXPECT_EQ(wire.client.ending(), CodecEnding::kClose);
  }
  for (const std::string& bytes : {h2_ok(1), std::string("HTTP/1.1 400 Bad Request\r\n\r\n"),
                                   h2_frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "")}) {
    H2ClientWire wire;
    H2Attempt attempt(wire);
    attempt.get();
    wire.turn();
    wire.feed(bytes);
    EXPECT_EQ(attempt.text(), "reset upstream_invalid_response");
    EXPECT_EQ(attempt.handler().detail, "h2_settings_missing");
    EXPECT_TRUE(wire.sent().ends_with("GOAWAY 0 PROTOCOL_ERROR"));
  }
}

TEST(H2ClientFaults, AreNoneOfAServerThatGoes) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire);
  attempt.get();
  wire.turn();
  wire.feed(support::h2_goaway(1));
  wire.end();
  EXPECT_EQ(attempt.text(), "reset upstream_closed");
  EXPECT_EQ(attempt.handler().detail, "");
  EXPECT_EQ(wire.client.fault(), "");
}

// ---- streams that are over ------------------------------------------------------------------------------------------

TEST(H2ClientFaults, AreHeadersBehindTheEndWithoutEnd) {
  for (const bool is_whole : {true, false}) {
    H2ClientWire wire;
    wire.open();
    H2Attempt attempt(wire);
    attempt.get();
    wire.turn();
    // Either the answer is whole, or it was one of which no more is read.
    if (is_whole) {
      wire.feed(h2_ok(1));
    } else {
      attempt.reset();
      wire.turn();
    }
    int passed = 0;
    while (passed < 10'000 && wire.client.wants_input()) {
      wire.feed(h2_answer(1, "103", 0, {{"x", "y"}}));
      ++passed;
    }
    EXPECT_EQ(passed, 513);
    EXPECT_EQ(wire.client.fault(), "h2_header_flood");
    EXPECT_FALSE(wire.client.reusable());
    EXPECT_EQ(wire.client.ending(), CodecEnding::kClose);
  }
}

TEST(H2ClientFaults, AreBytesThatNobodyReadsWithoutEnd) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire);
  H2Attempt other(wire);
  attempt.get();
  other.get();
  wire.turn();
  wire.feed(h2_answer(1, "200"));
  attempt.reset();
  wire.turn();
  int passed = 0;
  while (passed < 10'000 && wire.client.wants_input()) {
    wire.feed(h2_data(1, std::string(16'000, 'x')));
    ++passed;
  }
  // The window of the stream, and once that of the connection.
  EXPECT_EQ(passed, (4 * 1024 * 1024 + 128 * 1024) / 16'000 + 1);
  EXPECT_EQ(wire.client.fault(), "h2_flow_control_error");
  EXPECT_EQ(other.text(), "reset upstream_invalid_response");
  EXPECT_EQ(other.handler().detail, "h2_flow_control_error");
}

// Nobody else is sent there; who is there already has the answer that comes.
TEST(H2ClientFaults, AreAnswersBeyondTheirWindow) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire);
  H2Attempt other(wire);
  attempt.get();
  attempt.stream().set_reading(false);
  other.get();
  wire.sent();
  wire.feed(h2_answer(1, "200"));
  for (int i = 0; i < 10; ++i) wire.feed(h2_data(1, std::string(16'384, 'x')));
  EXPECT_TRUE(wire.sent().ends_with("RST_STREAM 1 FLOW_CONTROL_ERROR"));
  EXPECT_TRUE(attempt.handler().has("reset upstream_truncated answered")) << attempt.text();
  EXPECT_FALSE(wire.client.reusable());
  EXPECT_EQ(wire.client.ending(), CodecEnding::kOpen);
  wire.feed(h2_ok(3));
  EXPECT_EQ(other.text(), kH2OkText);
  EXPECT_EQ(wire.client.ending(), CodecEnding::kClose);
}

// Clients go, over and over, while the server is in the middle of their answers.
TEST(H2ClientFaults, AreNoneOfAServerThatDidNotKnowYet) {
  H2ClientWire wire;
  wire.open();
  std::int32_t number = 1;
  for (int round = 0; round < 30; ++round) {
    std::deque<H2Attempt> attempts;
    const std::int32_t first = number;
    for (std::uint32_t i = 0; i < H2Client::kRequestsMax; ++i) attempts.emplace_back(wire).get();
    wire.turn();
    for (H2Attempt& attempt : attempts) attempt.reset();
    wire.turn();
    for (; number < first + 2 * static_cast<std::int32_t>(H2Client::kRequestsMax); number += 2) {
      wire.feed(h2_answer(number, "200", 0, {{"x", std::string(5000, 'x')}}));
      for (int i = 0; i < 8; ++i) wire.feed(h2_data(number, std::string(16'384, 'x')));
      wire.feed(h2_headers(number, {{"grpc-status", "0"}}, kH2End));
    }
    ASSERT_EQ(wire.client.fault(), "");
  }
  H2Attempt attempt(wire);
  attempt.get();
  wire.turn();
  wire.feed(h2_ok(number));
  EXPECT_EQ(attempt.text(), kH2OkText);
}

// ---- interim answers ------------------------------------------------------------------------------------------------

TEST(H2ClientFaults, AreNoneOfAServerThatSaysNowAndThenThatItIsAtWork) {
  H2ClientWire wire;
  wire.open();
  H2Attempt attempt(wire);
  attempt.get();
  wire.turn();
  for (int i = 0; i < 1000; ++i) {
    wire.feed(h2_answer(1, "102"));
    wire.pass(100ms);
  }
  wire.feed(h2_ok(1));
  EXPECT_TRUE(attempt.text().ends_with(kH2OkText));
}

}  // namespace
}  // namespace viaduct::codec
