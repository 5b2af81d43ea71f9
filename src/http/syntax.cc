// SPDX-License-Identifier: Apache-2.0
#include "http/syntax.h"

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace viaduct::http {
namespace {

constexpr std::uint8_t kTokenByte = 1;
constexpr std::uint8_t kValueByte = 2;

constexpr auto kClasses = [] {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t byte = 0x20; byte < 256; ++byte) table[byte] = byte == 0x7f ? 0 : kValueByte;
  table['\t'] = kValueByte;
  for (std::size_t letter = 0; letter < 26; ++letter) {
    table['a' + letter] |= kTokenByte;
    table['A' + letter] |= kTokenByte;
  }
  for (const char byte : std::string_view("0123456789!#$%&'*+-.^_`|~")) {
    table[static_cast<unsigned char>(byte)] |= kTokenByte;
  }
  return table;
}();

std::size_t run_length(std::string_view text, std::uint8_t wanted) {
  std::size_t length = 0;
  while (length < text.size() && (kClasses[static_cast<unsigned char>(text[length])] & wanted) != 0) ++length;
  return length;
}

bool is_whitespace(char byte) {
  return byte == ' ' || byte == '\t';
}

// qvalue: 0 or 1, up to three digits behind the point, none above 1. Absent when it is none.
std::optional<int> parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  int weight = (text[0] - '0') * 1000;
  if (text.size() == 1) return weight;
  if (text[1] != '.') return std::nullopt;
  int unit = 100;
  for (const char digit : text.substr(2)) {
    if (!base::is_digit(digit)) return std::nullopt;
    weight += (digit - '0') * unit;
    unit /= 10;
  }
  if (weight > 1000) return std::nullopt;
  return weight;
}

}  // namespace

std::size_t token_length(std::string_view text) {
  return run_length(text, kTokenByte);
}

bool is_field_value(std::string_view text) {
  if (text.empty()) return true;
  if (is_whitespace(text.front()) || is_whitespace(text.back())) return false;
  text.remove_prefix(base::text_words(text));
  return run_length(text, kValueByte) == text.size();
}

std::string_view trim_whitespace(std::string_view text) {
  while (!text.empty() && is_whitespace(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_whitespace(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view take_member(std::string_view& rest, char separator) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < rest.size(); ++end) {
    const char byte = rest[end];
    if (byte == '"') quoted = !quoted;
    if (byte == '\\' && quoted) ++end;  // a quoted pair: the next byte ends nothing
    if (byte == separator && !quoted) break;
  }
  const std::string_view member = trim_whitespace(rest.substr(0, end));
  rest = end < rest.size() ? rest.substr(end + 1) : std::string_view{};
  return member;
}

void ListReader::next() {
  member_ = {};
  while (member_.empty() && !rest_.empty()) member_ = take_member(rest_, ',');
}

Weighted read_weight(std::string_view member) {
  Weighted result;
  result.value = take_member(member, ';');
  while (!member.empty()) {
    const std::string_view parameter = take_member(member, ';');
    const std::size_t equals = parameter.find('=');
    if (!base::equals_ignoring_case(parameter.substr(0, equals), "q")) continue;
    if (equals == std::string_view::npos) return {.value = result.value, .weight = 0};
    result.weight = parse_weight(parameter.substr(equals + 1)).value_or(0);
  }
  return result;
}

}  // namespace viaduct::http
