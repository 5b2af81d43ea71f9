// SPDX-License-Identifier: Apache-2.0
// Code points of UTF-8 text, as far as the config's messages need them: columns are counted in code points, and a caret
// stands under a wide character's first cell; what no terminal should get is spelled out. Pure functions; any thread.
// RFC 3629.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace viaduct::config {

// One code point and the bytes that spelled it.
struct CodePoint {
  char32_t value = 0;      // U+FFFD for a byte that starts no well-formed sequence
  std::size_t length = 1;  // in bytes
  bool is_valid = true;
};

// The code point that `text` starts with. REQUIRES: !text.empty().
CodePoint first_code_point(std::string_view text);
// The column, from 1, of the code point that holds byte `offset` of `line`; an offset at or behind the end gives the
// column behind the last code point.
int column_of_offset(std::string_view line, std::size_t offset);
// column_of_offset() for many offsets that mostly grow: a line is counted once, however often it is asked about.
class ColumnCounter {
 public:
  // `line` must stay where it is as long as it is asked about.
  int column_of(std::string_view line, std::size_t offset);

 private:
  const char* line_ = nullptr;
  std::size_t offset_ = 0;  // of the code point that was counted last
  int column_ = 1;
};

// The byte offset of column `column` (from 1) of `line`; line.size() when the line is shorter.
std::size_t offset_of_column(std::string_view line, int column);
// How many cells of a terminal `code_point` takes: 0 (invisible), 1, or 2 (East Asian wide).
int cell_width(char32_t code_point);

// `text` as it may be printed: \xNN for each byte that is no UTF-8 or belongs to a control character (C0, DEL, C1), so
// that none ends the text, begins a line of its own or moves a terminal. Tabs stay where `keeps_tabs`.
std::string visible(std::string_view text, bool keeps_tabs = false);
// How many cells `point` takes in visible(text, true); a tab counts as one.
int visible_width(const CodePoint& point);

}  // namespace viaduct::config
