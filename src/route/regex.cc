// SPDX-License-Identifier: Apache-2.0
#include "route/regex.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

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
  std::string error;
  if (!expression_->CheckRewriteString(piece_of(replacement), &error)) return base::fail(std::move(error));
  return {};
}

}  // namespace viaduct::route
