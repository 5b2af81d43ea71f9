// SPDX-License-Identifier: Apache-2.0
#include "http/range.h"

#include <algorithm>
#include <charconv>
#include <expected>
#include <limits>

#include "base/bytes.h"
#include "base/check.h"
#include "http/syntax.h"

namespace viaduct::http {
namespace {

using Kind = RangeSelection::Kind;

constexpr std::string_view kUnit = "bytes";

enum class Misfit : std::uint8_t {
  kMalformed,      // the whole set is ignored
  kUnsatisfiable,  // this range is left out
  kEmptySuffix,    // satisfiable, but nothing can be sent for it
};

// A position of any number of digits; one that does not fit lies behind every end.
std::expected<std::uint64_t, Misfit> parse_position(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, base::is_digit)) return std::unexpected(Misfit::kMalformed);
  return base::parse_decimal(text).value_or(std::numeric_limits<std::uint64_t>::max());
}

// "-500": the last 500 bytes.
std::expected<ByteRange, Misfit> parse_suffix(std::string_view digits, std::uint64_t size) {
  const auto length = parse_position(digits);
  if (!length) return std::unexpected(length.error());
  if (*length == 0) return std::unexpected(Misfit::kUnsatisfiable);
  if (size == 0) return std::unexpected(Misfit::kEmptySuffix);
  return ByteRange{.first = size - std::min(*length, size), .last = size - 1};
}

// "0-99", "100-" or "-500".
std::expected<ByteRange, Misfit> parse_range(std::string_view text, std::uint64_t size) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::unexpected(Misfit::kMalformed);
  if (dash == 0) return parse_suffix(text.substr(1), size);
  const auto first = parse_position(text.substr(0, dash));
  if (!first) return std::unexpected(first.error());
  std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  if (dash + 1 < text.size()) {
    const auto position = parse_position(text.substr(dash + 1));
    if (!position || *position < *first) return std::unexpected(Misfit::kMalformed);
    last = *position;
  }
  if (*first >= size) return std::unexpected(Misfit::kUnsatisfiable);
  return ByteRange{.first = *first, .last = std::min(last, size - 1)};
}

RangeSelection select_from(std::string_view set, std::uint64_t size) {
  RangeSelection selection;
  std::size_t asked = 0;
  for (ListReader list(set); !list.done(); list.next()) {
    if (++asked > kRangesMax) return {};
    const auto range = parse_range(list.member(), size);
    if (range) {
      if (!selection.add(*range)) return {};
    } else if (range.error() != Misfit::kUnsatisfiable) {
      return {};
    }
  }
  if (asked == 0 || selection.kind() == Kind::kParts) return selection;
  return RangeSelection(Kind::kUnsatisfiable);
}

std::string_view append_number(base::Arena& arena, std::string_view text, std::uint64_t number) {
  char digits[20];
  const auto result = std::to_chars(std::begin(digits), std::end(digits), number);
  return arena.append(text, {digits, result.ptr});
}

}  // namespace

bool RangeSelection::add(const ByteRange& range) {
  DCHECK(count_ < kRangesMax);
  for (const ByteRange& other : ranges()) {
    if (range.first <= other.last && other.first <= range.last) return false;
  }
  ranges_[count_++] = range;
  kind_ = Kind::kParts;
  return true;
}

RangeSelection select_ranges(const Fields& fields, std::uint64_t size) {
  const Field* field = fields.find(FieldName::kRange);
  if (field == nullptr || fields.count(FieldName::kRange) != 1) return {};
  const std::size_t equals = field->value.find('=');
  if (equals == std::string_view::npos || !base::equals_ignoring_case(field->value.substr(0, equals), kUnit)) return {};
  return select_from(field->value.substr(equals + 1), size);
}

std::string_view content_range(const ByteRange& range, std::uint64_t size, base::Arena& arena) {
  std::string_view text = arena.copy("bytes ");
  text = append_number(arena, text, range.first);
  text = append_number(arena, arena.append(text, "-"), range.last);
  return append_number(arena, arena.append(text, "/"), size);
}

std::string_view unsatisfied_content_range(std::uint64_t size, base::Arena& arena) {
  return append_number(arena, arena.copy("bytes */"), size);
}

}  // namespace viaduct::http
