// SPDX-License-Identifier: Apache-2.0
#include "http/range.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "support/field_list.h"

namespace viaduct::http {
namespace {

using support::FieldList;
using Kind = RangeSelection::Kind;

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

// "whole", "none", or the ranges: "0-4 7-9".
std::string selected(std::string_view value, std::uint64_t size) {
  FieldList fields{{"Range", value}};
  const RangeSelection selection = select_ranges(*fields, size);
  if (selection.kind() == Kind::kWhole) return selection.ranges().empty() ? "whole" : "?";
  if (selection.kind() == Kind::kUnsatisfiable) return selection.ranges().empty() ? "none" : "?";
  std::string text;
  for (const ByteRange& range : selection.ranges()) {
    if (!text.empty()) text += ' ';
    text += std::to_string(range.first) + '-' + std::to_string(range.last);
  }
  return text;
}

TEST(Range, SelectsBytes) {
  struct Row {
    std::string_view value;
    std::uint64_t size;
    std::string_view expected;
  };
  constexpr Row kRows[] = {
      {"bytes=0-0", 10, "0-0"},
      {"bytes=0-9", 10, "0-9"},
      {"bytes=0-10", 10, "0-9"},
      {"bytes=9-9", 10, "9-9"},
      {"bytes=3-", 10, "3-9"},
      {"bytes=0-", 10, "0-9"},
      {"bytes=-1", 10, "9-9"},
      {"bytes=-10", 10, "0-9"},
      {"bytes=-11", 10, "0-9"},
      {"BYTES=1-2", 10, "1-2"},
      {"bytes=0-0", 1, "0-0"},
      {"bytes=00-01", 10, "0-1"},
      {"bytes=0-18446744073709551615", 10, "0-9"},
      {"bytes=0-99999999999999999999999999", 10, "0-9"},
      {"bytes=-99999999999999999999999999", 10, "0-9"},
      {"bytes=18446744073709551614-", kMax, "18446744073709551614-18446744073709551614"},
      // several
      {"bytes=0-1,4-5", 10, "0-1 4-5"},
      {"bytes= 0-1 ,\t4-5 , ", 10, "0-1 4-5"},
      {"bytes=8-9,0-1", 10, "8-9 0-1"},
      {"bytes=0-1,2-3", 10, "0-1 2-3"},
      {"bytes=,0-1,,-1,", 10, "0-1 9-9"},
      {"bytes=0-1,50-60", 10, "0-1"},
      {"bytes=50-60,-0,2-3", 10, "2-3"},
      // overlapping
      {"bytes=0-5,5-9", 10, "whole"},
      {"bytes=0-9,3-4", 10, "whole"},
      {"bytes=3-4,0-9", 10, "whole"},
      {"bytes=0-,0-,0-", 10, "whole"},
      {"bytes=8-,-3", 10, "whole"},
      {"bytes=0-0,0-0", 10, "whole"},
      // not satisfiable
      {"bytes=10-", 10, "none"},
      {"bytes=10-20", 10, "none"},
      {"bytes=99999999999999999999999999-", 10, "none"},
      {"bytes=-0", 10, "none"},
      {"bytes=10-,20-,-0", 10, "none"},
      {"bytes=0-", 0, "none"},
      {"bytes=0-0", 0, "none"},
      {"bytes=-0", 0, "none"},
      {"bytes=-5", 0, "whole"},
      // malformed or of another unit
      {"", 10, "whole"},
      {"bytes", 10, "whole"},
      {"bytes=", 10, "whole"},
      {"bytes=,", 10, "whole"},
      {"bytes=-", 10, "whole"},
      {"bytes=1", 10, "whole"},
      {"bytes=5-4", 10, "whole"},
      {"bytes=20-11", 10, "whole"},
      {"bytes=0-1,5-4", 10, "whole"},
      {"bytes=a-b", 10, "whole"},
      {"bytes=0-1x", 10, "whole"},
      {"bytes=0 -1", 10, "whole"},
      {"bytes=0- 1", 10, "whole"},
      {"bytes=+0-1", 10, "whole"},
      {"bytes=0x0-1", 10, "whole"},
      {"bytes=--1", 10, "whole"},
      {"bytes=0--1", 10, "whole"},
      {"bytes=0-1;2-3", 10, "whole"},
      {"bytes =0-1", 10, "whole"},
      {" bytes=0-1", 10, "whole"},
      {"bytes:0-1", 10, "whole"},
      {"bytes=bytes=0-1", 10, "whole"},
      {"items=0-1", 10, "whole"},
      {"bytes=\xff-\xff", 10, "whole"},
      {"bytes=0-1\xe2\x80\x93", 10, "whole"},
  };
  for (const Row& row : kRows) EXPECT_EQ(selected(row.value, row.size), row.expected) << row.value;
}

TEST(Range, HonoursABoundedNumber) {
  for (const std::size_t count : {kRangesMax - 1, kRangesMax, kRangesMax + 1}) {
    std::string value = "bytes=";
    for (std::size_t i = 0; i < count; ++i) value += std::to_string(2 * i) + "-" + std::to_string(2 * i) + ",";
    const std::string text = selected(value, 1000);
    if (count > kRangesMax) {
      EXPECT_EQ(text, "whole");
    } else {
      EXPECT_EQ(std::ranges::count(text, ' ') + 1, static_cast<std::ptrdiff_t>(count));
    }
  }
  // Ranges that cannot be satisfied count as well.
  std::string unsatisfiable = "bytes=";
  for (std::size_t i = 0; i <= kRangesMax; ++i) unsatisfiable += "5000-,";
  EXPECT_EQ(selected(unsatisfiable, 1000), "whole");
  EXPECT_EQ(selected("bytes=" + std::string(100000, ','), 1000), "whole");
}

TEST(Range, SelectsEverythingWhereItIsNotAskedOnce) {
  FieldList none;
  EXPECT_EQ(select_ranges(*none, 10).kind(), Kind::kWhole);
  FieldList twice{{"Range", "bytes=0-1"}, {"Range", "bytes=0-1"}};
  EXPECT_EQ(select_ranges(*twice, 10).kind(), Kind::kWhole);
}

TEST(Range, KnowsItsSize) {
  EXPECT_EQ((ByteRange{.first = 3, .last = 3}).size(), 1u);
  EXPECT_EQ((ByteRange{.first = 0, .last = 99}).size(), 100u);
}

TEST(Range, WritesContentRange) {
  FieldList list;
  EXPECT_EQ(content_range({.first = 0, .last = 99}, 1000, list.arena()), "bytes 0-99/1000");
  EXPECT_EQ(content_range({.first = kMax - 1, .last = kMax - 1}, kMax, list.arena()),
            "bytes 18446744073709551614-18446744073709551614/18446744073709551615");
  EXPECT_EQ(unsatisfied_content_range(0, list.arena()), "bytes */0");
  EXPECT_EQ(unsatisfied_content_range(1000, list.arena()), "bytes */1000");
}

}  // namespace
}  // namespace viaduct::http
