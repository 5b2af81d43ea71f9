// SPDX-License-Identifier: Apache-2.0
#include "config/password_file.h"

#include <algorithm>
#include <set>

#include "base/format.h"
#include "os/password.h"

namespace viaduct::config {

namespace {

std::unexpected<std::string> fault(int line, std::string_view what) {
  return std::unexpected(base::format("line {}: {}", line, what));
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; });
}

// What stands at the start of a line and does not show: it would belong to the name, so that nobody had it.
std::string_view explain_start(std::string_view line) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (line.starts_with(kByteOrderMark)) {
    return "a byte order mark (BOM) stands at its start; save the file as UTF-8 without BOM";
  }
  // No-break space, ideographic space.
  const bool is_wide = line.starts_with("\xc2\xa0") || line.starts_with("\xe3\x80\x80");
  const bool is_space = is_wide || std::string_view(" \t\v\f").contains(line.front());
  return is_space ? "white space stands at its start; delete it, or the line" : "";
}

}  // namespace

Parsed<std::vector<PasswordEntry>> parse_password_file(std::string_view text) {
  std::vector<PasswordEntry> entries;
  std::set<std::string_view> names;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    if (const std::string_view wrong = explain_start(line); !wrong.empty()) return fault(number, wrong);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return fault(number, "no user before a colon; write user:hash");
    const std::string_view user = line.substr(0, colon);
    const std::string_view hash = line.substr(colon + 1);
    if (has_control(user)) return fault(number, "the user's name has control characters; write it anew");
    if (const std::string wrong = os::explain_password_hash(hash); !wrong.empty()) return fault(number, wrong);
    if (!names.insert(user).second) return fault(number, "the user stands in a line before, too; delete one of them");
    entries.push_back({.user = std::string(user), .hash = {std::string(hash)}});
  }
  if (entries.empty()) return std::unexpected("there is no user in it; add one with htpasswd -B FILE USER");
  return entries;
}

}  // namespace viaduct::config
