// SPDX-License-Identifier: Apache-2.0
#include "base/uri.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/bytes.h"
#include "base/check.h"
#include "base/ip.h"

namespace viaduct::base {
namespace {

constexpr bool is_letter(char byte) {
  const char lower = to_lower(byte);
  return lower >= 'a' && lower <= 'z';
}

// What may stand in a request target: everything visible but '#', and bytes above 0x7f.
constexpr auto kTargetBytes = [] {
  std::array<bool, 256> table{};
  for (std::size_t byte = 0x21; byte < 256; ++byte) table[byte] = byte != 0x7f && byte != '#';
  return table;
}();

bool is_target_text(std::string_view text) {
  return std::ranges::all_of(text, [](char byte) { return kTargetBytes[static_cast<unsigned char>(byte)]; });
}

// RFC 3986 §3.1.
bool is_scheme(std::string_view text) {
  return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, [](char byte) {
    return is_letter(byte) || is_digit(byte) || byte == '+' || byte == '-' || byte == '.';
  });
}

// Letters, digits and the marks of RFC 3986 §2.3. The sub-delims that §3.2.2 would allow in a name occur in attacks
// only.
bool is_host_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char byte) {
    return is_letter(byte) || is_digit(byte) || byte == '-' || byte == '.' || byte == '_' || byte == '~';
  });
}

void split_query(std::string_view text, Target& target) {
  target.path_and_query = text;
  const std::size_t mark = text.find('?');
  target.path = text.substr(0, mark);
  target.has_query = mark != std::string_view::npos;
  if (target.has_query) target.query = text.substr(mark + 1);
}

std::optional<Target> split_absolute(std::string_view text, std::size_t scheme_end) {
  Target target;
  target.form = TargetForm::kAbsolute;
  target.scheme = text.substr(0, scheme_end);
  const std::string_view rest = text.substr(scheme_end + 3);
  const std::size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  target.authority = rest.substr(0, authority_end);
  if (!is_scheme(target.scheme) || !split_authority(target.authority)) return std::nullopt;
  split_query(rest.substr(authority_end), target);
  return target;
}

// How many bytes of `text` spell one dot: 1, 3 for "%2e" where escapes count, or 0.
std::size_t dot_at(std::string_view text, bool escapes) {
  if (text.starts_with('.')) return 1;
  const bool is_escape = escapes && text.size() >= 3 && text[0] == '%' && text[1] == '2' && to_lower(text[2]) == 'e';
  return is_escape ? 3 : 0;
}

// 1 for ".", 2 for "..", 0 for every other segment.
int dots_of(std::string_view segment, bool escapes) {
  const std::size_t first = dot_at(segment, escapes);
  if (first == 0) return 0;
  segment.remove_prefix(first);
  if (segment.empty()) return 1;
  const std::size_t second = dot_at(segment, escapes);
  return second != 0 && second == segment.size() ? 2 : 0;
}

std::span<char> remove_dots(std::span<char> path, bool escapes) {
  const std::string_view text(path.data(), path.size());
  DCHECK(text.starts_with('/'));
  std::size_t written = 0;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('/', begin + 1), text.size());
    const int dots = dots_of(text.substr(begin + 1, end - begin - 1), escapes);
    if (dots == 2) {
      // Takes the last segment back with its slash; nothing is left to take at the root.
      while (written > 0 && path[--written] != '/') continue;
    }
    if (dots == 0) {
      std::memmove(path.data() + written, path.data() + begin, end - begin);
      written += end - begin;
    } else if (end == text.size()) {
      path[written++] = '/';
    }
    begin = end;
  }
  return path.first(written);
}

}  // namespace

std::optional<Target> split_target(std::string_view text) {
  if (text.empty() || !is_target_text(text)) return std::nullopt;
  Target target;
  if (text.front() == '/') {
    split_query(text, target);
    return target;
  }
  if (text == "*") {
    target.form = TargetForm::kAsterisk;
    target.path = target.path_and_query = text;
    return target;
  }
  const std::size_t scheme_end = text.find("://");
  if (scheme_end != std::string_view::npos) return split_absolute(text, scheme_end);
  const std::optional<Authority> authority = split_authority(text);
  // CONNECT names a port always (RFC 9112 §3.2.3); without one this is no target at all.
  if (!authority || !authority->port) return std::nullopt;
  target.form = TargetForm::kAuthority;
  target.authority = text;
  return target;
}

std::optional<Authority> split_authority(std::string_view text) {
  Authority authority;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    authority.host = text.substr(1, close - 1);
    authority.is_ipv6 = true;
    port = text.substr(close + 1);
    const std::optional<IpAddress> address = IpAddress::parse(text.substr(0, close + 1));
    if (!address || authority.host.find(':') == std::string_view::npos) return std::nullopt;
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    authority.host = text.substr(0, colon);
    port = text.substr(colon);
    if (!is_host_name(authority.host)) return std::nullopt;
  }
  if (port.empty() || port == ":") return authority;
  const std::optional<std::uint64_t> number = port.front() == ':' ? parse_decimal(port.substr(1)) : std::nullopt;
  if (!number || *number == 0 || *number > 65535) return std::nullopt;
  authority.port = static_cast<std::uint16_t>(*number);
  return authority;
}

bool has_valid_escapes(std::string_view text) {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 3)) {
    if (text.size() - at < 3 || hex_value(text[at + 1]) < 0 || hex_value(text[at + 2]) < 0) return false;
  }
  return true;
}

std::size_t percent_decode(std::string_view text, char* out, SlashEscapes slashes) {
  std::size_t written = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    char byte = text[at];
    if (byte == '%' && text.size() - at >= 3) {
      const int high = hex_value(text[at + 1]);
      const int low = hex_value(text[at + 2]);
      const bool is_escape = high >= 0 && low >= 0;
      const char decoded = static_cast<char>(high * 16 + low);
      if (is_escape && (decoded != '/' || slashes == SlashEscapes::kDecode)) {
        byte = decoded;
        at += 2;
      }
    }
    out[written++] = byte;
  }
  return written;
}

std::size_t percent_encode(std::string_view text, char* out) {
  constexpr std::string_view kKept = "-._~/!$&'()*+,;=:@";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::size_t written = 0;
  for (const char byte : text) {
    if (is_letter(byte) || is_digit(byte) || kKept.contains(byte)) {
      out[written++] = byte;
      continue;
    }
    const auto value = static_cast<unsigned char>(byte);
    out[written++] = '%';
    out[written++] = kHex[value >> 4];
    out[written++] = kHex[value & 15];
  }
  return written;
}

std::span<char> remove_dot_segments(std::span<char> path) {
  return remove_dots(path, false);
}

std::span<char> remove_encoded_dot_segments(std::span<char> path) {
  return remove_dots(path, true);
}

std::span<char> merge_slashes(std::span<char> path) {
  const auto same = std::ranges::unique(path, [](char left, char right) { return left == '/' && right == '/'; });
  return path.first(path.size() - same.size());
}

std::span<char> turn_backslashes(std::span<char> path) {
  std::ranges::replace(path, '\\', '/');
  return path;
}

}  // namespace viaduct::base
