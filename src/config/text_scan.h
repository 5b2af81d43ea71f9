// SPDX-License-Identifier: Apache-2.0
// Reads the text of a YAML file character by character before the parser does, because the parser's words for a slip
// ("illegal map value") help nobody, and because it lets some of them through. Finds what chat windows leave behind
// (look_alikes.h, tabs in the indentation, bytes that are not UTF-8), the traps of YAML (`[*]`, a plain scalar that
// starts with @, % or a back-tick, unknown escapes), and quotes and brackets that are never closed. What stands
// harmlessly in quotes, comments and block scalars is left alone.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"

namespace viaduct::config {

// More findings than this in one file are not told.
inline constexpr std::size_t kFindingsMax = 500;

// Maps and lists in each other; a config that is nested deeper is none.
inline constexpr std::size_t kDepthMax = 32;

// A quoted text that ends in another line than it begins. YAML allows that, but most of them lack a quote.
struct LongQuote {
  char character = 0;
  Place opened;
  int end_line = 0;
  bool ends_in_text = false;  // behind it is what cannot be there: its last quote was meant to open another text
  std::size_t findings = 0;   // up to its first line; later ones may be consequences
};

struct TextScan {
  std::vector<Problem> problems;  // all errors
  // The text with every finding mended as the operator most likely meant it, line by line the same, so that the rest
  // of the file can be checked in the same run.
  std::string mended;
  // False when no reading of the text makes sense (an open quote, not UTF-8).
  bool can_be_parsed = true;
  std::vector<LongQuote> long_quotes;  // the first kFindingsMax
  // Where the brackets first did not fit: the line, or 0 for the end of the text.
  std::optional<int> fault_line;
};

// The quote that somebody forgot to close, where that is why the structure of the text is broken in `line` (0: at its
// end): the first one whose text ends within another, else one whose text ends in that line. Null where none is.
const LongQuote* find_open_quote(const TextScan& scan, int line);
// What is wrong with it.
std::string describe_open_quote(const LongQuote& quote);

// Scans `text`, which came from `file`.
TextScan scan_text(std::string_view text, const std::string& file);

}  // namespace viaduct::config
