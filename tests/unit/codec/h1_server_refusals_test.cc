// SPDX-License-Identifier: Apache-2.0
// What H1Server refuses: raw bytes, the reason, and that the answer is the same however the bytes are cut.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "codec/h1_server.h"
#include "support/h1_wire.h"

namespace viaduct::codec {
namespace {

using namespace std::string_view_literals;
using http::Reason;
using support::H1ServerWire;
using support::kFragmentSizes;

struct Row {
  std::string_view bytes;
  Reason reason;
};

std::string readable(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes.substr(0, 100)) {
    if (byte == '\r') {
      text += "\\r";
    } else if (byte == '\n') {
      text += "\\n";
    } else {
      text += byte;
    }
  }
  return text;
}

// Every row is refused once, answered with the status of its reason, and ends the connection.
void expect_refused(const std::vector<Row>& rows, const H1Limits& limits = {}) {
  for (const Row& row : rows) {
    for (const std::size_t size : kFragmentSizes) {
      SCOPED_TRACE(readable(row.bytes) + " in pieces of " + std::to_string(size));
      H1ServerWire wire(limits);
      wire.feed(row.bytes, size);
      const std::string refused = "refused " + std::string(http::reason_name(row.reason)) + " | stream end";
      ASSERT_EQ(wire.streams.size(), 1u);
      EXPECT_TRUE(wire.events().ends_with(refused)) << wire.events();
      EXPECT_TRUE(wire.sent.starts_with("HTTP/1.1 " + std::to_string(http::reason_status(row.reason)))) << wire.sent;
      EXPECT_NE(wire.sent.find("\r\nConnection: close\r\n"), std::string::npos) << wire.sent;
      EXPECT_EQ(wire.server.phase(), CodecPhase::kClosing);
      EXPECT_EQ(wire.server.ending(), CodecEnding::kLinger);
    }
  }
}

TEST(H1ServerRefusals, OfRequestLines) {
  constexpr Reason kMalformed = Reason::kMalformedRequestLine;
  expect_refused({
      {" GET / HTTP/1.1\r\n", kMalformed},
      {"\tGET / HTTP/1.1\r\n", kMalformed},
      {"GET\t/ HTTP/1.1\r\n", kMalformed},
      {"GET  / HTTP/1.1\r\n", kMalformed},
      {"GET / HTTP/1.1 \r\n", kMalformed},
      {"GET /  HTTP/1.1\r\n", kMalformed},
      {"GET /\tHTTP/1.1\r\n", kMalformed},
      {"GET /a b HTTP/1.1\r\n", kMalformed},
      {"GET HTTP/1.1\r\n", Reason::kUnsupportedVersion},  // "HTTP/1.1" is the target of an HTTP/0.9 request
      {"GET\r\n", kMalformed},
      {"GET \r\n", kMalformed},
      {"GET / HTTP/1.1\n", kMalformed},
      {"GET / HTTP/1.1\r\r\n", kMalformed},
      {"GET / HTTP/1.1\rHost: a\r\n", kMalformed},
      {"GET /\n", kMalformed},
      {"G\0T / HTTP/1.1\r\n"sv, kMalformed},
      {"GET /\0 HTTP/1.1\r\n"sv, kMalformed},
      {"GET /\x7f HTTP/1.1\r\n", kMalformed},
      {"GET /\x01 HTTP/1.1\r\n", kMalformed},
      {"GET /#f HTTP/1.1\r\n", kMalformed},
      {"GET /a\x0b HTTP/1.1\r\n", kMalformed},
      {"GE(T / HTTP/1.1\r\n", kMalformed},
      {"G\xc3\x84T / HTTP/1.1\r\n", kMalformed},
      {":GET / HTTP/1.1\r\n", kMalformed},
      {"\x16\x03\x01\x02\x00\x01"sv, kMalformed},  // TLS to a plain port
      {"GET / http/1.1\r\n", kMalformed},
      {"GET / HTTP 1.1\r\n", kMalformed},
      {"GET / HTTP/1\r\n", kMalformed},
      {"GET / HTTP/1.10\r\n", kMalformed},
      {"GET / HTTP/11\r\n", kMalformed},
      {"GET / HTTP/1,1\r\n", kMalformed},
      {"GET / HTTP/1.x\r\n", kMalformed},
      {"GET / HTTPS/1.1\r\n", kMalformed},
      {"GET / XTTP/1.1\r\n", kMalformed},
      {"\n", kMalformed},
      {"\nGET / HTTP/1.1\r\n", kMalformed},
      {"\r\n\nGET / HTTP/1.1\r\n", kMalformed},
      {"\rGET / HTTP/1.1\r\n", kMalformed},
      {"\r\r\nGET / HTTP/1.1\r\n", kMalformed},
      {"\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n", kMalformed},
      {" \r\nGET / HTTP/1.1\r\n", kMalformed},
  });
}

TEST(H1ServerRefusals, OfVersions) {
  expect_refused({
      {"GET /\r\n", Reason::kUnsupportedVersion},  // HTTP/0.9
      {"GET / HTTP/0.9\r\n", Reason::kUnsupportedVersion},
      {"GET / HTTP/1.2\r\n", Reason::kUnsupportedVersion},
      {"GET / HTTP/1.9\r\n", Reason::kUnsupportedVersion},
      {"GET / HTTP/2.0\r\n", Reason::kUnsupportedVersion},
      {"GET / HTTP/3.0\r\n", Reason::kUnsupportedVersion},
      {"GET / HTTP/9.1\r\n", Reason::kUnsupportedVersion},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Reason::kUnsupportedVersion},
  });
}

