// SPDX-License-Identifier: Apache-2.0
// Byte ranges (RFC 9110 §14) for answers that are made here. What asks for more work than an answer is worth (many
// ranges, ranges that overlap) is not honoured: the whole representation is sent, as §14.2 allows.
// Pure functions; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/arena.h"
#include "http/fields.h"

namespace viaduct::http {

// Bytes `first` to `last`, both included.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  std::uint64_t size() const { return last - first + 1; }
  bool operator==(const ByteRange&) const = default;
};

// How many ranges one request may ask for; with more of them it gets everything.
inline constexpr std::size_t kRangesMax = 16;

// What to send of a representation.
class RangeSelection {
 public:
  enum class Kind : std::uint8_t {
    kWhole,          // 200: no Range, or one that is not honoured
    kParts,          // 206: ranges() in the order of the request; with two or more as multipart/byteranges
    kUnsatisfiable,  // 416
  };

  RangeSelection() = default;
  explicit RangeSelection(Kind kind) : kind_(kind) {}

  Kind kind() const { return kind_; }
  // None of them overlap and all lie within the representation. Empty unless kParts.
  std::span<const ByteRange> ranges() const { return {ranges_.data(), count_}; }

  // Adds a range, which makes this kParts; false when it overlaps another one. REQUIRES: fewer than kRangesMax so far.
  bool add(const ByteRange& range);

 private:
  Kind kind_ = Kind::kWhole;
  std::array<ByteRange, kRangesMax> ranges_{};
  std::size_t count_ = 0;
};

// What the Range field of a GET request selects of `size` bytes. The caller has asked allows_range()
// (http/conditional.h) before, and asks for GET alone (RFC 9110 §14.2). Other units, malformed sets, several Range
// lines, more than kRangesMax ranges and overlapping ones select everything. A suffix of nothing ("bytes=-5" of an
// empty file) selects everything too, as no Content-Range can say that.
RangeSelection select_ranges(const Fields& fields, std::uint64_t size);

// The values of Content-Range, "bytes 0-99/1000" for a part and "bytes */1000" beside 416; the text lives in `arena`.
std::string_view content_range(const ByteRange& range, std::uint64_t size, base::Arena& arena);
std::string_view unsatisfied_content_range(std::uint64_t size, base::Arena& arena);

}  // namespace viaduct::http
