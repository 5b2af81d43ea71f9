// SPDX-License-Identifier: Apache-2.0
// The rows of h1_server_refusals_test.cc and h1_client_test.cc run through the check as well; here are its marks, its
// limits and what trailers add.
#include "codec/h1_head_check.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "support/fragmenter.h"

namespace viaduct::codec {
namespace {

using http::Reason;
using support::Fragmenter;
using support::kFragmentSizes;
using Kind = H1HeadCheck::Kind;

struct Outcome {
  H1Progress progress = H1Progress::kMore;
  std::size_t consumed = 0;
};

Outcome check(H1HeadCheck& check, Kind kind, std::string_view bytes, std::size_t size) {
  check.begin(kind);
  Outcome all;
  for (Fragmenter pieces(bytes, size); !pieces.done() && all.progress == H1Progress::kMore;) {
    const H1HeadCheck::Outcome outcome = check.check(pieces.next());
    all.progress = outcome.progress;
    all.consumed += outcome.consumed;
  }
  return all;
}

TEST(H1HeadCheck, MarksTheParts) {
  const H1Limits limits;
  H1HeadCheck request(limits);
  constexpr std::string_view kBytes = "POST /x?y HTTP/1.0\r\nHost: a\r\nB:\r\n\r\nbody";
  for (const std::size_t size : kFragmentSizes) {
    const Outcome outcome = check(request, Kind::kRequest, kBytes, size);
    EXPECT_EQ(outcome.progress, H1Progress::kDone);
    EXPECT_EQ(kBytes.substr(outcome.consumed), "body");
    const H1HeadCheck::Marks& marks = request.marks();
    EXPECT_EQ(kBytes.substr(0, marks.method_end), "POST");
    EXPECT_EQ(kBytes.substr(marks.target_begin, marks.target_end - marks.target_begin), "/x?y");
    EXPECT_EQ(kBytes.substr(marks.lines_begin, marks.lines_end - marks.lines_begin), "Host: a\r\nB:\r\n");
    EXPECT_EQ(request.minor_version(), 0);
    EXPECT_EQ(request.fields(), 2u);
  }
}

TEST(H1HeadCheck, MarksWhatWasGoodOfABadHead) {
  const H1Limits limits;
  H1HeadCheck request(limits);
  constexpr std::string_view kBytes = "GET / HTTP/1.1\r\nHost: a\r\nbad line\r\nC: d\r\n\r\n";
  for (const std::size_t size : kFragmentSizes) {
    const Outcome outcome = check(request, Kind::kRequest, kBytes, size);
    EXPECT_EQ(outcome.progress, H1Progress::kRefused);
    EXPECT_EQ(request.reason(), Reason::kMalformedHeader);
    EXPECT_EQ(kBytes.substr(0, request.marks().lines_end), "GET / HTTP/1.1\r\nHost: a\r\n");
  }
}

TEST(H1HeadCheck, ReadsStatusLines) {
  const H1Limits limits;
  H1HeadCheck response(limits);
  const auto phrase_of = [&](std::string_view bytes) {
    EXPECT_EQ(check(response, Kind::kResponse, bytes, 1).progress, H1Progress::kDone) << bytes;
    const H1HeadCheck::Marks& marks = response.marks();
    return bytes.substr(marks.phrase_begin, marks.phrase_end - marks.phrase_begin);
  };
  EXPECT_EQ(phrase_of("HTTP/1.1 200 OK\r\n\r\n"), "OK");
  EXPECT_EQ(response.status(), 200);
  EXPECT_EQ(response.minor_version(), 1);
  EXPECT_EQ(phrase_of("HTTP/1.0 599  a  b \r\nA: b\r\n\r\n"), " a  b ");
  EXPECT_EQ(response.status(), 599);
  EXPECT_EQ(response.minor_version(), 0);
  EXPECT_EQ(phrase_of("HTTP/1.1 404\r\n\r\n"), "");
  EXPECT_EQ(phrase_of("HTTP/1.1 404 \r\n\r\n"), "");
}

TEST(H1HeadCheck, HoldsTheLimitOfMethods) {
  const H1Limits limits;
  H1HeadCheck request(limits);
  const auto progress_of = [&](std::size_t size) {
    const std::string bytes = std::string(size, 'M') + " ";
    const H1Progress whole = check(request, Kind::kRequest, bytes, std::string::npos).progress;
    EXPECT_EQ(check(request, Kind::kRequest, bytes, 1).progress, whole);
    return whole;
  };
  EXPECT_EQ(progress_of(1), H1Progress::kMore);
  EXPECT_EQ(progress_of(H1HeadCheck::kMethodBytesMax), H1Progress::kMore);
  EXPECT_EQ(progress_of(H1HeadCheck::kMethodBytesMax + 1), H1Progress::kRefused);
  EXPECT_EQ(request.reason(), Reason::kMalformedRequestLine);
}

TEST(H1HeadCheck, HoldsTheLimitOfPhrases) {
  const H1Limits limits;
  H1HeadCheck response(limits);
  const auto progress_of = [&](std::size_t size) {
    const std::string bytes = "HTTP/1.1 200 " + std::string(size, 'x') + "\r\n\r\n";
    const H1Progress whole = check(response, Kind::kResponse, bytes, std::string::npos).progress;
    EXPECT_EQ(check(response, Kind::kResponse, bytes, 7).progress, whole);
    return whole;
  };
  EXPECT_EQ(progress_of(H1HeadCheck::kPhraseBytesMax), H1Progress::kDone);
  EXPECT_EQ(progress_of(H1HeadCheck::kPhraseBytesMax + 1), H1Progress::kRefused);
}

TEST(H1HeadCheck, ReadsTrailerSections) {
  const H1Limits limits{.max_head_size = 30, .max_fields = 2};
  H1HeadCheck trailers(limits);
  const auto progress_of = [&](std::string_view bytes) {
    const H1Progress whole = check(trailers, Kind::kTrailers, bytes, std::string_view::npos).progress;
    EXPECT_EQ(check(trailers, Kind::kTrailers, bytes, 1).progress, whole);
    return whole;
  };
  EXPECT_EQ(progress_of("\r\n"), H1Progress::kDone);
  EXPECT_EQ(trailers.fields(), 0u);
  EXPECT_EQ(progress_of("a: b\r\nc:d\r\n\r\n"), H1Progress::kDone);
  EXPECT_EQ(trailers.fields(), 2u);
  EXPECT_EQ(trailers.marks().lines_begin, 0u);
  EXPECT_EQ(progress_of("a: b\r\nc:d\r\ne"), H1Progress::kRefused);
  EXPECT_EQ(trailers.reason(), Reason::kTooManyFields);
  EXPECT_EQ(progress_of("a:23456789012345678901234567\r\n\r\n"), H1Progress::kRefused);  // 32 bytes
  EXPECT_EQ(trailers.reason(), Reason::kHeadersTooLarge);
  EXPECT_EQ(progress_of("a:234567890123456789012345\r\n\r\n"), H1Progress::kDone);  // 30 bytes
  EXPECT_EQ(progress_of("GET / HTTP/1.1\r\n"), H1Progress::kRefused);
}

}  // namespace
}  // namespace viaduct::codec
