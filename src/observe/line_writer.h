// SPDX-License-Identifier: Apache-2.0
// Renders the values of one log line into memory that is known to be large enough, without formatting machinery.
// Whatever bytes a text holds, it can neither end its line nor its quotes: in JSON (RFC 8259 §7), quotes, backslashes,
// control characters (C0, DEL, C1) and Unicode's line separators are escaped, and a byte that is no UTF-8 is shown as
// the character \u00XX that ISO 8859-1 has for it; in text, everything but printable ASCII is \xXX, as nginx does. One
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace viaduct::observe {

// What the log shows of a query.
enum class QueryLogging : std::uint8_t {
  kMasked,  // a=***&b=***
  kKeys,    // a&b
  kFull,
};

class LineWriter {
 public:
  enum class Escape : std::uint8_t {
    kJson,  // texts in double quotes; what is absent is null
    kText,  // texts without quotes; what is absent or empty is -
  };

  // What a text of `bytes_max` bytes can grow to: six for each, two quotes, and the dots of a text that was cut.
  static constexpr std::size_t rendered_text_max(std::size_t bytes_max) { return bytes_max * 6 + 5; }
  // What number(), milliseconds() and absent() write at most.
  static constexpr std::size_t kRenderedNumberMax = 24;

  // Writes from `out` on. REQUIRES: room for all that will be written, as the constants above tell.
  LineWriter(char* out, Escape escape) : at_(out), escape_(escape) {}

  // Bytes as they are.
  void literal(std::string_view bytes);
  // A text of which at most `bytes_max` bytes are shown; a longer one ends in "...".
  void text(std::string_view text, std::size_t bytes_max);
  void number(std::uint64_t number);
  // Milliseconds with three decimals; nothing is shown as negative.
  void milliseconds(std::optional<base::Duration> duration);
  void absent();

  // A text made of parts that share one bound: open_text(), any number of parts, close_text().
  void open_text(std::size_t bytes_max);
  void part(std::string_view text);
  // The parts of a query, masked as `logging` says.
  void query_parts(std::string_view query, QueryLogging logging);
  void close_text();

  // Behind the last byte.
  char* end() const { return at_; }

 private:
  void escape_json(std::string_view text);
  void escape_text(std::string_view text);

  char* at_;
  Escape escape_;
  char* text_begin_ = nullptr;
  std::size_t text_left_ = 0;  // bytes that the open text may still take
  bool is_cut_ = false;
};

}  // namespace viaduct::observe
