// SPDX-License-Identifier: Apache-2.0
#include "config/text_scan.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/format.h"
#include "config/look_alikes.h"
#include "config/utf8.h"

namespace viaduct::config {

namespace {

constexpr std::string_view kEscapes = "0abtnvfe \"'/\\N_LPxuU\t";
constexpr std::string_view kFlow = ",[]{}";

bool is_blank(char byte) {
  return byte == ' ' || byte == '\t';
}

// One pass over the text. Knows as much of YAML's grammar as it takes to tell structure from content: where a node
// starts, which quotes, brackets and block scalars are open.
//
//   kNodeStart ──► kPlain ──": " or flow ","──► kNodeStart        '#' ─► kComment ─► end of line
//        ├──► kSingle / kDouble ─► kAfterQuote ──": " or ","──► kNodeStart
//        └──► kBlock (lines that are indented deeper) ─► kNodeStart
class TextScanner {
 public:
  TextScanner(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  TextScan run() {
    if (is_utf16()) return std::move(scan_);
    collect_anchors();
    std::size_t at = 0;
    while (at < text_.size()) {
      const std::size_t end = std::min(text_.find('\n', at), text_.size());
      line_ = text_.substr(at, end - at);
      if (line_.ends_with('\r')) line_.remove_suffix(1);
      ++line_number_;
      scan_line();
      if (end < text_.size()) scan_.mended += '\n';
      at = end + 1;
    }
    report_what_is_open();
    return std::move(scan_);
  }

 private:
  enum class State { kNodeStart, kPlain, kAfterQuote, kSingle, kDouble, kBlock, kComment };

  // An opening bracket or quote, for the message when it is never closed.
  struct Opening {
    char character = 0;
    Place place;
  };

  Place place_at(std::size_t offset) {
    return {.file = file_, .line = line_number_, .column = columns_.column_of(line_, offset)};
  }

  void report(std::size_t offset, std::string message) {
    if (scan_.problems.size() == kFindingsMax) return;
    scan_.problems.push_back({.place = place_at(offset), .key = {}, .message = std::move(message)});
  }

  bool is_utf16() {
    if (!text_.starts_with("\xff\xfe") && !text_.starts_with("\xfe\xff")) return false;
    scan_.problems.push_back({.place = {.file = file_, .line = 1, .column = 1},
                              .key = {},
                              .message = "the file is UTF-16; save it as UTF-8 without byte order mark"});
    scan_.can_be_parsed = false;
    return true;
  }

  // An alias to an anchor that stands nowhere is a `*` that should have been quoted.
  void collect_anchors() {
    for (std::size_t at = text_.find('&'); at != std::string_view::npos; at = text_.find('&', at + 1)) {
      anchors_.emplace(word_at(text_, at + 1));
    }
  }

  static std::string_view word_at(std::string_view text, std::size_t at) {
    return text.substr(at, std::min(text.find_first_of(" \t\r\n,[]{}", at), text.size()) - at);
  }

  void scan_line() {
    dashes_ = 0;
    if (line_number_ == 1 && line_.starts_with("\xef\xbb\xbf")) {
      report(0, "byte order mark (U+FEFF) at the start of the file; save it as UTF-8 without byte order mark");
      line_.remove_prefix(3);
    }
    std::size_t at = start_line();
    while (at < line_.size()) {
      const CodePoint point = first_code_point(line_.substr(at));
      const std::string_view bytes = line_.substr(at, point.length);
      if (!point.is_valid) {
        report_not_utf8(at);
        scan_.mended += '?';
        at += 1;
        continue;
      }
      at += scan_look_alike(at, point.value, bytes) ? point.length : scan_character(at, point.length);
    }
    if (state_ == State::kComment || state_ == State::kAfterQuote) state_ = State::kNodeStart;
  }

  // Handles the indentation and decides what the line begins with. Returns the offset behind the indentation.
  std::size_t start_line() {
    const std::size_t content = std::min(line_.find_first_not_of(" \t"), line_.size());
    if (state_ == State::kSingle || state_ == State::kDouble) return 0;
    const bool is_empty = content == line_.size();
    const std::size_t spaces = std::min(line_.find_first_not_of(' '), line_.size());
    if (state_ == State::kBlock) {
      if (is_empty || static_cast<int>(spaces) > block_indent_) return 0;
      state_ = State::kNodeStart;
    }
    const bool continues = flow_.empty() ? static_cast<int>(spaces) > parent_indent_ : true;
    if (state_ == State::kPlain && !continues) state_ = State::kNodeStart;
    if (spaces != content && flow_.empty() && !is_empty && line_[content] != '#') {
      report(spaces, "tab in the indentation; YAML takes spaces alone, so replace it by spaces");
    }
    // A tab before a comment, on an empty line or between brackets is harmless, but the parser does not think so.
    scan_.mended.append(content, ' ');
    if (flow_.empty() && state_ != State::kPlain && !is_empty) {
      parent_indent_ = static_cast<int>(content) - 1;
      is_key_position_ = true;
    }
    return content;
  }

  void report_not_utf8(std::size_t at) {
    scan_.can_be_parsed = false;
    if (has_reported_bytes_) return;
    has_reported_bytes_ = true;
    report(at, base::format("byte 0x{:02X} is not UTF-8; save the file as UTF-8 (it may be GBK)",
                            static_cast<unsigned char>(line_[at])));
  }

  // True when the character was a finding, which is then reported and mended.
  bool scan_look_alike(std::size_t at, char32_t value, std::string_view bytes) {
    const LookAlike found = look_alike(value);
    if (found.look == Look::kPlain) return false;
    // A run of the same character is told once.
    const bool is_repeated = found.look != Look::kPunctuation && line_.substr(0, at).ends_with(bytes);
    if (found.look == Look::kControl) {
      if (!is_repeated) report(at, describe_look_alike(value, bytes) + "; delete it");
      return true;
    }
    if (state_ == State::kComment || state_ == State::kBlock) return false;
    const bool is_in_quotes = state_ == State::kSingle || state_ == State::kDouble;
    if (found.look == Look::kInvisible && (!is_in_quotes || is_never_meant(value))) {
      report(at, describe_look_alike(value, bytes) +
                     (is_in_quotes ? " in quotes; delete it (or write \\u and its number in double quotes)"
                                   : "; delete it"));
      return true;
    }
    if (found.name.ends_with("dash") && state_ != State::kNodeStart) return false;  // typography
    if (is_in_quotes) return closes_quote_by_mistake(at, found.ascii) && mend_quote(at, value, bytes, found.ascii);
    if (!is_repeated) report_structure(at, value, bytes, found);
    feed_mended(at, found.ascii);
    return true;
  }

  // Joiners are part of emoji and of some scripts; these are part of nothing.
  static bool is_never_meant(char32_t value) { return value == 0x200b || value == 0x2060 || value == 0xfeff; }

  // `"abc”`: no plain quote follows on this line, so the curly one was meant to close.
  bool closes_quote_by_mistake(std::size_t at, char ascii) const {
    const char quote = state_ == State::kSingle ? '\'' : '"';
    if (ascii != quote || open_quote_.place.line != line_number_) return false;
    return is_curly_quote_ || line_.find(quote, at) == std::string_view::npos;
  }

  bool mend_quote(std::size_t at, char32_t value, std::string_view bytes, char ascii) {
    report(at, base::format("{} closes a quoted text; type {} instead", describe_look_alike(value, bytes), ascii));
    scan_.mended += ascii;
    state_ = State::kAfterQuote;
    return true;
  }

  void report_structure(std::size_t at, char32_t value, std::string_view bytes, const LookAlike& found) {
    const std::string what = describe_look_alike(value, bytes);
    if (found.look == Look::kSpace) {
      report(at, what + "; type a plain space instead");
    } else {
      report(at, base::format("{}; type {} instead (or put the text in quotes, if it is meant)", what, found.ascii));
    }
  }

  // Goes on as if the plain character stood there.
  void feed_mended(std::size_t at, char ascii) {
    const bool is_curly = ascii == '"' || ascii == '\'';
    if (is_curly && state_ == State::kNodeStart) {
      open_quote(at, ascii);
      is_curly_quote_ = true;
    } else if (ascii == ':' || (ascii == ',' && !flow_.empty())) {
      state_ = State::kNodeStart;
      is_key_position_ = ascii == ',';
      scan_.mended += ascii;
      // Where a space follows anyway, columns stay what they are.
      const std::size_t next = at + first_code_point(line_.substr(at)).length;
      if (ends_token(next)) return;
      ascii = ' ';
    } else if (kFlow.contains(ascii) && (state_ == State::kNodeStart || !flow_.empty())) {
      scan_flow(at, ascii);
    } else if (ascii == '-' && state_ == State::kNodeStart) {
      // A dash of a list: the item follows.
    } else if (ascii != ' ' && state_ == State::kNodeStart) {
      state_ = State::kPlain;
    }
    scan_.mended += ascii;
  }

  // Takes one well-formed character and returns how many bytes it was.
  std::size_t scan_character(std::size_t at, std::size_t length) {
    switch (state_) {
      case State::kNodeStart: return scan_node_start(at, length);
      case State::kPlain:
      case State::kAfterQuote: return scan_plain(at, length);
      case State::kSingle: return scan_single(at, length);
      case State::kDouble: return scan_double(at, length);
      case State::kBlock:
      case State::kComment: break;
    }
    return copy(at, length);
  }

  std::size_t copy(std::size_t at, std::size_t length) {
    scan_.mended.append(line_.substr(at, length));
    return length;
  }

  // The parser takes a tab between words, as YAML has it; where it would be part of a text, or where text came through
  // a chat window, nobody meant it. Before a comment or the end of the line it is harmless.
  bool is_meant_as_space(std::size_t at) const {
    const std::size_t next = line_.find_first_not_of(" \t", at);
    return line_[at] == '\t' && next != std::string_view::npos && line_[next] != '#';
  }

  // Reports a run of tabs once, and goes on as if it were spaces.
  std::size_t scan_tab(std::size_t at) {
    if (at == 0 || line_[at - 1] != '\t') report(at, "tab; type a space instead");
    scan_.mended += ' ';
    return 1;
  }

  bool ends_token(std::size_t at) const { return at >= line_.size() || is_blank(line_[at]); }

  std::size_t scan_node_start(std::size_t at, std::size_t length) {
    const char byte = line_[at];
    if (is_meant_as_space(at)) return scan_tab(at);
    if (is_blank(byte)) return copy(at, length);
    if (byte == '#' && (at == 0 || is_blank(line_[at - 1]))) {
      state_ = State::kComment;
    } else if ((byte == '-' || byte == '?') && ends_token(at + 1) && flow_.empty()) {
      parent_indent_ = static_cast<int>(at);
      is_key_position_ = true;
      check_depth(at, ++dashes_);
    } else if (byte == '"' || byte == '\'') {
      open_quote(at, byte);
    } else if (kFlow.contains(byte)) {
      scan_flow(at, byte);
    } else if (byte == '&' || byte == '!') {
      return copy(at, 1 + word_at(line_, at + 1).size());
    } else if ((byte == '|' || byte == '>') && flow_.empty()) {
      block_indent_ = parent_indent_;
      state_ = State::kBlock;
      return copy(at, line_.size() - at);
    } else if (scan_trap(at, byte)) {
      state_ = State::kPlain;
      if (ends_token(at + 1) || kFlow.contains(line_[at + 1])) scan_.mended += 'x';
      return length;
    } else {
      start_plain(at);
    }
    return copy(at, length);
  }

  void start_plain(std::size_t at) {
    state_ = State::kPlain;
    start_scalar(at);
  }

  void start_scalar(std::size_t at) {
    if (flow_.empty() && is_key_position_) parent_indent_ = static_cast<int>(at) - (has_colon_after(at) ? 0 : 1);
    is_plain_key_ = is_key_position_ && state_ == State::kPlain;
    is_key_position_ = false;
  }

  bool has_colon_after(std::size_t at) const {
    return line_.find(": ", at) != std::string_view::npos || line_.ends_with(':');
  }

  // Characters that YAML does not let a plain scalar start with. True when `byte` is one, which is then reported.
  bool scan_trap(std::size_t at, char byte) {
    const std::string_view word = word_at(line_, at);
    if (byte == '@' || byte == '`' || byte == '%') {
      report(at, base::format("text cannot start with {} in YAML; put it in quotes: \"{}\"", byte, word));
      return true;
    }
    if (byte != '*' || (word.size() > 1 && anchors_.contains(std::string(word.substr(1))))) return false;
    report(at, base::format("an unquoted * starts an alias in YAML; put it in quotes: \"{}\"", word));
    return true;
  }

  void open_quote(std::size_t at, char quote) {
    state_ = quote == '"' ? State::kDouble : State::kSingle;
    start_scalar(at);
    is_curly_quote_ = false;
    open_quote_ = {.character = quote, .place = place_at(at)};
  }

  void scan_flow(std::size_t at, char byte) {
    state_ = State::kNodeStart;
    if (byte == '[' || byte == '{') {
      flow_.push_back({.character = byte, .place = place_at(at)});
      check_depth(at, flow_.size());
    } else if (byte != ',') {
      close_flow(at, byte);
    }
    is_key_position_ = !flow_.empty() && flow_.back().character == '{';
  }

  // The parser takes a time for nesting that grows with its square.
  void check_depth(std::size_t at, std::size_t depth) {
    if (depth <= kDepthMax || !scan_.can_be_parsed) return;
    report(at, base::format("maps and lists are nested more than {} deep; flatten them", kDepthMax));
    scan_.can_be_parsed = false;
  }

  void close_flow(std::size_t at, char byte) {
    state_ = State::kAfterQuote;
    if (flow_.empty()) {
      report(at, base::format("{} closes nothing; delete it, or put the text in quotes", byte));
      note_fault(line_number_);
      return;
    }
    const char opening = byte == ']' ? '[' : '{';
    const Opening opened = flow_.back();
    flow_.pop_back();
    if (opened.character == opening) return;
    // The inner one was forgotten; go on as if it had been closed.
    if (!flow_.empty() && flow_.back().character == opening) flow_.pop_back();
    report(at, base::format("{} closes the {} of line {}, column {}; type {} instead", byte, opened.character,
                            opened.place.line, opened.place.column, opened.character == '[' ? ']' : '}'));
    note_fault(line_number_);
  }

  void note_fault(int line) {
    scan_.can_be_parsed = false;
    if (!scan_.fault_line) scan_.fault_line = line;
  }

  std::size_t scan_plain(std::size_t at, std::size_t length) {
    const char byte = line_[at];
    if (is_meant_as_space(at)) return scan_tab(at);
    if (byte == '#' && at > 0 && is_blank(line_[at - 1])) {
      state_ = State::kComment;
    } else if (!flow_.empty() && at > 0 && byte == '{' && line_[at - 1] == '$') {
      return scan_variable(at);
    } else if (!flow_.empty() && kFlow.contains(byte)) {
      scan_flow(at, byte);
    } else if (byte == ':') {
      return scan_colon(at);
    }
    return copy(at, length);
  }

  // Between brackets, the brace of ${NAME} would open a map.
  std::size_t scan_variable(std::size_t at) {
    const std::size_t end = std::min(line_.find('}', at), line_.size() - 1);
    report(at - 1, base::format("between brackets, a text with ${{ }} needs quotes: \"{}\"",
                                line_.substr(at - 1, end - at + 2)));
    scan_.mended += 'x';
    return end - at + 1;
  }

  std::size_t scan_colon(std::size_t at) {
    const char next = at + 1 < line_.size() ? line_[at + 1] : ' ';
    const bool is_flow = !flow_.empty();
    if (is_blank(next) || (is_flow && (next == ',' || next == ']' || next == '}' || state_ == State::kAfterQuote))) {
      state_ = State::kNodeStart;
      is_key_position_ = false;
    } else if (is_plain_key_ && (next == '[' || next == '{' || next == '"' || next == '\'')) {
      report(at, base::format("a space is missing behind the colon; write \": {}\"", next));
      scan_.mended += ": ";
      state_ = State::kNodeStart;
      is_key_position_ = false;
      return 1;
    }
    return copy(at, 1);
  }

  void close_quote(std::size_t at) {
    state_ = State::kAfterQuote;
    if (open_quote_.place.line == line_number_ || scan_.long_quotes.size() == kFindingsMax) return;
    const std::size_t next = line_.find_first_not_of(" \t", at + 1);
    const bool is_at_end = next == std::string_view::npos || (line_[next] == '#' && next > at + 1);
    const std::string_view may_follow = flow_.empty() ? ":" : ",]}:";
    const auto is_before = [&](const Problem& problem) { return problem.place.line <= open_quote_.place.line; };
    scan_.long_quotes.push_back(
        {.character = open_quote_.character,
         .opened = open_quote_.place,
         .end_line = line_number_,
         .ends_in_text = !is_at_end && !may_follow.contains(line_[next]),
         .findings = static_cast<std::size_t>(std::ranges::count_if(scan_.problems, is_before))});
  }

  std::size_t scan_single(std::size_t at, std::size_t length) {
    if (line_[at] != '\'') return copy(at, length);
    if (at + 1 < line_.size() && line_[at + 1] == '\'') return copy(at, 2);
    close_quote(at);
    return copy(at, 1);
  }

  std::size_t scan_double(std::size_t at, std::size_t length) {
    if (line_[at] == '"') {
      close_quote(at);
      return copy(at, 1);
    }
    if (line_[at] != '\\') return copy(at, length);
    if (at + 1 >= line_.size()) return copy(at, 1);  // joins this line and the next
    if (kEscapes.contains(line_[at + 1])) return copy(at, 2);
    const std::size_t escaped = first_code_point(line_.substr(at + 1)).length;
    report(at, base::format("\\{0} is no escape of YAML; write \\\\{0}, or use single quotes, where \\ means itself",
                            line_.substr(at + 1, escaped)));
    scan_.mended += '\\';
    return copy(at, 1 + escaped);
  }

  void report_what_is_open() {
    if (state_ == State::kSingle || state_ == State::kDouble) {
      report_open(open_quote_, base::format("this {} is never closed; add the closing quote", open_quote_.character));
    } else if (!flow_.empty()) {
      const char opened = flow_.back().character;
      report_open(flow_.back(), base::format("this {} is never closed; add {}", opened, opened == '[' ? ']' : '}'));
    }
  }

  void report_open(const Opening& opening, std::string message) {
    scan_.problems.push_back({.place = opening.place, .key = {}, .message = std::move(message)});
    note_fault(0);
  }

  std::string_view text_;
  std::string file_;
  TextScan scan_;
  std::set<std::string> anchors_;
  std::string_view line_;
  ColumnCounter columns_;
  int line_number_ = 0;
  State state_ = State::kNodeStart;
  std::vector<Opening> flow_;     // brackets that are open
  Opening open_quote_;            // of the quoted scalar that is being read
  bool is_curly_quote_ = false;   // it was opened by a look-alike
  bool is_key_position_ = false;  // the next scalar may be a key
  bool is_plain_key_ = false;     // the plain scalar that is being read may be one
  int parent_indent_ = -1;        // lines that are indented deeper belong to the value that is being read
  int block_indent_ = -1;         // the same for the block scalar that is being read
  std::size_t dashes_ = 0;        // lists that this line has opened
  bool has_reported_bytes_ = false;
};

}  // namespace

TextScan scan_text(std::string_view text, const std::string& file) {
  return TextScanner(text, file).run();
}

const LongQuote* find_open_quote(const TextScan& scan, int line) {
  for (const LongQuote& quote : scan.long_quotes) {
    if (quote.ends_in_text) return line == 0 || quote.opened.line <= line ? &quote : nullptr;
  }
  const auto last = std::ranges::find(scan.long_quotes, line, &LongQuote::end_line);
  return last == scan.long_quotes.end() ? nullptr : &*last;
}

std::string describe_open_quote(const LongQuote& quote) {
  return base::format("this {} is never closed in its line, and the next one is in line {}; add the closing quote",
                      quote.character, quote.end_line);
}

}  // namespace viaduct::config
