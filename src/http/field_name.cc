// SPDX-License-Identifier: Apache-2.0
#include "http/field_name.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "base/bytes.h"
#include "http/fields.h"

namespace viaduct::http {
namespace {

constexpr auto kSpellings = std::to_array<std::string_view>({"",
#define VIADUCT_FIELD_SPELLING(enumerator, spelling) spelling,
                                                             VIADUCT_FIELD_NAMES(VIADUCT_FIELD_SPELLING)
#undef VIADUCT_FIELD_SPELLING
});

// So many slots a name that a multiplier without collisions is found within a few hundred tries.
constexpr std::size_t kSlots = 1024;
constexpr unsigned kSlotBits = 10;
static_assert(kSlots == 1u << kSlotBits);
static_assert(kSpellings.size() <= 256 && kSpellings.size() * 8 < kSlots);

constexpr std::uint32_t folded(char byte) {
  return static_cast<unsigned char>(byte) | 0x20u;
}

// Mixes the length with five bytes that tell the names of the table apart; bit 5 goes, and the case with it.
constexpr std::size_t slot_of(std::string_view name, std::uint32_t multiplier) {
  const std::size_t size = name.size();
  std::uint32_t mixed = static_cast<std::uint32_t>(size);
  for (const std::size_t index : {std::size_t{0}, size / 2, size - 1, size > 1 ? size - 2 : 0, size / 3}) {
    mixed = (mixed ^ folded(name[index])) * multiplier;
  }
  return mixed >> (32 - kSlotBits);
}

using Table = std::array<FieldName, kSlots>;

constexpr bool fill(Table& table, std::uint32_t multiplier) {
  table = {};
  for (std::size_t i = 1; i < kSpellings.size(); ++i) {
    FieldName& slot = table[slot_of(kSpellings[i], multiplier)];
    if (slot != FieldName::kOther) return false;
    slot = static_cast<FieldName>(i);
  }
  return true;
}

struct PerfectHash {
  std::uint32_t multiplier = 0;  // 0: none was found
  Table table{};
};

constexpr PerfectHash find_perfect_hash() {
  PerfectHash hash;
  for (std::uint32_t i = 0; i < 4000; ++i) {
    const std::uint32_t multiplier = 0x9e3779b1u + 2 * i * 0x10001u;  // odd, so that no bit is lost
    if (!fill(hash.table, multiplier)) continue;
    hash.multiplier = multiplier;
    return hash;
  }
  return {};
}

constexpr PerfectHash kHash = find_perfect_hash();
static_assert(kHash.multiplier != 0, "two names agree in length and in the bytes that slot_of mixes: mix one more");

constexpr std::size_t kLongestName = [] {
  std::size_t longest = 0;
  for (const std::string_view spelling : kSpellings) longest = longest < spelling.size() ? spelling.size() : longest;
  return longest;
}();

// The names as HTTP/2 and many programs spell them. Comparing with both spellings as they are is faster than folding.
constexpr auto kLowerCase = [] {
  std::array<std::array<char, kLongestName>, kSpellings.size()> table{};
  for (std::size_t i = 0; i < kSpellings.size(); ++i) {
    std::ranges::transform(kSpellings[i], table[i].begin(), base::to_lower);
  }
  return table;
}();

}  // namespace

FieldName find_field_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestName) return FieldName::kOther;
  const FieldName candidate = kHash.table[slot_of(name, kHash.multiplier)];
  const auto index = std::to_underlying(candidate);
  // An empty slot holds kOther, whose spelling is empty and as long as no name.
  const std::string_view spelling = kSpellings[index];
  if (name.size() != spelling.size()) return FieldName::kOther;
  const bool is_same =
      name == std::string_view(kLowerCase[index].data(), name.size()) || base::equals_ignoring_case(name, spelling);
  return is_same ? candidate : FieldName::kOther;
}

std::string_view field_name_text(FieldName name) {
  return kSpellings.at(std::to_underlying(name));
}

}  // namespace viaduct::http
