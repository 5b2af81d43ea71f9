// SPDX-License-Identifier: Apache-2.0
#include "filter/rewrite_regex.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"
#include "base/uri.h"

namespace viaduct::filter {
namespace {

constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";
constexpr std::size_t kSequenceMax = 4;  // bytes of a character, RFC 3629 §3

// How many bytes at the start of `text` spell one byte, which `byte` is set to.
std::size_t read_byte(std::string_view text, Spelling spelling, char& byte) {
  byte = text.front();
  if (byte != '%' || spelling == Spelling::kDecoded || text.size() < 3) return 1;
  const int high = base::hex_value(text[1]);
  const int low = base::hex_value(text[2]);
  if (high < 0 || low < 0 || high * 16 + low == '/') return 1;
  byte = static_cast<char>(high * 16 + low);
  return 3;
}

// Walks a path character by character.
class Characters {
 public:
  Characters(std::string_view path, Spelling spelling) : rest_(path), spelling_(spelling) {}

  bool has_next() const { return !rest_.empty(); }
  // Takes a character: its UTF-8, which lives until the next is taken.
  std::string_view next() {
    std::array<std::size_t, kSequenceMax> widths{};
    std::size_t count = 0;
    for (std::size_t at = 0; count < kSequenceMax && at < rest_.size(); at += widths[count++]) {
      widths[count] = read_byte(rest_.substr(at), spelling_, bytes_[count]);
    }
    const std::size_t length = base::utf8_sequence(std::string_view(bytes_.data(), count));
    for (std::size_t i = 0; i < std::max<std::size_t>(length, 1); ++i) rest_.remove_prefix(widths[i]);
    return length == 0 ? kReplacementCharacter : std::string_view(bytes_.data(), length);
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  Spelling spelling_;
  std::array<char, kSequenceMax> bytes_{};
};

bool is_plain(std::string_view path, Spelling spelling) {
  return std::ranges::all_of(path, [spelling](char byte) {
    return static_cast<unsigned char>(byte) < 0x80 && (byte != '%' || spelling == Spelling::kDecoded);
  });
}

// What the expression sees of `path`.
std::string_view characters_of(std::string_view path, Spelling spelling, base::Arena& arena) {
  if (is_plain(path, spelling)) return path;
  char* out = arena.make_array<char>(path.size() * kReplacementCharacter.size());
  std::size_t size = 0;
  for (Characters characters(path, spelling); characters.has_next();) {
    const std::string_view character = characters.next();
    std::ranges::copy(character, out + size);
    size += character.size();
  }
  return {out, size};
}

// Where byte `at` of characters_of(path) stands in `path`. REQUIRES: a character begins or the text ends there.
std::size_t place_in(std::string_view path, Spelling spelling, std::size_t at) {
  Characters characters(path, spelling);
  for (std::size_t seen = 0; seen < at;) seen += characters.next().size();
  return path.size() - characters.rest().size();
}

// Encodes what may not stand in a query (RFC 3986 §3.4); what is escaped already stays so.
std::string encode_query(std::string_view text) {
  std::string encoded;
  for (; !text.empty(); text.remove_prefix(1)) {
    const bool is_escape = text.size() >= 3 && base::has_valid_escapes(text.substr(0, 3));
    if (text.front() == '?' || (text.front() == '%' && is_escape)) {
      encoded += text.front();
      continue;
    }
    std::array<char, 3> out{};
    encoded.append(out.data(), base::percent_encode(text.substr(0, 1), out.data()));
  }
  return encoded;
}

std::string encode_path(std::string_view text) {
  std::string encoded(3 * text.size(), '\0');
  encoded.resize(base::percent_encode(text, encoded.data()));
  return encoded;
}

// A part of the path for a query: what would begin another parameter there is escaped.
std::string_view as_value(std::string_view text, base::Arena& arena) {
  constexpr std::string_view kSeparators = "&+;";
  if (text.find_first_of(kSeparators) == std::string_view::npos) return text;
  char* out = arena.make_array<char>(3 * text.size());
  std::size_t size = 0;
  for (const char byte : text) {
    if (!kSeparators.contains(byte)) {
      out[size++] = byte;
      continue;
    }
    for (const char escaped : byte == '&' ? std::string_view("%26") : byte == '+' ? "%2B" : "%3B")
      out[size++] = escaped;
  }
  return {out, size};
}

}  // namespace

base::Result<RewriteRegex> RewriteRegex::make(const config::ReplaceRegex& config) {
  auto regex = route::Regex::compile(config.pattern);
  if (!regex) return std::unexpected(std::move(regex).error());
  TRY(regex->check_replacement(config.replacement));
  return RewriteRegex(std::move(*regex), config.replacement);
}

RewriteRegex::RewriteRegex(route::Regex regex, std::string_view replacement) : regex_(std::move(regex)) {
  Piece piece;
  const auto end_piece = [&](int group) {
    piece.received = piece.in_query ? encode_query(piece.decoded) : encode_path(piece.decoded);
    piece.group = group;
    const bool in_query = piece.in_query;
    pieces_.push_back(std::exchange(piece, {}));
    piece.in_query = in_query;
  };
  for (std::size_t at = 0; at < replacement.size(); ++at) {
    if (replacement[at] == '\\') {
      const char named = replacement[++at];
      if (base::is_digit(named)) {
        end_piece(named - '0');
      } else {
        piece.decoded.push_back(named);
      }
    } else if (replacement[at] == '?' && !piece.in_query) {
      end_piece(-1);
      piece.in_query = true;
    } else {
      piece.decoded.push_back(replacement[at]);
    }
  }
  end_piece(-1);
}

Rewritten RewriteRegex::rewrite(std::string_view path, Spelling spelling, base::Arena& arena) const {
  const std::string_view text = characters_of(path, spelling, arena);
  route::Regex::Groups groups{};
  if (!regex_.find(text, groups)) return {.path = path, .query = {}};
  Rewritten made;
  const auto place_of = [&](const char* at) {
    auto place = static_cast<std::size_t>(at - text.data());
    if (text.data() != path.data()) place = place_in(path, spelling, place);
    // A '%' begins an escape, and no escape holds another one.
    const bool within = path.substr(0, place).ends_with('%') || (place > 1 && path[place - 2] == '%');
    made.splits_escape = made.splits_escape || (within && spelling == Spelling::kReceived);
    return place;
  };
  const auto spelling_of = [&](std::string_view group) {
    if (group.empty()) return std::string_view();
    const std::size_t begin = place_of(group.data());
    return path.substr(begin, place_of(group.data() + group.size()) - begin);
  };
  const std::string_view match = groups[0];
  const std::string_view before = path.substr(0, place_of(match.data()));
  const std::string_view after = path.substr(place_of(match.data() + match.size()));
  made.path = before;
  const auto add = [&](bool in_query, std::string_view literal, std::string_view part) {
    std::string_view& whole = in_query ? made.query : made.path;
    whole = arena.append(arena.append(whole, literal), in_query ? as_value(part, arena) : part);
  };
  for (const Piece& piece : pieces_) {
    const std::string_view group = piece.group < 0 ? std::string_view() : groups[static_cast<std::size_t>(piece.group)];
    add(piece.in_query, spelling == Spelling::kReceived ? piece.received : piece.decoded, spelling_of(group));
  }
  add(pieces_.back().in_query, {}, after);
  if (!made.path.starts_with('/')) made.path = arena.append(arena.copy("/"), made.path);
  return made;
}

}  // namespace viaduct::filter