TEST(H1ServerRefusals, OfMethodsAndTargets) {
  expect_refused({
      {"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", Reason::kUnsupportedMethod},
      {"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kUnsupportedMethod},
      {"FOO / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kUnsupportedMethod},
      {"get / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kUnsupportedMethod},
      {"GETX / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kUnsupportedMethod},
      {"G / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kUnsupportedMethod},
      {"!#$%&'*+-.^_`|~ / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kUnsupportedMethod},
      {"DESCRIBE / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kUnsupportedMethod},  // RTSP
      {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kMalformedRequestLine},
      {"POST * HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kMalformedRequestLine},
      {"OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kMalformedRequestLine},
      {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kMalformedRequestLine},
      {"GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kMalformedRequestLine},
      {"GET ?a HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kMalformedRequestLine},
      {"GET ../a HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kMalformedRequestLine},
      {"GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kMalformedRequestLine},
      {"GET http:// HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kMalformedRequestLine},
      {"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kMalformedRequestLine},
      {"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kMalformedRequestLine},
      {"GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kMalformedRequestLine},
      {"GET http://a:0/ HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kMalformedRequestLine},
      {"GET http://a:65536/ HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kMalformedRequestLine},
      {"GET http://[::1/ HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kMalformedRequestLine},
      {"GET http://a%2f/ HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kMalformedRequestLine},
      {"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kMalformedRequestLine},
      {"GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", Reason::kMalformedRequestLine},
  });
}

TEST(H1ServerRefusals, OfHosts) {
  expect_refused({
      {"GET / HTTP/1.1\r\n\r\n", Reason::kMissingHost},
      {"GET http://a/ HTTP/1.1\r\n\r\n", Reason::kMissingHost},
      {"GET / HTTP/1.1\r\nHost:\r\n\r\n", Reason::kInvalidHost},
      {"GET / HTTP/1.1\r\nHost: \r\n\r\n", Reason::kInvalidHost},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Reason::kInvalidHost},
      {"GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", Reason::kInvalidHost},
      {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", Reason::kInvalidHost},
      {"GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", Reason::kInvalidHost},
      {"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", Reason::kInvalidHost},
      {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", Reason::kInvalidHost},
      {"GET / HTTP/1.1\r\nHost: http://a\r\n\r\n", Reason::kInvalidHost},
      {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Reason::kInvalidHost},
      {"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", Reason::kInvalidHost},
      {"GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", Reason::kInvalidHost},
      {"GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", Reason::kInvalidHost},
      {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", Reason::kInvalidHost},
      {"GET / HTTP/1.1\r\nHost: a\xe4\r\n\r\n", Reason::kInvalidHost},
  });
}

// Each line stands between two good ones.
TEST(H1ServerRefusals, OfFieldLines) {
  const std::vector<std::string_view> lines = {
      " X: obs-fold\r\n",
      "\tX: obs-fold\r\n",
      " \r\n",
      "X : a\r\n",
      "X\t: a\r\n",
      " : a\r\n",
      ": a\r\n",
      ":\r\n",
      "X\r\n",
      "X\r\n: a\r\n",
      "X a: b\r\n",
      "X(: b\r\n",
      "X\"y: b\r\n",
      "X\xc3\xa4: b\r\n",
      "X\x7f: b\r\n",
      "X\0: b\r\n"sv,
      "X: a\0b\r\n"sv,
      "X: a\nb\r\n",
      "X: a\n",
      "X: a\rb\r\n",
      "X: a\r\r\n",
      "X: a\r \n",
      "X: \x7f\r\n",
      "X: \x01\r\n",
      "X: \x08\r\n",
      "X: \x0b\r\n",
      "X: \x0c\r\n",
      "X: \x1b[31m\r\n",
      "\n",
      "\r",
      "\r ",
      "\x01\r\n",
      "[]: a\r\n",
      "Content-Length : 5\r\n",
      "Transfer-Encoding : chunked\r\n",
      " Transfer-Encoding: chunked\r\n",
      "Transfer-Encoding:\x0b"
      "chunked\r\n",
      "Content-Length: 5\n",
  };
  for (const std::string_view line : lines) {
    const std::string bytes = "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(line) + "Y: c\r\n\r\n";
    expect_refused({{bytes, Reason::kMalformedHeader}});
  }
}

// Each head asks for a body in a way that two parsers could read differently.
TEST(H1ServerRefusals, OfBodyFraming) {
  struct Framing {
    std::string_view lines;
    Reason reason;
  };
  const std::vector<Framing> framings = {
      {"Content-Length: 5\r\nContent-Length: 5\r\n", Reason::kInvalidContentLength},
      {"Content-Length: 5\r\nContent-Length: 6\r\n", Reason::kInvalidContentLength},
      {"Content-Length: 5\r\ncontent-length: 5\r\n", Reason::kInvalidContentLength},
      {"Content-Length: 5, 5\r\n", Reason::kInvalidContentLength},
      {"Content-Length: 5,\r\n", Reason::kInvalidContentLength},
      {"Content-Length:\r\n", Reason::kInvalidContentLength},
      {"Content-Length: +5\r\n", Reason::kInvalidContentLength},
      {"Content-Length: -5\r\n", Reason::kInvalidContentLength},
      {"Content-Length: 0x5\r\n", Reason::kInvalidContentLength},
      {"Content-Length: 5 5\r\n", Reason::kInvalidContentLength},
      {"Content-Length: 5\t\r\n", Reason::kInvalidContentLength},
      {"Content-Length: 5;a=b\r\n", Reason::kInvalidContentLength},
      {"Content-Length: 5.0\r\n", Reason::kInvalidContentLength},
      {"Content-Length: five\r\n", Reason::kInvalidContentLength},
      {"Content-Length: 9223372036854775808\r\n", Reason::kInvalidContentLength},
      {"Content-Length: 99999999999999999999\r\n", Reason::kInvalidContentLength},
      {"Content-Length: 18446744073709551621\r\n", Reason::kInvalidContentLength},  // 5 modulo 2^64
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Reason::kConflictingFraming},
      {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", Reason::kConflictingFraming},
      {"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", Reason::kConflictingFraming},
      {"Transfer-Encoding: identity\r\nContent-Length: 5\r\n", Reason::kConflictingFraming},
      {"Transfer-Encoding: identity\r\n", Reason::kUnsupportedTransferEncoding},
      {"Transfer-Encoding: gzip\r\n", Reason::kUnsupportedTransferEncoding},
      {"Transfer-Encoding: gzip, chunked\r\n", Reason::kUnsupportedTransferEncoding},
      {"Transfer-Encoding: xchunked\r\n", Reason::kUnsupportedTransferEncoding},
      {"Transfer-Encoding: chunked, gzip\r\n", Reason::kInvalidTransferEncoding},
      {"Transfer-Encoding: chunked, chunked\r\n", Reason::kInvalidTransferEncoding},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Reason::kInvalidTransferEncoding},
      {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", Reason::kInvalidTransferEncoding},
      {"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", Reason::kInvalidTransferEncoding},
      {"Transfer-Encoding: chunked,\r\n", Reason::kInvalidTransferEncoding},
      {"Transfer-Encoding: , chunked\r\n", Reason::kInvalidTransferEncoding},
      {"Transfer-Encoding:\r\n", Reason::kInvalidTransferEncoding},
      {"Transfer-Encoding: \"chunked\"\r\n", Reason::kInvalidTransferEncoding},
      {"Transfer-Encoding: chunked;q=1\r\n", Reason::kInvalidTransferEncoding},
      {"Transfer-Encoding: chunk ed\r\n", Reason::kInvalidTransferEncoding},
      {"Expect: x\r\nContent-Length: 5\r\n", Reason::kUnsupportedExpectation},
      {"Expect: 100-continue, x\r\nContent-Length: 5\r\n", Reason::kUnsupportedExpectation},
      {"Expect: 200-ok\r\n", Reason::kUnsupportedExpectation},
  };
  for (const Framing& framing : framings) {
    const std::string bytes = "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(framing.lines) + "\r\n";
    expect_refused({{bytes, framing.reason}});
  }
  expect_refused({
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Reason::kConflictingFraming},
      {"POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", Reason::kConflictingFraming},
  });
}

// Each text follows a chunked head; the handler has the head already.
TEST(H1ServerRefusals, OfChunks) {
  const std::vector<std::string_view> bodies = {
      "\r\n",
      " 5\r\n",
      "5 \r\n",
      "5\t\r\n",
      "5 ;a\r\n",
      "\t5\r\n",
      "+5\r\n",
      "-5\r\n",
      "0x5\r\n",
      "x\r\n",
      "g\r\n",
      "5\n",
      "5\rhello",
      "5\r\r\n",
      ";a\r\n",
      "5,\r\n",
      "5:\r\n",
      "5;a\nhello",
      "5;a\x01\r\n",
      "5;a\tb\r\n",
      "5;a\rb\r\n",
      "5;a=\"\r\n\"\r\nhello\n0\r\n\r\n",
      "5\r\nhelloX\r\n",
      "5\r\nhello!0\r\n\r\n",
      "5\r\nhello\n0\r\n\r\n",
      "5\r\nhello\r0\r\n\r\n",
      "5\r\nhello 0\r\n\r\n",
      "5\r\nhello0\r\n\r\n",
      "5\r\nhello\r\n\r\n",
      "00000000000000005\r\n",  // 17 digits
      "8000000000000000\r\n",   // 2^63
      "ffffffffffffffff\r\n",
      "10000000000000005\r\n",  // 5 modulo 2^64
      "0;\x7f\r\n",
      "-0\r\n",
  };
  for (const std::string_view body : bodies) {
    const std::string bytes = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(body);
    expect_refused({{bytes, Reason::kInvalidChunk}});
  }
}

TEST(H1ServerRefusals, OfTrailers) {
  const std::vector<std::string_view> trailers = {
      " X: a\r\n\r\n",
      "X : a\r\n\r\n",
      ": a\r\n\r\n",
      "X\r\n\r\n",
      "X: a\n\r\n",
      "X: \0\r\n\r\n"sv,
      "X: a\r\n b\r\n\r\n",
      "X: a\r\n\n",
      "\n",
      "\rX",
      "Content-Length: 5\r\n\r\n",
      "Transfer-Encoding: chunked\r\n\r\n",
      "host: b\r\n\r\n",
      "X: a\r\nContent-Length: x\r\n\r\n",
  };
  for (const std::string_view trailer : trailers) {
    const std::string bytes =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n" + std::string(trailer);
    expect_refused({{bytes, Reason::kMalformedHeader}});
  }
}

TEST(H1ServerRefusals, HoldTheLimitOfTargets) {
  const H1Limits limits{.max_target_size = 20};
  const auto request = [](std::size_t size, std::string_view rest) {
    return "GET /" + std::string(size - 1, 'a') + std::string(rest);
  };
  for (const std::size_t size : {1uz, 19uz, 20uz}) {
    H1ServerWire wire(limits);
    wire.feed(request(size, " HTTP/1.1\r\nHost: a\r\n\r\n"));
    EXPECT_TRUE(wire.sent.starts_with("HTTP/1.1 200")) << size;
  }
  const std::string above = request(21, " HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string incomplete = request(21, "");
  const std::string endless = request(100000, "");
  const std::string bad_behind = request(21, "\x01");
  expect_refused({{above, Reason::kTargetTooLong},
                  {incomplete, Reason::kTargetTooLong},
                  {endless, Reason::kTargetTooLong},
                  {bad_behind, Reason::kTargetTooLong}},
                 limits);
}

TEST(H1ServerRefusals, HoldTheLimitOfHeads) {
  const std::string host = "Host: a\r\n";
  const auto request = [&](std::size_t section_size) {
    // What is not Host, "X:", CRLF and the empty line is the value.
    return "GET / HTTP/1.1\r\n" + host + "X:" + std::string(section_size - host.size() - 6, 'b') + "\r\n\r\n";
  };
  const H1Limits limits{.max_head_size = 200};
  for (const std::size_t size : {50uz, 199uz, 200uz}) {
    for (const std::size_t piece : kFragmentSizes) {
      H1ServerWire wire(limits);
      wire.feed(request(size), piece);
      EXPECT_TRUE(wire.sent.starts_with("HTTP/1.1 200")) << size;
    }
  }
  const std::string above = request(201);
  const std::string incomplete = above.substr(0, above.size() - 1);
  const std::string endless_name = "GET / HTTP/1.1\r\n" + std::string(201, 'n');
  expect_refused({{above, Reason::kHeadersTooLarge}, {endless_name, Reason::kHeadersTooLarge}}, limits);
  // One byte less than the limit may still be completed.
  H1ServerWire wire(limits);
  wire.feed(incomplete);
  EXPECT_EQ(wire.server.phase(), CodecPhase::kHead);
}

TEST(H1ServerRefusals, HoldTheLimitOfFields) {
  const H1Limits limits{.max_fields = 5};
  const auto request = [](std::size_t fields) {
    std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (std::size_t i = 1; i < fields; ++i) bytes += "X: b\r\n";
    return bytes;
  };
  for (const std::size_t fields : {1uz, 4uz, 5uz}) {
    H1ServerWire wire(limits);
    wire.feed(request(fields) + "\r\n");
    EXPECT_TRUE(wire.sent.starts_with("HTTP/1.1 200")) << fields;
  }
  const std::string above = request(6);
  expect_refused({{above, Reason::kTooManyFields}}, limits);
}

TEST(H1ServerRefusals, HoldTheLimitsInTrailersToo) {
  const H1Limits limits{.max_head_size = 100, .max_fields = 3};
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
  const std::string many = head + "A: a\r\nB: b\r\nC: c\r\nD: d\r\n";
  const std::string large = head + "A: " + std::string(100, 'a');
  expect_refused({{many, Reason::kTooManyFields}, {large, Reason::kHeadersTooLarge}}, limits);
}

TEST(H1ServerRefusals, HoldTheLimitOfChunkExtensions) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto body = [](std::size_t size) { return "1;" + std::string(size - 1, 'e') + "\r\nx\r\n0\r\n\r\n"; };
  for (const std::size_t size : {1uz, 255uz, 256uz}) {
    H1ServerWire wire;
    wire.feed(head + body(size));
    EXPECT_TRUE(wire.sent.starts_with("HTTP/1.1 200")) << size;
  }
  const std::string above = head + body(257);
  expect_refused({{above, Reason::kInvalidChunk}});
}

}  // namespace
}  // namespace viaduct::codec
