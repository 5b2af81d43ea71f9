// SPDX-License-Identifier: Apache-2.0
#include "observe/line_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/bytes.h"

namespace viaduct::observe {
namespace {

constexpr std::string_view kMask = "=***";
constexpr std::string_view kCutMark = "...";

// Bytes that stand for themselves in both kinds of escaping.
constexpr std::array<bool, 256> make_plain_table() {
  std::array<bool, 256> plain{};
  for (std::size_t byte = 0x20; byte < 0x7f; ++byte) plain[byte] = byte != '"' && byte != '\\';
  return plain;
}
constexpr std::array<bool, 256> kPlain = make_plain_table();

std::size_t plain_length(std::string_view text) {
  std::size_t length = 0;
  for (; text.size() - length >= sizeof(std::uint64_t); length += sizeof(std::uint64_t)) {
    const std::uint64_t eight = base::eight_bytes(text.data() + length);
    const std::uint64_t above = eight & (base::kEveryByte << 7);
    if ((above | base::any_below(eight, 0x20) | base::any_equal(eight, 0x7f) | base::any_equal(eight, '"') |
         base::any_equal(eight, '\\')) != 0) {
      break;
    }
  }
  while (length < text.size() && kPlain[static_cast<unsigned char>(text[length])]) ++length;
  return length;
}

char hex_digit(unsigned value, std::string_view digits) {
  return digits[value & 0x0f];
}

char* write_json_escape(char* at, unsigned code) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  *at++ = '\\';
  *at++ = 'u';
  for (const unsigned shift : {12U, 8U, 4U, 0U}) *at++ = hex_digit(code >> shift, kDigits);
  return at;
}

// The code point to escape at the start of `text`, whose first byte is not plain; 0 when its `length` bytes stand for
// themselves.
unsigned json_code(std::string_view text, std::size_t& length) {
  const unsigned first = static_cast<unsigned char>(text[0]);
  length = base::utf8_sequence(text);
  if (length == 1 || length == 0) {
    length = 1;
    return first;
  }
  const unsigned last = static_cast<unsigned char>(text[length - 1]);
  if (length == 2 && first == 0xc2 && last < 0xa0) return last;  // C1: U+0080 to U+009F
  const std::string_view sequence = text.substr(0, length);
  if (sequence == "\u2028") return 0x2028;
  if (sequence == "\u2029") return 0x2029;
  return 0;
}

}  // namespace

void LineWriter::literal(std::string_view bytes) {
  if (bytes.empty()) return;  // memcpy(3) takes no null pointer, not even for nothing
  std::memcpy(at_, bytes.data(), bytes.size());
  at_ += bytes.size();
}

void LineWriter::number(std::uint64_t number) {
  at_ = std::to_chars(at_, at_ + kRenderedNumberMax, number).ptr;
}

void LineWriter::milliseconds(std::optional<base::Duration> duration) {
  if (!duration.has_value()) {
    absent();
    return;
  }
  const auto microseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(duration->count(), 0)) / 1000;
  number(microseconds / 1000);
  const unsigned rest = static_cast<unsigned>(microseconds % 1000);
  *at_++ = '.';
  for (const unsigned unit : {100U, 10U, 1U}) *at_++ = static_cast<char>('0' + rest / unit % 10);
}

void LineWriter::absent() {
  literal(escape_ == Escape::kJson ? "null" : "-");
}

void LineWriter::text(std::string_view text, std::size_t bytes_max) {
  open_text(bytes_max);
  part(text);
  close_text();
}

void LineWriter::open_text(std::size_t bytes_max) {
  if (escape_ == Escape::kJson) *at_++ = '"';
  text_begin_ = at_;
  text_left_ = bytes_max;
  is_cut_ = false;
}

void LineWriter::part(std::string_view text) {
  if (is_cut_) return;
  if (text.size() > text_left_) {
    text = text.substr(0, base::utf8_cut(text, text_left_));
    is_cut_ = true;
  }
  text_left_ -= text.size();
  escape_ == Escape::kJson ? escape_json(text) : escape_text(text);
  if (is_cut_) literal(kCutMark);
}

void LineWriter::close_text() {
  if (escape_ == Escape::kJson) {
    *at_++ = '"';
  } else if (at_ == text_begin_) {
    *at_++ = '-';
  }
}

void LineWriter::query_parts(std::string_view query, QueryLogging logging) {
  if (logging == QueryLogging::kFull) {
    part(query);
    return;
  }
  // Only "&" separates: what another reader would separate at ";" is then part of a value, and not shown.
  while (!query.empty() && !is_cut_) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = pair.find('=');
    part(pair.substr(0, equals));
    if (equals != std::string_view::npos && logging == QueryLogging::kMasked) part(kMask);
    if (end < query.size()) part("&");
    query.remove_prefix(std::min(end + 1, query.size()));
  }
}

void LineWriter::escape_json(std::string_view text) {
  while (!text.empty()) {
    std::size_t length = plain_length(text);
    literal(text.substr(0, length));
    text.remove_prefix(length);
    if (text.empty()) return;
    const unsigned code = json_code(text, length);
    if (code == '"' || code == '\\') {
      *at_++ = '\\';
      *at_++ = static_cast<char>(code);
    } else if (code == 0 && length > 1) {
      literal(text.substr(0, length));
    } else {
      at_ = write_json_escape(at_, code);
    }
    text.remove_prefix(length);
  }
}

void LineWriter::escape_text(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  while (!text.empty()) {
    const std::size_t length = plain_length(text);
    literal(text.substr(0, length));
    text.remove_prefix(length);
    if (text.empty()) return;
    const unsigned byte = static_cast<unsigned char>(text[0]);
    *at_++ = '\\';
    *at_++ = 'x';
    *at_++ = hex_digit(byte >> 4, kDigits);
    *at_++ = hex_digit(byte, kDigits);
    text.remove_prefix(1);
  }
}

}  // namespace viaduct::observe
