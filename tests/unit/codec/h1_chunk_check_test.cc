// SPDX-License-Identifier: Apache-2.0
#include "codec/h1_chunk_check.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "support/fragmenter.h"

namespace viaduct::codec {
namespace {

using Piece = H1ChunkCheck::Piece;

// What each byte is: "f" framing, "e" extension, "d" data, "!" refused there, "t" behind the last chunk.
std::string kinds_of(std::string_view bytes, std::size_t size) {
  H1ChunkCheck check;
  check.begin();
  std::string kinds;
  for (support::Fragmenter pieces(bytes, size); !pieces.done();) {
    std::string_view run = pieces.next();
    while (!run.empty()) {
      if (check.at_trailers()) return kinds + "t";
      const H1ChunkCheck::Outcome outcome = check.check(run);
      if (outcome.piece == Piece::kRefused) return kinds + "!";
      const char kind = outcome.piece == Piece::kFraming ? 'f' : outcome.piece == Piece::kExtension ? 'e' : 'd';
      EXPECT_GT(outcome.size, 0u);
      kinds.append(outcome.size, kind);
      run.remove_prefix(outcome.size);
    }
  }
  return kinds;
}

void expect_kinds(std::string_view bytes, std::string_view kinds) {
  for (const std::size_t size : support::kFragmentSizes) EXPECT_EQ(kinds_of(bytes, size), kinds) << bytes;
}

TEST(H1ChunkCheck, TellsFramingFromData) {
  expect_kinds("5\r\nhello\r\n0\r\n\r\n",
               "fffdddddfffff"
               "t");
  expect_kinds("1\r\n\r\r\nA\r\n0123456789\r\n000\r\nX",
               "fffdfffffddddddddddfffffff"
               "t");
  expect_kinds("5;a=b\r\nhello", "feeeeffddddd");
  expect_kinds("0;\r\n\r\n",
               "feff"
               "t");
  expect_kinds("00000000000000a1\r\n0", "ffffffffffffffffffd");
}

TEST(H1ChunkCheck, RefusesTheFirstByteThatDoesNotFit) {
  expect_kinds("", "");
  expect_kinds("\r\n", "!");
  expect_kinds(";a\r\n", "!");
  expect_kinds("5 \r\n", "f!");
  expect_kinds("5\nhello", "f!");
  expect_kinds("5\rhello", "ff!");
  expect_kinds("5;a\n", "fee!");
  expect_kinds("1\r\nab", "fffd!");
  expect_kinds("1\r\na\n", "fffd!");
  expect_kinds("1\r\na\rb", "fffdf!");
  expect_kinds("1\r\na\r\n;", "fffdff!");
  expect_kinds("1\r\na\r\n\r\n", "fffdff!");
  expect_kinds("0x", "f!");
}

TEST(H1ChunkCheck, HoldsTheLimitsOfSizes) {
  expect_kinds("7fffffffffffffff\r\n", "ffffffffffffffffff");
  expect_kinds("8000000000000000\r\n", "fffffffffffffff!");
  expect_kinds("FFFFFFFFFFFFFFFF\r\n", "fffffffffffffff!");
  expect_kinds("00000000000000000\r\n", "ffffffffffffffff!");
}

TEST(H1ChunkCheck, HoldsTheLimitOfExtensionsForEachChunk) {
  const std::string longest = "1;" + std::string(H1ChunkCheck::kExtensionBytesMax - 1, 'x') + "\r\na\r\n";
  EXPECT_EQ(kinds_of(longest + longest, 7).find('!'), std::string::npos);
  EXPECT_EQ(kinds_of("1;" + std::string(H1ChunkCheck::kExtensionBytesMax, 'x'), 1).back(), '!');
  EXPECT_EQ(kinds_of("1;" + std::string(H1ChunkCheck::kExtensionBytesMax, 'x'), std::string::npos).back(), '!');
}

}  // namespace
}  // namespace viaduct::codec
