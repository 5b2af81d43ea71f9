// SPDX-License-Identifier: Apache-2.0
#include "route/regex.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/format.h"

namespace viaduct::route {
namespace {

re2::StringPiece piece_of(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

base::Result<Regex> Regex::compile(const std::string& pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMemoryBytesMax);
  auto expression = std::make_unique<re2::RE2>(pattern, options);
  if (!expression->ok()) return base::fail(expression->error());
  return Regex(std::move(expression));
}

Regex::Regex(std::unique_ptr<re2::RE2> expression) : expression_(std::move(expression)) {}
Regex::~Regex() = default;
Regex::Regex(Regex&& other) noexcept = default;
Regex& Regex::operator=(Regex&& other) noexcept = default;

const std::string& Regex::pattern() const {
  return expression_->pattern();
}

bool Regex::matches(std::string_view text) const {
  return expression_->Match(piece_of(text), 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0);
}

bool Regex::find(std::string_view text, Groups& groups) const {
  std::array<re2::StringPiece, kGroupsMax> found;
  const int count = std::min(1 + expression_->NumberOfCapturingGroups(), static_cast<int>(found.size()));
  if (!expression_->Match(piece_of(text), 0, text.size(), re2::RE2::UNANCHORED, found.data(), count)) return false;
  std::ranges::transform(found, groups.begin(),
                         [](const re2::StringPiece& piece) { return std::string_view(piece.data(), piece.size()); });
  return true;
}

base::Result<void> Regex::check_replacement(std::string_view replacement) const {
  const int groups = std::min(expression_->NumberOfCapturingGroups(), static_cast<int>(kGroupsMax) - 1);
  for (std::size_t at = replacement.find('\\'); at != std::string_view::npos; at = replacement.find('\\', at + 2)) {
    const char named = at + 1 < replacement.size() ? replacement[at + 1] : '\0';
    if (named == '\\') continue;
    if (!base::is_digit(named)) {
      return base::fail(base::format(
          "\"{}\" has a \\ before what is no digit; write \\0 to \\9 for what was found, and \\\\ for a backslash",
          replacement));
    }
    if (named - '0' <= groups) continue;
    return base::fail(
        base::format("\"{}\" wants group {}, but the expression has {}; put ( ) around what is meant there",
                     replacement, named, groups));
  }
  return {};
}

}  // namespace viaduct::route
