// SPDX-License-Identifier: Apache-2.0
#include "config/utf8.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "base/format.h"

namespace viaduct::config {

namespace {

struct Range {
  char32_t first;
  char32_t last;
};

constexpr Range kInvisible[] = {{0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2064}, {0xfeff, 0xfeff}};
constexpr Range kWide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf}, {0xac00, 0xd7a3},
                           {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff01, 0xff60}, {0xffe0, 0xffe6},
                           {0x1f300, 0x1faff}, {0x20000, 0x3fffd}, {0x3000, 0x3000}};

template <std::size_t N>
bool contains(const Range (&ranges)[N], char32_t value) {
  return std::ranges::any_of(ranges,
                             [value](const Range& range) { return value >= range.first && value <= range.last; });
}

unsigned byte_at(std::string_view text, std::size_t index) {
  return static_cast<unsigned char>(text[index]);
}

// "\xNN".
constexpr int kEscapeWidth = 4;

bool is_printable(const CodePoint& point) {
  const bool is_control = point.value < 0x20 || (point.value >= 0x7f && point.value < 0xa0);
  return point.is_valid && !is_control;
}

}  // namespace

CodePoint first_code_point(std::string_view text) {
  CHECK(!text.empty());
  const std::size_t length = base::utf8_sequence(text);
  switch (length) {
    case 1: return {.value = byte_at(text, 0)};
    case 2: return {.value = (byte_at(text, 0) & 0x1fU) << 6 | (byte_at(text, 1) & 0x3fU), .length = 2};
    case 3:
      return {.value = (byte_at(text, 0) & 0x0fU) << 12 | (byte_at(text, 1) & 0x3fU) << 6 | (byte_at(text, 2) & 0x3fU),
              .length = 3};
    case 4:
      return {.value = (byte_at(text, 0) & 0x07U) << 18 | (byte_at(text, 1) & 0x3fU) << 12 |
                       (byte_at(text, 2) & 0x3fU) << 6 | (byte_at(text, 3) & 0x3fU),
              .length = 4};
    default: return {.value = 0xfffd, .length = 1, .is_valid = false};
  }
}

int column_of_offset(std::string_view line, std::size_t offset) {
  return ColumnCounter().column_of(line, offset);
}

int ColumnCounter::column_of(std::string_view line, std::size_t offset) {
  if (line.data() != line_ || offset < offset_) {
    line_ = line.data();
    offset_ = 0;
    column_ = 1;
  }
  while (offset_ < line.size()) {
    const std::size_t length = first_code_point(line.substr(offset_)).length;
    if (offset < offset_ + length) break;
    offset_ += length;
    ++column_;
  }
  return column_;
}

std::size_t offset_of_column(std::string_view line, int column) {
  std::size_t at = 0;
  for (int current = 1; current < column && at < line.size(); ++current) {
    at += first_code_point(line.substr(at)).length;
  }
  return at;
}

int cell_width(char32_t code_point) {
  if (contains(kInvisible, code_point)) return 0;
  return contains(kWide, code_point) ? 2 : 1;
}

std::string visible(std::string_view text, bool keeps_tabs) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    const std::string_view bytes = text.substr(0, point.length);
    text.remove_prefix(point.length);
    if (is_printable(point) || (keeps_tabs && point.value == '\t')) {
      shown += bytes;
      continue;
    }
    for (const char byte : bytes) shown += base::format("\\x{:02x}", static_cast<unsigned char>(byte));
  }
  return shown;
}

int visible_width(const CodePoint& point) {
  if (point.value == '\t') return 1;
  return is_printable(point) ? cell_width(point.value) : kEscapeWidth * static_cast<int>(point.length);
}

}  // namespace viaduct::config
